//! Range queries over one hour of one-second data of 100 series: our query API beside Prometheus', over the same samples.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::hour::{Hour, LEAD_SECS, SECS};
use crate::http;
use crate::machine::Place;
use crate::peer::Prometheus;
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::{Row, median};
use crate::{Failure, Result};

const EXPRESSIONS: [&str; 4] = [
    "m",
    "sum by (x) (rate(m[1m]))",
    "histogram_quantile(0.95, sum by (le) (rate(h_bucket[1m])))",
    "max_over_time(g[5m])",
];
/// One after the other; their median is the round's figure.
const ASKED: u32 = 5;
/// Blocks begin at multiples of two hours.
const BLOCK_SECS: i64 = 7200;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let begin = now / BLOCK_SECS * BLOCK_SECS - 2 * BLOCK_SECS + 600;
    let ours = bench.role(Place::Everywhere, "query-server", &["--begin-secs", &begin.to_string()])?;
    let ours_address = ours.address()?;
    let theirs = match bench.present(&[Client::Prometheus]).is_empty() {
        true => None,
        false => Some(Prometheus::holding(bench, &Hour::open_metrics(begin), Place::Everywhere)?),
    };
    let cpu_secs = || match &theirs {
        Some(theirs) => Ok::<f64, Failure>(ours.cpu_secs()? + theirs.cpu_secs()?),
        None => ours.cpu_secs(),
    };
    for expression in EXPRESSIONS {
        let ask = |client: Client, step: &str| {
            let address = match (client, &theirs) {
                (Client::Prometheus, Some(theirs)) => theirs.address,
                _ => ours_address,
            };
            // Half a second beside the samples: whether a window's ends belong to it, which Prometheus 3 changed, is no matter.
            let (from, to) =
                (format!("{}.5", begin + LEAD_SECS), format!("{}.5", begin + LEAD_SECS + SECS - 1));
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs([("query", expression), ("start", &from), ("end", &to), ("step", step)]);
            http::get(address, &format!("/api/v1/query_range?{}", query.finish()), "")
        };
        if theirs.is_some() {
            for step in ["15", "1"] {
                let [ours, theirs] = [Client::Loadgate, Client::Prometheus].map(|client| ask(client, step));
                same(&ours?.body, &theirs?.body)
                    .map_err(|why| format!("answers differ: {expression}, step {step} s: {why}"))?;
            }
        }
        let rows = interleave(bench, &[Client::Loadgate, Client::Prometheus], |client| {
            let before = cpu_secs()?;
            let mut row = Row::default();
            for (figure, step) in [(Figure::CoarseMs, "15"), (Figure::FineMs, "1")] {
                let took = (0..bench.times(ASKED))
                    .map(|_| Ok(ask(client, step)?.took.as_secs_f64() * 1000.0))
                    .collect::<Result<Vec<f64>>>()?;
                row = row.with_known(figure, median(took));
            }
            Ok(Run { row, cpu_secs: cpu_secs()? - before })
        })?;
        let table = Table {
            title: format!("Range query over an hour: `{expression}`"),
            columns: vec![Figure::CoarseMs, Figure::FineMs],
            ratios: vec![Figure::CoarseMs, Figure::FineMs],
            rows,
        };
        for (figure, step) in [(Figure::CoarseMs, 15), (Figure::FineMs, 1)] {
            let ratio = theirs.as_ref().and_then(|_| table.judged_ratio(figure));
            report.target(
                format!("`{expression}` by {step} s: time as a multiple of Prometheus'"),
                Bound::AtMost(2.0),
                ratio,
            );
        }
        report.table(table);
    }
    Ok(())
}

/// Whether both are the same but for order and the last digits.
fn same(ours: &[u8], theirs: &[u8]) -> std::result::Result<(), String> {
    let [ours, theirs] = [series(ours)?, series(theirs)?];
    if ours.is_empty() || ours.len() != theirs.len() {
        return Err(format!("{} series are not {}", ours.len(), theirs.len()));
    }
    for ((name, ours), (other, theirs)) in ours.iter().zip(&theirs) {
        if name != other || ours.len() != theirs.len() {
            return Err(format!("{name} with {} points is not {other} with {}", ours.len(), theirs.len()));
        }
        for ((at, ours), (other_at, theirs)) in ours.iter().zip(theirs) {
            if at != other_at || (ours - theirs).abs() > 1e-9 * ours.abs().max(theirs.abs()) {
                return Err(format!("{name} at {at}: {ours} is not {theirs} at {other_at}"));
            }
        }
    }
    Ok(())
}

type Series = (String, Vec<(String, f64)>);

fn series(body: &[u8]) -> std::result::Result<Vec<Series>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let result = body["data"]["result"].as_array().ok_or("no result")?;
    let point = |point: &Value| {
        let value = point[1].as_str().and_then(|value| value.parse().ok()).unwrap_or(f64::NAN);
        (point[0].to_string(), value)
    };
    let mut all: Vec<Series> = result
        .iter()
        .map(|series| {
            let mut labels: Vec<String> = series["metric"]
                .as_object()
                .map(|labels| labels.iter().map(|(name, value)| format!("{name}={value}")).collect())
                .unwrap_or_default();
            labels.sort();
            let points = series["values"].as_array().map(|points| points.iter().map(point).collect());
            (labels.join(","), points.unwrap_or_default())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all)
}
