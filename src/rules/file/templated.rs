//! The text of a label or of an annotation.

use crate::rules::annotation::{Data, Template, TemplateError};

/// A text that is expanded for each alert. Prometheus loads some that are no template (in the labels of a group), and
/// then the alert says so; hence the error is kept.
#[derive(Debug, Clone)]
pub struct Templated {
    text: String,
    template: Result<Template, TemplateError>,
}

impl Templated {
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let template = Template::parse(&text);
        Templated { text, template }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it is no template.
    pub fn error(&self) -> Option<&TemplateError> {
        self.template.as_ref().err()
    }

    /// The text for one alert of the rule `alert`; what fails says so in its place, as in Prometheus.
    pub fn expand(&self, alert: &str, data: &Data<'_>) -> String {
        let expanded = match &self.template {
            Ok(template) => template.expand(data),
            Err(error) => Err(error.clone()),
        };
        expanded.unwrap_or_else(|error| error.in_place_of_text(alert))
    }
}
