//! Runs as people read them.

use serde_json::Value;

use crate::api::runs::dto::{Run, RunList, State};
use crate::verdict::Verdict;

/// A line for each run, the newest first.
pub(super) fn list(list: &RunList) -> String {
    if list.runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let header = ["RUN", "TEST", "PROFILE", "STATE", "VERDICT", "SUBMITTED"].map(str::to_owned);
    let rows = list.runs.iter().map(|run| {
        let or_none = |text: &Option<String>| clean(text.as_deref().unwrap_or("-"));
        let state = run.state.name().to_owned();
        [
            clean(&run.id),
            clean(&run.test),
            or_none(&run.profile),
            state,
            or_none(&run.verdict),
            clean(&run.submitted_at),
        ]
    });
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(rows).collect();
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let width = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
            format!("{cell:width$}", width = width.unwrap_or(0))
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    if let Some(next) = &list.next {
        out.push_str(&format!("more: --before {next}\n"));
    }
    out
}

/// All that is known of a run, a line each.
pub(super) fn run(run: &Run) -> String {
    let tags: Vec<String> = run.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let trigger = serde_json::to_value(run.trigger.by).ok();
    let trigger = trigger.as_ref().and_then(Value::as_str).unwrap_or("unknown");
    let of = run.trigger.of.as_ref().map_or_else(String::new, |of| format!(" {of}"));
    let exit = run.exit_code.map(|code| format!(" (exit {code})")).unwrap_or_default();
    let lines = [
        ("run", Some(run.id.clone())),
        ("test", Some(run.test.clone())),
        ("plan", Some(run.plan.clone())),
        ("profile", run.profile.clone()),
        ("tags", (!tags.is_empty()).then(|| tags.join(" "))),
        ("trigger", Some(format!("{trigger}{of}"))),
        ("state", Some(run.state.name().to_owned())),
        ("submitted", Some(run.submitted_at.clone())),
        ("started", run.started_at.clone()),
        ("ended", run.ended_at.clone()),
        ("ended by", run.ended_by.clone()),
        ("verdict", run.verdict.as_ref().map(|verdict| format!("{verdict}{exit}"))),
    ];
    let known = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| format!("{name:10} {}\n", clean(&value))).collect()
}

/// An event in one line; `None`: nothing that anybody would miss.
pub(super) fn event(kind: &str, data: &Value) -> Option<String> {
    let said = |names: &[&str]| names.iter().find_map(|name| data.get(name)?.as_str()).map(clean);
    match kind {
        "state" => Some(format!("state: {}", said(&["state"])?)),
        "finished" => None,
        _ => said(&["line", "text", "message", "msg"]).or_else(|| match data {
            Value::String(text) => Some(clean(text)),
            Value::Null => None,
            data => Some(clean(&data.to_string())),
        }),
    }
}

/// Gates, doubts and verdict.
pub(super) fn ended(run: &Run, summary: Option<&Value>) -> String {
    let list =
        |key: &str| summary.and_then(|summary| summary.get(key)?.as_array()).cloned().unwrap_or_default();
    let mut out = String::new();
    let mut failed = Vec::new();
    for gate in list("gates") {
        let said = |key: &str| gate.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = match said("alert") {
            "" => format!("{} {}", said("metric"), said("threshold")),
            alert => alert.to_owned(),
        };
        let mark = match (said("effect"), said("outcome")) {
            ("failed", _) => '✗',
            ("inconclusive", _) => '?',
            ("degraded", _) => '~',
            (_, "held") => '✓',
            _ => '-',
        };
        if mark == '✗' {
            failed.push(clean(&name));
        }
        let message = format!("  {mark} {} {}", clean(&name), clean(said("message")));
        out.push_str(message.trim_end());
        out.push('\n');
    }
    for doubt in list("doubts") {
        out.push_str(&format!("  ! {}\n", clean(doubt.as_str().unwrap_or_default())));
    }
    let why = match (&run.ended_by, failed.is_empty()) {
        (_, false) => format!(": {}", failed.join(", ")),
        (Some(by), true) => format!(": {}", clean(by)),
        (None, true) => String::new(),
    };
    let verdict = match (&run.verdict, run.state) {
        (Some(verdict), _) => clean(verdict).to_uppercase().replace('_', " "),
        (None, State::Interrupted) => "INTERRUPTED".to_owned(),
        (None, _) => "UNKNOWN".to_owned(),
    };
    let code = run.exit_code.unwrap_or(Verdict::Inconclusive.exit_code());
    let code = if code == 0 { String::new() } else { format!(" (exit {code})") };
    out.push_str(&format!("verdict: {verdict}{code}{why}\n"));
    out
}

/// What got worse and better, as the daemon says it in sentences.
pub(super) fn compared(comparison: &Value) -> String {
    let sentences = comparison.get("sentences").and_then(Value::as_array);
    match sentences {
        Some(sentences) if !sentences.is_empty() => {
            let lines = sentences.iter().filter_map(Value::as_str);
            lines.map(|line| format!("{}\n", clean(line))).collect()
        }
        Some(_) => "nothing got worse\n".to_owned(),
        None => format!("{comparison:#}\n"),
    }
}

/// Without what would move a terminal's cursor: texts come from plans and targets.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finished(verdict: &str, exit_code: u8) -> Run {
        serde_json::from_value(json!({
            "id": "r1", "test": "t", "plan": "t.yml", "profile": null, "tags": {"team": "a"},
            "trigger": {"by": "schedule", "of": "nightly"}, "state": "finished",
            "submitted_at": "2026-11-21T03:16:35.000Z", "started_at": null, "ended_at": null,
            "verdict": verdict, "exit_code": exit_code, "ended_by": null,
        }))
        .unwrap()
    }

    #[test]
    fn the_end_of_a_run_shows_gates_doubts_and_verdict() {
        let summary = json!({
            "gates": [
                {"kind": "threshold", "metric": "checks", "threshold": "rate>0.9", "outcome": "held", "effect": "none", "message": "rate=1"},
                {"kind": "threshold", "metric": "hz", "threshold": "avg>95", "outcome": "crossed", "effect": "failed", "message": "avg=80"},
                {"kind": "alert", "alert": "Slow", "outcome": "fired", "effect": "inconclusive", "message": "fired\u{1b}[2J at 12s"},
            ],
            "doubts": ["no iteration was completed"],
        });
        assert_eq!(
            ended(&finished("failed", 99), Some(&summary)),
            "  ✓ checks rate>0.9 rate=1\n  ✗ hz avg>95 avg=80\n  ? Slow fired [2J at 12s\n  ! no iteration was completed\n\
             verdict: FAILED (exit 99): hz avg>95\n"
        );
        assert_eq!(ended(&finished("passed", 0), None), "verdict: PASSED\n");
        let cut = Run {
            state: State::Interrupted,
            verdict: None,
            exit_code: None,
            ended_by: Some("the daemon went away".to_owned()),
            ..finished("", 0)
        };
        assert_eq!(ended(&cut, None), "verdict: INTERRUPTED (exit 98): the daemon went away\n");
    }

    #[test]
    fn runs_are_listed_in_columns() {
        let page = RunList { runs: vec![finished("preflight_failed", 97)], next: Some("r1".to_owned()) };
        assert_eq!(
            list(&page),
            "RUN  TEST  PROFILE  STATE     VERDICT           SUBMITTED\n\
             r1   t     -        finished  preflight_failed  2026-11-21T03:16:35.000Z\n\
             more: --before r1\n"
        );
        assert_eq!(list(&RunList { runs: Vec::new(), next: None }), "no runs\n");
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        assert_eq!(event("state", &json!({"state": "running"})).as_deref(), Some("state: running"));
        assert_eq!(event("log", &json!({"line": "a\nb"})).as_deref(), Some("a b"));
        assert_eq!(event("progress", &json!({"vus": 3})).as_deref(), Some("{\"vus\":3}"));
        assert_eq!(event("finished", &json!({})), None);
    }
}
