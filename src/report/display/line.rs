//! Snapshots as lines of text. Pure.

use std::time::Duration;

use super::super::clean::clean;
use super::super::{Phase, Progress, ProgressProbe, ScenarioProgress, Waiting, number};
use crate::time::span;

const BAR_WIDTH: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Names are padded to this many characters.
    pub name_width: usize,
    /// A bar beside the percentage.
    pub bar: bool,
}

/// How a scenario stands; k6's symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Mark {
    Waiting,
    Running,
    Done,
    /// The run ended before the scenario did.
    Cut,
}

impl Mark {
    pub(in crate::report) fn symbol(self) -> char {
        match self {
            Mark::Waiting => '•',
            Mark::Running => ' ',
            Mark::Done => '✓',
            Mark::Cut => '✗',
        }
    }
}

pub(in crate::report) fn mark(scenario: &ScenarioProgress, phase: Phase, elapsed: Duration) -> Mark {
    let over = scenario.done || elapsed >= scenario.start_time.saturating_add(scenario.duration);
    match phase {
        Phase::Finished | Phase::Teardown | Phase::Verifying if over => Mark::Done,
        Phase::Finished | Phase::Teardown | Phase::Verifying => Mark::Cut,
        _ if elapsed < scenario.start_time || !phase.has_load() => Mark::Waiting,
        _ if scenario.waits_for.is_some() => Mark::Waiting,
        _ if over && scenario.active_vus == 0 => Mark::Done,
        _ => Mark::Running,
    }
}

/// The planned part that has passed, 0 to 100; without the graceful stop. Of a number of iterations those
/// that have ended, or the time where that is the limit they are nearer to.
pub(in crate::report) fn percent(scenario: &ScenarioProgress, elapsed: Duration) -> u64 {
    let ended = scenario.completed + scenario.interrupted;
    let of_iterations = scenario.iterations.map_or(0, |all| ended.saturating_mul(100) / all.max(1));
    if scenario.done { 100 } else { of_iterations.max(percent_of_time(scenario, elapsed)).min(100) }
}

fn percent_of_time(scenario: &ScenarioProgress, elapsed: Duration) -> u64 {
    let own = elapsed.saturating_sub(scenario.start_time);
    if own >= scenario.duration {
        return if elapsed < scenario.start_time { 0 } else { 100 };
    }
    (own.as_secs_f64() / scenario.duration.as_secs_f64() * 100.0) as u64
}

/// `03/10 VUs`: active, then allocated.
pub(in crate::report) fn vus(scenario: &ScenarioProgress) -> String {
    vus_text(scenario.active_vus, scenario.allocated_vus)
}

fn vus_text(active: u64, allocated: u64) -> String {
    let width = allocated.max(active).to_string().len();
    format!("{active:0width$}/{allocated} VUs")
}

/// `03/10 VUs, 539 complete and 0 interrupted iterations`, of all scenarios together.
pub(in crate::report) fn tally(scenarios: &[ScenarioProgress]) -> String {
    let sum = |of: fn(&ScenarioProgress) -> u64| scenarios.iter().map(of).sum::<u64>();
    let vus = vus_text(sum(|each| each.active_vus), sum(|each| each.allocated_vus));
    let dropped = match sum(|each| each.dropped) {
        0 => String::new(),
        dropped => format!(", {dropped} dropped"),
    };
    let (completed, interrupted) = (sum(|each| each.completed), sum(|each| each.interrupted));
    format!("{vus}, {completed} complete and {interrupted} interrupted iterations{dropped}")
}

/// The run as a whole: `running (02.0s/08s), 03/10 VUs, 123 complete and 0 interrupted iterations`.
pub fn headline(progress: &Progress) -> String {
    let word = match progress.phase {
        Phase::Preflight => return preflight(progress.waiting.as_ref()),
        Phase::Setup => return "setup: no load is sent yet".to_owned(),
        Phase::Running if progress.elapsed < progress.warmup => "warming up",
        Phase::Running => "running",
        Phase::Paused => return paused(progress),
        Phase::Draining => "draining",
        Phase::Verifying => return "verifying: the load is over".to_owned(),
        Phase::Teardown => return "teardown: the load is over".to_owned(),
        Phase::Finished => "finished",
    };
    format!("{word} {}", course(progress))
}

/// `paused for 12s (02.0s/08s), 00/10 VUs, …`; the clock stands still.
fn paused(progress: &Progress) -> String {
    format!("paused for {} {}", span(Duration::from_secs(progress.paused.as_secs())), course(progress))
}

fn course(progress: &Progress) -> String {
    let clock = number::clock(progress.elapsed, progress.planned);
    // What waits for another scenario begins at no round time.
    let tenths = progress.planned.subsec_millis() / 100;
    let planned = Duration::new(progress.planned.as_secs(), tenths * 100_000_000);
    format!("({clock}/{}), {}", span(planned), tally(&progress.scenarios))
}

/// `preflight: waiting for GET http://localhost/health: connection refused (12s of 30s)`
fn preflight(waiting: Option<&Waiting>) -> String {
    let Some(Waiting { what, why, waited, at_most }) = waiting else {
        return "preflight: no load is sent yet".to_owned();
    };
    let (waited, at_most) = (Duration::from_secs(waited.as_secs()), span(*at_most));
    format!("preflight: waiting for {}: {} ({} of {at_most})", clean(what), clean(why), span(waited))
}

/// One scenario: `chat [  50% ] 3/5 VUs  02.0s/4s  50.0 iters/s  2.43% failed  p95=20.14ms`, then what
/// was dropped and interrupted, if anything was.
pub fn line(scenario: &ScenarioProgress, phase: Phase, elapsed: Duration, layout: Layout) -> String {
    let mark = mark(scenario, phase, elapsed);
    let percent = percent(scenario, elapsed);
    let gauge =
        if layout.bar { format!("[{}] {percent:>3}%", bar(percent)) } else { format!("[ {percent:>3}% ]") };
    let name = clean(&scenario.name);
    let head = format!("{name:width$} {} {gauge}", mark.symbol(), width = layout.name_width);
    if mark == Mark::Waiting {
        if let Some(other) = &scenario.waits_for {
            return format!("{head} waiting for {}", clean(other));
        }
        let until = scenario.start_time.saturating_sub(elapsed);
        return format!("{head} waiting  {}", number::clock(until, scenario.start_time));
    }
    let own = elapsed.saturating_sub(scenario.start_time);
    let planned = span(scenario.duration);
    let mut parts = vec![vus(scenario)];
    parts.push(if own < scenario.duration {
        format!("{}/{planned}", number::clock(own, scenario.duration))
    } else {
        planned
    });
    if let Some(iterations) = scenario.iterations {
        parts.push(format!("{}/{iterations} iters", scenario.completed + scenario.interrupted));
    }
    parts.push(format!("{:.1} iters/s", scenario.iterations_per_sec));
    parts.extend(scenario.failed_share.map(|share| format!("{} failed", number::share(share))));
    parts.extend(scenario.p95.map(|p95| format!("p95={}", number::millis(p95.as_secs_f64() * 1e3))));
    for (count, word) in [(scenario.dropped, "dropped"), (scenario.interrupted, "interrupted")] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    format!("{head} {}", parts.join("  "))
}

/// The target's probes: `target: hz 99.8 (min 97)  queue no data`; `None` without probes.
pub fn target_line(probes: &[ProgressProbe]) -> Option<String> {
    let probes: Vec<String> = probes.iter().map(probe).collect();
    (!probes.is_empty()).then(|| format!("target: {}", probes.join("  ")))
}

fn probe(probe: &ProgressProbe) -> String {
    let name = clean(&probe.name);
    match (probe.last, probe.min) {
        (Some(last), Some(min)) => format!("{name} {} (min {})", number::number(last), number::number(min)),
        (Some(last), None) => format!("{name} {}", number::number(last)),
        (None, _) => format!("{name} no data"),
    }
}

/// k6's bar: `=========>----------`.
fn bar(percent: u64) -> String {
    let filled = (percent.min(100) as usize) * BAR_WIDTH / 100;
    match filled {
        0 => "-".repeat(BAR_WIDTH),
        BAR_WIDTH => "=".repeat(BAR_WIDTH),
        filled => format!("{}>{}", "=".repeat(filled - 1), "-".repeat(BAR_WIDTH - filled)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    fn chat() -> ScenarioProgress {
        ScenarioProgress {
            name: "chat".to_owned(),
            executor: "50.00 iterations/s for 4s".to_owned(),
            start_time: secs(10.0),
            duration: secs(4.0),
            active_vus: 3,
            allocated_vus: 10,
            max_vus: 20,
            completed: 100,
            iterations_per_sec: 49.96,
            ..ScenarioProgress::default()
        }
    }

    #[test]
    fn a_scenario_is_one_line_in_each_of_its_states() {
        let bad = ScenarioProgress {
            failed_share: Some(0.0243),
            p95: Some(Duration::from_micros(20_149)),
            dropped: 7,
            interrupted: 1,
            ..chat()
        };
        let idle = ScenarioProgress { active_vus: 0, ..chat() };
        let after_browse = ScenarioProgress { waits_for: Some("browse".to_owned()), ..chat() };
        use Phase::{Draining, Finished, Paused, Preflight, Running, Verifying};
        for (scenario, phase, elapsed, expected) in [
            (chat(), Preflight, 0.0, "chat • [   0% ] waiting  10.0s"),
            (chat(), Running, 4.5, "chat • [   0% ] waiting  05.5s"),
            (after_browse, Running, 10.0, "chat • [   0% ] waiting for browse"),
            (chat(), Running, 12.0, "chat   [  50% ] 03/10 VUs  02.0s/4s  50.0 iters/s"),
            (
                bad,
                Running,
                13.0,
                "chat   [  75% ] 03/10 VUs  03.0s/4s  50.0 iters/s  2.43% failed  p95=20.14ms  7 dropped  1 interrupted",
            ),
            (chat(), Draining, 15.0, "chat   [ 100% ] 03/10 VUs  4s  50.0 iters/s"),
            (idle.clone(), Running, 15.0, "chat ✓ [ 100% ] 00/10 VUs  4s  50.0 iters/s"),
            (idle.clone(), Verifying, 14.0, "chat ✓ [ 100% ] 00/10 VUs  4s  50.0 iters/s"),
            (idle.clone(), Paused, 11.0, "chat   [  25% ] 00/10 VUs  01.0s/4s  50.0 iters/s"),
            (idle.clone(), Finished, 14.0, "chat ✓ [ 100% ] 00/10 VUs  4s  50.0 iters/s"),
            (idle.clone(), Finished, 11.0, "chat ✗ [  25% ] 00/10 VUs  01.0s/4s  50.0 iters/s"),
            (
                ScenarioProgress { iterations: Some(125), ..chat() },
                Running,
                11.0,
                "chat   [  80% ] 03/10 VUs  01.0s/4s  100/125 iters  50.0 iters/s",
            ),
            (
                ScenarioProgress { iterations: Some(100), done: true, ..idle },
                Running,
                11.0,
                "chat ✓ [ 100% ] 00/10 VUs  01.0s/4s  100/100 iters  50.0 iters/s",
            ),
        ] {
            assert_eq!(line(&scenario, phase, secs(elapsed), Layout::default()), expected);
        }
    }

    #[test]
    fn names_are_padded_and_bars_are_of_one_width() {
        let layout = Layout { name_width: 6, bar: true };
        let shown = line(&chat(), Phase::Running, secs(12.0), layout);
        assert_eq!(shown, "chat     [=========>----------]  50% 03/10 VUs  02.0s/4s  50.0 iters/s");
        for percent in 0..=100 {
            assert_eq!(bar(percent).len(), BAR_WIDTH, "{percent}");
        }
    }

    #[test]
    fn a_scenario_without_duration_is_done_when_it_has_started() {
        let instant = ScenarioProgress { duration: Duration::ZERO, ..chat() };
        assert_eq!((percent(&instant, secs(9.0)), percent(&instant, secs(10.0))), (0, 100));
    }

    #[test]
    fn the_headline_tells_the_phase_and_adds_up_the_scenarios() {
        let progress = |phase| Progress {
            phase,
            elapsed: secs(2.0),
            planned: secs(300.0),
            paused: secs(75.5),
            scenarios: vec![chat(), ScenarioProgress { dropped: 2, ..chat() }],
            ..Progress::default()
        };
        for (phase, expected) in [
            (Phase::Preflight, "preflight: no load is sent yet"),
            (Phase::Setup, "setup: no load is sent yet"),
            (Phase::Verifying, "verifying: the load is over"),
            (Phase::Teardown, "teardown: the load is over"),
            (
                Phase::Paused,
                "paused for 1m15s (00m02.0s/5m), 06/20 VUs, 200 complete and 0 interrupted iterations, 2 dropped",
            ),
            (
                Phase::Running,
                "running (00m02.0s/5m), 06/20 VUs, 200 complete and 0 interrupted iterations, 2 dropped",
            ),
            (
                Phase::Draining,
                "draining (00m02.0s/5m), 06/20 VUs, 200 complete and 0 interrupted iterations, 2 dropped",
            ),
        ] {
            assert_eq!(headline(&progress(phase)), expected);
        }
    }

    #[test]
    fn the_headline_tells_what_preflight_waits_for_and_when_nothing_is_judged_yet() {
        let waiting = Waiting {
            what: "GET http://localhost/health".to_owned(),
            why: "connection refused".to_owned(),
            waited: secs(12.3),
            at_most: secs(30.0),
        };
        let preflight = Progress { waiting: Some(waiting), ..Progress::default() };
        let expected = "preflight: waiting for GET http://localhost/health: connection refused (12s of 30s)";
        assert_eq!(headline(&preflight), expected);
        let early = |elapsed| Progress {
            phase: Phase::Running,
            elapsed: secs(elapsed),
            planned: secs(8.0),
            warmup: secs(3.0),
            ..Progress::default()
        };
        assert!(headline(&early(2.0)).starts_with("warming up (02.0s/8s)"));
        assert!(headline(&early(3.0)).starts_with("running (03.0s/8s)"));
    }

    #[test]
    fn a_probe_without_value_says_so() {
        let probe = |name: &str, last, min| ProgressProbe { name: name.to_owned(), last, min, avg: None };
        assert_eq!(target_line(&[]), None);
        let probes = [probe("hz", Some(99.8), Some(97.0)), probe("queue", None, None)];
        assert_eq!(target_line(&probes).as_deref(), Some("target: hz 99.8 (min 97)  queue no data"));
    }
}
