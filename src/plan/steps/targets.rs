//! `targets_file` of the step `http`: each target of a file becomes a request.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};

use super::super::text::name_of_url;
use super::super::vegeta::{self, LineError, VegetaBody, VegetaTarget};
use super::Steps;
use crate::config::{At, HttpConfig, Place, Problem};
use crate::flow::{Body, Headers, HttpRequest, Requests, Url};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::protocol::Target;

/// A file may have this many targets.
const MAX_TARGETS: usize = 100_000;
/// After so many, a file is more likely of another kind.
const ENOUGH_PROBLEMS: usize = 10;

impl Steps<'_> {
    pub(super) fn targets(&mut self, http: &HttpConfig, path: &At<String>) -> Option<Requests> {
        let bytes = self.file(path)?;
        let wrong = |LineError { line, message }: LineError| {
            Problem::new(path.place, format!("{}:{line}: {message}", path.value))
        };
        let parsed = std::str::from_utf8(&bytes)
            .map_err(|_| Problem::new(path.place, format!("`{}` is not text in UTF-8", path.value)))
            .and_then(|text| vegeta::parse(text).map_err(wrong));
        let targets = match parsed {
            Ok(targets) if targets.len() <= MAX_TARGETS => targets,
            Ok(targets) => {
                let message = format!("`{}` has {} targets", path.value, targets.len());
                let problem = Problem::new(path.place, message);
                self.problems.push(problem.help(format!("expected at most {MAX_TARGETS}")));
                return None;
            }
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        let folder = self.files.resolve(&path.value).parent().map(Path::to_owned).unwrap_or_default();
        let (mut counted_alike, mut all, mut found) = (HashMap::new(), Vec::with_capacity(targets.len()), 0);
        for target in targets {
            match self.target(http, target, path.place, &folder, &mut counted_alike) {
                Ok(request) => all.push(request),
                Err(error) => {
                    found += 1;
                    self.problems.push(wrong(error));
                }
            }
            if found == ENOUGH_PROBLEMS {
                break;
            }
        }
        (found == 0).then(|| Requests::Cycle { all, next: AtomicUsize::new(0) })
    }

    fn target(
        &mut self,
        http: &HttpConfig,
        target: VegetaTarget,
        place: Place,
        folder: &Path,
        counted_alike: &mut HashMap<(String, String), (StepId, Labels)>,
    ) -> Result<HttpRequest, LineError> {
        let line = target.line;
        let wrong = |message: String| LineError { line, message };
        let url = Target::parse(&target.url).map_err(|error| wrong(format!("failed to {error}")))?;
        if url.is_websocket() {
            return Err(wrong(format!("`{}` is no URL for this step", target.url)));
        }
        self.files.hosts.target(&url, place);
        let method = match Method::from_bytes(target.method.as_bytes()) {
            Ok(method) if method != Method::CONNECT => method,
            _ => return Err(wrong(format!("`{}` is no method that can be sent", target.method))),
        };
        let name = http.name.as_ref().map_or_else(|| name_of_url(&target.url), |name| name.value.clone());
        let (id, labels) = counted_alike
            .entry((name, target.method))
            .or_insert_with_key(|(name, method)| self.request_labels(http, name, method))
            .clone();
        let events = http.ledger.as_ref().and_then(|ledger| self.announced(ledger, &labels));
        let mut headers = self.request_headers(http, None);
        add_own(&mut headers, target.headers);
        let cookies = self.cookies(&http.cookies);
        let body = match target.body {
            VegetaBody::None => Body::None,
            VegetaBody::Bytes(bytes) => Body::Constant(bytes),
            VegetaBody::File(path, line) => Body::Constant(
                self.files.read(&folder.join(path)).map_err(|message| LineError { line, message })?,
            ),
        };
        Ok(HttpRequest { id, labels, method, url: Url::Constant(url), headers, cookies, body, events })
    }
}

/// A target's own headers stand instead of the step's.
fn add_own(headers: &mut Headers, own: Vec<(HeaderName, HeaderValue)>) {
    for (name, _) in &own {
        headers.constant.remove(name);
        headers.templates.retain(|(known, _)| known != name);
        if name == AUTHORIZATION {
            headers.basic = None;
        }
    }
    for (name, value) in own {
        headers.constant.append(name, value);
    }
}
