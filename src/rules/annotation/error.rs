//! Why a template is none, or why it could not be expanded.

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    /// In bytes from the start of the template's text.
    pub offset: usize,
}

impl TemplateError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        TemplateError { message: message.into(), offset }
    }
}
