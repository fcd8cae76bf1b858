//! Progress as an event: what a client needs to show a run that it does not execute.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::report::{Progress, ProgressProbe, ScenarioProgress, headline};

pub(super) fn progress_json(progress: &Progress) -> Json {
    let traffic = progress.traffic;
    json!({
        // For people; the rest is for programs.
        "line": headline(progress),
        "elapsed_seconds": progress.elapsed.as_secs_f64(),
        "planned_seconds": progress.planned.as_secs_f64(),
        "warmup_seconds": progress.warmup.as_secs_f64(),
        "waiting": progress.waiting.as_ref().map(|waiting| json!({
            "what": waiting.what,
            "why": waiting.why,
            "waited_seconds": waiting.waited.as_secs_f64(),
            "at_most_seconds": waiting.at_most.as_secs_f64(),
        })),
        "scenarios": progress.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "probes": progress.probes.iter().map(probe).collect::<Vec<_>>(),
        "traffic": {
            "published": traffic.published,
            "errors": traffic.errors,
            "bytes_sent": traffic.bytes_sent,
            "latency_avg_seconds":
                (traffic.latencies > 0).then(|| traffic.latency.as_secs_f64() / traffic.latencies as f64),
        },
    })
}

fn scenario(scenario: &ScenarioProgress) -> Json {
    json!({
        "name": scenario.name,
        "executor": scenario.executor,
        "start_time_seconds": scenario.start_time.as_secs_f64(),
        "waits_for": scenario.waits_for,
        "duration_seconds": scenario.duration.as_secs_f64(),
        "active_vus": scenario.active_vus,
        "allocated_vus": scenario.allocated_vus,
        "max_vus": scenario.max_vus,
        "iterations": scenario.iterations,
        "done": scenario.done,
        "completed": scenario.completed,
        "interrupted": scenario.interrupted,
        "dropped": scenario.dropped,
        "iterations_per_second": scenario.iterations_per_sec,
        "failed_share": scenario.failed_share,
        "p95_seconds": scenario.p95.as_ref().map(Duration::as_secs_f64),
    })
}

fn probe(probe: &ProgressProbe) -> Json {
    json!({"name": probe.name, "last": probe.last, "min": probe.min, "avg": probe.avg})
}
