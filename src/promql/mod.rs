//! PromQL with Prometheus 3's semantics, evaluated on promql-parser's syntax tree over a [`Source`]. Pure: it holds no
//! clock, lock or thread, and of loadgate it knows only what a label set is.

mod eval;
mod functions;
pub mod notation;
pub(crate) mod pattern;
mod plan;
mod query;
mod selectors;
mod source;
mod syntax;
#[cfg(test)]
pub(crate) mod testing;
mod value;

pub use query::{Answer, EvalError, Limits, Options, ParseError, Query};
pub use selectors::{SelectorUse, Selectors};
pub use source::{MatchKind, Matcher, Point, STALE, Source, SourceError, TimeRange, is_stale};
pub use value::{Annotation, Sample, Series, Value};
