//! Answers in the shape that Prometheus gives them (<https://prometheus.io/docs/prometheus/latest/querying/api/>).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::super::problem::Problem;
use super::json;
use crate::promql::Annotation;

/// Of each kind; how many more there are is said.
const MAX_ANNOTATIONS: usize = 10;

/// The whole body of a success.
#[derive(Debug, PartialEq)]
pub(super) struct Success(Vec<u8>);

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Refusal {
    pub(in crate::api) kind: Kind,
    pub(in crate::api) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Kind {
    BadData,
    /// As `BadData`, of a body above the limit.
    TooLarge,
    Execution,
    Timeout,
    Canceled,
    Internal,
    NotFound,
}

impl Success {
    /// `data` writes one JSON value.
    pub(super) fn new(annotations: &[Annotation], data: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut out = b"{\"status\":\"success\",\"data\":".to_vec();
        data(&mut out);
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for annotation in annotations {
            match annotation {
                Annotation::Warning(text) => warnings.push(text.as_str()),
                Annotation::Info(text) => infos.push(text.as_str()),
            }
        }
        write_annotations(&mut out, "warnings", "warning", &warnings);
        write_annotations(&mut out, "infos", "info", &infos);
        out.push(b'}');
        Success(out)
    }

    pub(super) fn of(data: &impl Serialize) -> Self {
        Success::new(&[], |out| json::write(out, data))
    }
}

fn write_annotations(out: &mut Vec<u8>, key: &str, kind: &str, texts: &[&str]) {
    let mut distinct: Vec<&str> = Vec::new();
    for text in texts {
        if !distinct.contains(text) {
            distinct.push(text);
        }
    }
    if distinct.is_empty() {
        return;
    }
    let more = distinct.len().saturating_sub(MAX_ANNOTATIONS);
    distinct.truncate(MAX_ANNOTATIONS);
    let omitted = format!("{more} more {kind} annotations omitted");
    if more > 0 {
        distinct.push(&omitted);
    }
    out.extend_from_slice(format!(",\"{key}\":").as_bytes());
    json::write(out, &distinct);
}

impl Refusal {
    pub(in crate::api) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Refusal { kind, message: message.into() }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Refusal::new(Kind::BadData, message)
    }

    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Refusal::bad_data(format!("invalid parameter \"{name}\": {why}"))
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::BadData | Kind::TooLarge => "bad_data",
            Kind::Execution => "execution",
            Kind::Timeout => "timeout",
            Kind::Canceled => "canceled",
            Kind::Internal => "internal",
            Kind::NotFound => "not_found",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Kind::BadData => StatusCode::BAD_REQUEST,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            // nginx's 499, as upstream; the client that would read it has gone.
            Kind::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::NotFound => StatusCode::NOT_FOUND,
        }
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, self.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::new(refusal.kind.status(), refusal.kind.name(), refusal.message)
    }
}

fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(success: Success) -> String {
        String::from_utf8(success.0).unwrap()
    }

    #[test]
    fn a_success_has_data_and_what_was_to_be_said_of_it() {
        assert_eq!(text(Success::of(&["a"])), r#"{"status":"success","data":["a"]}"#);
        let said = [
            Annotation::Warning("w \"1\"".to_owned()),
            Annotation::Info("i".to_owned()),
            Annotation::Info("i".to_owned()),
        ];
        assert_eq!(
            text(Success::new(&said, |out| out.extend_from_slice(b"{}"))),
            r#"{"status":"success","data":{},"warnings":["w \"1\""],"infos":["i"]}"#
        );
    }

    #[test]
    fn of_many_annotations_ten_are_written_and_the_others_counted() {
        let said: Vec<Annotation> = (0..12).map(|at| Annotation::Info(format!("i{at}"))).collect();
        let expected = r#"{"status":"success","data":1,"infos":["i0","i1","i2","i3","i4","i5","i6","i7","i8","i9","2 more info annotations omitted"]}"#;
        assert_eq!(text(Success::new(&said, |out| out.push(b'1'))), expected);
    }

    #[tokio::test]
    async fn a_refusal_has_its_kind_and_its_status() {
        for (kind, status, name) in [
            (Kind::BadData, 400, "bad_data"),
            (Kind::TooLarge, 413, "bad_data"),
            (Kind::Execution, 422, "execution"),
            (Kind::Timeout, 503, "timeout"),
            (Kind::Canceled, 499, "canceled"),
            (Kind::Internal, 500, "internal"),
            (Kind::NotFound, 404, "not_found"),
        ] {
            let response = Refusal::new(kind, "no \"x\"").into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()["content-type"], "application/json");
            let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
            let expected = format!(r#"{{"status":"error","errorType":"{name}","error":"no \"x\""}}"#);
            assert_eq!(body, expected);
        }
    }
}
