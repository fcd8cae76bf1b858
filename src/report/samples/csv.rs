//! k6's CSV rows: a column per system tag, all other tags in `extra_tags`.

use std::borrow::Cow;

use super::Frame;
use super::tags::Tags;
use crate::ids::MetricId;
use crate::metric::Definition;

/// The tags that k6 sets by default, in its order.
const COLUMNS: [&str; 14] = [
    "check",
    "error",
    "error_code",
    "expected_response",
    "group",
    "method",
    "name",
    "proto",
    "scenario",
    "service",
    "status",
    "subproto",
    "tls_version",
    "url",
];

pub(super) const HEADER: &str = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,\
    group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n";

pub(super) fn frame(metric: MetricId, definition: &Definition, tags: &Tags<'_>) -> Frame {
    let column = |name: &&str| field(tags.get(name).map_or("", |value| value)).into_owned();
    let columns: Vec<String> = COLUMNS.iter().map(column).collect();
    let extra = tags.iter().filter(|(name, _)| !COLUMNS.contains(name));
    let extra: Vec<String> = extra.map(|(name, value)| format!("{name}={value}")).collect();
    Frame {
        metric,
        before: format!("{},", field(&definition.name)),
        between: ",",
        after: format!(",{},{},\n", columns.join(","), field(&extra.join("&"))),
    }
}

/// RFC 4180's quotes where Go's writer, and so k6, sets them.
fn field(text: &str) -> Cow<'_, str> {
    let quoted = text.contains([',', '"', '\r', '\n']) || text.starts_with([' ', '\t']) || text == r"\.";
    if quoted { Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_lists_the_columns() {
        let expected =
            format!("metric_name,timestamp,metric_value,{},extra_tags,metadata\n", COLUMNS.join(","));
        assert_eq!(HEADER, expected);
    }

    #[test]
    fn hostile_names_stay_in_their_field() {
        for (text, expected) in [
            ("plain & = é", "plain & = é"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" begins with a space", "\" begins with a space\""),
        ] {
            assert_eq!(field(text), expected);
        }
    }
}
