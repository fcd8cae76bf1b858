//! `--summary-export`: the whole run for machines.
//!
//! Times of metrics are in milliseconds and their names are k6's, so that whoever reads the data of
//! k6's `handleSummary` can read this; all other durations carry their unit in the name.

use serde_json::{Map, Value, json};

use super::gate_json::gate;
use super::observed::{Observed, Trend, Values};
use super::rfc3339::utc;
use super::{FaultReport, Finished, HookReport, Probe, ScenarioProgress, TrendStat, causes};
use crate::action::{Captured, Outcome};
use crate::metric::Unit;
use crate::verdict::ScrapeHealth;

/// Raised when a field changes its meaning or goes; a new field does not raise it.
const VERSION: u32 = 1;

/// Every gate, every counter and every metric that was recorded, trends with these statistics. Keys stand in
/// a fixed order.
pub fn summary(finished: &Finished, trend_stats: &[TrendStat]) -> Value {
    let (notes, notes_dropped) = finished.totals.notes();
    let mut notes: Vec<_> = notes.iter().collect();
    notes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
    json!({
        "version": VERSION,
        "testid": finished.testid,
        "test": finished.test,
        "segment": finished.segment,
        "started_at": utc(finished.started_at),
        "duration_seconds": finished.elapsed.as_secs_f64(),
        "paused_seconds": finished.paused.as_secs_f64(),
        "warmup": finished.warmup.map(|warmup| json!({
            "duration_seconds": warmup.duration.as_secs_f64(),
            "iterations": warmup.iterations,
        })),
        "verdict": finished.verdict.label(),
        "exit_code": finished.exit_code(),
        "ended_by": finished.ended_by,
        "gates": finished.gates.iter().map(|each| gate(each, finished)).collect::<Vec<_>>(),
        "slo": finished
            .objectives()
            .iter()
            .map(|objective| json!({"name": objective.name, "status": objective.status.as_str().replace(' ', "_")}))
            .collect::<Vec<_>>(),
        "doubts": finished.doubts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "disagreements": finished.disagreements,
        "faults": finished.faults.iter().map(fault).collect::<Vec<_>>(),
        "hooks": finished.hooks.iter().map(hook).collect::<Vec<_>>(),
        "metrics": metrics(finished, trend_stats),
        "causes": causes(finished),
        "checks": finished
            .checks()
            .into_iter()
            .map(|(name, passes, fails)| json!({"name": name, "passes": passes, "fails": fails}))
            .collect::<Vec<_>>(),
        "scenarios": finished.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "probes": finished.probes.iter().map(|each| (each.name.clone(), probe(each))).collect::<Map<_, _>>(),
        "scrapes": finished.scrapes.iter().map(scrape).collect::<Vec<_>>(),
        "notes": notes
            .iter()
            .map(|note| json!({"text": note.text, "count": note.count}))
            .collect::<Vec<_>>(),
        "notes_dropped": notes_dropped,
        "label_sets_folded": finished.totals.registry().overflowed(),
    })
}

/// A metric that has a gate is there also without data, so that its thresholds are.
fn metrics(finished: &Finished, trend_stats: &[TrendStat]) -> Map<String, Value> {
    let observed = finished.observed();
    let there = observed.iter().filter(|metric| metric.values.is_some() || !metric.gates.is_empty());
    there.map(|each| (each.name.clone(), metric(each, trend_stats))).collect()
}

/// Why exchanges failed and iterations were dropped.
fn causes(finished: &Finished) -> Vec<Value> {
    let observed = finished.observed();
    let whole = observed.iter().filter(|metric| metric.name == metric.definition.name);
    let causes = whole.flat_map(|metric| {
        let name = &metric.definition.name;
        causes::of(finished, metric).into_iter().map(move |cause| {
            let count = match cause.observed.values {
                Some(Values::Counter { count, .. }) => number(count),
                _ => Value::Null,
            };
            json!({
                "metric": name,
                "label": cause.label,
                "value": cause.value,
                "count": count,
                "meaning": cause.meaning,
            })
        })
    });
    causes.collect()
}

fn metric(metric: &Observed<'_>, trend_stats: &[TrendStat]) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), metric.definition.kind.name().into());
    object.insert("contains".to_owned(), contains(metric.definition.unit).into());
    object.insert(
        "values".to_owned(),
        metric.values.as_ref().map_or_else(|| json!({}), |known| values(known, trend_stats)),
    );
    let mut thresholds = metric.gates.iter().filter(|gate| gate.objective.is_none()).peekable();
    if thresholds.peek().is_some() {
        let thresholds = thresholds.map(|gate| (gate.threshold.clone(), json!({"ok": gate.held()})));
        object.insert("thresholds".to_owned(), Value::Object(thresholds.collect()));
    }
    Value::Object(object)
}

/// k6's word for what a metric's values are.
pub(super) fn contains(unit: Unit) -> &'static str {
    match unit {
        Unit::Plain => "default",
        Unit::Time => "time",
        Unit::Bytes => "data",
    }
}

fn values(values: &Values, trend_stats: &[TrendStat]) -> Value {
    match values {
        Values::Counter { count, per_sec } => json!({"count": number(*count), "rate": number(*per_sec)}),
        Values::Gauge { value, min, max } => {
            json!({"value": number(*value), "min": number(*min), "max": number(*max)})
        }
        Values::Rate { nonzero, all } => json!({
            "rate": *nonzero as f64 / *all as f64,
            "passes": nonzero,
            "fails": all - nonzero,
        }),
        Values::Trend(trend) => Value::Object(statistics(trend, trend_stats)),
    }
}

fn statistics(trend: &Trend, stats: &[TrendStat]) -> Map<String, Value> {
    stats.iter().map(|stat| (stat.to_string(), number(trend.stat(*stat)))).collect()
}

fn scenario(scenario: &ScenarioProgress) -> Value {
    json!({
        "name": scenario.name,
        "executor": scenario.executor,
        "start_time_seconds": scenario.start_time.as_secs_f64(),
        "duration_seconds": scenario.duration.as_secs_f64(),
        "vus_allocated": scenario.allocated_vus,
        "vus_max": scenario.max_vus,
        "iterations_completed": scenario.completed,
        "iterations_interrupted": scenario.interrupted,
        "iterations_dropped": scenario.dropped,
        "failed_share": scenario.failed_share,
        "p95_ms": scenario.p95.map(|p95| p95.as_secs_f64() * 1e3),
    })
}

fn probe(probe: &Probe) -> Value {
    let samples = &probe.samples;
    json!({
        "query": probe.query,
        "avg": samples.avg().map(number),
        "min": samples.min().map(number),
        "max": samples.max().map(number),
        "last": samples.last().map(number),
        "count": samples.count,
        "missed": samples.missed,
    })
}

/// What was broken, and when; seconds of moments count from the start of load.
fn fault(fault: &FaultReport) -> Value {
    json!({
        "name": fault.name,
        "action": fault.act,
        "injected_seconds": fault.injected.map(|at| at.as_secs_f64()),
        "cleared_seconds": fault.cleared.map(|at| at.as_secs_f64()),
        "recovery_seconds": fault.recovered_after.map(|took| took.as_secs_f64()),
        "do": fault.done.as_ref().map(outcome),
        "undo": fault.undone.as_ref().map(outcome),
    })
}

/// What was done when the verdict was known; it is no part of the verdict.
fn hook(hook: &HookReport) -> Value {
    json!({"list": hook.list.as_str(), "action": hook.what, "result": outcome(&hook.outcome)})
}

fn outcome(outcome: &Outcome) -> Value {
    let captured = |captured: &Captured| json!({"text": captured.text, "more_bytes": captured.more_bytes});
    json!({
        "ok": outcome.succeeded(),
        "error": outcome.error,
        "took_seconds": outcome.took.as_secs_f64(),
        "stdout": outcome.output.as_ref().map(|output| captured(&output.stdout)),
        "stderr": outcome.output.as_ref().map(|output| captured(&output.stderr)),
    })
}

fn scrape(scrape: &ScrapeHealth) -> Value {
    json!({
        "job": scrape.job,
        "due": scrape.due,
        "made": scrape.due.saturating_sub(scrape.missed),
        "missed": scrape.missed,
        "last_error": (scrape.missed > 0).then_some(&scrape.last_error),
    })
}

/// Whole numbers without a decimal point, as k6 writes them; what is not finite is null.
pub(super) fn number(value: f64) -> Value {
    const EXACT: f64 = (1_u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() < EXACT { (value as i64).into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_export_of_a_failed_run() {
        let exported =
            serde_json::to_string_pretty(&summary(&fixture::failed(), &TrendStat::EXPORTED)).unwrap();
        fixture::golden().bind(|| insta::assert_snapshot!("summary_failed_export", exported));
    }

    #[test]
    fn the_export_of_objectives_and_alerts() {
        let exported = summary(&fixture::with_rules(), &TrendStat::EXPORTED);
        let gates = json!({"slo": exported["slo"], "gates": exported["gates"]});
        let gates = serde_json::to_string_pretty(&gates).unwrap();
        fixture::golden().bind(|| insta::assert_snapshot!("gates_export", gates));
    }

    #[test]
    fn the_export_has_the_statistics_that_were_asked_for_and_no_others() {
        let stats = TrendStat::list("max,p(99.9),count").unwrap();
        let exported = summary(&fixture::passed(), &stats);
        let values = &exported["metrics"]["http_req_duration"]["values"];
        assert_eq!(values.to_string(), r#"{"max":29.5,"p(99.9)":29.5,"count":287}"#);
        assert_eq!(exported["metrics"]["http_reqs"]["values"]["count"], 287, "only of trends");
    }

    #[test]
    fn the_export_of_a_run_without_data() {
        let exported = summary(&fixture::inconclusive(), &TrendStat::EXPORTED);
        assert_eq!(exported["verdict"], "inconclusive");
        assert_eq!(exported["exit_code"], 98);
        assert_eq!(exported["metrics"]["ws_first_message"]["values"], json!({}));
        assert_eq!(exported["metrics"]["ws_first_message"]["thresholds"]["p(95)<500"]["ok"], false);
        assert_eq!(exported["gates"][0]["outcome"], "no_data");
        assert_eq!(exported["gates"][0]["value"], Value::Null);
        assert_eq!(exported["metrics"]["http_reqs"]["values"]["count"], 0, "every counter is there");
        assert!(exported["metrics"].get("vus").is_none(), "a gauge that was never set is not");
    }
}
