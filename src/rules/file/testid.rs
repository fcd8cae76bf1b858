//! Whether what an expression gives still says which run it belongs to: the label `testid` of loadgate's series.

use promql_parser::parser::token::{T_BOTTOMK, T_LIMIT_RATIO, T_LIMITK, T_TOPK};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, value::ValueType,
};

const TESTID: &str = "testid";

/// The part of the expression that takes the label away, shortened. What has no series at all (`vector(1)`, `absent`)
/// takes nothing away.
pub(super) fn dropped(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Aggregate(aggregate) => dropped_by_aggregate(aggregate, expr),
        Expr::Binary(binary) => dropped_by_binary(binary, expr),
        Expr::Call(call) => dropped_by_call(call),
        Expr::Paren(inner) => dropped(&inner.expr),
        Expr::Unary(inner) => dropped(&inner.expr),
        Expr::Subquery(inner) => dropped(&inner.expr),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => None,
    }
}

fn dropped_by_aggregate(aggregate: &AggregateExpr, whole: &Expr) -> Option<String> {
    // These choose among the series and leave their labels alone.
    if matches!(aggregate.op.id(), T_TOPK | T_BOTTOMK | T_LIMITK | T_LIMIT_RATIO) {
        return dropped(&aggregate.expr);
    }
    let has = |labels: &promql_parser::label::Labels| labels.labels.iter().any(|label| label == TESTID);
    match &aggregate.modifier {
        Some(LabelModifier::Include(by)) if has(by) => dropped(&aggregate.expr),
        Some(LabelModifier::Exclude(without)) if !has(without) => dropped(&aggregate.expr),
        _ => has_series(&aggregate.expr).then(|| show(whole)),
    }
}

fn dropped_by_binary(binary: &BinaryExpr, whole: &Expr) -> Option<String> {
    let vector = |side: &Expr| side.value_type() == ValueType::Vector;
    match (vector(&binary.lhs), vector(&binary.rhs)) {
        (true, false) => return dropped(&binary.lhs),
        (false, true) => return dropped(&binary.rhs),
        (false, false) => return None,
        (true, true) => {}
    }
    if binary.op.is_set_operator() {
        let right =
            if binary.op.id() == promql_parser::parser::token::T_LOR { dropped(&binary.rhs) } else { None };
        return dropped(&binary.lhs).or(right);
    }
    let modifier = binary.modifier.as_ref();
    match modifier.map(|modifier| &modifier.card) {
        Some(VectorMatchCardinality::ManyToOne(included)) if !names(included) => return dropped(&binary.lhs),
        Some(VectorMatchCardinality::OneToMany(included)) if !names(included) => return dropped(&binary.rhs),
        Some(VectorMatchCardinality::ManyToOne(_)) => return dropped(&binary.rhs),
        Some(VectorMatchCardinality::OneToMany(_)) => return dropped(&binary.lhs),
        _ => {}
    }
    let kept = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
        Some(LabelModifier::Include(on)) => names(on),
        Some(LabelModifier::Exclude(ignoring)) => !names(ignoring),
        None => true,
    };
    if kept { dropped(&binary.lhs) } else { Some(show(whole)) }
}

fn dropped_by_call(call: &Call) -> Option<String> {
    match call.func.name {
        "absent" | "absent_over_time" | "scalar" | "vector" | "time" => None,
        "label_replace" | "label_join" if sets_testid(call) => None,
        _ => {
            let of_series = |arg: &&Expr| matches!(arg.value_type(), ValueType::Vector | ValueType::Matrix);
            call.args.args.iter().map(AsRef::as_ref).find(of_series).and_then(dropped)
        }
    }
}

fn sets_testid(call: &Call) -> bool {
    matches!(call.args.args.get(1).map(AsRef::as_ref), Some(Expr::StringLiteral(name)) if name.val == TESTID)
}

fn names(labels: &promql_parser::label::Labels) -> bool {
    labels.labels.iter().any(|label| label == TESTID)
}

/// Whether there is a selector in it whose labels come out.
fn has_series(expr: &Expr) -> bool {
    match expr {
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => true,
        Expr::Aggregate(inner) => has_series(&inner.expr),
        Expr::Binary(inner) => has_series(&inner.lhs) || has_series(&inner.rhs),
        Expr::Paren(inner) => has_series(&inner.expr),
        Expr::Unary(inner) => has_series(&inner.expr),
        Expr::Subquery(inner) => has_series(&inner.expr),
        Expr::Call(call) => match call.func.name {
            "absent" | "absent_over_time" | "scalar" | "vector" | "time" => false,
            _ => call.args.args.iter().any(|arg| has_series(arg)),
        },
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => false,
    }
}

fn show(expr: &Expr) -> String {
    format!("`{}`", crate::config::node::shorten(&expr.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::Query;

    #[test]
    fn aggregations_and_matchings_that_drop_testid_are_found() {
        for (expr, expected) in [
            ("a > 1", None),
            ("sum(a) > 1", Some("`sum(a)`")),
            ("sum by (test) (a) > 1", Some("`sum by (test) (a)`")),
            ("sum by (testid) (a) > 1", None),
            ("sum without (instance) (a) > 1", None),
            ("sum without (testid) (a) > 1", Some("`sum without (testid) (a)`")),
            ("topk(3, a)", None),
            ("topk(3, sum(a))", Some("`sum(a)`")),
            ("count_values(\"v\", a)", Some("`count_values(\"v\", a)`")),
            (
                "histogram_quantile(0.9, sum by (le) (rate(a_bucket[1m])))",
                Some("`sum by (le) (rate(a_bucket[1m]))`"),
            ),
            ("histogram_quantile(0.9, sum by (le, testid) (rate(a_bucket[1m])))", None),
            ("sum by (testid) (a) / sum by (testid) (b)", None),
            ("a / on (test) b", Some("`a / on (test) b`")),
            ("a / on (testid) b", None),
            ("a / ignoring (testid) b", Some("`a / ignoring (testid) b`")),
            ("a * on (test) group_left () b", None),
            ("sum(a) * on () group_right () b", None),
            ("a and on (test) sum(b)", None),
            ("a unless sum(b)", None),
            ("a or sum(b)", Some("`sum(b)`")),
            ("a > scalar(sum(b))", None),
            ("absent(a)", None),
            ("sum(absent(a))", None),
            ("vector(1)", None),
            ("sum(vector(1))", None),
            ("max_over_time(sum(a)[5m:])", Some("`sum(a)`")),
            ("label_replace(sum(a), \"testid\", \"x\", \"\", \"\")", None),
            ("-(sum(a))", Some("`sum(a)`")),
        ] {
            let query = Query::parse(expr).unwrap();
            assert_eq!(dropped(query.expr()).as_deref(), expected, "{expr}");
        }
    }
}
