//! Rule groups as a run evaluates them: a tick a second, each group at its own interval, on a store that is fed at each tick.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use loadgate::labels::Labels;
use loadgate::promql::Options;
use loadgate::rules::{Context, DEFAULT_INTERVAL, Group, RuleFile};
use loadgate::tsdb::{Origin, Store};
use serde_json::json;

use super::{EPOCH_MS, cpu_time};
use crate::Result;
use crate::page::Pages;

const FIRST: u32 = 60;

pub(super) fn run(pages: &Path, ticks: u32, rules: &[PathBuf]) -> Result<()> {
    let mut groups = Vec::new();
    for path in rules {
        let text = std::fs::read_to_string(path)?;
        let checked =
            RuleFile::read(&path.display().to_string(), &text).map_err(|problems| problems.to_string())?;
        groups.extend(checked.file.groups.into_iter().map(|spec| Group::new(spec, DEFAULT_INTERVAL)));
    }
    let mut pages = Pages::read(pages)?.moving();
    let store = Store::default();
    let options = Options::default();
    let began = Instant::now();
    let context = Context {
        options: &options,
        external_labels: &Labels::empty(),
        external_url: "",
        stopwatch: &|| began.elapsed(),
    };
    let (mut rules_time, mut first, mut worst, mut intake) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut failures: Vec<String> = Vec::new();
    for tick in 0..ticks {
        pages.iter_mut().for_each(|(_, moving)| moving.tick());
        let at_ms = EPOCH_MS + i64::from(tick) * 1000;
        let before = cpu_time();
        for (job, moving) in &pages {
            store.scrape(&Origin(job.clone()), at_ms, moving.families());
        }
        intake += cpu_time() - before;
        let before = cpu_time();
        for group in &mut groups {
            if group.due(at_ms) {
                let evaluation = group.evaluate(&store, at_ms, &context);
                failures.extend(evaluation.failures.into_iter().map(|failure| failure.message));
            }
        }
        let took = cpu_time() - before;
        rules_time += took;
        worst = worst.max(took);
        if tick < FIRST {
            first += took;
        }
    }
    if let Some(failure) = failures.first() {
        return Err(format!("{} evaluations failed, the first: {failure}", failures.len()).into());
    }
    let ms_per_sec = |time: Duration, secs: u32| time.as_secs_f64() * 1000.0 / f64::from(secs);
    let alerts = groups.iter().flat_map(Group::rules).map(|rule| rule.active_alerts().count()).sum::<usize>();
    println!(
        "{}",
        json!({
            "series": pages.iter().map(|(_, moving)| super::samples(moving.families())).sum::<usize>(),
            "rules": groups.iter().map(|group| group.rules().len()).sum::<usize>(),
            "rules_ms": ms_per_sec(rules_time, ticks),
            "first_ms": ms_per_sec(first, FIRST.min(ticks)),
            "worst_ms": worst.as_secs_f64() * 1000.0,
            "intake_ms": ms_per_sec(intake, ticks),
            "alerts": alerts,
        })
    );
    Ok(())
}
