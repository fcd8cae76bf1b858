//! The samples that both servers hold: half an hour, every five seconds.

use std::fmt::Write as _;

use loadgate::labels::Labels;
use loadgate::promql::Point;
use loadgate::tsdb::Store;

/// When the data begin, in seconds. Most samples lie 137 ms beside whole seconds, so that none is at the edge of a
/// range: there, and only there, Prometheus 2 and 3 differ.
pub(super) const BEGIN: i64 = 1_700_000_000;
pub(super) const END: i64 = BEGIN + 1_800;

const STEP_MS: i64 = 5_000;
const BESIDE_MS: i64 = 137;

pub(super) struct Written {
    pub(super) labels: Labels,
    pub(super) points: Vec<Point>,
}

fn series(labels: &[(&str, &str)], beside_ms: i64, value: impl Fn(i64) -> Option<f64>) -> Written {
    let at_ms = |step: i64| BEGIN * 1_000 + beside_ms + step * STEP_MS;
    let points =
        (0..360).filter_map(|step| Some(Point { at_ms: at_ms(step), value: value(step)? })).collect();
    Written { labels: Labels::new(labels.iter().copied()), points }
}

pub(super) fn written() -> Vec<Written> {
    let mut all = Vec::new();
    let mut add = |labels: &[(&str, &str)], value: &dyn Fn(i64) -> Option<f64>| {
        all.push(series(labels, BESIDE_MS, value));
    };
    for (instance, factor, version) in [("a:1", 1, "1.2"), ("b:1", 3, "1.3")] {
        let of = |name| vec![("__name__", name), ("job", "api"), ("instance", instance)];
        let with = |name, label, value| [of(name), vec![(label, value)]].concat();
        // Resets once.
        add(&with("http_requests_total", "code", "200"), &|step| {
            Some((factor * (step % 200) * 3 + step % 7) as f64)
        });
        add(&with("http_requests_total", "code", "500"), &|step| Some((factor * step) as f64 / 10.0));
        add(&of("queue_length"), &|step| Some(((step * 37 * factor) % 101 - 50) as f64));
        for (le, share) in [("0.1", 0.5), ("0.5", 0.9), ("1.0", 0.99), ("+Inf", 1.0)] {
            add(&with("latency_seconds_bucket", "le", le), &|step| {
                Some((share * (step * factor * 10) as f64).floor())
            });
        }
        add(&of("latency_seconds_sum"), &|step| Some((step * factor) as f64 * 2.125));
        add(&of("latency_seconds_count"), &|step| Some((step * factor * 10) as f64));
        add(&with("build_info", "version", version), &|_| Some(1.0));
        add(&of("up"), &|step| Some(f64::from(u8::from(step % 50 != 0))));
    }
    add(&[("__name__", "short_lived"), ("job", "batch")], &|step| {
        (100..150).contains(&step).then_some(step as f64)
    });
    add(&[("__name__", "odd"), ("kind", "nan")], &|step| Some(if step % 3 == 0 { f64::NAN } else { 1.0 }));
    add(&[("__name__", "odd"), ("kind", "infinite")], &|_| Some(f64::INFINITY));
    add(&[("__name__", "odd"), ("kind", "below")], &|_| Some(f64::NEG_INFINITY));
    add(&[("__name__", "odd"), ("kind", "large")], &|step| Some(1e21 * (step + 1) as f64));
    add(&[("__name__", "odd"), ("kind", "small")], &|step| Some(-1.5e-7 * (step + 1) as f64));
    add(&[("__name__", "weird"), ("path", "a\"b\\c\nd"), ("city", "Zürich ☃")], &|step| Some(step as f64));
    all.push(series(&[("__name__", "aligned")], 0, |step| Some(step as f64)));
    all
}

pub(super) fn fill(store: &Store) {
    for series in written() {
        for point in series.points {
            let intake = store.append(&series.labels, point);
            assert_eq!(intake.samples, 1, "{}", series.labels);
        }
    }
}

/// In order of time, as the import wants it.
pub(super) fn open_metrics() -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let mut samples = Vec::new();
    for series in written() {
        let name = series.labels.value("__name__").unwrap().to_owned();
        let labels = series.labels.without("__name__");
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = labels.join(",");
        for point in series.points {
            let value = match point.value {
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                value => format!("{value:?}"),
            };
            samples.push((point.at_ms, format!("{name}{{{labels}}} {value}")));
        }
    }
    samples.sort_by_key(|(at_ms, _)| *at_ms);
    let mut text = String::new();
    for (at_ms, sample) in samples {
        writeln!(text, "{sample} {}.{:03}", at_ms / 1_000, at_ms % 1_000).unwrap();
    }
    text + "# EOF\n"
}
