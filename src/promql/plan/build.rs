//! Syntax tree to plan. What stays the same at all steps is marked where Prometheus marks it (its `PreprocessExpr`).

use promql_parser::label::Labels as Names;
use promql_parser::parser::token::{self, TokenId, TokenType};
use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Expr, LabelModifier, SubqueryExpr, VectorMatchCardinality,
};

use super::{
    Aggregation, AggregationOperator, Arithmetic, Comparison, Group, LabelChoice, Matched, Operator, Plan,
    Range, Scalar, ScalarPair, SetOperation, SetOperator, Subquery, Vector, WithScalar, call, leaf,
};

/// How deep expressions may be nested: evaluation recurses.
const MAX_DEPTH: usize = 150;

/// A node, and how it depends on the moment of evaluation.
pub(super) struct Built {
    pub(super) plan: Plan,
    /// The same at all steps.
    pub(super) fixed: bool,
    /// Whether it pays to evaluate it once only.
    pub(super) pays: bool,
}

/// # Errors
/// What the syntax allows and Prometheus does not, and what it calls experimental.
pub(in crate::promql) fn build(expr: &Expr) -> Result<Plan, String> {
    Ok(node(expr, 0)?.wrapped())
}

pub(super) fn node(expr: &Expr, depth: usize) -> Result<Built, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the expression is nested more than {MAX_DEPTH} levels deep"));
    }
    let depth = depth + 1;
    match expr {
        Expr::NumberLiteral(number) => Ok(Built::literal(Plan::Scalar(Scalar::Number(number.val)))),
        Expr::StringLiteral(text) => Ok(Built::literal(Plan::Text(text.val.clone()))),
        Expr::VectorSelector(selector) => {
            let selector = leaf::selector(selector)?;
            let fixed = selector.shift.at.is_some();
            Ok(Built { plan: Plan::Vector(Vector::Selector(selector)), fixed, pays: fixed })
        }
        Expr::MatrixSelector(matrix) => {
            let selector = leaf::selector(&matrix.vs)?;
            let fixed = selector.shift.at.is_some();
            let range_ms = leaf::positive_ms(&matrix.range)?;
            Ok(Built { plan: Plan::Range(Range::Selector { selector, range_ms }), fixed, pays: false })
        }
        Expr::Subquery(subquery) => self::subquery(subquery, depth),
        Expr::Paren(paren) => node(&paren.expr, depth),
        Expr::Unary(unary) => negated(node(&unary.expr, depth)?),
        Expr::Binary(binary) => self::binary(binary, depth),
        Expr::Aggregate(aggregate) => aggregation(aggregate, depth),
        Expr::Call(call) => call::call(call, depth),
        Expr::Extension(_) => Err("extensions of the syntax are not supported".to_owned()),
    }
}

pub(super) fn vector(expr: &Expr, depth: usize) -> Result<Built, String> {
    let built = node(expr, depth)?;
    match built.plan {
        Plan::Vector(_) => Ok(built),
        other => Err(format!("expected type instant vector, got {}", other.type_name())),
    }
}

fn negated(built: Built) -> Result<Built, String> {
    let plan = match built.plan {
        Plan::Scalar(scalar) => Plan::Scalar(Scalar::Negated(Box::new(scalar))),
        Plan::Vector(vector) => Plan::Vector(Vector::Negated(Box::new(vector))),
        other => {
            return Err(format!(
                "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                other.type_name()
            ));
        }
    };
    Ok(Built { plan, ..built })
}

fn subquery(subquery: &SubqueryExpr, depth: usize) -> Result<Built, String> {
    let of = vector(&subquery.expr, depth)?;
    // Inside of a subquery even what does not pay elsewhere is evaluated once.
    let fixed_inside = of.fixed;
    let Plan::Vector(of) = of.plan else {
        return Err("subquery is only allowed on instant vector".to_owned());
    };
    let of = if fixed_inside { Vector::Fixed(Box::new(of)) } else { of };
    let shift = leaf::shift(subquery.at.as_ref(), subquery.offset.as_ref())?;
    let range_ms = leaf::positive_ms(&subquery.range)?;
    let step_ms = subquery.step.as_ref().map(leaf::positive_ms).transpose()?;
    let fixed = shift.at.is_some();
    let plan = Plan::Range(Range::Subquery(Box::new(Subquery { of, shift, range_ms, step_ms })));
    Ok(Built { plan, fixed, pays: false })
}

fn aggregation(aggregate: &AggregateExpr, depth: usize) -> Result<Built, String> {
    let over = vector(&aggregate.expr, depth)?;
    let (fixed, pays) = (over.fixed, over.pays);
    let Plan::Vector(over) = over.plan else { return Err("expected type instant vector".to_owned()) };
    let mut by = label_choice(aggregate.modifier.as_ref());
    let param = || aggregate.param.as_deref().ok_or_else(|| format!("{} needs a parameter", aggregate.op));
    let number = || match node(param()?, depth)?.plan {
        Plan::Scalar(scalar) => Ok(scalar),
        other => Err(format!("expected type scalar in aggregation expression, got {}", other.type_name())),
    };
    let operator = match aggregate.op.id() {
        token::T_SUM => AggregationOperator::Sum,
        token::T_AVG => AggregationOperator::Average,
        token::T_MIN => AggregationOperator::Minimum,
        token::T_MAX => AggregationOperator::Maximum,
        token::T_COUNT => AggregationOperator::Count,
        token::T_GROUP => AggregationOperator::Group,
        token::T_STDDEV => AggregationOperator::StandardDeviation,
        token::T_STDVAR => AggregationOperator::StandardVariance,
        token::T_QUANTILE => AggregationOperator::Quantile(number()?),
        token::T_TOPK => AggregationOperator::Top(number()?),
        token::T_BOTTOMK => AggregationOperator::Bottom(number()?),
        token::T_COUNT_VALUES => {
            let Plan::Text(label) = node(param()?, depth)?.plan else {
                return Err("expected type string in aggregation expression".to_owned());
            };
            if label.is_empty() {
                return Err("invalid label name \"\"".to_owned());
            }
            if let LabelChoice::Only(labels) = &mut by {
                labels.push(label.clone());
                labels.sort();
            }
            AggregationOperator::CountValues(label)
        }
        _ => return Err(experimental(&aggregate.op)),
    };
    let plan = Plan::Vector(Vector::Aggregation(Box::new(Aggregation { operator, over, by })));
    Ok(Built { plan, fixed, pays })
}

fn experimental(what: &TokenType) -> String {
    format!("{what} is experimental in Prometheus and not supported")
}

fn binary(binary: &BinaryExpr, depth: usize) -> Result<Built, String> {
    let left = node(&binary.lhs, depth)?;
    let right = node(&binary.rhs, depth)?;
    let fixed = left.fixed && right.fixed;
    let (left, right) = if fixed { (left.plan, right.plan) } else { (left.wrapped(), right.wrapped()) };
    let modifier = binary.modifier.clone().unwrap_or_default();
    if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
        return Err("fill is experimental in Prometheus and not supported".to_owned());
    }
    let plan = match (left, right) {
        (Plan::Vector(left), Plan::Vector(right)) => match set_operator(binary.op.id()) {
            Some(operator) => {
                let on = label_choice_of_match(&modifier);
                Plan::Vector(Vector::Set(Box::new(SetOperation { operator, left, right, on })))
            }
            None => Plan::Vector(Vector::Matched(Box::new(matched(binary.op, left, right, modifier)?))),
        },
        (Plan::Scalar(left), Plan::Scalar(right)) => {
            let operator = operator(binary.op)?;
            Plan::Scalar(Scalar::Pair(Box::new(ScalarPair { operator, left, right })))
        }
        (Plan::Vector(vector), Plan::Scalar(scalar)) => {
            with_scalar(binary.op, modifier.return_bool, vector, scalar, false)?
        }
        (Plan::Scalar(scalar), Plan::Vector(vector)) => {
            with_scalar(binary.op, modifier.return_bool, vector, scalar, true)?
        }
        _ => return Err("binary expression must contain only scalar and instant vector types".to_owned()),
    };
    Ok(Built { plan, fixed, pays: fixed })
}

fn with_scalar(
    op: TokenType,
    as_bool: bool,
    vector: Vector,
    scalar: Scalar,
    scalar_first: bool,
) -> Result<Plan, String> {
    let operator = operator(op)?;
    Ok(Plan::Vector(Vector::WithScalar(Box::new(WithScalar {
        operator,
        as_bool,
        vector,
        scalar,
        scalar_first,
    }))))
}

fn matched(op: TokenType, left: Vector, right: Vector, modifier: BinModifier) -> Result<Matched, String> {
    let on = label_choice_of_match(&modifier);
    let group = match modifier.card {
        VectorMatchCardinality::OneToOne => Group::None,
        VectorMatchCardinality::ManyToOne(include) => Group::Left(include.labels),
        VectorMatchCardinality::OneToMany(include) => Group::Right(include.labels),
        VectorMatchCardinality::ManyToMany => {
            return Err("many-to-many only allowed for set operators".to_owned());
        }
    };
    Ok(Matched { operator: operator(op)?, as_bool: modifier.return_bool, left, right, on, group })
}

fn label_choice_of_match(modifier: &BinModifier) -> LabelChoice {
    match &modifier.matching {
        Some(LabelModifier::Include(labels)) => LabelChoice::Only(sorted(labels)),
        Some(LabelModifier::Exclude(labels)) => LabelChoice::AllBut(sorted(labels)),
        None => LabelChoice::AllBut(Vec::new()),
    }
}

fn label_choice(modifier: Option<&LabelModifier>) -> LabelChoice {
    match modifier {
        Some(LabelModifier::Include(labels)) => LabelChoice::Only(sorted(labels)),
        Some(LabelModifier::Exclude(labels)) => LabelChoice::AllBut(sorted(labels)),
        None => LabelChoice::Only(Vec::new()),
    }
}

fn sorted(names: &Names) -> Vec<String> {
    let mut labels = names.labels.clone();
    labels.sort();
    labels
}

fn set_operator(id: TokenId) -> Option<SetOperator> {
    match id {
        token::T_LAND => Some(SetOperator::And),
        token::T_LOR => Some(SetOperator::Or),
        token::T_LUNLESS => Some(SetOperator::Unless),
        _ => None,
    }
}

fn operator(op: TokenType) -> Result<Operator, String> {
    Ok(match op.id() {
        token::T_ADD => Operator::Arithmetic(Arithmetic::Add),
        token::T_SUB => Operator::Arithmetic(Arithmetic::Subtract),
        token::T_MUL => Operator::Arithmetic(Arithmetic::Multiply),
        token::T_DIV => Operator::Arithmetic(Arithmetic::Divide),
        token::T_MOD => Operator::Arithmetic(Arithmetic::Modulo),
        token::T_POW => Operator::Arithmetic(Arithmetic::Power),
        token::T_ATAN2 => Operator::Arithmetic(Arithmetic::Atan2),
        token::T_EQLC => Operator::Comparison(Comparison::Equal),
        token::T_NEQ => Operator::Comparison(Comparison::NotEqual),
        token::T_LSS => Operator::Comparison(Comparison::Less),
        token::T_LTE => Operator::Comparison(Comparison::LessOrEqual),
        token::T_GTR => Operator::Comparison(Comparison::Greater),
        token::T_GTE => Operator::Comparison(Comparison::GreaterOrEqual),
        token::T_LAND | token::T_LOR | token::T_LUNLESS => {
            return Err(format!("set operator {op} not allowed in binary scalar expression"));
        }
        _ => return Err(format!("operator {op} is not supported")),
    })
}

impl Built {
    pub(super) fn literal(plan: Plan) -> Self {
        Built { plan, fixed: true, pays: false }
    }

    /// Marked, where it pays, as the same at all steps.
    pub(super) fn wrapped(self) -> Plan {
        match self.plan {
            Plan::Scalar(scalar) if self.pays => Plan::Scalar(Scalar::Fixed(Box::new(scalar))),
            Plan::Vector(vector) if self.pays => Plan::Vector(Vector::Fixed(Box::new(vector))),
            plan => plan,
        }
    }
}

impl Plan {
    /// As Prometheus' documentation calls it.
    pub(in crate::promql) fn type_name(&self) -> &'static str {
        match self {
            Plan::Scalar(_) => "scalar",
            Plan::Vector(_) => "instant vector",
            Plan::Range(_) => "range vector",
            Plan::Text(_) => "string",
        }
    }
}
