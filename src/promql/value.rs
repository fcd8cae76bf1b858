//! What queries give.

use super::Point;
use crate::labels::Labels;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(Point),
    String {
        at_ms: i64,
        text: String,
    },
    /// An instant vector; in order only where the query sorts.
    Vector(Vec<Sample>),
    /// A range vector, or what a range query gives; sorted by labels.
    Matrix(Vec<Series>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// With `__name__` where the operation keeps it.
    pub labels: Labels,
    pub point: Point,
}

/// A label set and its points in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: Labels,
    pub points: Vec<Point>,
}

/// What Prometheus would say beside the result; it does not change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Annotation {
    Warning(String),
    Info(String),
}
