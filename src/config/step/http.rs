//! The step `http`.

use std::time::Duration;

use super::super::fields::{Element, Fields};
use super::super::value::{
    Any, AtLeast, CheckName, Constant, Count, HeaderName, HttpUrl, Label, Method, OneOrMany, Table, Template,
    VariableName,
};
use super::super::{At, later};
use super::exchange::{Expressions, Records};
use super::{BodyConfig, CheckConfig, Named, RecordConfig, StatusRange, wait_for};

#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Default GET, or POST with a body.
    pub method: Option<At<String>>,
    /// A template.
    pub url: At<String>,
    /// The label `name`; default: the URL's path before templating.
    pub name: Option<At<String>>,
    /// Values are templates.
    pub headers: Vec<(At<String>, At<String>)>,
    pub body: Option<BodyConfig>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    /// Redirects followed (default 10).
    pub redirects: u32,
    /// Default 200–399.
    pub expected_statuses: Vec<StatusRange>,
    pub tags: Vec<(At<String>, At<String>)>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

impl Element for HttpConfig {
    const NAME: &'static str = "http";
    const HELP: &'static str = "An HTTP request";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let method = f.optional::<At<Method>>("method", "Default GET, or POST with a body");
        let url = f.required::<At<HttpUrl>>("url", "A template");
        let name =
            f.optional::<At<Constant>>("name", "The label `name`; default: the URL's path before templating");
        let headers = f.or_empty::<Table<HeaderName, At<Template>>>("headers", "Values are templates");
        let body = body(f);
        let timeout = f.optional::<AtLeast<1>>("timeout", "Default `defaults.timeout`");
        let redirects = f.or::<Count<0, 100>>("redirects", "How many redirects are followed", "10");
        let expected_statuses =
            f.or::<OneOrMany<StatusRange>>("expected_statuses", "Statuses that are no failure", "200-399");
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
        let checks = f.or_empty::<Expressions<CheckName>>("checks", "Name and expression, over the response");
        let capture =
            f.or_empty::<Expressions<VariableName>>("capture", "Variable and expression, over the response");
        let record =
            f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
        let wait_for = wait_for(f);
        f.later("auth", "Who asks", later::anything);
        f.later("cookies", "Cookies beside those the server set", later::anything);
        Some(HttpConfig {
            method: method?.map(|method| method.map(|method| method.0)),
            url: url?.map(|url| url.0),
            name: name?.map(|name| name.map(|name| name.0)),
            headers: headers?.into_texts(),
            body: body?,
            timeout: timeout?.map(|timeout| timeout.0),
            redirects: u32::try_from(redirects?.0).unwrap_or(u32::MAX),
            expected_statuses: expected_statuses?.0,
            tags: tags?.into_texts(),
            checks: checks?.into_named(),
            capture: capture?.into_named(),
            record: record?.0,
            wait_for: wait_for?,
        })
    }
}

/// At most one of the keys that give a body.
fn body(f: &mut Fields<'_>) -> Option<Option<BodyConfig>> {
    let json = f.optional::<At<serde_json::Value>>("json", "A body in JSON; strings in it are templates");
    let form = f.optional::<Table<Any, At<Template>>>("form", "A body of form fields; values are templates");
    let text = f.optional::<At<Template>>("body", "A body of text; a template");
    f.later("multipart", "A body of parts", later::anything);
    f.later("file", "A body from a file", later::text);
    f.later("cloudevent", "A CloudEvent", later::anything);
    let given: Vec<&str> = ["json", "form", "body", "multipart", "file", "cloudevent"]
        .into_iter()
        .filter(|key| f.has(key))
        .collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("both `{first}` and `{second}`");
        f.problem(second, message, "expected one body".to_owned());
    }
    Some(match (json?, form?, text?) {
        (Some(json), ..) => Some(BodyConfig::Json(json)),
        (None, Some(form), _) => Some(BodyConfig::Form(form.into_texts())),
        (None, None, Some(text)) => Some(BodyConfig::Text(text.map(|text| text.0))),
        (None, None, None) => None,
    })
}
