//! The query API against a real Prometheus that holds the same samples, under promtool, and by itself.

mod alone;
mod cases;
pub(crate) mod client;
mod data;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use loadgate::api::{Sources, serve};
use loadgate::tsdb::Store;
use serde_json::Value;

use crate::stage::{Prometheus, Service};
use cases::{AT_A_MOMENT, DIFFERENT, EXPRESSIONS, IN_ORDER, LISTS, REFUSED, REFUSED_IN_OTHER_WORDS};
use client::{difference, get};
use data::{BEGIN, END};

fn serving(sources: Arc<Sources>) -> Service {
    Service::start(|listener, stopped| {
        serve(listener, sources, async {
            let _ = stopped.await;
        })
    })
}

fn filled() -> Service {
    let store = Store::new(64 << 20);
    data::fill(&store);
    serving(Arc::new(Sources::new(Arc::new(store))))
}

/// Before, at the edge of, in, and after the data.
fn moments() -> Vec<String> {
    let within = [-10, 0, 17, 600, 750, 777, 1_003, 1_795].map(|after| BEGIN + after);
    within.into_iter().chain([END + 120, END + 300, END + 900]).map(|at| at.to_string()).collect()
}

/// (from, to, step)
fn ranges() -> [(String, String, &'static str); 4] {
    let range = |from: i64, to: i64, step| ((BEGIN + from).to_string(), (BEGIN + to).to_string(), step);
    [range(0, 1_800, "60"), range(590, 640, "1s"), range(-300, 2_400, "5m"), range(700, 700, "1")]
}

/// Both servers' data, or why they are not the same.
fn compare(
    ours: SocketAddr,
    theirs: SocketAddr,
    endpoint: &str,
    parameters: &[(&str, &str)],
) -> Option<String> {
    let [ours, theirs] = [ours, theirs].map(|address| get(address, endpoint, parameters));
    let why = match (ours.status, theirs.status) {
        (200, 200) => difference(&ours.json()["data"], &theirs.json()["data"]),
        (ours, theirs) if ours != theirs => Some(format!("{ours} is not {theirs}")),
        _ => difference(&ours.json(), &theirs.json()),
    };
    why.map(|why| {
        format!("{endpoint} {parameters:?}: {why}\nours: {}\ntheirs: {}", ours.text(), theirs.text())
    })
}

fn none_differ(found: Vec<String>) {
    assert!(found.is_empty(), "{} answers differ:\n{}", found.len(), found.join("\n"));
}

#[test]
fn answers_equal_those_of_a_prometheus_with_the_same_samples() {
    let Some(prometheus) = Prometheus::holding(&data::open_metrics()) else { return };
    let (ours, theirs) = (filled(), prometheus.address);
    let mut found = Vec::new();
    for expression in EXPRESSIONS.into_iter().chain(AT_A_MOMENT).chain(IN_ORDER) {
        for time in moments() {
            let parameters = [("query", expression), ("time", time.as_str())];
            found.extend(compare(ours.address, theirs, "query", &parameters));
        }
    }
    for expression in EXPRESSIONS {
        for (start, end, step) in ranges() {
            let parameters = [("query", expression), ("start", &start), ("end", &end), ("step", step)];
            found.extend(compare(ours.address, theirs, "query_range", &parameters));
        }
    }
    for (endpoint, parameters) in LISTS {
        let sorted = |address| {
            let mut list: Vec<String> = get(address, endpoint, parameters).json()["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(Value::to_string)
                .collect();
            list.sort();
            list
        };
        let (ours, theirs) = (sorted(ours.address), sorted(theirs));
        if ours != theirs {
            found.push(format!("{endpoint} {parameters:?}: {ours:?} is not {theirs:?}"));
        }
    }
    none_differ(found);
}

#[test]
fn what_prometheus_refuses_is_refused_with_the_same_words() {
    let Some(prometheus) = Prometheus::holding(&data::open_metrics()) else { return };
    let ours = filled();
    // Since 3.0 messages begin in lower case.
    let refusal = |address, endpoint, parameters| {
        let answer = get(address, endpoint, parameters);
        let json = answer.json();
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_lowercase();
        (answer.status, text("errorType"), text("error"))
    };
    for (endpoint, parameters) in REFUSED {
        let ours = refusal(ours.address, endpoint, parameters);
        assert_eq!(ours, refusal(prometheus.address, endpoint, parameters), "{endpoint} {parameters:?}");
        assert_ne!(ours.0, 200, "{endpoint} {parameters:?}");
    }
    for (endpoint, parameters, why) in REFUSED_IN_OTHER_WORDS {
        let ours = refusal(ours.address, endpoint, parameters);
        let theirs = refusal(prometheus.address, endpoint, parameters);
        assert_eq!((ours.0, ours.1), (theirs.0, theirs.1), "{endpoint} {parameters:?}");
        assert_ne!(
            ours.2, theirs.2,
            "{endpoint} {parameters:?} is refused with the same words; expected: {why}"
        );
    }
}

#[test]
fn sorted_vectors_come_in_their_order() {
    let Some(prometheus) = Prometheus::holding(&data::open_metrics()) else { return };
    let ours = filled();
    let time = (BEGIN + 777).to_string();
    for expression in IN_ORDER {
        let values = |address| -> Vec<Value> {
            let answer = get(address, "query", &[("query", expression), ("time", &time)]).json();
            answer["data"]["result"].as_array().unwrap().iter().map(|one| one["value"].clone()).collect()
        };
        assert_eq!(values(ours.address), values(prometheus.address), "{expression}");
    }
}

#[test]
fn prometheus_2_differs_where_it_is_known_to() {
    let Some(prometheus) = Prometheus::holding(&data::open_metrics()) else { return };
    let ours = filled();
    let time = (BEGIN + 600).to_string();
    for (expression, why) in DIFFERENT {
        let parameters = [("query", expression), ("time", time.as_str())];
        let differs = compare(ours.address, prometheus.address, "query", &parameters);
        assert!(differs.is_some(), "{expression} differs no more; expected: {why}");
    }
}

/// What `promtool query …` prints, its lines sorted.
fn promtool(arguments: &[&str]) -> Option<Vec<String>> {
    let output = match Command::new("promtool").arg("query").args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: promtool does not start ({error}); it comes with Debian's package prometheus");
            return None;
        }
    };
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    Some(lines)
}

#[test]
fn promtool_asks_loadgate_as_it_asks_prometheus() {
    let ours = filled();
    let server = ours.http();
    let (start, end) = (format!("--start={BEGIN}"), format!("--end={END}"));
    let time = format!("--time={}", BEGIN + 777);
    let cases: [(&[&str], &[&str]); 4] = [
        (
            &["instant", &time, &server, "http_requests_total{code=\"500\"}"],
            &[
                "http_requests_total{code=\"500\", instance=\"a:1\", job=\"api\"} => 15.5 @[1700000777]",
                "http_requests_total{code=\"500\", instance=\"b:1\", job=\"api\"} => 46.5 @[1700000777]",
            ],
        ),
        (
            &["range", &start, "--end=1700000120", "--step=1m", &server, "short_lived or vector(7)"],
            &["7 @[1700000000]", "7 @[1700000060]", "7 @[1700000120]", "{} =>"],
        ),
        (
            &["series", &start, &end, "--match=build_info", &server],
            &[
                "{__name__=\"build_info\", instance=\"a:1\", job=\"api\", version=\"1.2\"}",
                "{__name__=\"build_info\", instance=\"b:1\", job=\"api\", version=\"1.3\"}",
            ],
        ),
        (&["labels", &start, &end, &server, "version"], &["1.2", "1.3"]),
    ];
    for (arguments, expected) in cases {
        let Some(lines) = promtool(arguments) else { return };
        assert_eq!(lines, expected, "{arguments:?}");
    }
}
