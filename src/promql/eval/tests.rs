//! What expressions give, as tables: cases of our own for what Prometheus' documentation and engine lay down.

use std::time::{Duration, Instant};

use crate::labels::Labels;
use crate::promql::testing::{Memory, ask, ask_range, check_all};
use crate::promql::{
    EvalError, Limits, Matcher, Options, Point, Query, Series, Source, SourceError, TimeRange, Value,
};

const FEW: &str = "
    x{a=\"1\"} 1 2 3 4 5 6
    x{a=\"2\"} 10 20 30 stale
    y{a=\"1\",b=\"p\"} 100 200 300 400 500 600
    y{a=\"1\",b=\"q\"} 7 7 7 7 7 7
    gap 1 _ _ _ 5";

#[test]
fn an_instant_vector_has_the_newest_sample_within_the_lookback() {
    check_all(
        FEW,
        25,
        &[
            ("x", "x{a=\"1\"} 3; x{a=\"2\"} 30"),
            ("x{a!=\"1\"}", "x{a=\"2\"} 30"),
            ("x offset 10s", "x{a=\"1\"} 2; x{a=\"2\"} 20"),
            ("x offset -20s", "x{a=\"1\"} 5"),
            ("x @ 0", "x{a=\"1\"} 1; x{a=\"2\"} 10"),
            ("x @ 45 offset 10s", "x{a=\"1\"} 4"),
            ("nothing", ""),
        ],
    );
    // Stale from 30 s on; the lookback is open to the left.
    check_all(FEW, 30, &[("x", "x{a=\"1\"} 4")]);
    check_all(FEW, 339, &[("gap", "gap 5")]);
    check_all(FEW, 340, &[("gap", "")]);
    check_all(FEW, 40, &[("gap @ 39", "gap 1")]);
}

#[test]
fn a_range_is_open_to_the_left_and_passes_over_stale_markers() {
    check_all(
        FEW,
        40,
        &[
            ("x[20s]", "x{a=\"1\"} 4@30 5@40"),
            ("x[20s] offset 10s", "x{a=\"1\"} 3@20 4@30; x{a=\"2\"} 30@20"),
            ("x[1ms]", "x{a=\"1\"} 5@40"),
            ("count_over_time(x[30s])", "{a=\"1\"} 3; {a=\"2\"} 1"),
            ("last_over_time(x[30s])", "x{a=\"1\"} 5; x{a=\"2\"} 30"),
            ("sum_over_time(x[20s] @ 20)", "{a=\"1\"} 5; {a=\"2\"} 50"),
            ("quantile_over_time(scalar(x{a=\"1\"} - 4), x{a=\"1\"}[30s])", "{a=\"1\"} 5"),
        ],
    );
    let memory = Memory::load(FEW);
    assert_eq!(
        ask_range(&memory, "sum_over_time(x[20s])", [0, 50, 10]),
        "{a=\"1\"} 1 3 5 7 9 11; {a=\"2\"} 10 30 50 30 _ _"
    );
    assert_eq!(
        ask_range(&memory, "sum_over_time(x[20s] @ end())", [10, 30, 10]),
        "{a=\"1\"} 7 7 7; {a=\"2\"} 30 30 30"
    );
    assert_eq!(ask_range(&memory, "x{a=\"1\"} @ start()", [10, 30, 10]), "x{a=\"1\"} 2 2 2");
    assert_eq!(
        ask_range(&memory, "x[20s]", [0, 10, 10]),
        "error: invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"
    );
}

#[test]
fn a_subquery_has_steps_of_its_own() {
    check_all(
        FEW,
        45,
        &[
            ("x{a=\"1\"}[20s:5s]", "x{a=\"1\"} 4@30 4@35 5@40 5@45"),
            ("x{a=\"1\"}[20s:10s]", "x{a=\"1\"} 4@30 5@40"),
            ("sum_over_time(x{a=\"1\"}[20s:10s] offset 3s)", "{a=\"1\"} 9"),
            ("max_over_time(sum(x)[45s:10s] @ 20)", "{} 33"),
            ("sum_over_time(vector(time())[30s:10s])", "{} 90"),
            ("last_over_time(abs(x{a=\"1\"})[20s:10s])", "{a=\"1\"} 5"),
            ("count_over_time(x{a=\"1\"}[2m:])", "{a=\"1\"} 1"),
        ],
    );
    let memory = Memory::load(FEW);
    let doubled = "max_over_time((x{a=\"1\"} * 2)[20s:10s])";
    assert_eq!(ask_range(&memory, doubled, [0, 40, 20]), "{a=\"1\"} 2 6 10");
}

#[test]
fn scalars_and_what_makes_them() {
    check_all(
        FEW,
        25,
        &[
            ("1 + 2 * 3 ^ 2 ^ 0", "7"),
            ("-2 ^ 2", "-4"),
            ("-7 % 3", "-1"),
            ("1 > bool 2", "0"),
            ("time()", "25"),
            ("scalar(x)", "NaN"),
            ("scalar(x{a=\"2\"}) * 2", "60"),
            ("scalar(nothing)", "NaN"),
            ("vector(scalar(gap))", "{} 1"),
            ("\"text\"", "\"text\""),
            ("pi() > bool 3", "1"),
            ("-scalar(gap)", "-1"),
            ("hour()", "{} 0"),
        ],
    );
    let memory = Memory::load(FEW);
    assert_eq!(ask_range(&memory, "time() - 5", [10, 30, 10]), "{} 5 15 25");
    assert_eq!(ask_range(&memory, "scalar(x{a=\"2\"})", [20, 40, 10]), "{} 30 NaN NaN");
}

#[test]
fn what_is_absent_is_told_by_its_matchers() {
    check_all(
        FEW,
        25,
        &[
            ("absent(x)", ""),
            ("absent(nothing{a=\"1\",b!=\"2\",c=~\"3\"})", "{a=\"1\"} 1"),
            ("absent(nothing{a=\"1\",a=\"2\",b=\"3\"})", "{b=\"3\"} 1"),
            ("absent(sum(nothing{a=\"1\"}))", "{} 1"),
            ("absent(x > 100)", "{} 1"),
            ("absent(nothing{a=\"1\"} @ 10)", "{a=\"1\"} 1"),
            ("absent_over_time(nothing{a=\"1\"}[5m])", "{a=\"1\"} 1"),
            ("absent_over_time(gap[20s])", "{} 1"),
            ("absent_over_time(gap[30s])", ""),
        ],
    );
    let memory = Memory::load(FEW);
    assert_eq!(ask_range(&memory, "absent_over_time(x{a=\"2\"}[10s])", [0, 40, 10]), "{a=\"2\"} _ _ _ 1 1");
    assert_eq!(ask_range(&memory, "absent(x{a=\"2\"})", [0, 40, 10]), "{a=\"2\"} _ _ _ 1 1");
}

#[test]
fn timestamps_are_those_of_samples() {
    check_all(
        FEW,
        25,
        &[
            ("timestamp(gap)", "{} 0"),
            ("timestamp((gap))", "{} 0"),
            ("timestamp(gap + 0)", "{} 25"),
            ("timestamp(gap @ 45)", "{} 40"),
            ("timestamp(timestamp(gap))", "{} 25"),
        ],
    );
}

#[test]
fn vectors_and_numbers() {
    check_all(
        FEW,
        25,
        &[
            ("x * 2", "{a=\"1\"} 6; {a=\"2\"} 60"),
            ("2 - x", "{a=\"1\"} -1; {a=\"2\"} -28"),
            ("x > 3", "x{a=\"2\"} 30"),
            ("3 >= x", "x{a=\"1\"} 3"),
            ("x > bool 3", "{a=\"1\"} 0; {a=\"2\"} 1"),
            ("-x", "{a=\"1\"} -3; {a=\"2\"} -30"),
            ("+x", "x{a=\"1\"} 3; x{a=\"2\"} 30"),
            ("x atan2 0", "{a=\"1\"} 1.5707963267948966; {a=\"2\"} 1.5707963267948966"),
        ],
    );
    let clash = "error: vector cannot contain metrics with the same labelset";
    let several = "m{a=\"1\"} 1\nn{a=\"1\"} 2";
    check_all(
        several,
        0,
        &[
            ("{a=\"1\"} + 1", clash),
            ("-{a=\"1\"}", clash),
            ("abs({a=\"1\"})", clash),
            ("rate({a=\"1\"}[1m])", ""),
            ("sum_over_time({a=\"1\"}[1m])", clash),
            ("last_over_time({a=\"1\"}[1m])", "m{a=\"1\"} 1; n{a=\"1\"} 2"),
            ("{a=\"1\"} > 1", "n{a=\"1\"} 2"),
            ("label_replace({a=\"1\"}, \"__name__\", \"same\", \"a\", \".*\")", clash),
        ],
    );
    // One after the other they are one series, but not for a function of ranges.
    let memory = Memory::load("m 1 stale\nn _ 2");
    assert_eq!(ask_range(&memory, "-{__name__=~\"m|n\"}", [0, 10, 10]), "{} -1 -2");
    assert_eq!(ask_range(&memory, "sum_over_time({__name__=~\"m|n\"}[10s])", [0, 10, 10]), clash);
}

#[test]
fn one_sample_matches_one() {
    check_all(
        FEW,
        25,
        &[
            ("x + ignoring(b) y{b=\"p\"}", "{a=\"1\"} 303"),
            ("x * on(a) y{b=\"p\"}", "{a=\"1\"} 900"),
            ("x < on(a) y{b=\"p\"}", "{a=\"1\"} 3"),
            ("x < ignoring(b) y{b=\"p\"}", "x{a=\"1\"} 3"),
            ("x > bool ignoring(b) y{b=\"p\"}", "{a=\"1\"} 0"),
            ("x + nothing", ""),
            ("x - x", "{a=\"1\"} 0; {a=\"2\"} 0"),
            ("x == x", "x{a=\"1\"} 3; x{a=\"2\"} 30"),
            (
                "x + ignoring(b) y",
                "error: found duplicate series for the match group {a=\"1\"} on the right hand-side of the operation: \
             [{__name__=\"y\", a=\"1\", b=\"p\"}, {__name__=\"y\", a=\"1\", b=\"q\"}];many-to-many matching not \
             allowed: matching labels must be unique on one side",
            ),
            (
                "y + ignoring(b) x",
                "error: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            ),
            // Nothing to match: nothing to refuse.
            ("nothing + ignoring(b) y", ""),
        ],
    );
}

#[test]
fn many_samples_match_one_if_asked_to() {
    let load =
        &format!("{FEW}\ninfo{{a=\"1\",version=\"v2\",b=\"\"}} 1 1 1\ninfo{{a=\"2\",version=\"v3\"}} 1 1 1");
    check_all(
        load,
        25,
        &[
            ("y * on(a) group_left x", "{a=\"1\",b=\"p\"} 900; {a=\"1\",b=\"q\"} 21"),
            ("x * on(a) group_right y", "{a=\"1\",b=\"p\"} 900; {a=\"1\",b=\"q\"} 21"),
            ("x - on(a) group_right y", "{a=\"1\",b=\"p\"} -297; {a=\"1\",b=\"q\"} -4"),
            ("y > on(a) group_left x", "y{a=\"1\",b=\"p\"} 300; y{a=\"1\",b=\"q\"} 7"),
            ("x < on(a) group_right y", "y{a=\"1\",b=\"p\"} 3; y{a=\"1\",b=\"q\"} 3"),
            ("x * on(a) group_left(version) info", "{a=\"1\",version=\"v2\"} 3; {a=\"2\",version=\"v3\"} 30"),
            (
                "y * on(a) group_left(b) info",
                "error: multiple matches for labels: grouping labels must ensure unique matches",
            ),
            (
                "x * on(a) group_left y",
                "error: found duplicate series for the match group {a=\"1\"} on the right hand-side of the operation: \
             [{__name__=\"y\", a=\"1\", b=\"p\"}, {__name__=\"y\", a=\"1\", b=\"q\"}];many-to-many matching not \
             allowed: matching labels must be unique on one side",
            ),
        ],
    );
}

#[test]
fn matches_are_looked_for_at_each_step() {
    let memory =
        Memory::load("m{k=\"a\"} 1 2 stale\nm{k=\"b\"} _ _ 3 4\nn{v=\"1\"} 10 stale\nn{v=\"2\"} _ 20 20 20");
    // Two samples are refused where they are at one step only.
    assert_eq!(ask_range(&memory, "m * on() n", [0, 30, 10]), "{} 10 40 60 80");
    assert_eq!(
        ask_range(&memory, "m * on() group_left(v) n", [0, 30, 10]),
        "{k=\"a\",v=\"1\"} 10 _ _ _; {k=\"a\",v=\"2\"} _ 40 _ _; {k=\"b\",v=\"2\"} _ _ 60 80"
    );
    assert_eq!(ask_range(&memory, "m and on() n{v=\"1\"}", [0, 30, 10]), "m{k=\"a\"} 1 _ _ _");
    assert_eq!(
        ask_range(&memory, "m unless on() n{v=\"1\"}", [0, 30, 10]),
        "m{k=\"a\"} _ 2 _ _; m{k=\"b\"} _ _ 3 4"
    );
    assert_eq!(
        ask_range(&memory, "n{v=\"1\"} or n", [0, 30, 10]),
        "n{v=\"1\"} 10 _ _ _; n{v=\"2\"} _ 20 20 20"
    );
    assert_eq!(ask_range(&memory, "m{k=\"a\"} > 1 or m < 3", [0, 30, 10]), "m{k=\"a\"} 1 2 _ _");
    assert_eq!(
        ask_range(&memory, "(m{k=\"a\"} or m{k=\"b\"}) * 2", [0, 30, 10]),
        "{k=\"a\"} 2 4 _ _; {k=\"b\"} _ _ 6 8"
    );
}

#[test]
fn sets() {
    check_all(
        FEW,
        25,
        &[
            ("x and y", ""),
            ("x and ignoring(b) y", "x{a=\"1\"} 3"),
            ("x and on(a) y", "x{a=\"1\"} 3"),
            ("x unless on(a) y", "x{a=\"2\"} 30"),
            ("x or y{b=\"p\"}", "x{a=\"1\"} 3; x{a=\"2\"} 30; y{a=\"1\",b=\"p\"} 300"),
            ("x or on(a) y", "x{a=\"1\"} 3; x{a=\"2\"} 30"),
            ("x or on() vector(0)", "x{a=\"1\"} 3; x{a=\"2\"} 30"),
            ("nothing or vector(0)", "{} 0"),
            ("nothing or x unless x", ""),
        ],
    );
}

#[test]
fn aggregations() {
    check_all(
        FEW,
        25,
        &[
            ("sum(x)", "{} 33"),
            ("sum by (a) (y)", "{a=\"1\"} 307"),
            ("sum without (b) (y)", "{a=\"1\"} 307"),
            ("sum by (none) (y)", "{} 307"),
            ("sum by (__name__) ({a=\"1\"})", "x 3; y 307"),
            ("avg(x)", "{} 16.5"),
            ("min(x)", "{} 3"),
            ("max(x)", "{} 30"),
            ("count(x)", "{} 2"),
            ("group(x)", "{} 1"),
            ("stddev(x)", "{} 13.5"),
            ("stdvar(x)", "{} 182.25"),
            ("quantile(0.5, x)", "{} 16.5"),
            ("quantile(2, x)", "{} inf; PromQL warning: quantile value should be between 0 and 1, got 2"),
            ("sum(nothing)", ""),
            ("count(nothing)", ""),
            ("count_values(\"v\", y or x)", "{v=\"300\"} 1; {v=\"7\"} 1; {v=\"3\"} 1; {v=\"30\"} 1"),
            ("count_values by (a) (\"v\", y * 0)", "{a=\"1\",v=\"0\"} 2"),
            ("count_values without (b) (\"a\", y * 0)", "{a=\"0\"} 2"),
            (
                "sum by (a) (rate(y[20s]))",
                "{a=\"1\"} 10; PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"y\"",
            ),
        ],
    );
    check_all(
        "v 1e308\nv{a=\"1\"} 1e308\nv{a=\"2\"} 1e308\nn NaN\nn{a=\"1\"} 2",
        0,
        &[
            ("avg(v) / 1e300", "{} 100000000"),
            ("sum(v)", "{} inf"),
            ("min(n)", "{} 2"),
            ("max(n)", "{} 2"),
            ("sum(n)", "{} NaN"),
        ],
    );
}

#[test]
fn the_best_come_first_and_keep_their_labels() {
    let load = "r{n=\"a\"} 3\nr{n=\"b\"} 1\nr{n=\"c\"} NaN\nr{n=\"d\"} 2\nr{n=\"e\",g=\"1\"} 9";
    check_all(
        load,
        0,
        &[
            ("topk(2, r)", "r{g=\"1\",n=\"e\"} 9; r{n=\"a\"} 3"),
            ("bottomk(2, r)", "r{n=\"b\"} 1; r{n=\"d\"} 2"),
            ("topk by (g) (1, r)", "r{n=\"a\"} 3; r{g=\"1\",n=\"e\"} 9"),
            ("topk(10, r{n!=\"e\"})", "r{n=\"a\"} 3; r{n=\"d\"} 2; r{n=\"b\"} 1; r{n=\"c\"} NaN"),
            ("topk(0, r)", ""),
            ("topk(NaN, r)", "error: Parameter value is NaN"),
            ("topk(1e100, r)", "error: Scalar value 1e+100 overflows int64"),
            ("sort(r)", "r{n=\"b\"} 1; r{n=\"d\"} 2; r{n=\"a\"} 3; r{g=\"1\",n=\"e\"} 9; r{n=\"c\"} NaN"),
            ("sort_desc(r) > 1", "r{g=\"1\",n=\"e\"} 9; r{n=\"a\"} 3; r{n=\"d\"} 2"),
        ],
    );
    let memory = Memory::load("r{n=\"a\"} 1 5 1\nr{n=\"b\"} 2 2 2\nk 1 2 0");
    assert_eq!(ask_range(&memory, "topk(1, r)", [0, 20, 10]), "r{n=\"a\"} _ 5 _; r{n=\"b\"} 2 _ 2");
    assert_eq!(ask_range(&memory, "topk(scalar(k), r)", [0, 20, 10]), "r{n=\"a\"} _ 5 _; r{n=\"b\"} 2 2 _");
    let warned = "r{n=\"a\"} 1 5; r{n=\"b\"} 2 2; PromQL warning: sort is ineffective for range queries since results \
        are always ordered by labels";
    assert_eq!(ask_range(&memory, "sort(r)", [0, 10, 10]), warned);
}

#[test]
fn a_range_query_says_at_each_step_what_an_instant_query_says() {
    let load = "
        c_bucket{le=\"1\",j=\"a\"} 0+1x20 0+2x10
        c_bucket{le=\"5\",j=\"a\"} 0+3x20 0+4x10
        c_bucket{le=\"+Inf\",j=\"a\"} 0+4x20 0+5x10
        g{j=\"a\",k=\"1\"} 1 5 2 _ _ stale 7 8x5 3 1 9x12
        g{j=\"b\",k=\"1\"} 4 4 stale _ 4 1 _ 2 6x22
        g{j=\"b\",k=\"2\"} _ _ 3x25";
    let memory = Memory::load(load);
    for query in [
        "g",
        "g offset 20s",
        "rate(c_bucket[1m])",
        "sum by (j) (rate(c_bucket[45s]))",
        "g > 3",
        "g * on(j, k) g",
        "sum(g) / count(g)",
        "max_over_time(sum(g)[1m:10s])",
        "histogram_quantile(0.9, rate(c_bucket[1m]))",
        "g and on(j) g > 4",
        "g or c_bucket",
        "g unless g > 4",
        "topk(1, g)",
        "quantile by (j) (0.3, g)",
        "count_values(\"v\", g)",
        "absent(g{k=\"2\"})",
        "absent_over_time(g{k=\"2\"}[20s])",
        "timestamp(g)",
        "label_replace(g, \"z\", \"$1\", \"j\", \"(.*)\")",
        "g @ 50",
        "avg_over_time(g[1m]) > bool 4",
        "stddev(g)",
        "sum by (k) (g) * on(k) group_right g",
        "scalar(g{k=\"2\"}) + vector(time())",
        "-g ^ 2",
        "minute(g)",
        "clamp_min(g, scalar(sum(g)) / 4)",
        "predict_linear(g[1m], 60)",
        "g == g offset 10s",
    ] {
        let parsed = Query::parse(query).unwrap();
        let options = Options::default();
        let range = parsed.range(&memory, 0, 330_000, 15_000, &options).unwrap().value;
        let Value::Matrix(matrix) = range else { panic!("{query}") };
        for at_ms in (0..=330_000).step_by(15_000) {
            let Value::Vector(samples) = parsed.instant(&memory, at_ms, &options).unwrap().value else {
                panic!("{query}")
            };
            let mut expected: Vec<(Labels, u64)> =
                samples.into_iter().map(|sample| (sample.labels, sample.point.value.to_bits())).collect();
            expected.sort();
            let at = |series: &Series| {
                let point = series.points.iter().find(|point| point.at_ms == at_ms)?;
                Some((series.labels.clone(), point.value.to_bits()))
            };
            let got: Vec<(Labels, u64)> = matrix.iter().filter_map(at).collect();
            assert_eq!(got, expected, "{query} at {at_ms}");
        }
    }
}

#[test]
fn names_may_be_dropped_late() {
    let memory = Memory::load("m_total{a=\"1\"} 0 10 20\nn_total{a=\"1\"} 0 20 40");
    let options = Options { delayed_name_removal: true, ..Options::default() };
    let ask = |query: &str| {
        let answer = Query::parse(query).unwrap().instant(&memory, 20_000, &options);
        answer.map(|answer| match answer.value {
            Value::Vector(samples) => samples
                .iter()
                .map(|s| format!("{} {}", s.labels, s.point.value))
                .collect::<Vec<_>>()
                .join("; "),
            other => format!("{other:?}"),
        })
    };
    assert_eq!(ask("rate(m_total[20s])").unwrap(), "{a=\"1\"} 1");
    assert_eq!(
        ask("label_replace(rate({a=\"1\"}[20s]), \"from\", \"$1\", \"__name__\", \"(.*)\")").unwrap(),
        "{a=\"1\",from=\"m_total\"} 1; {a=\"1\",from=\"n_total\"} 2"
    );
    assert_eq!(ask("sum(rate({a=\"1\"}[20s]))").unwrap(), "{} 3");
    let clash = "vector cannot contain metrics with the same labelset";
    assert_eq!(ask("rate({a=\"1\"}[20s])").unwrap_err().to_string(), clash);
}

#[test]
fn a_query_holds_no_more_points_than_it_may() {
    let memory = Memory::load(FEW);
    let check = |query: &str, max_points: usize, expected: Result<(), EvalError>| {
        let options = Options { limits: Limits { max_points, deadline: None }, ..Options::default() };
        let answer = Query::parse(query).unwrap().range(&memory, 0, 50_000, 10_000, &options);
        assert_eq!(answer.map(|_| ()), expected, "{query} with {max_points}");
    };
    check("x", 9, Ok(()));
    check("x", 8, Err(EvalError::TooManyPoints(8)));
    check("sum(x)", 15, Ok(()));
    check("sum(x)", 14, Err(EvalError::TooManyPoints(14)));
    check("max_over_time(vector(1)[1y:1ms])", 1_000_000, Err(EvalError::TooManyPoints(1_000_000)));
    check("1", 5, Err(EvalError::TooManyPoints(5)));
}

#[test]
fn times_beyond_all_reason_are_refused() {
    let memory = Memory::load(FEW);
    let query = Query::parse("max_over_time(x[1d:1h] offset 8000y)").unwrap();
    let options = Options { lookback: Duration::MAX, subquery_step: Duration::MAX, ..Options::default() };
    for at_ms in [i64::MIN, i64::MAX, 1 << 54] {
        assert!(query.instant(&memory, at_ms, &options).is_err());
        assert!(query.range(&memory, at_ms, at_ms, 1, &options).is_err());
    }
    for at_ms in [-(1 << 53), 1 << 53, 0] {
        assert!(query.instant(&memory, at_ms, &options).is_ok());
        assert!(query.range(&memory, 0, at_ms, i64::MAX, &options).is_ok());
    }
}

#[test]
fn a_query_ends_at_its_deadline() {
    let now = Instant::now();
    let limits = Limits { deadline: Some(now), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let answer = Query::parse("sum(x)").unwrap().instant(&Memory::load(FEW), 0, &options);
    assert_eq!(answer, Err(EvalError::Timeout));
    let limits = Limits { deadline: Some(now + Duration::from_hours(1)), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    assert!(Query::parse("sum(x)").unwrap().instant(&Memory::load(FEW), 0, &options).is_ok());
}

#[test]
fn what_cannot_be_read_fails_the_query() {
    struct Broken;
    impl Source for Broken {
        fn select(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<Series>, SourceError> {
            Err(SourceError("the store is closed".to_owned()))
        }
    }
    let answer = Query::parse("absent(x)").unwrap().instant(&Broken, 0, &Options::default());
    assert_eq!(answer.unwrap_err().to_string(), "the store is closed");
}

#[test]
fn each_selector_asks_once_for_all_that_it_needs() {
    struct Asked(std::cell::RefCell<Vec<(i64, i64)>>);
    impl Source for Asked {
        fn select(&self, _: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
            self.0.borrow_mut().push((range.from_ms, range.to_ms));
            let points = vec![Point { at_ms: range.to_ms, value: 1.0 }];
            Ok(vec![Series { labels: Labels::empty(), points }])
        }
    }
    for (query, expected) in [
        ("x", vec![(-199_999, 400_000)]),
        ("x offset 1m", vec![(-259_999, 340_000)]),
        ("rate(x[1m])", vec![(40_001, 400_000)]),
        ("x @ 7", vec![(-292_999, 7_000)]),
        ("x + y", vec![(-199_999, 400_000), (-199_999, 400_000)]),
        ("max_over_time(rate(x[1m])[2m:1m])", vec![(-59_999, 360_000)]),
        ("max_over_time(x[2m:1m] @ 600)", vec![(240_001, 600_000)]),
    ] {
        let source = Asked(std::cell::RefCell::default());
        Query::parse(query).unwrap().range(&source, 100_000, 400_000, 15_000, &Options::default()).unwrap();
        assert_eq!(source.0.into_inner(), expected, "{query}");
    }
}

#[test]
fn the_deepest_expression_that_is_allowed_can_be_evaluated() {
    let memory = Memory::load(FEW);
    let nested = |levels: usize| format!("{}gap{}", "abs(".repeat(levels), ")".repeat(levels));
    assert_eq!(ask(&memory, &nested(149), 0), "{} 1");
    assert!(Query::parse(&nested(151)).is_err());
    let chain = vec!["gap"; 149].join(" or ");
    assert_eq!(ask(&memory, &chain, 0), "gap 1");
}
