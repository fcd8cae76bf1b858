//! The fast path against minijinja: the same results and the same errors.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;

use super::{ExchangeView, Expression, Locals, Names, Scope, Value};

const BODIES: [&str; 8] = [
    r#"{"type":"done","n":3,"big":18446744073709551615,"neg":-4,"f":2.5,"ok":true,"none":null,"list":[{"id":"a"},2],"o":{"a":{"b":1}}}"#,
    r#"{"type":"chunk","n":"3","list":[],"o":{},"ok":false,"f":3.0,"long":"more than twenty-two bytes of text"}"#,
    "[1,2,3]",
    "\"done\"",
    "null",
    "200",
    "not json: done",
    "",
];

/// Simple expressions: each must take the fast path.
const SIMPLE: &[&str] = &[
    "vu",
    "iteration",
    "scenario",
    "status",
    "error",
    "body",
    "json",
    "duration",
    "true",
    "'x'",
    "-1.5",
    "token",
    "vars.NAME",
    "vars['NAME']",
    "vars.LIST[1]",
    "vars.LIST[-1]",
    "vars.LIST.0",
    "json.type",
    "json.o.a.b",
    "json.o.x.b",
    "json.x.y.z",
    "json['o']['x']['y']",
    "json.list[0].id",
    "json.list[9]",
    "json.list[9].id",
    "json[0]",
    "json[-1]",
    "body[0]",
    "json.type[1]",
    "headers",
    "headers.etag",
    "headers['x-list']",
    "headers['X-List']",
    "headers.x_list",
    "headers.missing",
    "headers.missing.more",
    "headers[0]",
    "status.x",
    "status.x.y",
    "json.type == 'done'",
    "json.type != \"done\"",
    "'done' == json.type",
    "json == 'done'",
    "json.x == json.x.y",
    "json.x.y == json.x",
    "json.x == json.y",
    "json.n == 3",
    "json.n == 3.0",
    "json.f > 2",
    "json.big >= 18446744073709551615",
    "json.neg < 0",
    "json.neg == -4",
    "json.ok == true",
    "json.ok == 1",
    "json.none == none",
    "json.none != None",
    "json.list == vars.LIST",
    "json.list < vars.LIST",
    "json.o == 'x'",
    "json.o < 3",
    "json.n < json.type",
    "status == 200",
    "status < 400",
    "status <= vu",
    "status in [200, 302]",
    "status not in [200, 302]",
    "status in []",
    "json.n in ['3', 3.0, none]",
    "json.x in [1]",
    "json.x not in [1]",
    "'done' in body",
    "'done' not in body",
    "error == none",
    "error == 1050",
    "duration < 1000",
    "not json.ok",
    "not json.x",
    "not not status",
    "json.ok and json.n",
    "json.x and json.n",
    "json.ok or json.x",
    "json.n or json.type or vu",
    "status == 200 and json.type == 'done'",
    "status == 500 and json.x.y == 1",
    "status == 200 or json.x.y == 1",
    "not (status == 200 and json.n == 3)",
    "not status == 200 or vu > 1",
    "(json.type == 'done')",
    "((vu))",
    "true and 'x'",
    "vars.NAME == 'alice'",
    "token == \"secret\" or token == none",
    "token.x",
];

fn names() -> Names {
    let mut names = Names::new(["NAME", "LIST"]).with_exchange();
    names.add("token");
    names.add("unset");
    names
}

fn exchanges() -> Vec<ExchangeView> {
    let mut headers = HeaderMap::new();
    headers.insert("etag", "\"7\"".parse().unwrap());
    headers.append("x-list", "a".parse().unwrap());
    headers.append("x-list", "b".parse().unwrap());
    let statuses = [200, 302, 500, 0].into_iter().cycle();
    let views = BODIES.iter().zip(statuses).map(|(body, status)| {
        let error = (status == 0).then_some(1050);
        let body = Bytes::from_static(body.as_bytes());
        ExchangeView::new(status, headers.clone(), body, Duration::from_micros(12_500), error)
    });
    views.collect()
}

/// The outcome of an expression in every scope, as text: type and value, or the error.
fn outcomes(expression: &Expression) -> Vec<String> {
    let vars = Value::from_pairs([("NAME", Value::from("alice")), ("LIST", Value::from(vec![1, 2, 3]))]);
    let mut locals = Locals::new();
    locals.set(&Arc::from("token"), Value::from("secret"));
    let exchanges = exchanges();
    let seen = exchanges.iter().map(Some).chain([None]);
    let outcome = |exchange| {
        let scope = Scope {
            vu: 7,
            iteration: 0,
            scenario: "chat",
            vars: &vars,
            data: &Value::UNDEFINED,
            locals: &locals,
            exchange,
        };
        let value = match expression.eval(&scope) {
            Ok(value) => format!("{} {value:?}", value.kind()),
            Err(error) => error.to_string(),
        };
        let truth = match expression.is_true(&scope) {
            Ok(truth) => truth.to_string(),
            Err(error) => error.to_string(),
        };
        format!("{value} / {truth}")
    };
    seen.map(outcome).collect()
}

fn agrees(text: &str) {
    let names = names();
    let fast = Expression::compile(text, &names).unwrap_or_else(|error| panic!("{text}: {error}"));
    let engine = Expression::compile_by_engine(text, &names).unwrap();
    assert_eq!(outcomes(&fast), outcomes(&engine), "{text}");
}

#[test]
fn simple_expressions_avoid_minijinja_and_agree_with_it() {
    for text in SIMPLE {
        let expression =
            Expression::compile(text, &names()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(expression.is_fast(), "{text}");
        agrees(text);
    }
}

#[test]
fn what_the_fast_path_does_not_know_goes_to_minijinja() {
    for text in [
        "vu + 1",
        "1 < vu < 9",
        "json.x is defined",
        "json.x|default(1)",
        "'a' 'b' == body",
        "'a\\n' in body",
        "json[vars.NAME]",
        "body[0:2]",
        "200 if vu else 1",
        "status in (200, 302)",
        "status in json.list",
        "(json.a or json.b) == 1",
        "{'a': 1}",
        "[1, vu]",
        "random_int(1, 2)",
        "1_000 == vu",
        "0x10 == vu",
        "99999999999999999999 == vu",
        "-99999999999999999999 == vu",
        "1e3 == vu",
    ] {
        let expression =
            Expression::compile(text, &names()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(!expression.is_fast(), "{text}");
    }
}

fn operand() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "vu",
            "status",
            "error",
            "body",
            "json",
            "token",
            "unset",
            "duration",
            "scenario",
            "json.type",
            "json.n",
            "json.f",
            "json.ok",
            "json.none",
            "json.list",
            "json.list[0].id",
            "json.o.a.b",
            "json.x.y",
            "vars.NAME",
            "vars.LIST[0]",
            "headers.etag",
            "headers['nope']",
        ])
        .prop_map(str::to_owned),
        proptest::sample::select(vec![
            "0",
            "3",
            "200",
            "-4",
            "2.5",
            "'done'",
            "'3'",
            "\"\"",
            "true",
            "false",
            "none",
            "'more than twenty-two bytes of text'",
        ])
        .prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let comparison = proptest::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        operand(),
        (operand(), comparison, operand())
            .prop_map(|(left, symbol, right)| format!("{left} {symbol} {right}")),
        (operand(), any::<bool>()).prop_map(|(needle, negated)| {
            format!("{needle} {}in [200, 'done', none]", if negated { "not " } else { "" })
        }),
    ];
    leaf.prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} and {right}")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} or {right}")),
            inner.clone().prop_map(|inner| format!("not {inner}")),
            inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_simple_expression_agrees_with_minijinja(text in expression()) {
        agrees(&text);
    }

    #[test]
    fn no_text_makes_compiling_panic(text in "[ -~é\\n]{0,60}") {
        let _ = Expression::compile(&text, &names());
        let _ = super::Template::compile(&text, &names());
        let _ = super::Template::compile(&format!("{{{{{text}}}}}"), &names());
    }
}
