//! Parameters of a request: of a form in its body first, then of its URL, as Go's `Request.Form` has them.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use url::form_urlencoded;

use super::answer::{Kind, Refusal};
use super::time::parse_time;
use crate::promql::{Matcher, Query};

/// Of a form in a body. Grafana's longest queries are a hundredth of it.
pub(super) const MAX_BODY_BYTES: usize = 1 << 20;
/// For a body to be whole.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The first of that name; none where it is empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(known, _)| known == name);
        first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Milliseconds since the Unix epoch.
    pub(super) fn time_or(&self, name: &str, default_ms: i64) -> Result<i64, Refusal> {
        let Some(text) = self.value(name) else { return Ok(default_ms) };
        parse_time(text)
            .map_err(|why| Refusal::parameter(name, format!("invalid time value for '{name}': {why}")))
    }

    /// `limit`; none where there is none, or where it is 0.
    pub(super) fn limit(&self) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.value("limit") else { return Ok(None) };
        match integer(text) {
            Ok(limit) => match usize::try_from(limit) {
                Ok(limit) => Ok((limit > 0).then_some(limit)),
                Err(_) => Err(Refusal::parameter("limit", "limit must be non-negative")),
            },
            Err(why) => Err(Refusal::parameter("limit", why)),
        }
    }

    /// `match[]`: each a selector; what any of them matches is meant.
    ///
    /// # Errors
    /// Why one is no selector, or would match everything.
    pub(super) fn matchers(&self) -> Result<Vec<Vec<Matcher>>, String> {
        let mut sets = Vec::new();
        for text in self.values("match[]") {
            sets.push(selector(text)?);
        }
        Ok(sets)
    }
}

/// The matchers of `text`.
fn selector(text: &str) -> Result<Vec<Matcher>, String> {
    const EMPTY: &str = "match[] must contain at least one non-empty matcher";
    let query = match Query::parse(text) {
        Ok(query) => query,
        // The parser refuses it in other words, which name no parameter.
        Err(error) if error.message.contains("at least one non-empty matcher") => {
            return Err(EMPTY.to_owned());
        }
        Err(error) => return Err(error.message),
    };
    let matchers =
        query.selector().ok_or_else(|| format!("parse error: {text:?} is not a series selector"))?;
    if matchers.iter().all(|matcher| matcher.matches("")) {
        return Err(EMPTY.to_owned());
    }
    Ok(matchers)
}

/// In the words of Go's `strconv.Atoi`.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    text.parse::<i64>().map_err(|error| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.Atoi: parsing {text:?}: {why}")
    })
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let mut pairs = Vec::new();
        if parts.method == Method::POST {
            let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            if content_type.is_some_and(is_form) {
                pairs.extend(decoded(&whole(body).await?));
            }
        }
        pairs.extend(decoded(parts.uri.query().unwrap_or_default().as_bytes()));
        Ok(Form(pairs))
    }
}

fn is_form(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn whole(body: Body) -> Result<Vec<u8>, Refusal> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(error)) => {
            let is_long = std::error::Error::source(&error)
                .is_some_and(|source| source.downcast_ref::<http_body_util::LengthLimitError>().is_some());
            Err(if is_long {
                Refusal::new(Kind::TooLarge, format!("the form is longer than {MAX_BODY_BYTES} bytes"))
            } else {
                Refusal::bad_data(format!("error parsing form values: {error}"))
            })
        }
        Err(_) => Err(Refusal::bad_data(format!(
            "error parsing form values: the body did not come within {} s",
            BODY_TIMEOUT.as_secs()
        ))),
    }
}

fn decoded(bytes: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn form(query: &str) -> Form {
        Form(decoded(query.as_bytes()).collect())
    }

    async fn posted(content_type: &str, body: impl Into<Body>) -> Result<Form, Refusal> {
        let request = Request::post("http://x/query?query=2&limit=3&query=4")
            .header("content-type", content_type)
            .body(body.into())
            .unwrap();
        Form::from_request(request, &()).await
    }

    #[tokio::test]
    async fn the_body_comes_before_the_url() {
        let both =
            posted("application/x-www-form-urlencoded; charset=utf-8", "query=a%2Bb+c&x=").await.unwrap();
        assert_eq!(both.value("query"), Some("a+b c"));
        assert_eq!(both.values("query").collect::<Vec<_>>(), ["a+b c", "2", "4"]);
        assert_eq!((both.value("limit"), both.value("x"), both.value("y")), (Some("3"), None, None));
        let ignored = posted("text/plain", "query=1").await.unwrap();
        assert_eq!(ignored.value("query"), Some("2"));
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_refused() {
        let whole = posted("application/x-www-form-urlencoded", vec![b'a'; MAX_BODY_BYTES]).await;
        assert_eq!(whole.unwrap().value("limit"), Some("3"));
        let refused = posted("application/x-www-form-urlencoded", vec![b'a'; MAX_BODY_BYTES + 1]).await;
        assert_eq!(
            refused.unwrap_err(),
            Refusal::new(Kind::TooLarge, "the form is longer than 1048576 bytes")
        );
    }

    #[test]
    fn limits_are_numbers_from_zero() {
        for (query, expected) in [
            ("", Ok(None)),
            ("limit=0", Ok(None)),
            ("limit=7", Ok(Some(7))),
            ("limit=-1", Err("limit must be non-negative")),
            ("limit=x", Err("strconv.Atoi: parsing \"x\": invalid syntax")),
            ("limit=1e3", Err("strconv.Atoi: parsing \"1e3\": invalid syntax")),
            (
                "limit=99999999999999999999",
                Err("strconv.Atoi: parsing \"99999999999999999999\": value out of range"),
            ),
        ] {
            let expected =
                expected.map_err(|why| Refusal::bad_data(format!("invalid parameter \"limit\": {why}")));
            assert_eq!(form(query).limit(), expected);
        }
    }

    #[test]
    fn selectors_are_plain_and_choose_something() {
        let sets = form("match[]=up&match[]={job%3D~\"a.*\",instance!%3D\"b\"}").matchers().unwrap();
        let labels: Vec<Vec<&str>> =
            sets.iter().map(|set| set.iter().map(|matcher| matcher.label.as_str()).collect()).collect();
        assert_eq!(labels, [vec!["__name__"], vec!["job", "instance"]]);
        assert!(form("").matchers().unwrap().is_empty());
        const EMPTY: &str = "match[] must contain at least one non-empty matcher";
        for (text, expected) in [
            ("{}", EMPTY),
            ("{job!%3D\"a\"}", EMPTY),
            ("up[5m]", "parse error: \"up[5m]\" is not a series selector"),
            ("up offset 5m", "parse error: \"up offset 5m\" is not a series selector"),
            ("sum(up)", "parse error: \"sum(up)\" is not a series selector"),
            ("1", "parse error: \"1\" is not a series selector"),
        ] {
            let refused = form(&format!("match[]=up&match[]={text}")).matchers();
            assert_eq!(refused.err().as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_time_that_is_none_is_refused_by_its_name() {
        assert_eq!(form("").time_or("end", 5), Ok(5));
        assert_eq!(form("end=1.5").time_or("end", 5), Ok(1_500));
        assert_eq!(
            form("end=soon").time_or("end", 5).unwrap_err().message,
            "invalid parameter \"end\": invalid time value for 'end': cannot parse \"soon\" to a valid timestamp"
        );
    }
}
