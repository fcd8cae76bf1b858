//! From navigation to the first useful picture of a run: its state in words, and four panels in view with data drawn.

use serde_json::json;

use crate::Result;
use crate::bench::Bench;
use crate::stage::{FIRST_USEFUL, Stage, browser};
use crate::table::{Table, Targets, median};

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let stage = Stage::set(&bench.folder().join("open"), 100)?;
    let mut browser = browser()?;
    // As of a user who was never here.
    browser.page("Network.setCacheDisabled", &json!({"cacheDisabled": true}));
    browser.page("Page.addScriptToEvaluateOnNewDocument", &json!({"source": FIRST_USEFUL}));
    let mut table = Table::titled(&["opening", "first useful picture, s"]);
    let mut taken = Vec::new();
    for opening in 1..=bench.either(10, 3) {
        browser.open("about:blank");
        browser.open(&stage.page(&format!("/runs/{}", stage.run)));
        browser.wait("globalThis.firstUseful", "four panels and the run's state");
        let secs = browser.evaluate("firstUseful / 1000").as_f64().ok_or("no time")?;
        table.row(vec![opening.to_string(), format!("{secs:.2}")]);
        taken.push(secs);
    }
    table.print("A run's page, opened during the run, nothing cached");
    let worst = taken.iter().copied().fold(f64::NAN, f64::max);
    targets.at_most("open: first useful picture, median, in s", median(taken), 2.0);
    targets.at_most("open: first useful picture, the worst, in s", worst, 2.0);
    Ok(())
}
