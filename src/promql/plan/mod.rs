//! An expression as it is evaluated: types settled, functions looked up, times in milliseconds. What a node gives is in
//! its type, so that evaluation meets no surprises.

mod build;
mod call;
mod leaf;

use std::sync::Arc;

pub(super) use build::build;
pub(super) use leaf::MAX_MS;

use super::Matcher;
use super::functions::{Function, Relabel};
use crate::labels::Labels;

/// A whole query.
pub(super) enum Plan {
    Scalar(Scalar),
    Vector(Vector),
    Range(Range),
    Text(String),
}

/// A number at each step.
pub(super) enum Scalar {
    Number(f64),
    Time,
    Negated(Box<Scalar>),
    Pair(Box<ScalarPair>),
    /// `scalar()`.
    Of(Box<Vector>),
    /// The same at all steps, as everything in it is pinned by `@`.
    Fixed(Box<Scalar>),
}

pub(super) struct ScalarPair {
    pub(super) operator: Operator,
    pub(super) left: Scalar,
    pub(super) right: Scalar,
}

/// An instant vector at each step.
pub(super) enum Vector {
    Selector(Selector),
    Negated(Box<Vector>),
    WithScalar(Box<WithScalar>),
    Matched(Box<Matched>),
    Set(Box<SetOperation>),
    Aggregation(Box<Aggregation>),
    Call(Box<Call>),
    /// `vector()`.
    Of(Box<Scalar>),
    /// `absent()`, with the labels of its result.
    Absent(Box<Vector>, Labels),
    AbsentOverTime(Box<Range>, Labels),
    /// `timestamp()` of a selector: when its samples were taken.
    TakenAt(Selector),
    /// `timestamp()` of anything else: when it is evaluated.
    EvaluatedAt(Box<Vector>),
    /// The same at all steps, as everything in it is pinned by `@`.
    Fixed(Box<Vector>),
}

/// A range vector.
pub(super) enum Range {
    Selector { selector: Selector, range_ms: i64 },
    Subquery(Box<Subquery>),
}

pub(super) struct Subquery {
    pub(super) of: Vector,
    pub(super) shift: Shift,
    pub(super) range_ms: i64,
    /// None takes the default of the options.
    pub(super) step_ms: Option<i64>,
}

pub(super) struct Selector {
    pub(super) matchers: Arc<[Matcher]>,
    pub(super) shift: Shift,
    /// As PromQL, without `offset` and `@`.
    pub(super) text: String,
}

/// `@` and `offset`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shift {
    pub(super) at: Option<At>,
    pub(super) offset_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Moment(i64),
    Start,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Arithmetic(Arithmetic),
    Comparison(Comparison),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A vector and a number.
pub(super) struct WithScalar {
    pub(super) operator: Operator,
    /// 0 or 1 instead of leaving out.
    pub(super) as_bool: bool,
    pub(super) vector: Vector,
    pub(super) scalar: Scalar,
    /// Whether the number is the left operand.
    pub(super) scalar_first: bool,
}

/// Two vectors, sample by sample.
pub(super) struct Matched {
    pub(super) operator: Operator,
    pub(super) as_bool: bool,
    pub(super) left: Vector,
    pub(super) right: Vector,
    pub(super) on: LabelChoice,
    pub(super) group: Group,
}

/// Which side may have several samples for one of the other.
pub(super) enum Group {
    None,
    /// `group_left`, with the labels taken from the right side.
    Left(Vec<String>),
    Right(Vec<String>),
}

pub(super) struct SetOperation {
    pub(super) operator: SetOperator,
    pub(super) left: Vector,
    pub(super) right: Vector,
    pub(super) on: LabelChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetOperator {
    And,
    Or,
    Unless,
}

/// Labels by which samples are matched or grouped; sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LabelChoice {
    /// `on`, `by`.
    Only(Vec<String>),
    /// `ignoring`, `without`; never looks at the metric's name either.
    AllBut(Vec<String>),
}

pub(super) struct Aggregation {
    pub(super) operator: AggregationOperator,
    pub(super) over: Vector,
    pub(super) by: LabelChoice,
}

pub(super) enum AggregationOperator {
    Sum,
    Average,
    Minimum,
    Maximum,
    Count,
    Group,
    StandardDeviation,
    StandardVariance,
    Quantile(Scalar),
    Top(Scalar),
    Bottom(Scalar),
    /// With the label that takes the value.
    CountValues(String),
}

/// A call of a kernel.
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) input: Input,
    pub(super) scalars: Vec<Scalar>,
}

pub(super) enum Input {
    Vector(Vector),
    Range(Range),
    /// What the strings make of labels is known from the start.
    Labels(Vector, Relabel),
}

impl LabelChoice {
    pub(super) fn takes(&self, label: &str) -> bool {
        let listed = |labels: &[String]| labels.iter().any(|listed| listed == label);
        match self {
            LabelChoice::Only(labels) => listed(labels),
            LabelChoice::AllBut(labels) => label != "__name__" && !listed(labels),
        }
    }
}

impl Operator {
    pub(super) fn is_comparison(self) -> bool {
        matches!(self, Operator::Comparison(_))
    }
}

impl Arithmetic {
    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide => left / right,
            Arithmetic::Modulo => left % right,
            Arithmetic::Power => left.powf(right),
            Arithmetic::Atan2 => left.atan2(right),
        }
    }
}

impl Comparison {
    pub(super) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
        }
    }
}
