//! The lines that both formats share: a sample with its labels, and the two lines of metadata.

use std::fmt::Write as _;

use super::{is_plain_label_name, is_plain_metric_name};
use crate::family::{Family, Float, Value};
use crate::labels::Labels;

/// Which characters need a backslash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `\` and line feed: HELP in text 0.0.4.
    TextHelp,
    /// `\`, line feed and `"`: label values everywhere, and HELP in OpenMetrics.
    Quoted,
}

pub(super) fn escape(out: &mut String, text: &str, escape: Escape) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if escape == Escape::Quoted => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

/// `# HELP` and `# TYPE`.
pub(super) fn metadata(out: &mut String, name: &str, kind: &str, help: &str, help_escape: Escape) {
    out.push_str("# HELP ");
    metadata_name(out, name);
    out.push(' ');
    escape(out, help, help_escape);
    out.push_str("\n# TYPE ");
    metadata_name(out, name);
    let _infallible = writeln!(out, " {kind}");
}

/// Every sample of `family`, in order, under the names that a time series database gives them.
pub(super) fn samples(out: &mut String, family: &Family) {
    for series in &family.series {
        let mut line = |suffix: &str, extra: Option<(&str, f64)>, value: f64| {
            sample(out, &family.name, suffix, &series.labels, extra, value);
        };
        match &series.value {
            Value::Number(number) => line("", None, *number),
            Value::Histogram(histogram) => {
                for bucket in &histogram.buckets {
                    line("_bucket", Some(("le", bucket.le)), bucket.count);
                }
                line("_sum", None, histogram.sum);
                line("_count", None, histogram.count);
            }
            Value::Summary(summary) => {
                for (quantile, value) in &summary.quantiles {
                    line("", Some(("quantile", *quantile)), *value);
                }
                line("_sum", None, summary.sum);
                line("_count", None, summary.count);
            }
        }
    }
}

fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &Labels,
    extra: Option<(&str, f64)>,
    value: f64,
) {
    // A name outside [a-zA-Z0-9_:] stands between the braces, in quotes (Prometheus 3).
    let plain = is_plain_metric_name(name);
    if plain {
        out.push_str(name);
        out.push_str(suffix);
    }
    let mut separator = '{';
    let mut separate = |out: &mut String| {
        out.push(separator);
        separator = ',';
    };
    if !plain {
        separate(out);
        out.push('"');
        escape(out, name, Escape::Quoted);
        out.push_str(suffix);
        out.push('"');
    }
    for (label, value) in labels.iter() {
        separate(out);
        label_name(out, label);
        out.push_str("=\"");
        escape(out, value, Escape::Quoted);
        out.push('"');
    }
    if let Some((label, bound)) = extra {
        separate(out);
        let _infallible = write!(out, "{label}=\"{}\"", Float(bound));
    }
    if separator == ',' {
        out.push('}');
    }
    out.push(' ');
    number(out, value);
    out.push('\n');
}

/// A sample's value: whole numbers without a point.
fn number(out: &mut String, value: f64) {
    let _infallible = match whole(value) {
        Some(whole) => write!(out, "{whole}"),
        None => write!(out, "{}", Float(value)),
    };
}

/// `value` as an integer where that says the same.
pub(super) fn whole(value: f64) -> Option<i64> {
    let negative_zero = value == 0.0 && value.is_sign_negative();
    (value.trunc() == value && value.abs() < 1e15 && !negative_zero).then_some(value as i64)
}

fn metadata_name(out: &mut String, name: &str) {
    quoted_unless(is_plain_metric_name(name), out, name);
}

fn label_name(out: &mut String, name: &str) {
    quoted_unless(is_plain_label_name(name), out, name);
}

fn quoted_unless(plain: bool, out: &mut String, name: &str) {
    if plain {
        out.push_str(name);
    } else {
        out.push('"');
        escape(out, name, Escape::Quoted);
        out.push('"');
    }
}
