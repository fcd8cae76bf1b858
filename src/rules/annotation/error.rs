//! Why a template is none, or why it could not be expanded.

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    /// In bytes from the start of the template's text.
    pub offset: usize,
    /// Of a failure that only the values show.
    execution: Option<Execution>,
}

/// Where Go says that an execution failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Execution {
    /// From 1.
    line: usize,
    /// In bytes, from 0, with what Prometheus puts before the text.
    column: usize,
    /// The `define` it happened in; `None` for the text itself.
    definition: Option<String>,
    /// The part of the template that failed, as Go writes it anew.
    context: String,
}

/// What Prometheus puts before each text of a rule, on its first line.
const DECLARATIONS: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                            {{$externalURL := .ExternalURL}}{{$value := .Value}}";

impl TemplateError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        TemplateError { message: message.into(), offset, execution: None }
    }

    pub(super) fn while_executing(
        text: &str,
        offset: usize,
        definition: Option<&str>,
        context: String,
        message: String,
    ) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.matches('\n').count() + 1;
        let declarations = if line == 1 { DECLARATIONS.len() } else { 0 };
        let column = before.len() - line_start + declarations;
        let definition = definition.map(str::to_owned);
        TemplateError { message, offset, execution: Some(Execution { line, column, definition, context }) }
    }

    /// What stands in place of a label or an annotation that could not be expanded, word for word as Prometheus has it.
    pub fn in_place_of_text(&self, alert: &str) -> String {
        let name = format!("__alert_{alert}");
        let message = &self.message;
        match &self.execution {
            None => {
                format!(
                    "<error expanding template: error parsing template {name}: template: {name}: {message}>"
                )
            }
            Some(Execution { line, column, definition, context }) => {
                let executing = super::quote::quoted(definition.as_ref().unwrap_or(&name), false);
                format!(
                    "<error expanding template: error executing template {name}: template: {name}:{line}:{column}: \
                     executing {executing} at <{context}>: {message}>"
                )
            }
        }
    }
}
