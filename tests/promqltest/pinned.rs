//! A query with each of its selectors pinned by `@` to one moment: it gives the same at any other.

use std::time::{Duration, SystemTime};

use loadgate::promql::Query;
use promql_parser::parser::{AtModifier, BinModifier, Expr, LabelModifier, VectorSelector};

/// What depends on the moment of evaluation however its selectors are pinned (`AtModifierUnsafeFunctions` of
/// Prometheus' `promql/functions.go`).
const UNSAFE: [&str; 15] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "end",
    "hour",
    "minute",
    "month",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
    "year",
];

pub(crate) enum Pinned {
    Query(String),
    /// It cannot be: the result depends on the time.
    Unsafe,
    /// The parser writes it as something else than it read.
    Unwritable,
}

pub(crate) fn pin(query: &Query, at_ms: i64) -> Pinned {
    let mut expr = query.expr().clone();
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).unwrap());
    if !pin_selectors(&mut expr, &AtModifier::At(at)) {
        return Pinned::Unsafe;
    }
    let text = expr.to_string();
    let Ok(read) = Query::parse(&text) else { return Pinned::Unwritable };
    let mut read = read.expr().clone();
    settle(&mut expr);
    settle(&mut read);
    if read == expr { Pinned::Query(text) } else { Pinned::Unwritable }
}

/// What means the same is made the same: the order of matchers, `by ()` and `ignoring ()`.
fn settle(expr: &mut Expr) {
    let sort = |selector: &mut VectorSelector| selector.matchers.matchers.sort_by_key(ToString::to_string);
    match expr {
        Expr::VectorSelector(selector) => sort(selector),
        Expr::MatrixSelector(selector) => sort(&mut selector.vs),
        Expr::Subquery(subquery) => settle(&mut subquery.expr),
        Expr::Call(call) => call.args.args.iter_mut().for_each(|arg| settle(arg)),
        Expr::Aggregate(aggregate) => {
            if matches!(&aggregate.modifier, Some(LabelModifier::Include(labels)) if labels.is_empty()) {
                aggregate.modifier = None;
            }
            if let Some(param) = &mut aggregate.param {
                settle(param);
            }
            settle(&mut aggregate.expr);
        }
        Expr::Binary(binary) => {
            if let Some(modifier) = &mut binary.modifier
                && matches!(&modifier.matching, Some(LabelModifier::Exclude(labels)) if labels.is_empty())
            {
                modifier.matching = None;
            }
            binary.modifier = binary.modifier.take().filter(|modifier| *modifier != BinModifier::default());
            settle(&mut binary.lhs);
            settle(&mut binary.rhs);
        }
        Expr::Unary(unary) => settle(&mut unary.expr),
        Expr::Paren(paren) => settle(&mut paren.expr),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// Whether all can be; below a pinned subquery nothing is.
fn pin_selectors(expr: &mut Expr, at: &AtModifier) -> bool {
    let pin = |place: &mut Option<AtModifier>| {
        if !matches!(place, Some(AtModifier::At(_))) {
            *place = Some(at.clone());
        }
        true
    };
    match expr {
        Expr::VectorSelector(selector) => pin(&mut selector.at),
        Expr::MatrixSelector(selector) => pin(&mut selector.vs.at),
        Expr::Subquery(subquery) => pin(&mut subquery.at) && is_safe(&subquery.expr),
        Expr::Call(call) => {
            !UNSAFE.contains(&call.func.name) && call.args.args.iter_mut().all(|arg| pin_selectors(arg, at))
        }
        Expr::Aggregate(aggregate) => {
            let parameter = aggregate.param.as_mut().is_none_or(|param| pin_selectors(param, at));
            parameter && pin_selectors(&mut aggregate.expr, at)
        }
        Expr::Binary(binary) => pin_selectors(&mut binary.lhs, at) && pin_selectors(&mut binary.rhs, at),
        Expr::Unary(unary) => pin_selectors(&mut unary.expr, at),
        Expr::Paren(paren) => pin_selectors(&mut paren.expr, at),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => true,
        Expr::Extension(_) => false,
    }
}

/// Functions within a pinned subquery are looked at all the same.
fn is_safe(expr: &Expr) -> bool {
    pin_selectors(&mut expr.clone(), &AtModifier::Start)
}

#[test]
fn selectors_are_pinned_unless_they_are() {
    for (query, expected) in [
        ("x", "x @ 60.000"),
        ("sum(rate(x[5m])) / 2", "sum(rate(x[5m] @ 60.000)) / 2"),
        ("x offset 5m", "x @ 60.000 offset 5m"),
        ("x @ 10", "x @ 10.000"),
        ("topk(scalar(k), x)", "topk(scalar(k @ 60.000), x @ 60.000)"),
        ("max_over_time(x[10m:1m])", "max_over_time(x[10m:1m] @ 60.000)"),
        ("x @ end()", "x @ 60.000"),
        ("sum by () (x{b='1', a='2'})", "sum(x{a=\"2\",b=\"1\"} @ 60.000)"),
        ("x + ignoring() y", "x @ 60.000 + y @ 60.000"),
    ] {
        let Pinned::Query(text) = pin(&Query::parse(query).unwrap(), 60_000) else { panic!("{query}") };
        assert_eq!(text, expected);
    }
    for query in ["time()", "x + hour(x)", "timestamp(x)", "sum_over_time(timestamp(x)[5m:])"] {
        assert!(matches!(pin(&Query::parse(query).unwrap(), 60_000), Pinned::Unsafe), "{query}");
    }
}
