//! What can be wrong with an expression: when it is read, and when it is evaluated.

use std::fmt::Write;

/// Longest message of an [`EvalError`], in bytes: some quote a value that the target chose.
const MAX_EVAL_MESSAGE_BYTES: usize = 300;

/// An expression or template that cannot be used. Found when the plan is loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Where in the text it is wrong, in bytes from the text's start, where known.
    pub offset: Option<usize>,
    pub message: String,
    /// What to write instead, where there is a likely answer.
    pub help: Option<String>,
    /// Of a JSON document: the JSON Pointer (RFC 6901) of the string at fault.
    pub pointer: Option<String>,
}

impl TemplateError {
    pub(super) fn at(offset: usize, message: impl Into<String>) -> Self {
        TemplateError { offset: Some(offset), message: message.into(), help: None, pointer: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error, seen from a text in which the expression begins at `start`.
    pub(super) fn shifted(mut self, start: usize) -> Self {
        self.offset = Some(self.offset.map_or(start, |offset| offset + start));
        self
    }
}

/// An expression that has no value in this scope; a check that meets one has failed.
///
/// The message names the path that is undefined: "`json.type` is undefined".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EvalError(String);

impl EvalError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_EVAL_MESSAGE_BYTES {
            let boundary = |at: &usize| message.is_char_boundary(*at);
            message.truncate((0..=MAX_EVAL_MESSAGE_BYTES).rev().find(boundary).unwrap_or(0));
            message.push('…');
        }
        EvalError(message)
    }

    /// `path` has no value. `json` as a whole is undefined only when the body is not JSON.
    pub(super) fn undefined(path: &str) -> Self {
        let mut message = format!("`{path}` is undefined");
        if path == "json" {
            let _ = write!(message, ": the body is not JSON");
        }
        EvalError::new(message)
    }
}
