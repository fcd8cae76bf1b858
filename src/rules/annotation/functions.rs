//! The functions that a template may call, by name: Go's own, and those of Prometheus.

use super::value::Value;
use super::{Data, builtins, humanize, text};

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Kind],
    /// Of any number of arguments more.
    pub(super) rest: Option<Kind>,
    pub(super) body: Body,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Text,
    Sample,
    Vector,
    Moment,
    Span,
}

impl Kind {
    /// Go's name of the type.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Any => "interface {}",
            Text => "string",
            Sample => "*template.sample",
            Vector => "template.queryResult",
            Kind::Moment => "time.Time",
            Kind::Span => "time.Duration",
        }
    }
}

/// A result, or what Go would say after `error calling NAME: `.
pub(super) type Called = Result<Value, String>;

pub(super) enum Body {
    /// The first argument that decides; those after it are not evaluated.
    And,
    Or,
    Pure(fn(&[Value]) -> Called),
    WithData(fn(&Data<'_>, &[Value]) -> Called),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Why there is no such function.
pub(super) fn unknown(name: &str) -> String {
    match name {
        "call" => "function call is not supported: a rule's template has no functions to call".to_owned(),
        "tmpl" => {
            "function tmpl is for console templates: in rules it is {{ template \"name\" . }}".to_owned()
        }
        _ => {
            let near = |function: &&Function| strsim::damerau_levenshtein(function.name, name) <= 2;
            let known = FUNCTIONS.iter().find(near);
            let hint = known.map_or(String::new(), |known| format!(": did you mean {}?", known.name));
            format!("function {name:?} is not defined{hint}")
        }
    }
}

const fn pure(name: &'static str, parameters: &'static [Kind], body: fn(&[Value]) -> Called) -> Function {
    Function { name, parameters, rest: None, body: Body::Pure(body) }
}

const fn variadic(
    name: &'static str,
    parameters: &'static [Kind],
    rest: Kind,
    body: fn(&[Value]) -> Called,
) -> Function {
    Function { name, parameters, rest: Some(rest), body: Body::Pure(body) }
}

const fn with_data(
    name: &'static str,
    parameters: &'static [Kind],
    body: fn(&Data<'_>, &[Value]) -> Called,
) -> Function {
    Function { name, parameters, rest: None, body: Body::WithData(body) }
}

use Kind::{Any, Sample, Text, Vector};

static FUNCTIONS: [Function; 47] = [
    // Go's.
    Function { name: "and", parameters: &[Any], rest: Some(Any), body: Body::And },
    Function { name: "or", parameters: &[Any], rest: Some(Any), body: Body::Or },
    pure("not", &[Any], builtins::not),
    variadic("eq", &[Any], Any, builtins::eq),
    pure("ne", &[Any, Any], builtins::ne),
    pure("lt", &[Any, Any], builtins::lt),
    pure("le", &[Any, Any], builtins::le),
    pure("gt", &[Any, Any], builtins::gt),
    pure("ge", &[Any, Any], builtins::ge),
    pure("len", &[Any], builtins::len),
    variadic("index", &[Any], Any, builtins::index),
    variadic("slice", &[Any], Any, builtins::slice),
    variadic("print", &[], Any, builtins::print),
    variadic("println", &[], Any, builtins::println),
    variadic("printf", &[Text], Any, builtins::printf),
    variadic("html", &[], Any, builtins::html),
    variadic("js", &[], Any, builtins::js),
    variadic("urlquery", &[], Any, builtins::urlquery),
    // Of queries.
    with_data("query", &[Text], text::query),
    pure("first", &[Vector], text::first),
    pure("label", &[Text, Sample], text::label),
    pure("value", &[Sample], text::value),
    pure("strvalue", &[Sample], text::strvalue),
    pure("sortByLabel", &[Text, Vector], text::sort_by_label),
    variadic("args", &[], Any, text::args),
    // Of the moment and the place.
    with_data("now", &[], text::now),
    with_data("externalURL", &[], text::external_url),
    with_data("pathPrefix", &[], text::path_prefix),
    // Of numbers.
    pure("humanize", &[Any], humanize::humanize),
    pure("humanize1024", &[Any], humanize::humanize1024),
    pure("humanizeDuration", &[Any], humanize::duration),
    pure("humanizePercentage", &[Any], humanize::percentage),
    pure("humanizeTimestamp", &[Any], humanize::timestamp),
    pure("toTime", &[Any], humanize::to_time),
    pure("toDuration", &[Any], humanize::to_duration),
    pure("parseDuration", &[Text], humanize::parse_duration),
    // Of text.
    pure("title", &[Text], text::title),
    pure("toUpper", &[Text], text::to_upper),
    pure("toLower", &[Text], text::to_lower),
    pure("match", &[Text, Text], text::matches),
    pure("reReplaceAll", &[Text, Text, Text], text::replace_all),
    pure("stripPort", &[Text], text::strip_port),
    pure("stripDomain", &[Text], text::strip_domain),
    pure("safeHtml", &[Text], text::safe_html),
    pure("urlQueryEscape", &[Text], text::url_query_escape),
    pure("graphLink", &[Text], text::graph_link),
    pure("tableLink", &[Text], text::table_link),
];
