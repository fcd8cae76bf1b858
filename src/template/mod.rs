//! Run-time templates `{{ expression }}` and expressions.
//!
//! minijinja's language, over the names of [`Names`]. All that can be refused is refused when the plan
//! is loaded: syntax, names, functions, filters, tests. What is left for the run is a value that is
//! undefined or does not fit, an [`EvalError`] that makes a check fail and says which path it was.
//!
//! Constant text is never evaluated; simple expressions (paths, comparisons, `and`, `or`, `not`) are
//! evaluated here; all others by minijinja, on the same values. Nothing is locked or compiled on the way.
//! An expression has no loop: whatever it costs, it costs once.
//!
//! Functions beyond minijinja's own: `uuid()`, `random_int(low, high)`, `random_string(length)`,
//! `random_choice(list)`, `now()` (RFC 3339, UTC), `timestamp_ms()`, `base64(data)`, `sha256(data)` and
//! `hmac_sha256(key, data)` (both hexadecimal); `base64` and `sha256` also as filters.

mod document;
mod engine;
mod error;
mod expression;
mod fast;
mod functions;
mod json;
mod names;
mod near;
mod path;
mod scope;
mod syntax;
mod text;
mod token;
mod write;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;

/// What an expression gives: minijinja's value.
pub use minijinja::Value;

pub use error::{EvalError, TemplateError};
pub use expression::{ExchangeReads, Expression, check_syntax_expression};
pub use names::{Names, Tables};
pub use near::did_you_mean;
pub use scope::{ExchangeView, Locals, Scope};
pub use text::{Template, check_syntax_template};
