//! The truth table of gates: what alerts and thresholds do to the verdict, row by row.
//!
//! A row is a rule, who named it, and what was seen of it at each tick of a run; load begins at tick 0, a tick is 10 s.

use std::collections::BTreeMap;

use super::*;
use crate::labels::Labels;
use crate::metric::Unit;
use crate::promql::{Matcher, Point, Series, Source, SourceError, TimeRange};
use crate::rules::{
    ActiveAlert, AlertOutcome, AlertState, Effect, Gate, Gravity, Health, Level, NoData, Objective, Outcome,
    RuleFile, ThresholdGate,
};
use Effect::{Degrades, Fails, Inconclusive, Nothing};
use Origin::{Daemon, Plan};

const TICK_MS: i64 = 10_000;
/// Of load's beginning; another run was over before it.
const BEGAN_MS: i64 = 10_000_000;

/// What is stored of the run: the metric `m`, this run's and another's, and what the target shows.
struct Stored;

impl Source for Stored {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let during = || (0..9).map(|tick| BEGAN_MS + tick * TICK_MS).collect::<Vec<i64>>();
        let series = [
            (vec![("__name__", "m"), ("testid", "this")], during()),
            (vec![("__name__", "of_another_run"), ("testid", "other")], during()),
            (vec![("__name__", "up"), ("job", "backend")], during()),
            (vec![("__name__", "gone"), ("job", "backend")], vec![BEGAN_MS - TICK_MS]),
        ];
        let found = series.into_iter().filter_map(|(labels, times)| {
            let labels = Labels::new(labels);
            let matches =
                |matcher: &Matcher| matcher.matches(labels.value(&matcher.label).unwrap_or_default());
            let times = times.into_iter().filter(|at_ms| (range.from_ms..=range.to_ms).contains(at_ms));
            let points: Vec<Point> = times.map(|at_ms| Point { at_ms, value: 1.0 }).collect();
            (matchers.iter().all(matches) && !points.is_empty()).then_some(Series { labels, points })
        });
        Ok(found.collect())
    }
}

/// A rule, and the letters of what was seen of it: one for each tick from load's beginning on, the last is the final
/// one. Before a `|` come ticks before load. `.` inactive, `p` pending, `F` firing, `E` in error while inactive, `X` in
/// error while firing, `?` never evaluated, `o` firing for another run, `P` pending for another run, `n` firing without
/// a `testid`, `q` pending without one.
struct Row {
    labels: &'static str,
    rest: &'static str,
    origin: Origin,
    warmup: usize,
    seen: &'static str,
    effect: Effect,
    outcome: &'static str,
}

fn row(
    labels: &'static str,
    rest: &'static str,
    origin: Origin,
    seen: &'static str,
    effect: Effect,
    outcome: &'static str,
) -> Row {
    Row { labels, rest, origin, warmup: 0, seen, effect, outcome }
}

impl Row {
    fn rule_file(&self) -> String {
        let (expr, hold) = self.rest.split_once(" for ").unwrap_or((self.rest, "0s"));
        format!(
            "groups: [{{name: g, rules: [{{alert: A, expr: '{expr}', for: {hold}, labels: {{{}}}}}]}}]",
            self.labels
        )
    }

    fn judge(&self) -> (Option<Gate>, Option<Abort>) {
        let text = self.rule_file();
        let file = RuleFile::read("rules.yml", &text).unwrap_or_else(|error| panic!("{error}")).file;
        let labels: Vec<(String, String)> = file.groups[0].rules[0]
            .labels
            .iter()
            .map(|(name, text)| (name.clone(), text.text().to_owned()))
            .collect();
        let rules = AlertRules::new(file.groups.iter().map(|group| (group, self.origin)));
        let mut watch = AlertWatch::new("this", rules);
        let (before, during) = self.seen.split_once('|').unwrap_or(("", self.seen));
        let first = -i64::try_from(before.len()).unwrap();
        let letters: Vec<char> = before.chars().chain(during.chars()).collect();
        let (mut active_at_ms, mut fired_at_ms, mut abort) = (0, None, None);
        let last = letters.len() - 1;
        for (at, letter) in letters.iter().enumerate() {
            let tick = first + i64::try_from(at).unwrap();
            let at_ms = BEGAN_MS + tick * TICK_MS;
            let before = at.checked_sub(1).map(|at| letters[at]);
            if !before.is_some_and(|before| "pFXoPnq".contains(before)) {
                active_at_ms = at_ms;
            }
            if !before.is_some_and(|before| "FXon".contains(before)) {
                fired_at_ms = None;
            }
            let state = match letter {
                'F' | 'X' | 'o' | 'n' => Some(AlertState::Firing),
                'p' | 'P' | 'q' => Some(AlertState::Pending),
                _ => None,
            };
            if state == Some(AlertState::Firing) {
                fired_at_ms.get_or_insert(at_ms);
            }
            let testid = match letter {
                'o' | 'P' => "other",
                'n' | 'q' => "",
                _ => "this",
            };
            let own = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let alert = state.map(|state| ActiveAlert {
                labels: Labels::new(own.chain([("alertname", "A"), ("testid", testid)])),
                annotations: BTreeMap::new(),
                value: 0.5,
                state,
                active_at_ms,
                fired_at_ms,
                resolved_at_ms: None,
                keep_firing_since_ms: None,
                last_sent_at_ms: None,
            });
            let health = match letter {
                'E' | 'X' => Health::Err,
                '?' => Health::Unknown,
                _ => Health::Ok,
            };
            let error = (health == Health::Err).then_some("many-to-many");
            let now = [RuleNow { alerts: alert.iter().collect(), health, error }];
            if tick == i64::try_from(self.warmup).unwrap() {
                watch.open(at_ms);
            }
            if at == last {
                let names = ["m", "up", "of_another_run", "gone"];
                let gates = watch.finish(at_ms, &now, &[], &Stored, names.into_iter());
                assert!(gates.len() <= 1);
                return (gates.into_iter().next(), abort);
            }
            abort = abort.or(watch.tick(at_ms, &now, &[]));
        }
        unreachable!("there is a last tick")
    }
}

const CRITICAL: &str = "severity: critical";
const FAIL: &str = "gate: fail";
const DOUBT: &str = "gate: inconclusive";
const NONE: &str = "gate: none";

fn table() -> Vec<Row> {
    let mut rows = vec![
        // When it fires.
        row(FAIL, "m > 1", Plan, "....", Nothing, "held"),
        row(FAIL, "m > 1", Plan, "F...", Fails, "fired"),
        row(FAIL, "m > 1", Plan, ".F..", Fails, "fired"),
        row(FAIL, "m > 1", Plan, "...F", Fails, "fired"),
        row(FAIL, "m > 1", Plan, "FFFF", Fails, "fired"),
        row(FAIL, "m > 1", Plan, "F", Fails, "fired"),
        row(FAIL, "m > 1", Plan, ".", Nothing, "held"),
        // Pending at the final tick, and not before.
        row(FAIL, "m > 1 for 30s", Plan, "....p", Inconclusive, "pending 0s of 30s"),
        row(FAIL, "m > 1 for 30s", Plan, "..ppp", Inconclusive, "pending 20s of 30s"),
        row(FAIL, "m > 1 for 30s", Plan, "ppp..", Nothing, "held"),
        row(FAIL, "m > 1 for 30s", Plan, "pp.p.", Nothing, "held"),
        row(FAIL, "m > 1 for 30s", Plan, "pppF.", Fails, "fired"),
        row(FAIL, "m > 1 for 20s", Plan, "ppF.p", Fails, "fired"),
        row(DOUBT, "m > 1 for 30s", Plan, "...pp", Inconclusive, "pending 10s of 30s"),
        row(NONE, "m > 1 for 30s", Plan, "...pp", Nothing, "unlisted"),
        row(FAIL, "m > 1 for 30s", Plan, "pp|ppp", Inconclusive, "pending 40s of 30s"),
        // Before the window, and through its opening.
        row(FAIL, "m > 1", Plan, "FF|....", Nothing, "held"),
        row(FAIL, "m > 1", Plan, "FF|FFFF", Nothing, "firing_already"),
        row(FAIL, "m > 1", Plan, ".F|FF..", Nothing, "held"),
        row(FAIL, "m > 1", Plan, ".F|F.F.", Fails, "fired"),
        row(FAIL, "m > 1", Plan, ".F|FF.F", Fails, "fired"),
        row(FAIL, "m > 1", Plan, "..|F...", Fails, "fired"),
        row(FAIL, "m > 1 for 20s", Plan, "pp|F...", Fails, "fired"),
        row(FAIL, "m > 1 for 20s", Plan, ".F|Fp..", Nothing, "held"),
        row(FAIL, "m > 1 for 20s", Plan, ".F|F.pp", Inconclusive, "pending 10s of 20s"),
        row(DOUBT, "m > 1", Plan, "FF|FFFF", Nothing, "firing_already"),
        row(FAIL, "m > 1", Daemon, "FF|FFFF", Nothing, "firing_already"),
        row(FAIL, "m > 1", Daemon, "FF|F.F.", Fails, "fired"),
        // What firing means: the label, then in a plan's files the severity.
        row(DOUBT, "m > 1", Plan, ".F..", Inconclusive, "fired"),
        row(NONE, "m > 1", Plan, ".F..", Nothing, "fired"),
        row(NONE, "m > 1", Plan, "....", Nothing, "unlisted"),
        row("gate: fial", "m > 1", Plan, ".F..", Inconclusive, "fired"),
        row("gate: Fail", "m > 1", Daemon, ".F..", Inconclusive, "fired"),
        row("gate: \"\"", "m > 1", Plan, ".F..", Nothing, "fired"),
        row("gate: \"\", severity: page", "m > 1", Plan, ".F..", Fails, "fired"),
        row("", "m > 1", Plan, ".F..", Nothing, "fired"),
        row("", "m > 1", Plan, "....", Nothing, "unlisted"),
        row(CRITICAL, "m > 1", Plan, ".F..", Fails, "fired"),
        row("severity: page", "m > 1", Plan, ".F..", Fails, "fired"),
        row("severity: warning", "m > 1", Plan, ".F..", Nothing, "fired"),
        row("severity: ticket", "m > 1", Plan, "....", Nothing, "unlisted"),
        row("severity: CRITICAL", "m > 1", Plan, ".F..", Nothing, "fired"),
        row("severity: critical, gate: none", "m > 1", Plan, ".F..", Nothing, "fired"),
        row("severity: critical, gate: inconclusive", "m > 1", Plan, ".F..", Inconclusive, "fired"),
        row("severity: warning, gate: fail", "m > 1", Plan, ".F..", Fails, "fired"),
        row(CRITICAL, "m > 1 for 30s", Plan, "...pp", Inconclusive, "pending 10s of 30s"),
        row("severity: warning", "m > 1 for 30s", Plan, "...pp", Nothing, "unlisted"),
        // In the daemon's own files only the explicit label counts.
        row(CRITICAL, "m > 1", Daemon, ".F..", Nothing, "unlisted"),
        row("severity: page", "m > 1", Daemon, "...F", Nothing, "unlisted"),
        row("", "m > 1", Daemon, ".F..", Nothing, "unlisted"),
        row(NONE, "m > 1", Daemon, ".F..", Nothing, "unlisted"),
        row(FAIL, "m > 1", Daemon, ".F..", Fails, "fired"),
        row(DOUBT, "m > 1", Daemon, ".F..", Inconclusive, "fired"),
        row(FAIL, "m > 1", Daemon, "....", Nothing, "held"),
        // The daemon has few ticks here, so that 20 s of `for` fit and 60 s do not.
        row(FAIL, "m > 1 for 20s", Daemon, "...pp", Inconclusive, "pending 10s of 20s"),
        row(FAIL, "m > 1 for 60s", Daemon, "...pp", Nothing, "not_applicable"),
        row(FAIL, "m > 1 for 60s", Daemon, ".....", Nothing, "not_applicable"),
        row(FAIL, "rate(m[30s]) > 1", Daemon, ".....", Nothing, "held"),
        row(FAIL, "rate(m[30s]) > 1 for 20s", Daemon, ".....", Nothing, "not_applicable"),
        row(FAIL, "rate(m[5m]) > 1", Daemon, ".....", Nothing, "not_applicable"),
        row(FAIL, "max_over_time(m[20s:10s] offset 1m) > 1", Daemon, ".....", Nothing, "not_applicable"),
        row(FAIL, "rate(m[5m]) > 1", Daemon, "...F.", Fails, "fired"),
        row(FAIL, "m > 1 for 60s", Daemon, "E....", Nothing, "not_applicable"),
        // A plan's own that does not fit was refused when the plan was loaded; here it is judged as it is.
        row(FAIL, "rate(m[5m]) > 1", Plan, ".....", Nothing, "held"),
        // No data.
        row(FAIL, "n > 1", Plan, "....", Inconclusive, "no_data n"),
        row(DOUBT, "n > 1", Plan, "....", Inconclusive, "no_data n"),
        row(NONE, "n > 1", Plan, "....", Nothing, "unlisted"),
        row(CRITICAL, "n > 1", Plan, "....", Inconclusive, "no_data n"),
        row(FAIL, "n > 1", Daemon, "....", Nothing, "not_applicable"),
        row(FAIL, "m / n > 1", Plan, "....", Inconclusive, "no_data n"),
        row(FAIL, "m / n > 1", Daemon, "....", Nothing, "not_applicable"),
        row(FAIL, "m and n", Plan, "....", Inconclusive, "no_data n"),
        row(FAIL, "m unless n", Plan, "....", Nothing, "held"),
        row(FAIL, "n unless m", Plan, "....", Inconclusive, "no_data n"),
        row(FAIL, "m or n", Plan, "....", Nothing, "held"),
        row(FAIL, "n or m", Plan, "....", Nothing, "held"),
        row(FAIL, "n or o", Plan, "....", Inconclusive, "no_data n and o"),
        row(FAIL, "n or vector(0) > 1", Plan, "....", Nothing, "held"),
        row(FAIL, "absent(n)", Plan, "....", Nothing, "held"),
        row(FAIL, "absent(n)", Plan, ".F..", Fails, "fired"),
        row(FAIL, "absent_over_time(n[20s])", Plan, "....", Nothing, "held"),
        row(FAIL, "absent(n) and on () o", Plan, "....", Inconclusive, "no_data o"),
        row(FAIL, "absent(m) or absent(n)", Plan, "....", Nothing, "held"),
        row(FAIL, "vector(1) > 2", Plan, "....", Nothing, "held"),
        row(FAIL, "m{job=\"x\"} > 1", Plan, "....", Inconclusive, "no_data m{job=\"x\"}"),
        row(FAIL, "up{job=\"backend\"} == 0", Plan, "....", Nothing, "held"),
        row(FAIL, "up{job=\"frontend\"} == 0", Plan, "....", Inconclusive, "no_data up{job=\"frontend\"}"),
        row(FAIL, "of_another_run > 1", Plan, "....", Inconclusive, "no_data of_another_run"),
        row(FAIL, "of_another_run > 1", Daemon, "....", Nothing, "not_applicable"),
        // A series of before the window is there only for what looks so far back.
        row(FAIL, "gone > 1", Plan, "....", Inconclusive, "no_data gone"),
        row(FAIL, "rate(gone[20s]) > 1", Plan, "....", Nothing, "held"),
        row(FAIL, "gone offset 20s > 1", Plan, "....", Nothing, "held"),
        row(FAIL, "n > 1", Plan, ".F..", Fails, "fired"),
        // In error at the final tick: nobody knows. An error before freezes the state.
        row(FAIL, "m > 1", Plan, "...E", Inconclusive, "error"),
        row(FAIL, "m > 1", Plan, ".EE.", Nothing, "held"),
        row(FAIL, "m > 1", Plan, ".F.E", Fails, "fired"),
        row(FAIL, "m > 1", Plan, "..FX", Fails, "fired"),
        row(FAIL, "m > 1", Plan, ".F|FX", Inconclusive, "error"),
        row(DOUBT, "m > 1", Plan, "...E", Inconclusive, "error"),
        row(NONE, "m > 1", Plan, "...E", Nothing, "unlisted"),
        row(FAIL, "n > 1", Plan, "...E", Inconclusive, "error"),
        row(FAIL, "m > 1", Daemon, "...E", Inconclusive, "error"),
        row(FAIL, "m > 1", Plan, "????", Inconclusive, "error"),
        // Whose alert it is.
        row(FAIL, "m > 1", Plan, ".o..", Nothing, "held"),
        row(FAIL, "m > 1", Plan, ".oF.", Fails, "fired"),
        row(FAIL, "m > 1 for 30s", Plan, "...P", Nothing, "held"),
        row(FAIL, "up == 0", Plan, ".n..", Fails, "fired"),
        row(FAIL, "up == 0 for 30s", Plan, "...q", Inconclusive, "pending 0s of 30s"),
        row(FAIL, "up == 0", Plan, "nn|nnn", Nothing, "firing_already"),
        row(FAIL, "up == 0", Daemon, ".n..", Fails, "fired"),
        row(FAIL, "up == 0", Plan, "nn|...", Nothing, "held"),
        // The labels of the alert itself have the last word.
        row("gate: \"{{ $value }}\"", "m > 1", Plan, "....", Nothing, "held"),
        row("gate: \"{{ $value }}\"", "n > 1", Plan, "....", Inconclusive, "no_data n"),
        row("severity: \"{{ $value }}\"", "n > 1", Plan, "....", Inconclusive, "no_data n"),
        row("severity: \"{{ $value }}\"", "n > 1", Daemon, "....", Nothing, "unlisted"),
    ];
    let warm = |warmup, seen, effect, outcome| Row {
        warmup,
        ..row(FAIL, "m > 1 for 20s", Plan, seen, effect, outcome)
    };
    rows.extend([
        // A warmup of one or two ticks is not judged.
        warm(1, "F....", Nothing, "held"),
        warm(1, ".F...", Fails, "fired"),
        warm(2, "FF...", Nothing, "held"),
        warm(2, "FFFFF", Nothing, "firing_already"),
        warm(2, ".FF.F", Fails, "fired"),
        warm(2, "ppF..", Fails, "fired"),
        warm(2, "pp...", Nothing, "held"),
        warm(2, "...pp", Inconclusive, "pending 10s of 20s"),
    ]);
    rows
}

fn told(gate: Option<&Gate>) -> String {
    let Some(Gate::Alert(gate)) = gate else { return "unlisted".to_owned() };
    match &gate.outcome {
        AlertOutcome::Pending { held, hold, .. } => {
            format!("pending {}s of {}s", held.as_secs(), hold.as_secs())
        }
        AlertOutcome::NoData(no_data) => format!("no_data {}", no_data.selector),
        other => other.as_str().to_owned(),
    }
}

#[test]
fn alerts_decide_as_the_table_says() {
    let rows = table();
    assert!(rows.len() >= 100, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let (gate, _) = row.judge();
        let found = (gate.as_ref().map_or(Nothing, Gate::effect), told(gate.as_ref()));
        if found != (row.effect, row.outcome.to_owned()) {
            let Row { labels, rest, origin, warmup, seen, effect, outcome } = row;
            wrong.push(format!(
                "{labels} {rest} {origin:?} warmup {warmup} `{seen}`: {found:?}, expected {effect:?} {outcome}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn an_alert_ends_the_run_when_it_fires_in_the_judged_window_and_its_label_says_so() {
    for (labels, origin, warmup, seen, ends) in [
        ("gate: fail, abort: \"true\"", Plan, 0, "..F.", true),
        ("gate: fail, abort: \"true\"", Plan, 0, "....", false),
        ("gate: fail, abort: \"true\"", Plan, 0, "F...", true),
        ("gate: fail, abort: \"false\"", Plan, 0, "..F.", false),
        ("gate: fail", Plan, 0, "..F.", false),
        ("severity: critical, abort: \"true\"", Plan, 0, "..F.", true),
        ("gate: inconclusive, abort: \"true\"", Plan, 0, "..F.", true),
        ("abort: \"true\"", Plan, 0, "..F.", true),
        // Ticks that are not judged, another run's alert, and one that fired before.
        ("gate: fail, abort: \"true\"", Plan, 2, "FF..", false),
        ("gate: fail, abort: \"true\"", Plan, 2, "FFFF", false),
        ("gate: fail, abort: \"true\"", Plan, 0, "F|FFF", false),
        ("gate: fail, abort: \"true\"", Plan, 0, ".oo.", false),
        ("gate: fail, abort: \"true\"", Plan, 0, ".pp.", false),
        // The daemon's own files need the explicit label.
        ("gate: fail, abort: \"true\"", Daemon, 0, "..F.", true),
        ("severity: critical, abort: \"true\"", Daemon, 0, "..F.", false),
    ] {
        let row = Row { labels, rest: "m > 1", origin, warmup, seen, effect: Nothing, outcome: "" };
        assert_eq!(row.judge().1.is_some(), ends, "{labels} {origin:?} {warmup} `{seen}`");
    }
}

#[test]
fn a_gate_names_the_first_of_those_that_weigh_most() {
    let row = row(FAIL, "m > 1", Plan, "..F.", Fails, "fired");
    let Some(Gate::Alert(gate)) = row.judge().0 else { panic!("a gate") };
    let AlertOutcome::Fired { first, others } = gate.outcome else { panic!("fired") };
    assert_eq!((first.at_ms, first.value, others), (BEGAN_MS + 2 * TICK_MS, 0.5, 0));
    assert_eq!(first.labels.to_string(), r#"{alertname="A",gate="fail",testid="this"}"#);
    assert_eq!((gate.alert.as_str(), gate.group.as_str(), gate.file.as_str()), ("A", "g", "rules.yml"));
}

#[test]
fn no_data_names_the_three_nearest() {
    let row = row(FAIL, "upp > 1", Plan, "....", Inconclusive, "");
    let Some(Gate::Alert(gate)) = row.judge().0 else { panic!("a gate") };
    let AlertOutcome::NoData(NoData { selector, nearest, .. }) = gate.outcome else { panic!("no data") };
    assert_eq!((selector.as_str(), nearest.len(), nearest[0].as_str()), ("upp", 3, "up"));
}

/// Of thresholds and objectives.
#[test]
fn thresholds_and_objectives_decide_as_the_table_says() {
    let no_data =
        || Outcome::NoData(NoData { selector: String::new(), nearest: Vec::new(), why: String::new() });
    for (level, outcome, effect) in [
        (None, Outcome::Held, Nothing),
        (None, Outcome::Crossed, Fails),
        (None, no_data(), Inconclusive),
        (Some(Level::Target), Outcome::Held, Nothing),
        (Some(Level::Target), Outcome::Crossed, Degrades),
        (Some(Level::Target), no_data(), Inconclusive),
        (Some(Level::Critical), Outcome::Held, Nothing),
        (Some(Level::Critical), Outcome::Crossed, Fails),
        (Some(Level::Critical), no_data(), Inconclusive),
    ] {
        let objective = level.map(|level| Objective { name: "o".to_owned(), level });
        let (subject, threshold) = ("m".to_owned(), "count<1".to_owned());
        let (value, limit, unit) = (None, 1.0, Unit::Plain);
        let gate =
            Gate::Threshold(ThresholdGate { subject, threshold, objective, value, limit, unit, outcome });
        assert_eq!(gate.effect(), effect, "{gate:?}");
    }
}

#[test]
fn an_alert_that_is_no_gate_has_no_effect_whatever_became_of_it() {
    for seen in [".F..", "...p", "...E", "F|FFF", "????"] {
        let gate = row(NONE, "n > 1", Plan, seen, Nothing, "").judge().0;
        assert!(gate.is_none_or(|gate| gate.effect() == Nothing
            && matches!(gate, Gate::Alert(gate) if gate.gravity == Gravity::None)));
    }
}
