//! What must not be shown: credentials by their place, by their name, and by their value. Pure.

use std::sync::LazyLock;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};

use crate::template::{Locals, Value};

const REDACTED: &str = "[redacted]";

/// A name that contains one of these, in whatever case, is a secret's.
const SECRET_NAMES: [&str; 9] =
    ["token", "password", "passwd", "pwd", "passphrase", "secret", "key", "credential", "authorization"];

/// A secret's value is looked for everywhere from this length on: a shorter one is part of too many words.
const MIN_VALUE_CHARS: usize = 4;

/// `name=value` of queries and forms.
static PAIR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([^=&?;,\s"'<>/]+)=([^&\s"'<>#;]*)"#).ok());
/// `//user:password@`
static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"//[^/?#\s@"'<>]*@"#).ok());
/// `"name": value` of JSON that does not parse: cut off, or several documents.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"("((?:[^"\\]|\\.)*)"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]{\["][^\s,}\]]*|[\[{][^\]}]*[\]}]?)"#,
    )
    .ok()
});
/// A part of `multipart/form-data`: its name, the rest of its head, its value.
static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?s)(name="([^"\r\n]*)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)(.*?)(\r\n--)"#).ok()
});

/// Knows the values that secret-looking names hold.
#[derive(Debug)]
pub(super) struct Redactor {
    /// In every spelling that is looked for, longest first.
    values: Vec<String>,
}

impl Redactor {
    /// `vars` are the plan's, filled in; `locals` what this user has captured or `set`.
    pub(super) fn new(vars: &Value, locals: &Locals) -> Self {
        let mut values = Vec::new();
        for name in vars.try_iter().into_iter().flatten() {
            if let (Some(known), Ok(value)) = (name.as_str(), vars.get_item(&name)) {
                collect(known, &value, &mut values);
            }
        }
        locals.iter().for_each(|(name, value)| collect(name, value, &mut values));
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Redactor { values }
    }

    pub(super) fn header(&self, name: &str, value: &str) -> String {
        match name {
            "cookie" => value.split(';').map(cookie).collect::<Vec<_>>().join("; "),
            "set-cookie" => match value.split_once(';') {
                Some((pair, attributes)) => format!("{};{}", cookie(pair), self.text(attributes)),
                None => cookie(value),
            },
            name if is_secret(name) => REDACTED.to_owned(),
            _ => self.text(value),
        }
    }

    pub(super) fn body(&self, body: &str) -> String {
        let parts = replace(&PART, body, |part| {
            is_secret(&part[2]).then(|| format!("{}{REDACTED}{}", &part[1], &part[4]))
        });
        match serde_json::from_str::<serde_json::Value>(&parts) {
            Ok(mut document) => {
                let any = redact_fields(&mut document);
                self.text(if any { document.to_string() } else { parts }.as_str())
            }
            Err(_) => {
                let fields = replace(&FIELD, &parts, |field| {
                    is_secret(&field[2]).then(|| format!("{}\"{REDACTED}\"", &field[1]))
                });
                self.text(&fields)
            }
        }
    }

    /// A URL, or any text that may hold one.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            text = text.replace(value.as_str(), REDACTED);
        }
        let text = replace(&USER_INFO, &text, |_| Some(format!("//{REDACTED}@")));
        replace(&PAIR, &text, |pair| is_secret(&pair[1]).then(|| format!("{}={REDACTED}", &pair[1])))
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

fn collect(name: &str, value: &Value, values: &mut Vec<String>) {
    let value = value.to_string();
    if !is_secret(name) || value.chars().count() < MIN_VALUE_CHARS {
        return;
    }
    let encoded = [
        utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        serde_json::Value::from(value.as_str()).to_string().trim_matches('"').to_owned(),
    ];
    values.extend(encoded);
    values.push(value);
}

/// A cookie keeps its name only.
fn cookie(pair: &str) -> String {
    let name = pair.split_once('=').map_or("", |(name, _)| name.trim());
    format!("{name}={REDACTED}")
}

/// Whether there was anything to redact.
fn redact_fields(document: &mut serde_json::Value) -> bool {
    match document {
        serde_json::Value::Object(fields) => {
            let mut any = false;
            for (name, value) in fields {
                if is_secret(name) && !value.is_null() {
                    *value = REDACTED.into();
                    any = true;
                } else {
                    any |= redact_fields(value);
                }
            }
            any
        }
        serde_json::Value::Array(items) => {
            items.iter_mut().fold(false, |any, item| redact_fields(item) | any)
        }
        _ => false,
    }
}

/// `with` answers with nothing where a match stays as it is.
fn replace(
    pattern: &LazyLock<Option<Regex>>,
    text: &str,
    with: impl Fn(&Captures<'_>) -> Option<String>,
) -> String {
    match &**pattern {
        Some(pattern) => pattern
            .replace_all(text, |found: &Captures<'_>| with(found).unwrap_or_else(|| found[0].to_owned()))
            .into_owned(),
        // The patterns are constants that the crate accepts; a text is rather lost than shown.
        None => REDACTED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn redactor() -> Redactor {
        let vars =
            Value::from_pairs([("API_KEY", "c@nary \"1\""), ("BASE_URL", "http://host"), ("PIN_KEY", "1")]);
        let mut locals = Locals::new();
        locals.set(&Arc::from("access_token"), Value::from("captured-canary"));
        Redactor::new(&vars, &locals)
    }

    #[test]
    fn headers_lose_credentials_by_name_and_value() {
        for (name, value, expected) in [
            ("authorization", "Bearer canary", "[redacted]"),
            ("proxy-authorization", "Basic canary", "[redacted]"),
            ("x-api-key", "canary", "[redacted]"),
            ("cookie", "a=canary; b=canary=", "a=[redacted]; b=[redacted]"),
            ("cookie", "canary", "=[redacted]"),
            ("set-cookie", "sid=canary; Path=/; HttpOnly", "sid=[redacted]; Path=/; HttpOnly"),
            (
                "location",
                "http://u:canary@h/a?x=1&Token=canary#f",
                "http://[redacted]@h/a?x=1&Token=[redacted]#f",
            ),
            ("x-session", "captured-canary!", "[redacted]!"),
            ("accept", "text/html;q=0.9", "text/html;q=0.9"),
        ] {
            assert_eq!(redactor().header(name, value), expected, "{name}");
        }
    }

    #[test]
    fn bodies_lose_secret_fields_in_every_form_we_can_read() {
        for (body, expected) in [
            (r#"{"user": "a", "n": 1.50}"#, r#"{"user": "a", "n": 1.50}"#),
            (
                r#"{"a":[{"authToken":"canary"}],"keys":["canary"],"b":1}"#,
                r#"{"a":[{"authToken":"[redacted]"}],"keys":"[redacted]","b":1}"#,
            ),
            (r#"{"secret": "can\"ary", "cut": "of"#, r#"{"secret": "[redacted]", "cut": "of"#),
            ("{\"key\":12345}\n{\"key\":[1,2]}", "{\"key\":\"[redacted]\"}\n{\"key\":\"[redacted]\"}"),
            ("user=a&password=can%20ary&x=1", "user=a&password=[redacted]&x=1"),
            (
                "say c@nary \"1\" or c%40nary+%221%22 or c%40nary%20%221%22",
                "say [redacted] or [redacted] or [redacted]",
            ),
            (
                "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\ncan\r\nary\r\n--b--",
                "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n[redacted]\r\n--b--",
            ),
        ] {
            assert_eq!(redactor().body(body), expected);
        }
    }
}
