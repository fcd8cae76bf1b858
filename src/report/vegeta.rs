//! `--out vegeta-json`: the report of `vegeta report -type=json`, for scripts that read it.
//!
//! Fields and definitions are those of Vegeta's `lib/metrics.go`, but for three things. A latency begins when
//! the request was due (`http_req_response_time`): Vegeta's begins when it is sent, and leaves out what a
//! stalled generator made users wait. Bytes are counted at the socket, headers and WebSockets included:
//! Vegeta counts bodies. `earliest` is when load began, or was first judged, and `latest` when it was to end, or
//! did: Vegeta's are the starts of the first and the last request.
//! Percentiles are within 1 %; sums, extremes and counts are exact.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::Finished;
use super::rfc3339::utc;
use crate::aggregate::Selector;
use crate::metric;
use crate::record::Distribution;
use crate::sample::ErrorCode;

/// A status from here on, up to 399, is a success to Vegeta.
const SUCCESS: std::ops::Range<u16> = 200..400;

/// Of all HTTP requests of the run.
pub fn vegeta(finished: &Finished) -> Value {
    let totals = &finished.totals;
    let count = |selector: &Selector| totals.counter(selector) as u64;
    let requests = count(&Selector::all(metric::HTTP_REQS));
    let status_codes: BTreeMap<&str, u64> = totals
        .label_values(metric::HTTP_REQS, "status")
        .into_iter()
        .map(|status| (status, count(&Selector::with(metric::HTTP_REQS, "status", status))))
        .filter(|(_, count)| *count > 0)
        .collect();
    let succeeded = |status: &str| status.parse().is_ok_and(|status| SUCCESS.contains(&status));
    let successes: u64 =
        status_codes.iter().filter(|(status, _)| succeeded(status)).map(|(_, count)| count).sum();
    let duration = attacked(finished);
    let wait = finished.judged_for().saturating_sub(duration);
    // Of a run that was paused the load is shown as if it had come later, in one piece.
    let earliest =
        finished.load_began + finished.paused + finished.elapsed.saturating_sub(finished.judged_for());
    json!({
        "latencies": latencies(totals.trend(&Selector::all(metric::HTTP_REQ_RESPONSE_TIME))),
        "bytes_in": bytes(count(&Selector::all(metric::DATA_RECEIVED)), requests),
        "bytes_out": bytes(count(&Selector::all(metric::DATA_SENT)), requests),
        "earliest": utc(earliest),
        "latest": utc(earliest + duration),
        "end": utc(finished.load_began + finished.paused + finished.elapsed),
        "duration": nanos(duration),
        "wait": nanos(wait),
        "requests": requests,
        "rate": per_second(requests, duration),
        "throughput": per_second(successes, duration + wait),
        "success": if requests > 0 { successes as f64 / requests as f64 } else { 0.0 },
        "status_codes": status_codes,
        "errors": errors(finished),
    })
}

/// From the start of load, or the end of its warmup, until its last scenario was to end.
fn attacked(finished: &Finished) -> Duration {
    let end = |scenario: &super::ScenarioProgress| scenario.start_time.saturating_add(scenario.duration);
    let planned = finished.scenarios.iter().map(end).max().unwrap_or(finished.elapsed);
    let warmup = finished.elapsed.saturating_sub(finished.judged_for());
    planned.min(finished.elapsed).saturating_sub(warmup)
}

/// In nanoseconds, as are all durations here.
fn latencies(trend: Option<Distribution>) -> Value {
    let whole = |value: Option<f64>| value.unwrap_or(0.0).round() as u64;
    let of = |of: fn(&Distribution) -> Option<f64>| whole(trend.as_ref().and_then(of));
    json!({
        "total": of(|trend| Some(trend.sum())),
        "mean": of(Distribution::avg),
        "50th": of(|trend| trend.quantile(0.5)),
        "90th": of(|trend| trend.quantile(0.9)),
        "95th": of(|trend| trend.quantile(0.95)),
        "99th": of(|trend| trend.quantile(0.99)),
        "max": of(Distribution::max),
        "min": of(Distribution::min),
    })
}

fn bytes(total: u64, requests: u64) -> Value {
    json!({"total": total, "mean": total as f64 / requests.max(1) as f64})
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Of a run without length, the count itself, as Vegeta has it.
fn per_second(count: u64, duration: Duration) -> f64 {
    let secs = duration.as_secs_f64();
    if secs > 0.0 { count as f64 / secs } else { count as f64 }
}

/// Each cause once, in words: `404 Not Found`, `connection refused`.
fn errors(finished: &Finished) -> Vec<String> {
    let codes = finished.totals.label_values(metric::HTTP_REQS, "error_code");
    let failed =
        |code: &&str| finished.totals.counter(&Selector::with(metric::HTTP_REQS, "error_code", code)) > 0.0;
    let codes = codes.into_iter().filter(failed).filter_map(|code| code.parse().ok());
    codes.map(|code| describe(ErrorCode::from_number(code))).collect()
}

fn describe(code: ErrorCode) -> String {
    let status = code.number().checked_sub(1000).and_then(|status| StatusCode::from_u16(status).ok());
    match status.filter(|_| code.is_status()) {
        Some(status) => status.to_string().replace(" <unknown status code>", ""),
        None => code.describe().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_report_of_a_failed_run() {
        let report = serde_json::to_string_pretty(&vegeta(&fixture::mixed())).unwrap();
        fixture::golden().bind(|| insta::assert_snapshot!("vegeta", report));
    }

    #[test]
    fn what_was_sent_while_the_run_warmed_up_is_in_no_rate() {
        let mut finished = fixture::mixed();
        let whole = vegeta(&finished);
        finished.load_began = finished.started_at + Duration::from_secs(9);
        finished.warmup = Some(crate::report::Warmup { duration: Duration::from_secs(1), iterations: 1 });
        let judged = vegeta(&finished);
        let nanos = |report: &Value, name: &str| report[name].as_u64().unwrap();
        assert_eq!(nanos(&judged, "duration") + 1_000_000_000, nanos(&whole, "duration"));
        assert_eq!(judged["wait"], whole["wait"]);
        let rate = judged["requests"].as_f64().unwrap() * 1e9 / nanos(&judged, "duration") as f64;
        assert_eq!(judged["rate"].as_f64().unwrap(), rate);
        assert_eq!(judged["earliest"], utc(finished.load_began + Duration::from_secs(1)));
    }

    #[test]
    fn a_run_without_requests_has_a_report_of_zeros() {
        let report = vegeta(&fixture::inconclusive());
        assert_eq!(report["latencies"]["99th"], 0);
        assert_eq!(
            (&report["requests"], &report["rate"], &report["success"]),
            (&json!(0), &json!(0.0), &json!(0.0))
        );
        assert_eq!((&report["status_codes"], &report["errors"]), (&json!({}), &json!([])));
    }
}
