//! Texts and expressions of a plan, compiled; what is wrong with them becomes a problem with its place.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::steps::Steps;
use crate::config::{At, Problem};
use crate::flow::{Headers, Url};
use crate::protocol::Target;
use crate::template::{Expression, Names, Template, TemplateError};

/// What templates of actions may use beside `vars`.
pub const TESTID: &str = "testid";
/// In hooks only.
pub const VERDICT: &str = "verdict";
/// In hooks only.
pub const EXIT_CODE: &str = "exit_code";

impl Steps<'_> {
    /// A template that sees what earlier steps left.
    pub(super) fn template(&mut self, text: &At<String>) -> Option<Template> {
        let compiled = Template::compile(&text.value, &self.names_in_reach());
        let template = self.accept(compiled, text)?;
        self.reads.exchange = self.reads.exchange | template.reads();
        self.reads.tables(template.tables());
        Some(template)
    }

    pub(super) fn json(&mut self, document: &At<serde_json::Value>) -> Option<Template> {
        let compiled = Template::compile_json(&document.value, &self.names_in_reach());
        let template = self.accept(compiled, document)?;
        self.reads.exchange = self.reads.exchange | template.reads();
        self.reads.tables(template.tables());
        Some(template)
    }

    /// An expression of a step of its own, about what earlier steps left.
    pub(super) fn expression(&mut self, text: &At<String>) -> Option<Expression> {
        let compiled = Expression::compile(&text.value, &self.names_in_reach());
        let expression = self.accept(compiled, text)?;
        self.reads.exchange = self.reads.exchange | expression.reads();
        self.reads.tables(expression.tables());
        Some(expression)
    }

    /// An expression about the exchange that its own step makes.
    pub(super) fn own_expression(&mut self, text: &At<String>) -> Option<Expression> {
        let compiled = Expression::compile(&text.value, &self.names.with_exchange());
        let expression = self.accept(compiled, text)?;
        self.reads.tables(expression.tables());
        Some(expression)
    }

    pub(super) fn accept<T, U>(&mut self, compiled: Result<T, TemplateError>, text: &At<U>) -> Option<T> {
        match compiled {
            Ok(compiled) => Some(compiled),
            Err(TemplateError { message, help, .. }) => {
                self.problems.push(Problem { place: Some(text.place), message, help });
                None
            }
        }
    }

    pub(super) fn url(&mut self, text: &At<String>, schemes: &[&str]) -> Option<Url> {
        let template = self.template(text)?;
        self.files.hosts.url(&text.value, text.place);
        let Some(constant) = template.constant() else { return Some(Url::Template(template)) };
        if !schemes.iter().any(|scheme| constant.starts_with(&format!("{scheme}://"))) {
            let schemes: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
            let help = format!("expected a URL that begins with {}", schemes.join(" or "));
            self.problems
                .push(Problem::new(text.place, format!("`{constant}` is no URL for this step")).help(help));
            return None;
        }
        match Target::parse(constant) {
            Ok(target) => Some(Url::Constant(target)),
            Err(error) => {
                self.problems.push(Problem::new(text.place, format!("failed to {error}")));
                None
            }
        }
    }

    pub(super) fn headers(
        &mut self,
        headers: &[(At<String>, At<String>)],
        content_type: Option<&'static str>,
    ) -> Headers {
        let mut compiled = Headers::default();
        for (name, value) in headers {
            let Ok(header) = HeaderName::from_bytes(name.value.as_bytes()) else {
                let message = format!("`{}` cannot be the name of a header", name.value);
                self.problems.push(Problem::new(name.place, message));
                continue;
            };
            let Some(template) = self.template(value) else { continue };
            match template.constant().map(HeaderValue::from_str) {
                Some(Ok(constant)) => drop(compiled.constant.append(header, constant)),
                Some(Err(_)) => {
                    let message =
                        format!("the value of header `{header}` has characters that a header cannot hold");
                    self.problems.push(Problem::new(value.place, message));
                }
                None => compiled.templates.push((header, template)),
            }
        }
        let given = |name: &HeaderName| {
            compiled.constant.contains_key(name) || compiled.templates.iter().any(|(known, _)| known == name)
        };
        let mut added = HeaderMap::new();
        if let Some(content_type) = content_type.filter(|_| !given(&CONTENT_TYPE)) {
            added.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(agent) =
            HeaderValue::from_str(&self.defaults.user_agent).ok().filter(|_| !given(&USER_AGENT))
        {
            added.insert(USER_AGENT, agent);
        }
        compiled.constant.extend(added);
        compiled
    }

    /// The label `name` of an exchange that has no other.
    pub(super) fn name_of(&self, url: &str) -> String {
        self.files.redactor.redact(&name_of_url(url))
    }

    fn names_in_reach(&self) -> Names {
        if self.exchanged { self.names.with_exchange() } else { self.names.clone() }
    }
}

/// The label `name` of an exchange: the URL's path before templating, without host and query, so
/// that it is one value however many URLs the template makes.
pub(super) fn name_of_url(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("/", |slash| &after_scheme[slash..]);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_path_before_templating() {
        for (url, name) in [
            ("http://localhost:4000/health", "/health"),
            ("http://localhost:4000", "/"),
            ("ws://[::1]:80/api/chat?token=x", "/api/chat"),
            ("http://h/users/{{ vu }}/orders?page={{ iteration }}", "/users/{{ vu }}/orders"),
            ("{{ base }}/x", "/x"),
        ] {
            assert_eq!(name_of_url(url), name, "{url}");
        }
    }
}
