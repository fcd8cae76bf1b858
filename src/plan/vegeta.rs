//! Vegeta's two formats for targets (<https://github.com/tsenart/vegeta#-format>): `http`, a request line
//! followed by headers and `@` with the body's file, and `json`, an object on each line.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// One request, as the file has it.
#[derive(Debug, PartialEq)]
pub(super) struct VegetaTarget {
    /// Of its first line, from 1.
    pub(super) line: usize,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: VegetaBody,
}

#[derive(Debug, PartialEq)]
pub(super) enum VegetaBody {
    None,
    Bytes(Bytes),
    /// A path, from the folder of the file that names it; and its line.
    File(String, usize),
}

/// What is wrong with a line.
#[derive(Debug, PartialEq)]
pub(super) struct LineError {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads all targets; the first character that is no comment tells the formats apart.
pub(super) fn parse(text: &str) -> Result<Vec<VegetaTarget>, LineError> {
    let lines = || text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    match lines().find(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        None => Err(LineError { line: 1, message: "there is no target".to_owned() }),
        Some((_, first)) if first.starts_with('{') => {
            lines().filter(|(_, line)| !line.is_empty()).map(|(at, line)| json(at, line)).collect()
        }
        Some(_) => http(lines()),
    }
}

/// An object of the `json` format; Vegeta's schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonTarget {
    method: String,
    url: String,
    /// Base64.
    #[serde(default)]
    body: String,
    #[serde(default)]
    header: BTreeMap<String, Vec<String>>,
}

fn json(line: usize, text: &str) -> Result<VegetaTarget, LineError> {
    let wrong = |message: String| LineError { line, message };
    let JsonTarget { method, url, body, header } =
        serde_json::from_str(text).map_err(|error| wrong(format!("not a target in JSON: {error}")))?;
    let body = match STANDARD.decode(body) {
        Ok(bytes) if bytes.is_empty() => VegetaBody::None,
        Ok(bytes) => VegetaBody::Bytes(Bytes::from(bytes)),
        Err(error) => return Err(wrong(format!("`body` is not base64: {error}"))),
    };
    let pairs = header.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let headers = pairs.map(|(name, value)| self::header(name, value)).collect::<Result<_, _>>();
    let headers = headers.map_err(wrong)?;
    Ok(VegetaTarget { line, method, url, headers, body })
}

fn http<'t>(lines: impl Iterator<Item = (usize, &'t str)>) -> Result<Vec<VegetaTarget>, LineError> {
    let mut targets: Vec<VegetaTarget> = Vec::new();
    // Whether a header or a body may follow.
    let mut open = false;
    for (line, text) in lines {
        let wrong = |message: String| LineError { line, message };
        let current = targets.last_mut().filter(|_| open);
        match current {
            _ if text.is_empty() => open = false,
            _ if text.starts_with('#') => {}
            Some(target) if text.starts_with('@') => {
                target.body = VegetaBody::File(text[1..].to_owned(), line);
                open = false;
            }
            // As Vegeta, a request line may follow another at once.
            Some(target) if !(target.headers.is_empty() && begins_with_method(text)) => {
                let header = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
                let Some((name, value)) =
                    header.filter(|(name, value)| !name.is_empty() && !value.is_empty())
                else {
                    return Err(wrong(format!("`{text}` is no header: expected `Name: value`")));
                };
                target.headers.push(self::header(name, value).map_err(wrong)?);
            }
            _ => {
                let (method, url) = text.split_once(' ').unwrap_or((text, ""));
                if !begins_with_method(text) {
                    return Err(wrong(format!("`{text}` is no target: expected `GET http://…`")));
                }
                let (method, url) = (method.to_owned(), url.trim().to_owned());
                targets.push(VegetaTarget { line, method, url, headers: Vec::new(), body: VegetaBody::None });
                open = true;
            }
        }
    }
    Ok(targets)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        format!("`{name}` cannot be the name of a header: is an empty line missing before it?")
    })?;
    let value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of header `{name}` has characters that a header cannot hold"))?;
    Ok((parsed, value))
}

/// Capitals and a space.
fn begins_with_method(line: &str) -> bool {
    line.split_once([' ', '\t'])
        .is_some_and(|(method, _)| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let shown = |target: VegetaTarget| {
            let headers: Vec<String> = target
                .headers
                .iter()
                .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
                .collect();
            let body = match target.body {
                VegetaBody::None => String::new(),
                VegetaBody::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                VegetaBody::File(path, line) => format!("@{path}:{line}"),
            };
            format!("{} {} {} [{}] {body}", target.line, target.method, target.url, headers.join(","))
        };
        match parse(text) {
            Ok(targets) => targets.into_iter().map(shown).collect(),
            Err(LineError { line, message }) => vec![format!("{line}: {message}")],
        }
    }

    #[test]
    fn the_http_format_is_read_as_vegeta_reads_it() {
        let text = "\
            # a comment\n\
            GET http://goku:9090/path/to/dragon?item=ball\n\
            GET http://user:password@goku:9090/path/to\n\
            \n\
            POST http://goku:9090/things\n\
            X-Account-ID: 8675309\n\
            # between\n\
            Via: a:b\n\
            @/path/to/body.json\n\
            \n  \n\
            DELETE http://goku:9090/things\n\
            Confirmation-Token: 90215";
        assert_eq!(
            shown(text),
            [
                "2 GET http://goku:9090/path/to/dragon?item=ball [] ",
                "3 GET http://user:password@goku:9090/path/to [] ",
                "5 POST http://goku:9090/things [x-account-id=8675309,via=a:b] @/path/to/body.json:9",
                "12 DELETE http://goku:9090/things [confirmation-token=90215] ",
            ]
        );
    }

    #[test]
    fn the_json_format_is_an_object_on_each_line() {
        let text = "\n{\"method\":\"GET\",\"url\":\"http://goku:9090/a\"}\n\n\
            {\"method\":\"POST\",\"url\":\"http://goku:9090/b\",\"body\":\"cHVuY2gh\",\"header\":{\"X-A\":[\"1\",\"2\"]}}\n";
        assert_eq!(
            shown(text),
            ["2 GET http://goku:9090/a [] ", "4 POST http://goku:9090/b [x-a=1,x-a=2] punch!"]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, expected) in [
            ("", "1: there is no target"),
            ("# only\n", "1: there is no target"),
            ("GET\n", "1: `GET` is no target: expected `GET http://…`"),
            ("\nget http://h/\n", "2: `get http://h/` is no target: expected `GET http://…`"),
            ("GET http://h/\nno header\n", "2: `no header` is no header: expected `Name: value`"),
            ("GET http://h/\nx:\n", "2: `x:` is no header: expected `Name: value`"),
            ("GET http://h/\nx: y\n@b\nz: w\n", "4: `z: w` is no target: expected `GET http://…`"),
            (
                "{\"method\":\"GET\",\"url\":\"x\",\"body\":\"!\"}",
                "1: `body` is not base64: Invalid symbol 33, offset 0.",
            ),
        ] {
            assert_eq!(shown(text), [expected], "{text:?}");
        }
        assert!(
            shown("{\"method\":\"GET\",\"url\":\"x\"}\n{\"url\":\"x\"}")[0]
                .starts_with("2: not a target in JSON: missing field `method`")
        );
    }
}
