//! Who may ask what: tokens with scopes or, on loopback without them, only what a browser cannot be tricked into.
//!
//! Nothing is served without passing [`guard`]: a route that nobody thought of needs the scope `query`. What needs more
//! says so where it is routed, by [`allow`].

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;

pub use crate::config::Scope;

use super::problem::Problem;

/// The tokens of the configuration. Whoever implements it compares in constant time.
pub trait Tokens: fmt::Debug + Send + Sync {
    /// What this token allows; `None`: nobody's.
    fn scope(&self, token: &[u8]) -> Option<Scope>;
}

/// How requests are judged before they reach a route.
#[derive(Debug, Clone)]
pub struct Access {
    tokens: Option<Arc<dyn Tokens>>,
    /// Lower case, without port.
    hosts: Vec<String>,
}

/// Answered to anybody, beside the page's files: what orchestrators and Prometheus ask, and what this API is.
const OPEN: [&str; 4] = [HEALTHY, READY, "/metrics", "/openapi.json"];
/// Answered under any name, too: they say nothing, and orchestrators ask by address.
const HEALTHY: &str = "/-/healthy";
const READY: &str = "/-/ready";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Of a text of the client's, in messages.
const SHOWN_CHARACTERS: usize = 100;

impl Access {
    /// Each request needs a token, but for the open paths.
    pub fn with_tokens(tokens: Arc<dyn Tokens>) -> Self {
        Access { tokens: Some(tokens), hosts: Vec::new() }
    }

    /// Everything is allowed to whoever can reach us, which has to be this machine alone. `hosts` are the names that
    /// a request may ask for beside loopback addresses and `localhost`: another one may be a web page's, whose
    /// name's owner let it lead here (DNS rebinding).
    pub fn on_loopback(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let hosts = hosts.into_iter().map(|host| host_of(host.as_ref())).collect();
        Access { tokens: None, hosts }
    }

    /// What the request's sender may do; `None`: what is open to all.
    fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Option<Scope>, Problem> {
        let path = uri.path();
        let open = OPEN.contains(&path) || super::page::is_path(path);
        if self.tokens.is_none() && path != HEALTHY && path != READY {
            self.check_host(uri, headers)?;
        }
        if !method.is_safe() {
            check_origin(uri, headers)?;
        }
        match &self.tokens {
            _ if open => Ok(None),
            None => Ok(Some(Scope::Admin)),
            Some(tokens) => scope_of(tokens.as_ref(), headers).map(Some),
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let named = host(headers)?;
        // A request may name a whole URL, whose host is then the one that counts: both have to be right.
        for authority in uri.authority().map(|authority| authority.as_str()).into_iter().chain([named]) {
            if !self.is_own(&host_of(authority)) {
                let shown: String = authority.chars().take(SHOWN_CHARACTERS).collect();
                return Err(Problem::forbidden(format!(
                    "{shown:?} is not a name of this server: ask for localhost, or add the name to allowed_hosts"
                )));
            }
        }
        Ok(())
    }

    fn is_own(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = address.is_ok_and(|address| address.is_loopback());
        is_loopback || host == "localhost" || self.hosts.iter().any(|own| own == host)
    }
}

/// A browser says which page a changing request comes from: only our own may send one.
fn check_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let foreign = || Problem::forbidden("a page of another site may not change anything here");
    if let Some(site) = headers.get(SEC_FETCH_SITE)
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return Err(foreign());
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let asked = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => host(headers)?,
    };
    let same = origin.to_str().is_ok_and(|origin| is_origin_of(origin, asked));
    if same && origins.next().is_none() { Ok(()) } else { Err(foreign()) }
}

/// Whether `origin`, `http://host:port`, is where `asked`, `host:port`, leads: ports count, since other programs of this
/// machine serve pages as well. A port that is left out is the scheme's.
fn is_origin_of(origin: &str, asked: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" => "80",
        "https" => "443",
        _ => return false,
    };
    let port = |authority: &str| port_of(authority).unwrap_or(default).to_owned();
    !authority.contains(['/', '?', '#', '@', ' '])
        && host_of(authority) == host_of(asked)
        && port(authority) == port(asked)
}

/// The one `Host`.
fn host(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
        (Some(host), None) if !host.is_empty() => Ok(host),
        _ => Err(Problem::bad_data("exactly one header Host is expected")),
    }
}

/// Without port, in lower case; brackets of an IPv6 address stay.
fn host_of(authority: &str) -> String {
    let port = port_of(authority).map_or(0, |port| port.len() + 1);
    let host = authority.get(..authority.len() - port).unwrap_or_default();
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn port_of(authority: &str) -> Option<&str> {
    let (host, port) = authority.rsplit_once(':')?;
    // An IPv6 address without brackets has no port.
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && (!host.contains(':') || host.ends_with(']'))).then_some(port)
}

fn scope_of(tokens: &dyn Tokens, headers: &HeaderMap) -> Result<Scope, Problem> {
    const CHALLENGE: &str = "Bearer realm=\"loadgate\"";
    const INVALID: &str = "Bearer realm=\"loadgate\", error=\"invalid_token\"";
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Err(Problem::unauthorized(CHALLENGE, "a token is needed: send Authorization: Bearer TOKEN"));
    };
    let token = match value.as_bytes().split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => token.trim_ascii(),
        _ => &[],
    };
    if token.is_empty() || all.next().is_some() {
        return Err(Problem::unauthorized(CHALLENGE, "send one header Authorization: Bearer TOKEN"));
    }
    tokens.scope(token).ok_or_else(|| Problem::unauthorized(INVALID, "this token is not known here"))
}

/// What [`guard`] found out, for [`allow`] and for who asks what he may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granted(pub(super) Scope);

/// For the outermost layer.
pub(super) async fn guard(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    match access.judge(request.method(), request.uri(), request.headers()) {
        Ok(granted) => {
            if let Some(scope) = granted {
                request.extensions_mut().insert(Granted(scope));
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// These routes to those whose token has this scope.
pub(super) fn allow<S>(scope: Scope, routes: MethodRouter<S>) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes.route_layer(from_fn(move |request: Request, next: Next| async move {
        match request.extensions().get::<Granted>() {
            Some(Granted(granted)) if *granted >= scope => next.run(request).await,
            granted => {
                let has = granted.map_or("none", |Granted(granted)| granted.name());
                let needed = scope.name();
                let problem =
                    format!("this takes a token of scope {needed}, and the scope of this one is {has}");
                Problem::forbidden(problem).into_response()
            }
        }
    }))
}

#[cfg(test)]
mod tests;
