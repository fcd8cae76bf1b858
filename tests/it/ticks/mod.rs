//! The same samples before Prometheus and before us: what alert and recording rules come to must be equal at every
//! tick.

mod peer;
mod replay;
mod script;
mod shipped;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stage::{HttpServer, reply};
use peer::{Peer, Recording};
use replay::{Report, replay};

/// Compares what `record` gives. Where a recording does not say what Prometheus saw, another is made.
fn agree(attempts: usize, record: impl Fn() -> Option<Recording>) -> Option<Report> {
    let mut torn = Vec::new();
    while torn.len() < attempts {
        match replay(&record()?) {
            Ok(report) => {
                println!(
                    "compared {} ticks, {} series, {} lists of alerts",
                    report.ticks, report.series, report.alert_lists
                );
                let differences = &report.differences;
                let shown = differences.iter().take(8).map(String::as_str).collect::<Vec<_>>().join("\n");
                assert!(differences.is_empty(), "{} differences:\n{shown}", differences.len());
                return Some(report);
            }
            Err(why) => torn.push(why.0),
        }
    }
    panic!("no recording was clear: {torn:?}");
}

/// A server of a script. It stays at the first step until the count of what came before is set.
fn scripted(show: impl Fn(u64) -> Option<String> + Send + Sync + 'static) -> (HttpServer, Arc<AtomicU64>) {
    let begin = Arc::new(AtomicU64::new(u64::MAX));
    let begun = Arc::clone(&begin);
    let server = HttpServer::start(move |asked| {
        let step = asked.number.saturating_sub(begun.load(Ordering::SeqCst)).min(script::STEPS - 1);
        let answer = show(step).map_or_else(|| reply(500, "broken"), |page| reply(200, &page));
        std::future::ready(answer)
    });
    (server, begin)
}

fn record() -> Option<Recording> {
    let rules = ["firing", "silent", "absent"].map(|name| {
        let path = format!("{}/tests/it/ticks/rules/{name}.yml", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    });
    let (main, main_begin) = scripted(|step| Some(script::main(step)));
    let (flaky, flaky_begin) = scripted(script::flaky);
    let targets = [("main", main.address()), ("flaky", flaky.address())];
    let mut peer = Peer::start(&targets, &rules)?;
    // The rules see the first step a few times.
    let idle = main.requests() + 3;
    peer.watch(|| main.requests() >= idle);
    main_begin.store(main.requests(), Ordering::SeqCst);
    flaky_begin.store(flaky.requests(), Ordering::SeqCst);
    let last = [&main, &flaky].map(|server| server.requests() + script::STEPS);
    peer.watch(|| main.requests() >= last[0] && flaky.requests() >= last[1]);
    Some(peer.end())
}

fn alerts(name: &str) -> BTreeSet<String> {
    let path = format!("{}/tests/it/ticks/rules/{name}.yml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let names: BTreeSet<String> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ").map(str::to_owned)).collect();
    assert_eq!(names.len(), 20, "{name}");
    names
}

#[test]
fn sixty_rules_come_to_the_same_at_every_tick_as_in_prometheus() {
    let Some(report) = agree(2, record) else { return };
    let never: Vec<String> = alerts("firing").difference(&report.firing).cloned().collect();
    assert!(never.is_empty(), "never firing: {never:?}");
    let once: Vec<String> = alerts("silent").intersection(&report.firing).cloned().collect();
    assert!(once.is_empty(), "not silent: {once:?}");
    let both: Vec<String> = alerts("absent").intersection(&report.firing).cloned().collect();
    assert!((8..=14).contains(&both.len()), "of the absent ones these fire: {both:?}");
    assert!(report.pending.len() >= 8, "{:?} were pending", report.pending);
    assert!(report.ticks >= 200 && report.alert_lists >= 200, "{report:?}");
}
