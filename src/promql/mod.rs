//! PromQL with Prometheus 3's semantics, evaluated on promql-parser's syntax tree over a [`Source`]. Pure: it holds no
//! clock, lock or thread, and of loadgate it knows only what a label set is.

mod functions;
pub mod notation;
mod query;
mod source;
mod value;

pub use query::{Answer, EvalError, Limits, Options, ParseError, Query};
pub use source::{MatchKind, Matcher, Point, STALE, Source, SourceError, TimeRange, is_stale};
pub use value::{Annotation, Sample, Series, Value};
