//! The report of a run of an hour: how large it is, and how soon it is open.

use std::path::Path;
use std::time::Duration;

use loadgate::exposition::{Format, Limits, parse};
use loadgate::labels::Labels;
use loadgate::promql;
use loadgate::report::{Material, html};
use loadgate::tsdb::{Origin, Store};
use serde_json::json;

use crate::bench::Bench;
use crate::moving::Moving;
use crate::stage::{FIRST_USEFUL, Stage, browser};
use crate::table::{Table, Targets, median};
use crate::{Result, http};

const HOUR_SECS: u32 = 3_600;
/// As runs are kept.
const STEP_SECS: u32 = 5;
const BEGIN_MS: i64 = 1_795_230_995_000;
/// How long the run was whose families are moved on.
const RECORDED_SECS: f64 = 30.0;

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let file = bench.folder().join("report.html");
    let (megabytes, made) = write(bench, &file)?;
    let mut browser = browser()?;
    browser.page("Page.addScriptToEvaluateOnNewDocument", &json!({"source": FIRST_USEFUL}));
    let mut table = Table::titled(&["opening", "first useful picture, s"]);
    let mut taken = Vec::new();
    for opening in 1..=bench.either(10, 3) {
        browser.open("about:blank");
        browser.open(&format!("file://{}", file.display()));
        browser.wait(
            "document.querySelector('[data-panel]')?.scrollIntoView(), globalThis.firstUseful",
            "four panels and the verdict",
        );
        let secs = browser.evaluate("firstUseful / 1000").as_f64().ok_or("no time")?;
        table.row(vec![opening.to_string(), format!("{secs:.2}")]);
        taken.push(secs);
    }
    table.print("The report of an hour of the chat plan, opened from the disk");
    println!("  {megabytes:.2} MB, made in {:.2} s", made.as_secs_f64());
    targets.at_most("report: size of an hour's, in MB", megabytes, 5.0);
    targets.at_most("report: open, median, in s", median(taken), 2.0);
    Ok(())
}

/// What a real run shows, moved on for an hour.
fn write(bench: &Bench, file: &Path) -> Result<(f64, Duration)> {
    let stage = Stage::set(&bench.folder().join("report"), 100)?;
    let shown = |address| -> Result<Moving> {
        let families =
            parse(&http::get(address, "/metrics")?.body, Format::Text, &Limits::default())?.families;
        Ok(Moving::new(families, RECORDED_SECS))
    };
    let mut jobs = [("loadgate", shown(stage.daemon.address)?), ("backend", shown(stage.target.address)?)];
    let store = Store::default();
    for (job, _) in &jobs {
        store.identify(&Origin((*job).to_owned()), Labels::new([("job", *job), ("instance", "localhost")]));
    }
    for second in 0..HOUR_SECS {
        for (job, moving) in &mut jobs {
            moving.tick();
            if second % STEP_SECS == 0 {
                store.scrape(&Origin((*job).to_owned()), at_ms(second), moving.families());
            }
        }
    }
    let run = http::get(stage.daemon.address, &format!("/api/v1/runs/{}", stage.run))?.json()?;
    let summary = http::get(stage.daemon.address, &format!("/api/v1/runs/{}/summary", stage.run))?.json()?;
    let began = std::time::Instant::now();
    let text = html(&Material {
        run: &run,
        summary: &summary,
        log: "",
        store: &store,
        from_ms: BEGIN_MS,
        to_ms: at_ms(HOUR_SECS - STEP_SECS),
        interval: Duration::from_secs(u64::from(STEP_SECS)),
        limits: promql::Limits::default(),
    })?;
    let made = began.elapsed();
    std::fs::write(file, &text)?;
    Ok((text.len() as f64 / 1e6, made))
}

fn at_ms(second: u32) -> i64 {
    BEGIN_MS + i64::from(second) * 1_000
}
