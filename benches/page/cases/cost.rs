//! What a page that is looked at costs the daemon: 20 panels, refreshed every second.

use std::time::{Duration, Instant};

use crate::Result;
use crate::bench::Bench;
use crate::stage::{Stage, browser};
use crate::table::{Table, Targets, median};

/// Of CPU, in percent of a core.
const LIMIT: f64 = 5.0;
/// Of a request a second for each panel.
const ENOUGH: f64 = 0.8;

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let stage = Stage::set(&bench.folder().join("cost"), 100)?;
    let mut browser = browser()?;
    // Tall enough for all of the board.
    browser.size(1400, 6000);
    let lasts = bench.either(Duration::from_secs(30), Duration::from_secs(6));
    let mut table = Table::titled(&["round", "without, %", "with, %", "panels", "requests/s"]);
    let mut costs = Vec::new();
    for round in 1..=bench.either(5, 1) {
        browser.open("about:blank");
        let without = percent_of_core(&stage, lasts)?;
        browser.open(&stage.page(&format!("/runs/{}?dashboard=loadgate-load", stage.run)));
        browser.wait("document.querySelectorAll('[data-panel][data-state=drawn]').length >= 20", "20 panels");
        let before = browser.requested().len();
        let with = percent_of_core(&stage, lasts)?;
        let asked = (browser.requested().len() - before) as f64 / lasts.as_secs_f64();
        let panels = browser
            .evaluate("document.querySelectorAll('[data-panel][data-state=drawn]').length")
            .as_f64()
            .ok_or("no count")?;
        table.row(vec![
            round.to_string(),
            format!("{without:.1}"),
            format!("{with:.1}"),
            format!("{panels:.0}"),
            format!("{asked:.1}"),
        ]);
        // A machine that does not come round to refreshing them says nothing of what it costs.
        costs.push(if asked < ENOUGH * panels { f64::NAN } else { (with - without) * 20.0 / panels });
    }
    table.print(
        "The daemon's CPU during a run, without and with a page whose panels are refreshed every second",
    );
    targets.at_most("cost: 20 panels every second, in % of a core", median(costs), LIMIT);
    Ok(())
}

/// The daemon's, load included, over this time.
fn percent_of_core(stage: &Stage, lasts: Duration) -> Result<f64> {
    let (before, began) = (stage.daemon.cpu_secs()?, Instant::now());
    std::thread::sleep(lasts);
    Ok(100.0 * (stage.daemon.cpu_secs()? - before) / began.elapsed().as_secs_f64())
}
