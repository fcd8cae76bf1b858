//! Names and the rules they follow.

use std::marker::PhantomData;

use serde_json::{Value as Json, json};

use super::text::text;
use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;
use crate::config::vars::is_variable_name;

/// What a name may look like.
pub(crate) trait Rule {
    /// Follows "expected".
    const EXPECTED: &'static str;
    /// For the schema.
    const PATTERN: &'static str;
    fn holds(name: &str) -> bool;
    /// Why a name that looks right is not allowed.
    fn refused(_name: &str) -> Option<String> {
        None
    }
}

/// A text that follows a rule.
pub(crate) struct Name<R>(pub(crate) String, PhantomData<R>);

impl<R: Rule> Value for Name<R> {
    fn expected() -> String {
        R::EXPECTED.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let name = text(node, reader, R::EXPECTED)?;
        if !R::holds(&name) {
            reader.unexpected(node, R::EXPECTED);
            return None;
        }
        if let Some(reason) = R::refused(&name) {
            reader.problem(node.place, reason, None);
            return None;
        }
        Some(Name(name, PhantomData))
    }

    fn schema(_: &mut Schemas) -> Json {
        crate::config::schema::or_filled(json!({"type": "string", "pattern": R::PATTERN}))
    }
}

/// `name` of a plan, which is the label `test`.
pub(crate) struct PlanName;

impl Rule for PlanName {
    const EXPECTED: &'static str = "a name of small letters, digits and `-`, at most 63 characters";
    const PATTERN: &'static str = "^[a-z0-9-]{1,63}$";

    fn holds(name: &str) -> bool {
        (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }
}

/// k6's rule for scenarios.
pub(crate) struct ScenarioName;

impl Rule for ScenarioName {
    const EXPECTED: &'static str = "a name of letters, digits, `_` and `-`";
    const PATTERN: &'static str = "^[0-9a-zA-Z_-]+$";

    fn holds(name: &str) -> bool {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }
}

pub(crate) struct ProfileName;

impl Rule for ProfileName {
    const EXPECTED: &'static str = ScenarioName::EXPECTED;
    const PATTERN: &'static str = ScenarioName::PATTERN;

    fn holds(name: &str) -> bool {
        ScenarioName::holds(name)
    }
}

/// Prometheus' rule for labels, without those that it or we set.
pub(crate) struct Label;

impl Rule for Label {
    const EXPECTED: &'static str =
        "a label's name: letters, digits and `_`, not starting with a digit or `__`";
    const PATTERN: &'static str =
        "^(?!__)(?!(job|instance|testid|test|le|quantile|condition)$)[a-zA-Z_][a-zA-Z0-9_]*$";

    fn holds(name: &str) -> bool {
        is_variable_name(name) && !name.starts_with("__")
    }

    fn refused(name: &str) -> Option<String> {
        let whose = match name {
            "job" | "instance" => "Prometheus sets it on what it scrapes",
            "testid" | "test" => "loadgate sets it on each series",
            "le" | "quantile" => "it belongs to histograms and summaries",
            "condition" => "it tells the two counters of a rate apart",
            _ => return None,
        };
        Some(format!("a tag cannot be named `{name}`: {whose}"))
    }
}

/// k6's rule for metrics, which is Prometheus' without colons.
pub(crate) struct MetricName;

impl Rule for MetricName {
    const EXPECTED: &'static str =
        "a metric's name: letters, digits and `_`, not starting with a digit, at most 128 characters";
    const PATTERN: &'static str = "^[a-zA-Z_][a-zA-Z0-9_]{0,127}$";

    fn holds(name: &str) -> bool {
        name.len() <= 128 && is_variable_name(name)
    }
}

/// What `set` and `capture` may name.
pub(crate) struct VariableName;

impl Rule for VariableName {
    const EXPECTED: &'static str = "a name of letters, digits and `_`, not starting with a digit";
    const PATTERN: &'static str = "^[a-zA-Z_][a-zA-Z0-9_]*$";

    fn holds(name: &str) -> bool {
        is_variable_name(name)
    }

    fn refused(name: &str) -> Option<String> {
        const TAKEN: [&str; 12] = [
            "vu",
            "iteration",
            "scenario",
            "data",
            "vars",
            "status",
            "headers",
            "body",
            "json",
            "duration",
            "error",
            "received_ms",
        ];
        TAKEN
            .contains(&name)
            .then(|| format!("`{name}` has a meaning of its own in expressions; take another name"))
    }
}

/// What `vars` may declare.
pub(crate) struct EnvironmentName;

impl Rule for EnvironmentName {
    const EXPECTED: &'static str = VariableName::EXPECTED;
    const PATTERN: &'static str = VariableName::PATTERN;

    fn holds(name: &str) -> bool {
        is_variable_name(name)
    }
}

/// A header's name (RFC 9110: a token).
pub(crate) struct HeaderName;

impl Rule for HeaderName {
    const EXPECTED: &'static str = "a header's name such as `Content-Type`";
    const PATTERN: &'static str = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

    fn holds(name: &str) -> bool {
        http::HeaderName::from_bytes(name.as_bytes()).is_ok()
    }
}

/// Of a ledger of events, which is a label's value.
pub(crate) struct LedgerName;

impl Rule for LedgerName {
    const EXPECTED: &'static str = "a name of letters, digits, `-` and `_`, at most 63 characters";
    const PATTERN: &'static str = "^[A-Za-z0-9_-]{1,63}$";

    fn holds(name: &str) -> bool {
        (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }
}

/// RFC 6265's rule for cookies: a token, as a header's name.
pub(crate) struct CookieName;

impl Rule for CookieName {
    const EXPECTED: &'static str = "a cookie's name such as `session`";
    const PATTERN: &'static str = HeaderName::PATTERN;

    fn holds(name: &str) -> bool {
        HeaderName::holds(name)
    }
}

/// CloudEvents' rule for attributes, and only those that are extensions.
pub(crate) struct AttributeName;

impl Rule for AttributeName {
    const EXPECTED: &'static str = "an extension's name: small letters and digits, at most 20";
    const PATTERN: &'static str = "^[a-z0-9]{1,20}$";

    fn holds(name: &str) -> bool {
        (1..=20).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    }

    fn refused(name: &str) -> Option<String> {
        let core = ["id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];
        match name {
            "specversion" => Some("`specversion` is always 1.0".to_owned()),
            "data" => Some("an extension cannot be named `data`".to_owned()),
            name if core.contains(&name) => {
                Some(format!("`{name}` is no extension: write it beside `extensions`"))
            }
            _ => None,
        }
    }
}

/// A host, perhaps with a port.
pub(crate) struct HostName;

impl Rule for HostName {
    const EXPECTED: &'static str = "a host or an address, with or without a port";
    const PATTERN: &'static str = r"^[^\s/]+$";

    fn holds(name: &str) -> bool {
        !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || character == '/')
    }
}

/// The label `check`.
pub(crate) struct CheckName;

impl Rule for CheckName {
    const EXPECTED: &'static str = "a check's name";
    const PATTERN: &'static str = "^.+$";

    fn holds(name: &str) -> bool {
        !name.is_empty()
    }

    fn refused(name: &str) -> Option<String> {
        name.contains("{{").then(|| "a check's name is a label: no template can stand here".to_owned())
    }
}

/// Free text: the name of a form field.
pub(crate) struct Any;

impl Rule for Any {
    const EXPECTED: &'static str = "a name";
    const PATTERN: &'static str = "^.+$";

    fn holds(name: &str) -> bool {
        !name.is_empty()
    }
}
