//! The step `http`.

use std::time::Duration;

use super::super::At;
use super::super::fields::{Element, Fields, Value as _};
use super::super::value::{
    AtLeast, CheckName, Constant, CookieName, Count, FilePath, HeaderName, HttpUrl, Label, Method, OneOrMany,
    Table, Template, VariableName,
};
use super::body;
use super::exchange::{Expressions, Records};
use super::ledger::ledger;
use super::{AuthConfig, BodyConfig, CheckConfig, CookieConfig, Named, RecordConfig, StatusRange, wait_for};
use crate::protocol::encoding::Encoding;

#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub requests: RequestsConfig,
    /// The label `name`; default: the URL's path before templating.
    pub name: Option<At<String>>,
    /// Values are templates.
    pub headers: Vec<(At<String>, At<String>)>,
    pub auth: Option<At<AuthConfig>>,
    /// Sent beside those that servers set.
    pub cookies: Vec<(At<String>, CookieConfig)>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    /// Redirects followed (default 10).
    pub redirects: u32,
    /// Default 200–399.
    pub expected_statuses: Vec<StatusRange>,
    pub tags: Vec<(At<String>, At<String>)>,
    /// Which counts the requests that went well as published events.
    pub ledger: Option<At<String>>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

/// What is sent.
#[derive(Debug, Clone)]
pub enum RequestsConfig {
    One {
        /// Default GET, or POST with a body.
        method: Option<At<String>>,
        /// A template.
        url: At<String>,
        body: Option<BodyConfig>,
        /// Of the body, in the order in which they are applied.
        compression: Vec<Encoding>,
    },
    /// The path of a file with targets in one of Vegeta's formats, taken in turn.
    TargetsFile(At<String>),
}

impl HttpConfig {
    /// For messages: the method and the URL as it was written, or the file.
    pub fn describe(&self) -> String {
        match &self.requests {
            RequestsConfig::One { url, .. } => format!("{} {}", self.requests.method(), url.value),
            RequestsConfig::TargetsFile(path) => path.value.clone(),
        }
    }
}

impl RequestsConfig {
    /// Of targets the first line of each says it.
    pub(crate) fn method(&self) -> &str {
        match self {
            RequestsConfig::One { method: Some(method), .. } => &method.value,
            RequestsConfig::One { body: Some(_), .. } => "POST",
            _ => "GET",
        }
    }
}

impl Element for HttpConfig {
    const NAME: &'static str = "http";
    const HELP: &'static str = "An HTTP request";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let requests = requests(f);
        let name =
            f.optional::<At<Constant>>("name", "The label `name`; default: the URL's path before templating");
        let headers = f.or_empty::<Table<HeaderName, At<Template>>>("headers", "Values are templates");
        let auth = f.optional::<At<AuthConfig>>("auth", "Who asks: `basic` or `bearer`");
        let cookies = f.or_empty::<Table<CookieName, CookieConfig>>(
            "cookies",
            "Sent beside those that servers set; values are templates",
        );
        let timeout = f.optional::<AtLeast<1>>("timeout", "Default `defaults.timeout`");
        let redirects = f.or::<Count<0, 100>>("redirects", "How many redirects are followed", "10");
        let expected_statuses =
            f.or::<OneOrMany<StatusRange>>("expected_statuses", "Statuses that are no failure", "200-399");
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
        let ledger = ledger(
            f,
            "The ledger that counts it as a published event where the status is expected; another step receives it",
        );
        let checks = f.or_empty::<Expressions<CheckName>>("checks", "Name and expression, over the response");
        let capture =
            f.or_empty::<Expressions<VariableName>>("capture", "Variable and expression, over the response");
        let record =
            f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
        let wait_for = wait_for(f);
        if f.has("auth") && headers.as_ref().is_some_and(has_authorization) {
            f.problem("auth", "both `auth` and the header `Authorization`", "expected one".to_owned());
        }
        Some(HttpConfig {
            requests: requests?,
            name: name?.map(|name| name.map(|name| name.0)),
            headers: headers?.into_texts(),
            auth: auth?,
            cookies: cookies?.0,
            timeout: timeout?.map(|timeout| timeout.0),
            redirects: u32::try_from(redirects?.0).unwrap_or(u32::MAX),
            expected_statuses: expected_statuses?.0,
            tags: tags?.into_texts(),
            ledger: ledger?,
            checks: checks?.into_named(),
            capture: capture?.into_named(),
            record: record?.0,
            wait_for: wait_for?,
        })
    }
}

fn has_authorization(headers: &Table<HeaderName, At<Template>>) -> bool {
    headers.0.iter().any(|(name, _)| name.value.eq_ignore_ascii_case("authorization"))
}

/// Either a URL with what goes there, or a file that has all of it.
fn requests(f: &mut Fields<'_>) -> Option<RequestsConfig> {
    let method = f.optional::<At<Method>>("method", "Default GET, or POST with a body");
    let url = f.optional::<At<HttpUrl>>("url", "A template; this or `targets_file` must be there");
    let targets_file = f.optional::<At<FilePath>>(
        "targets_file",
        "Targets in Vegeta's http or JSON format, taken in turn by all VUs; instead of `url`",
    );
    let body = body::body(f);
    let compression = f.optional::<OneOrMany<Encoding>>("compression", "Of the body, one or several in turn");
    if f.has("targets_file") {
        for key in ["url", "method", "compression"].into_iter().chain(body::KEYS) {
            if f.has(key) {
                let help = "each target of the file has its own".to_owned();
                f.problem(key, format!("both `targets_file` and `{key}`"), help);
            }
        }
    } else if !f.has("url") {
        f.missing("url", &HttpUrl::expected());
    }
    if f.has("compression") && body.as_ref().is_some_and(Option::is_none) {
        f.problem("compression", "`compression` without a body", None);
    }
    if f.has("rabbitmq") {
        for key in ["method", "compression"].into_iter().filter(|key| f.has(key)).collect::<Vec<_>>() {
            let help = "the management API says how it is asked".to_owned();
            f.problem(key, format!("both `rabbitmq` and `{key}`"), help);
        }
    }
    let (method, url, targets_file) = (method?, url?, targets_file?);
    let (body, compression) = (body?, compression?);
    match (targets_file, url) {
        (Some(file), _) => Some(RequestsConfig::TargetsFile(file.map(|file| file.0))),
        (None, url) => Some(RequestsConfig::One {
            method: method.map(|method| method.map(|method| method.0)),
            url: url?.map(|url| url.0),
            body,
            compression: compression.map(|list| list.0).unwrap_or_default(),
        }),
    }
}
