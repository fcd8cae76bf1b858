//! Reports of made-up runs: what is in the file, and how large it gets.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Material, html};
use crate::labels::Labels;
use crate::promql::{EvalError, Limits, Point};
use crate::tsdb::Store;

const BEGIN_MS: i64 = 1_795_230_995_250;
const TESTID: &str = "run-1";
/// What loadgate exports: name, kind, labels.
const FAMILIES: &str = include_str!("../../../tests/golden/metrics-families.txt");
/// What targets show.
const TARGET: [&str; 8] = [
    "backend_loop_hz",
    "backend_loop_ticks_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "up",
    "scrape_duration_seconds",
];
const BOUNDS: [&str; 18] = [
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0",
    "25.0", "50.0", "75.0", "100.0", "+Inf",
];
/// Label sets of each metric: scenarios, names, groups, as far as it has them.
const SETS: usize = 6;

fn run() -> Json {
    json!({"id": TESTID, "test": "chat-streaming", "verdict": "failed", "exit_code": 99, "state": "finished"})
}

fn report(store: &Store, span_secs: i64, interval_secs: u64, log: &str) -> Result<String, EvalError> {
    html(&Material {
        run: &run(),
        summary: &json!({"gates": []}),
        log,
        store,
        from_ms: BEGIN_MS,
        to_ms: BEGIN_MS + span_secs * 1_000,
        interval: Duration::from_secs(interval_secs),
        limits: Limits::default(),
    })
}

fn data(file: &str) -> Json {
    let (_, data) = file.split_once("id=\"report\">").unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

/// All that is wanted of what loadgate exports and a target shows, every `interval_secs`, in values without order.
fn everything(span_secs: i64, interval_secs: i64, wanted: impl Fn(&str) -> bool) -> Store {
    let store = Store::new(512 << 20);
    let mut series: Vec<(Labels, f64, bool)> = Vec::new();
    let mut add = |name: String, labels: &Labels, grows: bool| {
        series.push((labels.with("__name__", &name), 0.0, grows));
    };
    for line in FAMILIES.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        if !wanted(name) {
            continue;
        }
        let names: Vec<&str> =
            words.next().unwrap_or_default().split(',').filter(|name| !name.is_empty()).collect();
        let sets = if names.is_empty() { 1 } else { SETS };
        for set in 0..sets {
            let own = [
                ("job", "loadgate"),
                ("instance", "localhost:5665"),
                ("testid", TESTID),
                ("test", "chat-streaming"),
            ];
            let mut labels = Labels::new(own);
            for label in names.iter().filter(|name| !["testid", "test", "le"].contains(name)) {
                labels = labels.with(label, &format!("{label}-{set}"));
            }
            if kind == "histogram" {
                for bound in BOUNDS {
                    add(format!("{name}_bucket"), &labels.with("le", bound), true);
                }
                add(format!("{name}_sum"), &labels, true);
                add(format!("{name}_count"), &labels, true);
            } else {
                add(name.to_owned(), &labels, kind == "counter");
            }
        }
    }
    for name in TARGET {
        let labels = Labels::new([("job", "backend"), ("instance", "localhost:4000")]);
        add(name.to_owned(), &labels, name.ends_with("_total"));
    }
    let mut random = fastrand::Rng::with_seed(6);
    for second in (0..=span_secs).step_by(usize::try_from(interval_secs).unwrap()) {
        for (labels, value, grows) in &mut series {
            let step = random.f64() * 100.0;
            *value = if *grows { *value + step.round() } else { step };
            store.append(labels, Point { at_ms: BEGIN_MS + second * 1_000, value: *value });
        }
    }
    assert_eq!(store.stats().refused_samples_total, 0);
    store
}

#[test]
fn a_report_of_an_hour_with_all_that_can_be_shown_is_below_five_megabytes() {
    let file =
        report(&everything(3_600, 5, |_| true), 3_600, 5, &"a line of the log\n".repeat(100_000)).unwrap();
    assert!(file.len() < 5_000_000, "{} bytes", file.len());
    let data = data(&file);
    let range = &data["range"];
    let points =
        (range["to"].as_f64().unwrap() - range["from"].as_f64().unwrap()) / range["step"].as_f64().unwrap();
    assert!(points >= 100.0, "{points} points are no chart");
    assert!(data["frames"].as_object().unwrap().len() > 80, "all panels are there");
    assert!(file.len() > 1_000_000, "{} bytes: this is no large run any more", file.len());
}

#[test]
fn a_frame_has_the_values_at_its_times_the_last_at_the_end() {
    let store = everything(20, 1, |name| !name.contains("_ws_") && name != "k6_vus");
    let labels = Labels::new([
        ("__name__", "k6_vus"),
        ("testid", TESTID),
        ("test", "chat-streaming"),
        ("job", "loadgate"),
        ("instance", "</script>"),
    ]);
    for second in 0..=20 {
        store.append(&labels, Point { at_ms: BEGIN_MS + second * 1_000, value: second as f64 });
    }
    let other = labels.with("testid", "another");
    store.append(&other, Point { at_ms: BEGIN_MS + 20_000, value: 1_000.0 });
    let file = report(&store, 20, 1, "").unwrap();
    let data = data(&file);
    assert_eq!(data["range"], json!({"from": 1_795_230_995.25, "to": 1_795_231_015.25, "step": 1.0}));
    let frames = data["frames"].as_object().unwrap();
    let ranges: Vec<&Json> =
        frames.values().filter_map(|frame| frame["series"].as_array()?.first()).collect();
    let last = |series: &&&Json| series["values"].as_array().unwrap().last().unwrap().as_f64() == Some(20.0);
    let vus = ranges.iter().find(last).unwrap_or_else(|| panic!("no frame shows the users: {frames:?}"));
    let values: Vec<f64> = vus["values"].as_array().unwrap().iter().filter_map(Json::as_f64).collect();
    assert_eq!(values, (0..=20).map(f64::from).collect::<Vec<_>>(), "and none of another run");
    assert_eq!(vus["t0"], 1_795_230_995.25);
    assert_eq!(data["variables"]["testid"], TESTID);
    assert_eq!(data["variables"]["scenario"], "$__all");
    let uids: Vec<&str> =
        data["dashboards"].as_array().unwrap().iter().filter_map(|each| each["uid"].as_str()).collect();
    assert!(
        uids.contains(&"loadgate-load")
            && uids.contains(&"loadgate-target")
            && !uids.contains(&"loadgate-websocket"),
        "{uids:?}"
    );
}

#[test]
fn a_run_without_series_has_its_verdict_all_the_same() {
    let file = report(&Store::new(1 << 20), 0, 1, "no load was sent").unwrap();
    let data = data(&file);
    assert_eq!((&data["run"], &data["log"]), (&run(), &json!("no load was sent")));
    assert_eq!((&data["dashboards"], &data["frames"]), (&json!([]), &json!({})));
    assert!(file.contains("<title>✗ failed · chat-streaming · run-1</title>"));
}

#[test]
fn a_report_that_takes_too_long_is_given_up() {
    let limits = Limits { deadline: Some(std::time::Instant::now()), ..Limits::default() };
    let store = everything(10, 5, |_| true);
    let given_up = html(&Material {
        run: &run(),
        summary: &Json::Null,
        log: "",
        store: &store,
        from_ms: BEGIN_MS,
        to_ms: BEGIN_MS + 10_000,
        interval: Duration::from_secs(5),
        limits,
    });
    assert!(matches!(given_up, Err(EvalError::Timeout)), "{:?}", given_up.map(|file| file.len()));
}
