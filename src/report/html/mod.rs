//! `--report`: a run as one HTML file. There is no PromQL in a file: each panel of the dashboards is asked beforehand, and
//! its answers, the frames, go along with the page that draws them.

mod frames;
mod number;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value as Json, json};

use super::Finished;
use super::rfc3339::utc;
use crate::page::{Runbook, single_file};
use crate::promql::{EvalError, Limits};
use crate::tsdb::Store;
use frames::{Frames, Span};

/// Raised when what is in the file changes its meaning.
const FORMAT: u32 = 1;
/// Of a series.
const MAX_POINTS: i64 = 600;
/// Fewer are no chart.
const MIN_POINTS: i64 = 50;
/// All frames together; where they are more, there are fewer points.
const MAX_FRAME_BYTES: usize = 3_500_000;
/// Of the log: its end, where one looks.
const MAX_LOG_BYTES: usize = 256 << 10;

/// What a report is made of.
#[derive(Debug)]
pub struct Material<'a> {
    /// As the API gives it.
    pub run: &'a Json,
    /// As `--summary-export` writes it.
    pub summary: &'a Json,
    /// What was logged, without secrets.
    pub log: &'a str,
    /// The run's series, those of its targets and its alerts.
    pub store: &'a Store,
    /// Milliseconds since the Unix epoch; the last values are those at the end.
    pub from_ms: i64,
    pub to_ms: i64,
    /// Between two samples of a series.
    pub interval: Duration,
    /// Of each query.
    pub limits: Limits,
}

/// # Errors
/// When the limits' deadline has passed, or nobody wants it any more. A query that fails otherwise says so in its panel.
pub fn html(material: &Material<'_>) -> Result<String, EvalError> {
    let mut points = MAX_POINTS;
    loop {
        let span = Span::new(material.from_ms, material.to_ms, material.interval, points);
        let frames = Frames::evaluate(material, span)?;
        if frames.bytes() > MAX_FRAME_BYTES && points > MIN_POINTS {
            points = (points / 2).max(MIN_POINTS);
            continue;
        }
        return Ok(single_file(&title(material.run), &data(material, &frames)));
    }
}

/// A run that no daemon keeps, as the API would give it.
pub fn run_json(
    finished: &Finished,
    plan: &str,
    profile: Option<&str>,
    tags: &[(String, String)],
    ended: SystemTime,
) -> Json {
    json!({
        "id": finished.testid,
        "test": finished.test,
        "plan": plan,
        "profile": profile,
        "tags": tags.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect::<Map<_, _>>(),
        "trigger": null,
        "state": "finished",
        "submitted_at": utc(finished.started_at),
        "started_at": utc(finished.started_at),
        "ended_at": utc(ended),
        "verdict": finished.verdict.label(),
        "exit_code": finished.exit_code(),
        "ended_by": finished.ended_by,
    })
}

fn title(run: &Json) -> String {
    let text = |key: &str| run.get(key).and_then(Json::as_str).unwrap_or_default();
    // Of an interrupted run there is no verdict.
    let word = Some(text("verdict")).filter(|verdict| !verdict.is_empty()).unwrap_or(text("state"));
    let sign = if word == "passed" { "✓" } else { "✗" };
    format!("{sign} {} · {} · {}", word.replace('_', " "), text("test"), text("id"))
}

/// Dashboards and frames are text already.
fn data(material: &Material<'_>, frames: &Frames) -> String {
    let head = json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "run": material.run,
        "summary": material.summary,
        "log": tail(material.log),
        "variables": frames.variables,
        "range": frames.span.json(),
        "runbooks": runbooks(material.summary),
    });
    let mut text = head.to_string();
    text.pop();
    text + ",\"dashboards\":[" + &frames.dashboards.join(",") + "],\"frames\":{" + &frames.text + "}}"
}

/// What to do about the alerts that fired, by what their rules name: the file may be read where nothing else is at hand.
fn runbooks(summary: &Json) -> Map<String, Json> {
    let gates = summary.get("gates").and_then(Json::as_array).into_iter().flatten();
    let addresses = gates.filter_map(|gate| gate.pointer("/fired/annotations/runbook_url")?.as_str());
    addresses.filter_map(|at| Some((at.to_owned(), Runbook::at(at)?.text.into()))).collect()
}

fn tail(log: &str) -> &str {
    let mut from = log.len().saturating_sub(MAX_LOG_BYTES);
    while !log.is_char_boundary(from) {
        from += 1;
    }
    log.get(from..).unwrap_or_default()
}
