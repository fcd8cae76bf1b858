//! The step `http`, compiled.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Steps;
use super::body::carrying_body;
use super::parts::reads;
use crate::config::{
    At, AuthConfig, BodyConfig, CookieConfig, HttpConfig, Problem, RabbitmqConfig, RequestsConfig,
};
use crate::flow::{BasicAuth, Body, Headers, HttpRequest, HttpStep, JudgedBy, OwnCookie, Requests};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::metric;
use crate::protocol::encoding::{compress, content_encoding};

impl Steps<'_> {
    pub(in crate::plan) fn http(&mut self, http: &HttpConfig) -> Option<HttpStep> {
        let requests = self.requests(http);
        let checks = self.own_checks(&http.checks);
        let record = self.own_records(&http.record);
        let capture = self.own_capture(&http.capture);
        self.exchanged = true;
        let reads = reads(&checks, &record, &capture) | self.kept.exchange;
        Some(HttpStep {
            requests: requests?,
            timeout: http.timeout.unwrap_or(self.defaults.timeout),
            redirects: http.redirects,
            expected: http.expected_statuses.iter().map(|range| (range.from, range.to)).collect(),
            judged_by: judged_by(http),
            keep_body: reads.body || judged_by(http) != JudgedBy::Status || !self.defaults.discard_bodies,
            keep_headers: reads.headers,
            observed: reads.anything,
            checks,
            capture,
            record,
        })
    }

    fn requests(&mut self, http: &HttpConfig) -> Option<Requests> {
        let (url, body, compression) = match &http.requests {
            RequestsConfig::One { url, body, compression, .. } => (url, body.as_ref(), compression),
            RequestsConfig::TargetsFile(path) => return self.targets(http, path),
        };
        let method = http.requests.method();
        let url = &match body {
            Some(BodyConfig::Rabbitmq(rabbitmq)) => publish_url(url, rabbitmq),
            _ => url.clone(),
        };
        let name = http.name.as_ref().map_or_else(|| self.name_of(&url.value), |name| name.value.clone());
        let (id, labels) = self.request_labels(http, &name, method);
        let events = match &http.ledger {
            Some(ledger) => Some(self.announced(ledger, &labels)?),
            None => None,
        };
        let url = self.url(url, &["http", "https"]);
        let carrying = http.ledger.as_ref().and_then(|ledger| Some(carrying_body(body?, ledger)));
        let (body, content_type) = self.body(carrying.as_ref().or(body), &http.headers).unzip();
        let mut headers = self.request_headers(http, content_type.flatten());
        let cookies = self.cookies(&http.cookies);
        let body = match body? {
            body if compression.is_empty() => body,
            body => {
                let name = HeaderValue::from_str(&content_encoding(compression)).ok()?;
                headers.constant.insert(CONTENT_ENCODING, name);
                match body {
                    Body::Constant(bytes) => Body::Constant(compress(compression, &bytes).ok()?.into()),
                    body => Body::Compressed(compression.to_vec(), Box::new(body)),
                }
            }
        };
        let method = http::Method::from_bytes(method.as_bytes()).ok()?;
        let url = url?;
        Some(Requests::One(Box::new(HttpRequest { id, labels, method, url, headers, cookies, body, events })))
    }

    /// A number and the labels of what is counted alike; its `http_req_failed` is there from the start.
    pub(super) fn request_labels(&mut self, http: &HttpConfig, name: &str, method: &str) -> (StepId, Labels) {
        let labels = self.tagged(&http.tags).with("name", name).with("method", method);
        self.registry.intern(metric::HTTP_REQ_FAILED, &labels);
        (self.new_id(), labels)
    }

    /// The headers of the step, with who asks.
    pub(super) fn request_headers(
        &mut self,
        http: &HttpConfig,
        content_type: Option<&'static str>,
    ) -> Headers {
        let mut headers = self.headers(&http.headers, content_type);
        if http.ledger.is_some() {
            self.carry(&mut headers);
        }
        match http.auth.as_ref().map(|auth| (auth.place, &auth.value)) {
            None => {}
            Some((place, AuthConfig::Bearer(token))) => {
                let value = At::new(format!("Bearer {}", token.value), token.place);
                let Some(template) = self.template(&value) else { return headers };
                match template.constant().map(HeaderValue::from_str) {
                    Some(Ok(mut value)) => {
                        value.set_sensitive(true);
                        headers.constant.insert(AUTHORIZATION, value);
                    }
                    Some(Err(_)) => {
                        let message = "the token has characters that a header cannot hold";
                        self.problems.push(Problem::new(place, message));
                    }
                    None => headers.templates.push((AUTHORIZATION, template)),
                }
            }
            Some((_, AuthConfig::Basic { username, password })) => {
                let template = self.template(username).zip(self.template(password));
                if template.as_ref().and_then(|(name, _)| name.constant()).is_some_and(|it| it.contains(':'))
                {
                    let message = "a username cannot hold `:`, which ends it";
                    self.problems.push(Problem::new(username.place, message));
                }
                headers.basic = template.map(|(username, password)| BasicAuth { username, password });
            }
        }
        headers
    }

    pub(super) fn cookies(&mut self, cookies: &[(At<String>, CookieConfig)]) -> Vec<OwnCookie> {
        let mut compiled = Vec::new();
        for (name, CookieConfig { value, replace }) in cookies {
            let Some(template) = self.template(value) else { continue };
            if template.constant().is_some_and(|text| OwnCookie::value(text).is_none()) {
                let message =
                    format!("the value of cookie `{}` has characters that a cookie cannot hold", name.value);
                let problem = Problem::new(value.place, message);
                self.problems.push(problem.help("expected ASCII without `\"`, `;` and `\\`"));
                continue;
            }
            compiled.push(OwnCookie { name: name.value.clone(), value: template, replace: *replace });
        }
        compiled
    }
}

/// What says whether a request has failed.
fn judged_by(http: &HttpConfig) -> JudgedBy {
    match &http.requests {
        RequestsConfig::One { body: Some(BodyConfig::Rabbitmq(_)), .. } => JudgedBy::Rabbitmq,
        _ => JudgedBy::Status,
    }
}

/// Where the management API publishes to the exchange; `amq.default` is what it calls the one without a name.
fn publish_url(api: &At<String>, RabbitmqConfig { vhost, message }: &RabbitmqConfig) -> At<String> {
    let text = |text: &Option<At<String>>, default: &str| {
        let text = text.as_ref().map_or("", |text| text.value.as_str());
        utf8_percent_encode(if text.is_empty() { default } else { text }, NON_ALPHANUMERIC).to_string()
    };
    let (vhost, exchange) = (text(vhost, "/"), text(&message.exchange, "amq.default"));
    // A dot or a hyphen means nothing in a path, and is easier to read as it is.
    let exchange = exchange.replace("%2E", ".").replace("%2D", "-").replace("%5F", "_");
    let api_root = api.value.trim_end_matches('/');
    At::new(format!("{api_root}/api/exchanges/{vhost}/{exchange}/publish"), api.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AmqpMessageConfig, PayloadConfig, Place};

    fn published_to(api: &str, vhost: Option<&str>, exchange: Option<&str>) -> String {
        let text = |text: &str| At::new(text.to_owned(), Place::default());
        let message = AmqpMessageConfig {
            exchange: exchange.map(text),
            routing_key: None,
            payload: PayloadConfig::Empty,
            properties: Default::default(),
            headers: Vec::new(),
        };
        publish_url(&text(api), &RabbitmqConfig { vhost: vhost.map(text), message }).value
    }

    #[test]
    fn the_management_api_has_virtual_host_and_exchange_in_its_path() {
        for (vhost, exchange, path) in [
            (None, Some("cloud-events"), "/api/exchanges/%2F/cloud-events/publish"),
            (Some("team a"), Some("a/b.c"), "/api/exchanges/team%20a/a%2Fb.c/publish"),
            (Some(""), None, "/api/exchanges/%2F/amq.default/publish"),
        ] {
            assert_eq!(
                published_to("http://u:p@host:15672/", vhost, exchange),
                format!("http://u:p@host:15672{path}")
            );
        }
    }
}
