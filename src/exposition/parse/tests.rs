//! What the parser makes of bodies, good and bad; the cases follow Prometheus' own.

use super::*;
use crate::family::{Family, FamilyKind, Value};

fn read(body: &str, format: Format) -> Result<Parsed, ParseError> {
    parse(body.as_bytes(), format, &Limits::default())
}

/// The families as one line each: kind, then samples as the store would see them.
fn outline(families: &[Family]) -> Vec<String> {
    families
        .iter()
        .map(|family| {
            let mut samples = Vec::new();
            family.each_sample(|name, labels, value| samples.push(format!("{name}{labels} {value}")));
            format!("{:?} {}: {}", family.kind, family.name, samples.join("; "))
        })
        .collect()
}

#[track_caller]
fn check_text(body: &str, expected: &[&str]) {
    assert_eq!(outline(&read(body, Format::Text).unwrap().families), expected);
}

#[track_caller]
fn check_openmetrics(body: &str, expected: &[&str]) {
    let body = format!("{body}# EOF\n");
    assert_eq!(outline(&read(&body, Format::OpenMetrics).unwrap().families), expected);
}

#[track_caller]
fn refuse(format: Format, body: &str, message: &str) {
    assert_eq!(read(body, format).unwrap_err().to_string(), message, "{body:?}");
}

#[test]
fn text_is_read_as_prometheus_reads_it() {
    check_text("", &[]);
    check_text("\n\n# a comment\n#HELP a is a comment too\n# TYPED\n#\n", &[]);
    check_text("a 1", &["Unknown a: a{} 1"]);
    check_text(
        "  a\t{ x = \"1\" , y=\"2\", }  \t2.5e3\t1395066363000  \n",
        &["Unknown a: a{x=\"1\",y=\"2\"} 2500"],
    );
    check_text("a{} 1\na:b_c 2\n", &["Unknown a: a{} 1", "Unknown a:b_c: a:b_c{} 2"]);
    check_text("a{x=\"1\" y=\"2\"} 1\n", &["Unknown a: a{x=\"1\",y=\"2\"} 1"]);
    check_text("a{x=\"\\\\ \\\" \\n \\t\"} 1\n", &["Unknown a: a{x=\"\\\\ \\\" \\n \\\\t\"} 1"]);
    check_text("a{x=\"two\nlines, } 9\"} 1\n", &["Unknown a: a{x=\"two\\nlines, } 9\"} 1"]);
    check_text("a{x=\"\"} 1\n", &["Unknown a: a{} 1"]);
    check_text(
        "a +Inf\nb -Inf\nc NaN\n",
        &["Unknown a: a{} inf", "Unknown b: b{} -inf", "Unknown c: c{} NaN"],
    );
    check_text(
        "{\"a.b\"} 1\n{\"c d\",\"e.f\"=\"g\"} 2\n{x=\"1\",\"h\"} 3\n",
        &["Unknown a.b: a.b{} 1", "Unknown c d: c d{e.f=\"g\"} 2", "Unknown h: h{x=\"1\"} 3"],
    );
}

#[test]
fn metadata_names_kind_and_help() {
    let body = "# HELP a says \\\\ \\n \\\"\n# TYPE a counter\na 1\n# TYPE \"b.c\" gauge\n{\"b.c\"} 2\n";
    let parsed = read(body, Format::Text).unwrap();
    assert_eq!(parsed.families[0].help, "says \\ \n \\\"");
    assert_eq!(outline(&parsed.families), ["Counter a: a{} 1", "Gauge b.c: b.c{} 2"]);
}

#[test]
fn histograms_and_summaries_are_assembled_from_their_parts() {
    check_text(
        "# TYPE h histogram\nh_bucket{le=\"1\",a=\"b\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 2\nh_sum{a=\"b\"} 3\n\
         h_count{a=\"b\"} 2\n# TYPE s summary\ns{quantile=\"0.50\"} 7\ns_sum 8\ns_count 9\n",
        &[
            "Histogram h: h_bucket{a=\"b\",le=\"1.0\"} 1; h_bucket{a=\"b\",le=\"+Inf\"} 2; h_sum{a=\"b\"} 3; h_count{a=\"b\"} 2",
            "Summary s: s{quantile=\"0.5\"} 7; s_sum{} 8; s_count{} 9",
        ],
    );
}

#[test]
fn metadata_may_come_after_the_samples() {
    let body = "a_count 1\na_sum 2\n# TYPE a summary\n";
    check_text(body, &["Summary a: a_sum{} 2; a_count{} 1"]);
}

#[test]
fn what_is_no_whole_histogram_or_summary_keeps_its_samples() {
    check_text(
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n",
        &[
            "Unknown h_bucket: h_bucket{le=\"1.0\"} 1; h_bucket{le=\"+Inf\"} 1",
            "Unknown h_count: h_count{} 1",
        ],
    );
    let incomplete = [
        "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1",
        "h_bucket{le=\"x\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1",
        "h_bucket{le=\"NaN\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1",
        "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1",
        "h_bucket 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1",
        "h 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1",
        "h_bucket{le=\"+Inf\"} 1\nh_sum{le=\"1\"} 1\nh_count 1",
        "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\nh_count{a=\"b\"} 1",
    ];
    for samples in incomplete {
        let body = format!("# TYPE h histogram\n{samples}\n");
        let parsed = read(&body, Format::Text).unwrap();
        assert!(parsed.families.iter().all(|family| family.kind == FamilyKind::Unknown), "{body}");
        let kept: usize = parsed.families.iter().map(|family| family.series.len()).sum();
        assert_eq!(kept, samples.lines().count(), "{body}");
    }
    check_text(
        "# TYPE s summary\ns{quantile=\"1.5\"} 1\ns_sum 1\ns_count 1\n",
        &["Unknown s: s{quantile=\"1.5\"} 1", "Unknown s_sum: s_sum{} 1", "Unknown s_count: s_count{} 1"],
    );
}

#[test]
fn parts_without_a_declared_family_are_plain_samples() {
    check_text(
        "x_bucket{le=\"1\"} 1\nx_count 2\n",
        &["Unknown x_bucket: x_bucket{le=\"1\"} 1", "Unknown x_count: x_count{} 2"],
    );
}

#[test]
fn of_two_samples_of_one_series_the_first_is_kept_and_the_other_counted() {
    let parsed = read(
        "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 0\n\
         h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_sum 2\nh_count 2\n",
        Format::Text,
    )
    .unwrap();
    assert_eq!((parsed.samples, parsed.duplicates), (8, 3));
    assert_eq!(
        outline(&parsed.families),
        [
            "Unknown a: a{x=\"1\",y=\"2\"} 1",
            "Histogram h: h_bucket{le=\"1.0\"} 1; h_bucket{le=\"+Inf\"} 2; h_sum{} 1; h_count{} 2"
        ]
    );
}

#[test]
fn openmetrics_names_a_counters_family_without_total() {
    check_openmetrics(
        "# HELP a things \\\"x\\\"\n# TYPE a counter\n# UNIT a \na_total{b=\"c\"} 1 1520879607.789\na_created{b=\"c\"} 15\n",
        &["Counter a_total: a_total{b=\"c\"} 1", "Unknown a_created: a_created{b=\"c\"} 15"],
    );
    check_openmetrics("# TYPE a counter\na 1\n", &["Counter a: a{} 1"]);
    check_openmetrics(
        "# TYPE a info\na_info{v=\"1\"} 1\n# TYPE b stateset\nb{b=\"x\"} 1\n",
        &["Gauge a_info: a_info{v=\"1\"} 1", "Gauge b: b{b=\"x\"} 1"],
    );
    check_openmetrics(
        "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gcount 1\n",
        &["Unknown a_bucket: a_bucket{le=\"+Inf\"} 1", "Unknown a_gcount: a_gcount{} 1"],
    );
    check_openmetrics(
        "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n",
        &["Gauge a_seconds: a_seconds{} 1"],
    );
}

#[test]
fn exemplars_are_checked_and_dropped() {
    check_openmetrics(
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {trace_id=\"}# {\"} 0.67\nh_bucket{le=\"+Inf\"} 1 12.5 # {} 1 1.5e9\n\
         h_sum 1\nh_count 1\n",
        &["Histogram h: h_bucket{le=\"1.0\"} 1; h_bucket{le=\"+Inf\"} 1; h_sum{} 1; h_count{} 1"],
    );
    refuse(
        Format::OpenMetrics,
        "a 1 # {b=\"c\"}\n# EOF",
        "line 1, column 14: expected a space and a value, found the end of the line",
    );
    refuse(Format::OpenMetrics, "a 1 # {\"b\"} 1\n# EOF", "line 1, column 11: expected `=`, found '}'");
}

#[test]
fn text_errors_say_where_and_what() {
    let refuse = |body, message| refuse(Format::Text, body, message);
    refuse("a\n", "line 1, column 2: expected a value, found the end of the line");
    refuse("a", "line 1, column 2: expected a value, found the end");
    refuse(
        "ok 1\nä 1\n",
        "line 2, column 1: expected a metric name, `{`, `#` or an empty line, found byte 0xc3",
    );
    refuse("<html>", "line 1, column 1: expected a metric name, `{`, `#` or an empty line, found '<'");
    refuse("a 1\r\n", "line 1, column 3: the line ends in a carriage return; lines end in a line feed alone");
    refuse(
        "a 1 2\r\n",
        "line 1, column 6: the line ends in a carriage return; lines end in a line feed alone",
    );
    refuse("\r\n", "line 1, column 1: the line ends in a carriage return; lines end in a line feed alone");
    refuse("# TYPE a gauge\r\n", "line 1, column 10: unknown metric type \"gauge\\r\"");
    refuse("a 0x1f\n", "line 1, column 3: \"0x1f\" is not a number");
    refuse("a 1e309\n", "line 1, column 3: \"1e309\" is beyond the range of a 64-bit float");
    refuse(
        "a 1 -5\n",
        "line 1, column 5: expected a timestamp in whole milliseconds or the end of the line, found '-'",
    );
    refuse("a 1 99999999999999999999\n", "line 1, column 5: \"99999999999999999999\" is not a timestamp");
    refuse("a 1 5 6\n", "line 1, column 7: expected the end of the line, found '6'");
    refuse("a{x=\"ä\" \u{1f600}} 1\n", "line 1, column 9: expected a label name or `}`, found byte 0xf0");
    refuse("a{x=1} 1\n", "line 1, column 5: expected a label value in quotes, found '1'");
    refuse("a{x=\"1} 1\n", "line 1, column 5: the string does not end");
    refuse("a{x=\"1\\\n\"} 1\n", "line 1, column 5: the string does not end");
    refuse("a{,} 1\n", "line 1, column 3: expected a label name or `}`, found ','");
    refuse("a{x:y=\"1\"} 1\n", "line 1, column 4: expected `=`, found ':'");
    refuse("a{x=\"1\",x=\"2\"} 1\n", "line 1, column 9: label \"x\" is given twice");
    refuse("a{__name__=\"b\"} 1\n", "line 1, column 3: label \"__name__\" is given twice");
    refuse("a{\"b\"} 1\n", "line 1, column 3: the metric name is given twice");
    refuse("{\"\"} 1\n", "line 1, column 2: the metric name is empty");
    refuse("{a=\"b\"} 1\n", "line 1, column 1: the sample has no metric name");
    refuse("a{b=\"c\"}{d=\"e\"} 1\n", "line 1, column 9: expected a value, found '{'");
    refuse("# TYPE a\n", "line 1, column 9: unknown metric type \"\"");
    refuse("# TYPE a info\n", "line 1, column 10: unknown metric type \"info\"");
    refuse("# HELP 1 x\n", "line 1, column 8: expected a metric name, found '1'");
    refuse("\0\n", "line 1, column 1: expected a metric name, `{`, `#` or an empty line, found '\\0'");
}

#[test]
fn openmetrics_errors_say_where_and_what() {
    let refuse = |body, message| refuse(Format::OpenMetrics, body, message);
    refuse("", "line 1, column 1: the body does not end in # EOF");
    refuse("a 1\n", "line 2, column 1: the body does not end in # EOF");
    refuse("a 1", "line 1, column 4: the body does not end in # EOF");
    refuse("# TYPE a gauge", "line 1, column 15: the body does not end in # EOF");
    refuse("# EOF\n\n", "line 2, column 1: there is more after # EOF");
    refuse("# EOFa", "line 1, column 6: there is more after # EOF");
    refuse(
        "\n# EOF\n",
        "line 1, column 1: expected a metric name, `{`, or `# ` and HELP, TYPE, UNIT or EOF, found the end of the line",
    );
    refuse("# a comment\n# EOF\n", "line 1, column 3: expected HELP, TYPE, UNIT or EOF, found 'a'");
    refuse("a  1\n# EOF\n", "line 1, column 3: expected a value, found a space");
    refuse("a 1 x\n# EOF\n", "line 1, column 5: \"x\" is not a timestamp");
    refuse("a 1 Inf\n# EOF\n", "line 1, column 5: \"Inf\" is not a timestamp");
    refuse("a{x=\"1\" } 1\n# EOF\n", "line 1, column 8: expected `,` or `}`, found a space");
    refuse("a{x=\"two\nlines\"} 1\n# EOF\n", "line 1, column 5: the string does not end");
    refuse("# TYPE a untyped\n# EOF\n", "line 1, column 10: unknown metric type \"untyped\"");
    refuse(
        "# UNIT a seconds\n# EOF\n",
        "line 1, column 10: unit \"seconds\" is not the ending of metric name \"a\"",
    );
    refuse(
        "a 1\r\n# EOF\n",
        "line 1, column 3: the line ends in a carriage return; lines end in a line feed alone",
    );
}

#[test]
fn what_is_not_utf_8_is_refused_where_it_would_be_kept() {
    let at = |body: &[u8]| parse(body, Format::Text, &Limits::default()).unwrap_err().to_string();
    assert_eq!(at(b"a{b=\"x\xff\"} 1\n"), "line 1, column 7: not UTF-8");
    assert_eq!(at(b"# HELP a x\xff\n"), "line 1, column 11: not UTF-8");
    assert!(parse(b"# only a comment \xff\na 1\n", Format::Text, &Limits::default()).is_ok());
}

#[test]
fn each_limit_refuses_the_first_thing_beyond_it() {
    let limits = Limits { max_body_bytes: 100, max_samples: 2, max_labels: 2, max_label_bytes: 4 };
    let read = |body: &str| parse(body.as_bytes(), Format::Text, &limits).map_err(|error| error.to_string());
    assert!(read("abcd{a=\"1234\",b=\"2\"} 1\nb 1\n").is_ok());
    let refuse = |body: &str, message: &str| assert_eq!(read(body).unwrap_err(), message);
    refuse(&"#".repeat(101), "line 1, column 101: the body is longer than 100 bytes");
    refuse("a 1\nb 2\nc 3\n", "line 3, column 1: more than 2 samples");
    refuse("a{b=\"1\",c=\"2\",d=\"3\"} 1\n", "line 1, column 15: a series with more than 2 labels");
    refuse("a{b=\"12345\"} 1\n", "line 1, column 6: a name or label value longer than 4 bytes");
    refuse("a{bcdef=\"1\"} 1\n", "line 1, column 3: a name or label value longer than 4 bytes");
    refuse("abcde 1\n", "line 1, column 1: a name or label value longer than 4 bytes");
    refuse("# HELP a x\n# HELP b x\n# HELP c x\n", "line 3, column 10: metadata for more than 2 names");
}

#[test]
fn a_message_quotes_little_of_what_a_target_sent() {
    let error = read(&format!("a {}\n", "x".repeat(1 << 20)), Format::Text).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
}

#[test]
fn a_series_value_survives_with_all_its_digits() {
    let parsed = read("a 0.1234567890123456789\n", Format::Text).unwrap();
    assert_eq!(parsed.families[0].series[0].value, Value::Number(0.123_456_789_012_345_68));
}
