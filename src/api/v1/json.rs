//! Values, times and labels as Prometheus writes them in JSON.

use std::io::Write as _;

use serde::{Serialize, Serializer};

use crate::labels::Labels;
use crate::promql::{Point, Value};

/// What is serialized here has string keys and comes from memory, so it cannot fail.
pub(super) fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// `{"resultType":…,"result":…}`. Series go as they are written, so that a large result is not held twice.
pub(super) fn write_value(out: &mut Vec<u8>, value: Value) {
    let kind = match value {
        Value::Scalar(_) => "scalar",
        Value::String { .. } => "string",
        Value::Vector(_) => "vector",
        Value::Matrix(_) => "matrix",
    };
    out.extend_from_slice(format!("{{\"resultType\":\"{kind}\",\"result\":").as_bytes());
    match value {
        Value::Scalar(point) => {
            // Unlike in vectors never with an exponent.
            print(out, format_args!("[{},\"{}\"]", seconds(point.at_ms), Plain(point.value)));
        }
        Value::String { at_ms, text } => {
            print(out, format_args!("[{},", seconds(at_ms)));
            write(out, &text);
            out.push(b']');
        }
        Value::Vector(samples) => list(out, samples, |out, sample| {
            out.extend_from_slice(b"{\"metric\":");
            write_labels(out, &sample.labels);
            out.extend_from_slice(b",\"value\":");
            write_point(out, sample.point);
            out.push(b'}');
        }),
        Value::Matrix(series) => list(out, series, |out, series| {
            out.extend_from_slice(b"{\"metric\":");
            write_labels(out, &series.labels);
            if !series.points.is_empty() {
                out.extend_from_slice(b",\"values\":");
                list(out, series.points, write_point);
            }
            out.push(b'}');
        }),
    }
    out.push(b'}');
}

pub(super) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(b']');
}

pub(super) fn write_labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, name);
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}

fn write_point(out: &mut Vec<u8>, point: Point) {
    out.push(b'[');
    write_time(out, point.at_ms);
    out.extend_from_slice(b",\"");
    write_float(out, point.value);
    out.extend_from_slice(b"\"]");
}

/// Seconds, with three decimals unless all are zero.
fn write_time(out: &mut Vec<u8>, at_ms: i64) {
    if at_ms < 0 {
        out.push(b'-');
    }
    let (secs, millis) = (at_ms.unsigned_abs() / 1000, at_ms.unsigned_abs() % 1000);
    write_whole(out, secs);
    if millis != 0 {
        print(out, format_args!(".{millis:03}"));
    }
}

/// As few digits as tell the number from all others; with an exponent below 1e-6 and from 1e21 on.
fn write_float(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size < MAX_WHOLE && size.fract() == 0.0 {
        if value.is_sign_negative() {
            out.push(b'-');
        }
        write_whole(out, size as u64);
    } else if size.is_finite() && size != 0.0 && !(1e-6..1e21).contains(&size) {
        out.extend_from_slice(exponential(value).as_bytes());
    } else {
        print(out, format_args!("{}", Plain(value)));
    }
}

/// Below it, whole numbers are written digit by digit: counts are most of what is asked for, and the formatting of floats
/// would take most of an answer's time.
const MAX_WHOLE: f64 = 1e15;

fn write_whole(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut first) = (number, digits.len() - 1);
    while let Some(digit) = digits.get_mut(first) {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
        first = first.saturating_sub(1);
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// As Go's `strconv.FormatFloat(value, 'e', -1, 64)`: `1e+00`, `1.5e-07`.
pub(super) fn exponential(value: f64) -> String {
    if !value.is_finite() {
        return Plain(value).to_string();
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// As Go's `strconv.FormatFloat(value, 'f', -1, 64)`.
struct Plain(f64);

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => value.fmt(f), // NaN too
        }
    }
}

fn seconds(at_ms: i64) -> f64 {
    at_ms as f64 / 1000.0
}

/// Writing to memory does not fail.
fn print(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(arguments);
}

/// For `serialize_with`: an object.
pub(super) fn labels<S: Serializer>(labels: &&Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}

/// For `serialize_with`: without decimals where there are none, as Go writes it.
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{Sample, Series};

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-6, "0.000001"),
            (9.5e-7, "9.5e-07"),
            (5e-324, "5e-324"),
            (123_456_789.0, "123456789"),
            (10.0, "10"),
            (-1_000_000.0, "-1000000"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e20, "100000000000000000000"),
            (999_999_999_999_999_900_000.0, "999999999999999900000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(text(|out| write_float(out, value)), expected);
        }
    }

    #[test]
    fn the_value_of_an_alert_always_has_an_exponent() {
        for (value, expected) in [
            (0.0, "0e+00"),
            (1.0, "1e+00"),
            (1500.0, "1.5e+03"),
            (-0.25, "-2.5e-01"),
            (1e-100, "1e-100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(exponential(value), expected);
        }
    }

    #[test]
    fn times_are_seconds_with_three_decimals_or_none() {
        for (at_ms, expected) in [
            (0, "0"),
            (1, "0.001"),
            (1_500, "1.500"),
            (1_435_781_451_781, "1435781451.781"),
            (1_435_781_451_000, "1435781451"),
            (-1, "-0.001"),
            (-2_050, "-2.050"),
            (i64::MIN, "-9223372036854775.808"),
        ] {
            assert_eq!(text(|out| write_time(out, at_ms)), expected);
        }
    }

    #[test]
    fn each_kind_of_value_has_its_shape() {
        let point = |value| Point { at_ms: 1_500, value };
        let labels = Labels::new([("__name__", "up"), ("job", "a\"\u{e9}\n")]);
        for (value, expected) in [
            (
                Value::Scalar(point(1e21)),
                r#"{"resultType":"scalar","result":[1.5,"1000000000000000000000"]}"#,
            ),
            (Value::Scalar(point(f64::INFINITY)), r#"{"resultType":"scalar","result":[1.5,"+Inf"]}"#),
            (
                Value::String { at_ms: 1_000, text: "a\"b".to_owned() },
                r#"{"resultType":"string","result":[1,"a\"b"]}"#,
            ),
            (Value::Vector(Vec::new()), r#"{"resultType":"vector","result":[]}"#),
            (
                Value::Vector(vec![
                    Sample { labels: labels.clone(), point: point(1e21) },
                    Sample { labels: Labels::empty(), point: point(2.0) },
                ]),
                r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"é\n"},"value":[1.500,"1e+21"]},{"metric":{},"value":[1.500,"2"]}]}"#,
            ),
            (Value::Matrix(Vec::new()), r#"{"resultType":"matrix","result":[]}"#),
            (
                Value::Matrix(vec![Series {
                    labels: Labels::new([("a", "b")]),
                    points: vec![point(f64::NAN), Point { at_ms: 2_000, value: 0.5 }],
                }]),
                r#"{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.500,"NaN"],[2,"0.5"]]}]}"#,
            ),
        ] {
            assert_eq!(text(|out| write_value(out, value)), expected);
        }
    }

    #[test]
    fn plain_numbers_have_no_needless_decimals() {
        #[derive(Serialize)]
        struct Numbers(#[serde(serialize_with = "number")] f64, #[serde(serialize_with = "number")] f64);
        assert_eq!(text(|out| write(out, &Numbers(5.0, 0.25))), "[5,0.25]");
    }
}
