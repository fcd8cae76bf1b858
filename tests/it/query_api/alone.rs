//! What needs no other server: requests and answers byte by byte, limits, and clients that go away.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use loadgate::api::{QueryLimits, Sources};
use loadgate::exposition::{Format, Limits, parse};
use loadgate::tsdb::{Origin, Store};

use super::client::{get, post};
use super::data::BEGIN;
use super::{filled, serving};
use crate::stage::{Serving, exchange, is_final};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// (endpoint, parameters, the whole answer)
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn answers_are_written_as_prometheus_writes_them() {
    let ours = filled();
    let time = format!("{BEGIN}.5");
    let time = time.as_str();
    let cases: [Case<'_>; 12] = [
        (
            "query",
            &[("query", "1 / 3"), ("time", time)],
            r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.5,"0.3333333333333333"]}}"#,
        ),
        (
            "query",
            &[("query", "'a'"), ("time", "2023-11-14T22:13:20Z")],
            r#"{"status":"success","data":{"resultType":"string","result":[1700000000,"a"]}}"#,
        ),
        (
            "query",
            &[("query", "up{instance='a:1'}"), ("time", time)],
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","instance":"a:1","job":"api"},"value":[1700000000.500,"0"]}]}}"#,
        ),
        (
            "query",
            &[("query", "odd{kind=~'large|below'}"), ("time", time), ("limit", "1")],
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"odd","kind":"below"},"value":[1700000000.500,"-Inf"]}]},"warnings":["results truncated due to limit"]}"#,
        ),
        (
            "query_range",
            &[
                ("query", "odd{kind='small'} or nothing"),
                ("start", time),
                ("end", "1700000006"),
                ("step", "5500ms"),
            ],
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"odd","kind":"small"},"values":[[1700000000.500,"-1.5e-07"],[1700000006,"-3e-07"]]}]}}"#,
        ),
        ("query_exemplars", &[("query", "up")], r#"{"status":"success","data":[]}"#),
        ("format_query", &[("query", "sum  by(a)(up)")], r#"{"status":"success","data":"sum by (a) (up)"}"#),
        ("labels", &[("match[]", "short_lived")], r#"{"status":"success","data":["__name__","job"]}"#),
        (
            "label/U______name____/values",
            &[("limit", "1")],
            r#"{"status":"success","data":["aligned"],"warnings":["results truncated due to limit"]}"#,
        ),
        ("rules", &[], r#"{"status":"success","data":{"groups":[]}}"#),
        ("alerts", &[], r#"{"status":"success","data":{"alerts":[]}}"#),
        (
            "targets",
            &[],
            r#"{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}"#,
        ),
    ];
    for (endpoint, parameters, expected) in cases {
        let answer = get(ours.address, endpoint, parameters);
        assert_eq!((answer.status, answer.text()), (200, expected), "{endpoint} {parameters:?}");
        assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    }
}

#[test]
fn a_run_that_listens_answers_queries_too() {
    let plan = "name: idle\nscenarios:\n  users: {executor: per-vu-iterations, vus: 1, iterations: 1, flow: [{sleep: 1ms}]}\n";
    let serving = Serving::start(plan, &[]);
    let parameters = [("query", "vector(7)"), ("time", "1")];
    let expected =
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7"]}]}}"#;
    assert_eq!(get(serving.address, "query", &parameters).text(), expected);
    serving.scrape_until(is_final);
    assert_eq!(get(serving.address, "query", &parameters).text(), expected);
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_form_says_the_same_as_a_url() {
    let ours = filled();
    let time = (BEGIN + 600).to_string();
    let cases: [(&str, &[(&str, &str)]); 4] = [
        ("query", &[("query", "sum by (code) (http_requests_total)"), ("time", &time)]),
        ("query_range", &[("query", "up"), ("start", &time), ("end", &time), ("step", "1m")]),
        ("series", &[("match[]", "up"), ("match[]", "{job=\"batch\"}")]),
        ("labels", &[("match[]", "up")]),
    ];
    for (endpoint, parameters) in cases {
        let (by_url, by_form) =
            (get(ours.address, endpoint, parameters), post(ours.address, endpoint, parameters));
        assert_eq!((by_url.status, by_form.status), (200, 200));
        assert_eq!(by_form.text(), by_url.text(), "{endpoint}");
    }
}

#[test]
fn answers_are_gzipped_for_those_who_accept_it() {
    let ours = filled();
    let plain = exchange(ours.address, "GET", "/api/v1/label/__name__/values", "", "");
    let gzipped =
        exchange(ours.address, "GET", "/api/v1/label/__name__/values", "Accept-Encoding: gzip\r\n", "");
    assert!(gzipped.head.contains("content-encoding: gzip"), "{}", gzipped.head);
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*gzipped.body).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text());
}

#[test]
fn what_is_not_there_and_what_is_too_long_is_refused_in_json() {
    let ours = filled();
    let missing = exchange(ours.address, "GET", "/api/v1/none", "", "");
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["errorType"], "not_found");
    assert_eq!(exchange(ours.address, "DELETE", "/api/v1/query", "", "").status, 405);
    let long = exchange(ours.address, "POST", "/api/v1/query", FORM, &"a".repeat((1 << 20) + 1));
    assert_eq!((long.status, long.json()["errorType"].as_str()), (413, Some("bad_data")));
}

#[test]
fn clients_are_told_whose_api_it_is() {
    let ours = filled();
    let info = get(ours.address, "status/buildinfo", &[]).json();
    assert_eq!(info["data"]["version"], "3.0.0");
    assert_eq!(info["data"]["revision"], concat!("loadgate ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn metadata_are_those_of_the_families() {
    let store = Store::new(1 << 20);
    let body = b"# HELP a_total Of a.\n# TYPE a_total counter\na_total 1\n# TYPE b gauge\nb 1\n";
    let families = parse(body, Format::Text, &Limits::default()).unwrap().families;
    store.scrape(&Origin("test".to_owned()), BEGIN * 1_000, &families);
    let ours = serving(Arc::new(Sources::new(Arc::new(store))));
    assert_eq!(
        get(ours.address, "metadata", &[]).text(),
        concat!(
            r#"{"status":"success","data":{"a_total":[{"type":"counter","help":"Of a.","unit":""}],"#,
            r#""b":[{"type":"gauge","help":"","unit":""}]}}"#
        )
    );
}

/// Far more work than anybody waits for.
const ENDLESS: &str = "sum_over_time(sum_over_time(vector(1)[1h:1ms])[1h:1ms])";

#[test]
fn a_query_is_given_up_at_its_timeout() {
    let ours = filled();
    let answer = get(ours.address, "query", &[("query", ENDLESS), ("timeout", "100ms")]);
    assert_eq!(answer.status, 503, "{}", answer.text());
    let expected =
        r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#;
    assert_eq!(answer.text(), expected);
}

#[test]
fn a_query_that_finds_no_place_is_given_up_too() {
    let limits = QueryLimits { concurrent: 0, ..QueryLimits::default() };
    let ours = serving(Arc::new(Sources::with_limits(Arc::new(Store::new(1 << 20)), limits)));
    let answer = get(ours.address, "query", &[("query", "1"), ("timeout", "0.01")]);
    let expected = r#"{"status":"error","errorType":"timeout","error":"query timed out in query queue"}"#;
    assert_eq!((answer.status, answer.text()), (503, expected));
}

#[test]
fn a_query_may_hold_only_so_many_points() {
    let limits = QueryLimits { max_points: 100, ..QueryLimits::default() };
    let ours = serving(Arc::new(Sources::with_limits(Arc::new(Store::new(1 << 20)), limits)));
    let range = |end| [("query", "vector(1)"), ("start", "0"), ("end", end), ("step", "1")];
    assert_eq!(get(ours.address, "query_range", &range("50")).status, 200);
    let refused = get(ours.address, "query_range", &range("500"));
    assert_eq!((refused.status, refused.json()["errorType"].as_str()), (422, Some("execution")));
}

/// There is one place: the second query is answered before its timeout only if the first was given up.
#[test]
fn a_client_that_goes_away_takes_its_query_along() {
    let limits = QueryLimits { concurrent: 1, timeout: Duration::from_secs(60), ..QueryLimits::default() };
    let sources = Arc::new(Sources::with_limits(Arc::new(Store::new(1 << 20)), limits));
    let ours = serving(Arc::clone(&sources));
    let mut first = TcpStream::connect(ours.address).unwrap();
    let body = format!("query={ENDLESS}");
    write!(
        first,
        "POST /api/v1/query HTTP/1.1\r\nHost: test\r\n{FORM}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    // Until it has the place: then a second one waits in vain.
    while !get(ours.address, "query", &[("query", "1"), ("timeout", "0.001")]).text().contains("query queue")
    {
    }
    drop(first);
    assert_eq!(get(ours.address, "query", &[("query", "1"), ("timeout", "50")]).status, 200);
}

#[test]
fn an_expression_nested_as_deep_as_a_request_can_hold_does_not_end_the_process() {
    let ours = filled();
    for deep in [
        "(".repeat(170_000) + "1" + &")".repeat(170_000),
        "-".repeat(500_000) + "1",
        "1".to_owned() + &"-1".repeat(250_000),
        "-".repeat(1_000) + "1",
    ] {
        let answer = post(ours.address, "query", &[("query", &deep)]);
        assert!(matches!(answer.status, 200 | 400 | 422), "{}", answer.status);
    }
    assert_eq!(get(ours.address, "query", &[("query", "1")]).status, 200);
}
