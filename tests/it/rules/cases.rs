//! Unit tests of rules, each with what must come of it.

/// What Prometheus 3 makes of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    Pass,
    Fail,
    /// The file is none.
    Invalid,
    /// It passes, though promtool 2.42 knows better or does not know the key.
    Only3,
    /// It fails, though it passes with promtool 2.42.
    Only2,
}
use Verdict::{Fail, Invalid, Only2, Only3, Pass};

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) rules: String,
    pub(super) tests: String,
}

impl Case {
    pub(super) fn new(name: &'static str, verdict: Verdict, rules: &str, tests: &str) -> Self {
        Case { name, verdict, rules: rules.to_owned(), tests: tests.to_owned() }
    }
}

/// An alert on `x > 5`, and what more it has.
fn alert(more: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: x > 5\n{more}")
}

fn record(name: &str, expr: &str) -> String {
    format!("groups:\n- name: {name}\n  rules:\n  - record: r\n    expr: {expr}\n")
}

const HEAD: &str = "rule_files: [rules.yml]\nevaluation_interval: 1m\n";

/// A test over the series `x{a="1"}` with these values, a minute apart, and its questions.
fn over(values: &str, questions: &str) -> String {
    format!(
        "{HEAD}tests:\n- interval: 1m\n  input_series:\n  - series: x{{a=\"1\"}}\n    values: {values}\n{questions}"
    )
}

/// Which alerts `A` fire at a time: their labels and annotations.
fn fires(at: &str, alerts: &[(&str, &str)]) -> String {
    let expected = alerts.iter().map(|(labels, annotations)| {
        format!("\n    - exp_labels: {{{labels}}}\n      exp_annotations: {{{annotations}}}")
    });
    format!(
        "  alert_rule_test:\n  - eval_time: {at}\n    alertname: A\n    exp_alerts:{}\n",
        expected.collect::<String>()
    )
}

/// What a query gives at a time.
fn gives(expr: &str, at: &str, samples: &[(&str, &str)]) -> String {
    let expected =
        samples.iter().map(|(labels, value)| format!("\n    - labels: '{labels}'\n      value: {value}"));
    format!(
        "  promql_expr_test:\n  - expr: '{expr}'\n    eval_time: {at}\n    exp_samples:{}\n",
        expected.collect::<String>()
    )
}

const ONE: (&str, &str) = ("a: '1'", "");

pub(super) fn cases() -> Vec<Case> {
    [alerts(), templates(), queries(), recording(), files(), since_3()].into_iter().flatten().collect()
}

fn alerts() -> Vec<Case> {
    let case = |name, verdict, rules: &str, values: &str, questions: String| {
        Case::new(name, verdict, &alert(rules), &over(values, &questions))
    };
    vec![
        case("fires at once", Pass, "", "1 6", fires("1m", &[ONE])),
        case("does not fire yet", Pass, "", "1 6", fires("0m", &[])),
        case("fires where nothing is expected", Fail, "", "1 6", fires("1m", &[])),
        case("does not fire where it is expected", Fail, "", "1 6", fires("0m", &[ONE])),
        case("is asked between two evaluations", Pass, "", "1 6 1", fires("1m59s", &[ONE])),
        case("is asked between two others", Fail, "", "1 6 1", fires("2m1s", &[ONE])),
        case("pending alerts are not compared", Pass, "    for: 2m\n", "6x9", fires("1m", &[])),
        case("fires after for", Pass, "    for: 2m\n", "6x9", fires("2m", &[ONE])),
        case("one gap starts for anew", Fail, "    for: 2m\n", "6 6 1 6 6", fires("4m", &[ONE])),
        case("keep_firing_for", Pass, "    keep_firing_for: 2m\n", "6 1x9", fires("2m", &[ONE])),
        case("keep_firing_for ends", Pass, "    keep_firing_for: 2m\n", "6 1x9", fires("3m", &[])),
        case("a stale series resolves it", Pass, "", "6 stale", fires("1m", &[])),
        case("a gap is bridged by the lookback", Pass, "", "6 _x9", fires("4m", &[ONE])),
        case("and not longer than that", Pass, "", "6 _x9", fires("6m", &[])),
        case("other labels", Fail, "", "6", fires("0m", &[("a: '2'", "")])),
        case("too few labels", Fail, "", "6", fires("0m", &[("", "")])),
        case("too many labels", Fail, "", "6", fires("0m", &[("a: '1', b: c", "")])),
        case("an empty label is one too many", Fail, "", "6", fires("0m", &[("a: '1', b: ''", "")])),
        case("alertname may be named", Pass, "", "6", fires("0m", &[("a: '1', alertname: A", "")])),
        case("and is what it is", Pass, "", "6", fires("0m", &[("a: '1', alertname: B", "")])),
        case("the same alert twice", Fail, "", "6", fires("0m", &[ONE, ONE])),
        case(
            "own labels override",
            Pass,
            "    labels: {a: own, severity: page}\n",
            "6",
            fires("0m", &[("a: own, severity: page", "")]),
        ),
        case("annotations are compared", Fail, "    annotations: {s: x}\n", "6", fires("0m", &[ONE])),
        case(
            "an empty annotation is one",
            Pass,
            "    annotations: {s: ''}\n",
            "6",
            fires("0m", &[("a: '1'", "s: ''")]),
        ),
        case("and must be expected", Fail, "    annotations: {s: ''}\n", "6", fires("0m", &[ONE])),
        Case::new(
            "an alert that no rule has does not fire",
            Pass,
            &record("g", "x"),
            &over("6", &fires("1m", &[])),
        ),
        Case::new("nor when it is expected", Fail, &record("g", "x"), &over("6", &fires("1m", &[ONE]))),
        Case::new(
            "two groups with alerts of one name",
            Pass,
            "groups:\n- name: g\n  rules:\n  - {alert: A, expr: x > 5}\n- name: h\n  rules:\n  - {alert: A, expr: x > 4, labels: {h: '1'}}\n",
            &over("6", &fires("0m", &[("a: '1', h: '1'", ""), ONE])),
        ),
        Case::new(
            "absent data",
            Pass,
            "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'absent(y{b=\"1\"})'}\n",
            &over("6", &fires("0m", &[("b: '1'", "")])),
        ),
        Case::new(
            "the interval of a group does not count",
            Pass,
            "groups:\n- name: g\n  interval: 7m\n  rules:\n  - {alert: A, expr: x > 5}\n",
            &over("1 6", &fires("1m", &[ONE])),
        ),
        Case::new(
            "two alerts with the same labels",
            Fail,
            "groups:\n- name: g\n  rules:\n  - {alert: A, expr: x > 5, labels: {a: same}}\n",
            &over("6\n  - series: x{a=\"2\"}\n    values: 7", &fires("0m", &[("a: same", "")])),
        ),
        Case::new(
            "more alerts than the limit",
            Fail,
            "groups:\n- name: g\n  limit: 1\n  rules:\n  - {alert: A, expr: x > 5}\n",
            &over("6\n  - series: x{a=\"2\"}\n    values: 7", &fires("0m", &[])),
        ),
        Case::new(
            "a rule that cannot be evaluated fails even if nothing is asked of it",
            Fail,
            "groups:\n- name: g\n  rules:\n  - {record: r, expr: 'y / on () x'}\n",
            &over(
                "6\n  - series: x{a=\"2\"}\n    values: 7\n  - series: y\n    values: 1",
                &fires("0m", &[]),
            ),
        ),
    ]
}

fn templates() -> Vec<Case> {
    let case = |name, text: &str, expected: &str| {
        let rules = alert(&format!("    annotations:\n      s: '{text}'\n"));
        Case::new(
            name,
            Pass,
            &rules,
            &over("6 7.25", &fires("1m", &[("a: '1'", &format!("s: '{expected}'"))])),
        )
    };
    vec![
        case("values and labels", "{{ $labels.a }} is {{ $value }}", "1 is 7.25"),
        case("fields", "{{ .Labels.a }}{{ .Value }}{{ .Labels.none }}", "17.25"),
        case("printf", "{{ printf \"%.1f %s\" $value $labels.a }}", "7.2 1"),
        case(
            "humanize",
            "{{ humanize 1234567.0 }} {{ humanizePercentage 0.123 }} {{ humanizeDuration 3661 }}",
            "1.235M 12.3% 1h 1m 1s",
        ),
        case("if", "{{ if gt $value 7.0 }}high{{ else }}low{{ end }}", "high"),
        case("query", "{{ range query \"x\" }}{{ .Labels.a }}={{ .Value }}{{ end }}", "1=7.25"),
        case(
            "a query at the moment of the rule",
            "{{ with query \"time()\" }}{{ . | first | value }}{{ end }}",
            "60",
        ),
        case(
            "functions on texts",
            "{{ toUpper \"a\" }}{{ title \"b c\" }}{{ reReplaceAll \"1\" \"2\" $labels.a }}",
            "AB C2",
        ),
        Case::new(
            "external labels and address",
            Pass,
            &alert("    annotations: {s: '{{ $externalLabels.cluster }} {{ $externalURL }}'}\n"),
            &over(
                "6",
                &format!(
                    "{}  external_labels: {{cluster: c}}\n  external_url: http://here:9090/\n",
                    fires("0m", &[("a: '1'", "s: c http://here:9090/")])
                ),
            ),
        ),
        Case::new(
            "labels are templates",
            Pass,
            &alert("    labels: {b: '{{ $labels.a }}-{{ $value }}', gone: '{{ $labels.none }}'}\n"),
            &over("6", &fires("0m", &[("a: '1', b: 1-6", "")])),
        ),
        Case::new(
            "a label that comes out empty takes the series' away",
            Pass,
            &alert("    labels: {a: ''}\n"),
            &over("6", &fires("0m", &[("", "")])),
        ),
    ]
}

fn queries() -> Vec<Case> {
    let case = |name, verdict, values: &str, questions: String| {
        Case::new(name, verdict, "groups: []\n", &over(values, &questions))
    };
    let x = r#"x{a="1"}"#;
    vec![
        case("a sample", Pass, "1+1x9", gives("x", "3m", &[(x, "4")])),
        case("with its name in braces", Pass, "1", gives("x", "0", &[(r#"{__name__="x", a="1"}"#, "1")])),
        case("another value", Fail, "1+1x9", gives("x", "3m", &[(x, "5")])),
        case("other labels", Fail, "1+1x9", gives("x", "3m", &[("x", "4")])),
        case("nothing expected", Fail, "1+1x9", gives("x", "3m", &[])),
        case("nothing there", Fail, "1+1x9", gives("y", "3m", &[(x, "4")])),
        case("nothing at all", Pass, "1+1x9", gives("y", "3m", &[])),
        case("one too many", Fail, "1", gives("x", "0", &[(x, "1"), ("y", "1")])),
        case("a scalar", Pass, "1", gives("1 + 1", "0", &[("{}", "2")])),
        case("a scalar without labels named", Pass, "1", gives("time()", "2m", &[("", "120")])),
        case("a text", Fail, "1", gives("\"a\"", "0", &[])),
        case("a range", Fail, "1", gives("x[5m]", "0", &[])),
        case("infinity", Pass, "Inf -Inf", gives("x", "1m", &[(x, "-.inf")])),
        case("NaN equals nothing", Fail, "NaN", gives("x", "0", &[(x, ".nan")])),
        case("stale", Pass, "1 stale", gives("x", "1m", &[])),
        case("repeated values count one more", Pass, "1x2 7", gives("x", "3m", &[(x, "7")])),
        case("repeated gaps do not", Pass, "1 _x2 7", gives("x", "3m", &[(x, "7")])),
        case(
            "values beyond the last evaluation are not there",
            Pass,
            "1+1x9",
            gives("x @ 240", "2m", &[(x, "3")]),
        ),
        case("between two evaluations", Pass, "1+1x9", gives("x", "1m30s", &[(x, "2")])),
        case("negative offset", Pass, "1+1x9", gives("x offset -1m", "2m", &[(x, "3")])),
        case("rate", Pass, "0+60x9", gives("rate(x[5m])", "9m", &[(r#"{a="1"}"#, "1")])),
        case("a sum that is not exact", Fail, "0.1", gives("x + 0.2", "0", &[(r#"{a="1"}"#, "0.3")])),
        case(
            "the order does not matter",
            Pass,
            "1\n  - series: b\n    values: 2",
            gives("{__name__=~\"x|b\"}", "0", &[(x, "1"), ("b", "2")]),
        ),
        case(
            "of two equal series the later counts",
            Pass,
            "1\n  - series: x{a=\"1\"}\n    values: 2",
            gives("x", "0", &[(x, "2")]),
        ),
        case(
            "the step of a subquery is the evaluation interval",
            Pass,
            "1+1x9",
            gives("count_over_time(x[3m30s:])", "5m", &[(r#"{a="1"}"#, "4")]),
        ),
        case(
            "a query that fails",
            Fail,
            "1\n  - series: x{a=\"2\"}\n    values: 2",
            gives("x / on () x", "0", &[]),
        ),
    ]
}

fn recording() -> Vec<Case> {
    let case = |name, verdict, rules: &str, values: &str, questions: String| {
        Case::new(name, verdict, rules, &over(values, &questions))
    };
    let recorded = r#"r{a="1"}"#;
    let chained = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: r > 5}\n- name: h\n  rules:\n  - {record: r, expr: x}\n";
    let ordered = |order: &str| {
        over("1 6", &fires("1m", &[ONE]))
            .replace("evaluation_interval", &format!("group_eval_order: {order}\nevaluation_interval"))
    };
    vec![
        case("a recorded series", Pass, &record("g", "x * 2"), "1+1x9", gives("r", "2m", &[(recorded, "6")])),
        case(
            "labels of the rule",
            Pass,
            &format!("{}    labels: {{b: '{{{{ $x'}}\n", record("g", "x")),
            "1",
            gives("r", "0", &[(r#"r{a="1", b="{{ $x"}"#, "1")]),
        ),
        case("ends with its source", Pass, &record("g", "x"), "1 stale", gives("r", "1m", &[])),
        case("of a scalar", Pass, &record("g", "'7'"), "1", gives("r", "0", &[("r", "7")])),
        case("of a range", Fail, &record("g", "x[5m]"), "1", gives("x", "0", &[(r#"x{a="1"}"#, "1")])),
        case(
            "collides with a series of the test",
            Fail,
            &record("g", "x"),
            "1\n  - series: r{a=\"1\"}\n    values: 5",
            gives("x", "0", &[(r#"x{a="1"}"#, "1")]),
        ),
        case(
            "the same sample again is none",
            Pass,
            &record("g", "x"),
            "1\n  - series: r{a=\"1\"}\n    values: 1",
            gives("r", "0", &[(recorded, "1")]),
        ),
        Case::new("groups in the order asked for", Pass, chained, &ordered("[h, g]")),
        case(
            "ALERTS",
            Pass,
            &alert("    for: 2m\n    labels: {severity: page}\n"),
            "6x9",
            gives(
                "ALERTS",
                "3m",
                &[(r#"ALERTS{a="1", alertname="A", alertstate="firing", severity="page"}"#, "1")],
            ),
        ),
        case(
            "ALERTS while pending",
            Pass,
            &alert("    for: 2m\n"),
            "6x9",
            gives("ALERTS", "1m", &[(r#"ALERTS{a="1", alertname="A", alertstate="pending"}"#, "1")]),
        ),
        case(
            "ALERTS_FOR_STATE",
            Pass,
            &alert("    for: 2m\n"),
            "1 6x9",
            gives("ALERTS_FOR_STATE", "3m", &[(r#"ALERTS_FOR_STATE{a="1", alertname="A"}"#, "60")]),
        ),
        case("ALERTS ends", Pass, &alert(""), "6 1", gives("ALERTS", "1m", &[])),
        case(
            "a label that came out empty shows as written",
            Pass,
            &alert("    labels: {b: '{{ $labels.none }}'}\n"),
            "6",
            gives(
                "ALERTS",
                "0",
                &[(r#"ALERTS{a="1", alertname="A", alertstate="firing", b="{{ $labels.none }}"}"#, "1")],
            ),
        ),
    ]
}

fn files() -> Vec<Case> {
    let case = |name, verdict, tests: &str| Case::new(name, verdict, "groups: []\n", tests);
    let question = "  - {expr: '1', eval_time: 1m, exp_samples: [{labels: '{}', value: 1}]}\n";
    vec![
        case("no tests", Pass, "rule_files: [rules.yml]\n"),
        case("nothing", Pass, "{}\n"),
        case("no rule files", Pass, &format!("tests:\n- promql_expr_test:\n{question}")),
        case(
            "a rule file that is not there",
            Pass,
            &format!("rule_files: [none.yml]\ntests:\n- promql_expr_test:\n{question}"),
        ),
        case("a test that asks nothing", Pass, &format!("{HEAD}tests:\n- input_series: []\n")),
        case("a name", Pass, &format!("{HEAD}tests:\n- name: n\n  promql_expr_test:\n{question}")),
        case(
            "intervals by default a minute",
            Only3,
            "tests:\n- input_series: [{series: x, values: 1 2 3}]\n  promql_expr_test: [{expr: x, eval_time: 2m, exp_samples: [{labels: x, value: 3}]}]\n",
        ),
        case(
            "the interval of series by default that of evaluations",
            Only3,
            "evaluation_interval: 30s\ntests:\n- input_series: [{series: x, values: 1 2 3}]\n  promql_expr_test: [{expr: x, eval_time: 1m, exp_samples: [{labels: x, value: 3}]}]\n",
        ),
        case("an unknown key", Invalid, "tests: []\nrules: []\n"),
        case("an unknown key of a test", Invalid, "tests:\n- series: []\n"),
        case("a key twice", Invalid, "tests: []\ntests: []\n"),
        case("a duration without unit", Invalid, "evaluation_interval: 60\n"),
        case("a group twice in the order", Invalid, "group_eval_order: [a, a]\ntests: []\n"),
        case(
            "a question without the alert's name",
            Invalid,
            "tests:\n- alert_rule_test: [{eval_time: 1m}]\n",
        ),
        case(
            "values that are none",
            Invalid,
            "tests:\n- input_series: [{series: x, values: one}]\n  promql_expr_test:\n  - {expr: x, eval_time: 1m}\n",
        ),
        case(
            "a series that is none",
            Invalid,
            "tests:\n- input_series: [{series: 'x{', values: 1}]\n  promql_expr_test:\n  - {expr: x, eval_time: 1m}\n",
        ),
        case(
            "an expression that is none",
            Invalid,
            "tests:\n- promql_expr_test:\n  - {expr: 'x(', eval_time: 1m}\n",
        ),
        case("no expression", Invalid, "tests:\n- promql_expr_test:\n  - {eval_time: 1m}\n"),
        case(
            "a sample that is none",
            Invalid,
            "tests:\n- promql_expr_test: [{expr: x, exp_samples: [{labels: 'x{'}]}]\n",
        ),
        Case::new(
            "a bad rule file",
            Invalid,
            "groups: text\n",
            "rule_files: [rules.yml]\ntests:\n- name: a\n",
        ),
    ]
}

fn since_3() -> Vec<Case> {
    let x = r#"{a="1"}"#;
    let left_open = over("1+1x9", &gives("count_over_time(x[3m])", "5m", &[(x, "3")]));
    let left_closed = over("1+1x9", &gives("count_over_time(x[3m])", "5m", &[(x, "4")]));
    let fuzzy = over("0.1", &gives("x + 0.2", "0", &[(x, "0.3")]));
    vec![
        Case::new("ranges are open to the left", Only3, "groups: []\n", &left_open),
        Case::new("and were closed", Only2, "groups: []\n", &left_closed),
        Case::new("fuzzy_compare", Only3, "groups: []\n", &format!("fuzzy_compare: true\n{fuzzy}")),
        Case::new(
            "start_timestamp",
            Only3,
            "groups: []\n",
            &over(
                "1 2",
                &format!(
                    "  start_timestamp: 2026-01-01T00:00:00Z\n{}",
                    gives("time() + x", "1m", &[(x, "1767225662")])
                ),
            ),
        ),
        Case::new(
            "start_timestamp in seconds",
            Only3,
            "groups: []\n",
            &over(
                "1 2",
                &format!("  start_timestamp: 1000.5\n{}", gives("time()", "1m", &[("{}", "1060.5")])),
            ),
        ),
        Case::new(
            "labels of a group",
            Only3,
            "groups:\n- name: g\n  labels: {team: t, b: group}\n  rules:\n  - {alert: A, expr: x > 5, labels: {b: own}}\n",
            &over("6", &fires("0m", &[("a: '1', b: own, team: t", "")])),
        ),
        Case::new(
            "query_offset",
            Only3,
            "groups:\n- name: g\n  query_offset: 1m\n  rules:\n  - {alert: A, expr: x > 5}\n",
            &over("6 1", &fires("1m", &[ONE])),
        ),
    ]
}
