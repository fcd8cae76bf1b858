//! The step `http`, compiled.

use http::Method;

use super::super::text::name_of_url;
use super::Steps;
use super::parts::reads_body;
use crate::config::{BodyConfig, HttpConfig};
use crate::flow::{Body, HttpLabels, HttpStep};

impl Steps<'_> {
    pub(in crate::plan) fn http(&mut self, http: &HttpConfig) -> Option<HttpStep> {
        let id = self.new_id();
        let default_method = if http.body.is_some() { "POST" } else { "GET" };
        let method = http.method.as_ref().map_or(default_method, |method| method.value.as_str());
        let name = http.name.as_ref().map_or_else(|| name_of_url(&http.url.value), |name| name.value.clone());
        let labels = self.tagged(&http.tags).with("name", &name).with("method", method);
        let url = self.url(&http.url, ["http", "https"]);
        let headers = self.headers(&http.headers, http.body.as_ref().and_then(content_type));
        let body = self.body(http.body.as_ref());
        let checks = self.own_checks(&http.checks);
        let record = self.own_records(&http.record);
        let capture = self.own_capture(&http.capture);
        self.exchanged = true;
        let own_body = reads_body(&checks, &record, &capture);
        Some(HttpStep {
            id,
            method: Method::from_bytes(method.as_bytes()).ok()?,
            url: url?,
            headers,
            body: body?,
            timeout: http.timeout.unwrap_or(self.defaults.timeout),
            redirects: http.redirects,
            expected: http.expected_statuses.iter().map(|range| (range.from, range.to)).collect(),
            keep_body: own_body || self.kept.body || !self.defaults.discard_bodies,
            observed: !checks.is_empty()
                || !capture.is_empty()
                || record.read_exchange()
                || self.kept.anything,
            labels: HttpLabels::new(self.registry, labels),
            checks,
            capture,
            record,
        })
    }

    fn body(&mut self, body: Option<&BodyConfig>) -> Option<Body> {
        Some(match body {
            None => Body::None,
            Some(BodyConfig::Text(text)) => {
                let template = self.template(text)?;
                match template.constant().map(|constant| constant.as_bytes().to_vec().into()) {
                    Some(constant) => Body::Constant(constant),
                    None => Body::Text(template),
                }
            }
            Some(BodyConfig::Json(document)) => {
                let template = self.json(document)?;
                match template.constant().map(|constant| constant.as_bytes().to_vec().into()) {
                    Some(constant) => Body::Constant(constant),
                    None => Body::Json(template),
                }
            }
            Some(BodyConfig::Form(fields)) => {
                let pairs: Vec<_> =
                    fields.iter().map(|(name, value)| (self.template(name), self.template(value))).collect();
                Body::Form(pairs.into_iter().map(|(name, value)| name.zip(value)).collect::<Option<_>>()?)
            }
        })
    }
}

fn content_type(body: &BodyConfig) -> Option<&'static str> {
    match body {
        BodyConfig::Json(_) => Some("application/json"),
        BodyConfig::Form(_) => Some("application/x-www-form-urlencoded"),
        BodyConfig::Text(_) => None,
    }
}
