//! Where the load of a plan may go: for a run in the foreground what its own URLs name, for a daemon what its
//! configuration allows.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value as Json;

use crate::config::{At, Place, PlanConfig, Problem};
use crate::protocol::{AllowedTarget, Blocked, Guard, Target};

/// Who says where load may go.
#[derive(Debug, Clone)]
pub enum Reach {
    /// Whoever started the run, who wrote the plan, too: this machine, all hosts that the plan's URLs name when it is
    /// loaded, and more.
    Foreground { more: Vec<AllowedTarget> },
    /// The daemon's operator.
    Daemon {
        allow: Vec<AllowedTarget>,
        /// Of the daemon's own API, which is no target.
        own: SocketAddr,
    },
}

impl Default for Reach {
    /// In the foreground, and no more.
    fn default() -> Self {
        Reach::Foreground { more: Vec::new() }
    }
}

/// A target that a plan names when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTarget {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    /// Whether there is TLS on it.
    pub secure: bool,
    pub websocket: bool,
    /// Whether it answers a `GET`, as a server of messages does not.
    pub speaks_http: bool,
    /// Of the first URL that names it, with its query.
    path: String,
}

impl NamedTarget {
    fn of(target: &Target) -> Self {
        let origin = target.origin();
        NamedTarget {
            host: origin.host().to_owned(),
            port: origin.port(),
            secure: origin.secure(),
            websocket: target.is_websocket(),
            speaks_http: true,
            path: target.path_and_query().to_owned(),
        }
    }

    fn is_like(&self, other: &NamedTarget) -> bool {
        let kind = |target: &NamedTarget| (target.secure, target.websocket, target.speaks_http);
        (&self.host, self.port, kind(self)) == (&other.host, other.port, kind(other))
    }

    /// What a `GET` asks for: of a WebSocket its own path, of others the root, which changes nothing.
    pub fn http_url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), if self.websocket { &self.path } else { "/" })
    }

    /// For people, without query.
    pub fn shown(&self) -> String {
        if !self.speaks_http {
            return self.authority();
        }
        let scheme = match (self.websocket, self.secure) {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "http",
        };
        let path = self.path.split('?').next().filter(|_| self.websocket).unwrap_or("/");
        format!("{scheme}://{}{path}", self.authority())
    }

    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Kept of a plan's, for those who look at them one by one.
const MOST_TARGETS: usize = 1000;

/// The hosts that a plan names when it is loaded.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// What `vars.NAME` may be: of the plan, and of each scenario that overrides some.
    vars: Vec<HashMap<String, String>>,
    named: Vec<At<NamedTarget>>,
}

impl Hosts {
    pub(super) fn of(plan: &PlanConfig) -> Self {
        let text = |value: &Json| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let own: HashMap<String, String> =
            plan.vars.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let of_scenarios =
            plan.scenarios.iter().filter(|scenario| !scenario.vars.is_empty()).map(|scenario| {
                let changed = scenario.vars.iter().map(|(name, value)| (name.value.clone(), text(value)));
                own.clone().into_iter().chain(changed).collect()
            });
        let vars = of_scenarios.chain([own.clone()]).collect();
        Hosts { vars, named: Vec::new() }
    }

    /// A URL as the plan has it, perhaps with templates. What only the run knows, the run has to ask for.
    pub(super) fn url(&mut self, url: &str, place: Place) {
        if !url.contains("{{") {
            self.literal(url, place);
            return;
        }
        let mut found: Vec<String> = self.vars.iter().filter_map(|vars| beginning(url, vars)).collect();
        found.dedup();
        for url in found {
            self.literal(&url, place);
        }
    }

    fn literal(&mut self, url: &str, place: Place) {
        if let Ok(target) = Target::parse(url) {
            let speaks_http = !url.starts_with("grpc");
            self.add(NamedTarget { speaks_http, ..NamedTarget::of(&target) }, place);
        }
    }

    pub(super) fn target(&mut self, target: &Target, place: Place) {
        self.add(NamedTarget::of(target), place);
    }

    /// Of a protocol that has no URLs of the web.
    pub(super) fn without_http(&mut self, host: &str, port: u16, place: Place) {
        let (host, path) = (host.to_owned(), String::new());
        let named = NamedTarget { host, port, secure: false, websocket: false, speaks_http: false, path };
        self.add(named, place);
    }

    fn add(&mut self, named: NamedTarget, place: Place) {
        // A file of targets names one host a thousand times.
        if self.named.last().is_none_or(|last| !last.value.is_like(&named)) {
            self.named.push(At::new(named, place));
        }
    }

    /// Each once, by the first of its URLs.
    pub(super) fn targets(&self) -> Vec<NamedTarget> {
        let mut targets: Vec<NamedTarget> = Vec::new();
        for At { value, .. } in &self.named {
            if targets.len() < MOST_TARGETS && !targets.iter().any(|known| known.is_like(value)) {
                targets.push(value.clone());
            }
        }
        targets
    }

    /// What guards the run; says which of the hosts it would refuse.
    pub(super) fn guard(self, plan: &PlanConfig, reach: &Reach, problems: &mut Vec<Problem>) -> Guard {
        let guard = match reach {
            Reach::Daemon { allow, own } => Guard::new(allow.iter().cloned()).without(*own),
            Reach::Foreground { more } => {
                let named = self.named.iter().filter_map(|named| named.value.host.parse().ok());
                let addresses =
                    plan.defaults.hosts.iter().filter_map(|(_, address)| override_of(&address.value));
                let addresses =
                    addresses.map(|address| AllowedTarget::Network(address.to_canonical().into()));
                Guard::new(
                    [AllowedTarget::Loopback]
                        .into_iter()
                        .chain(named)
                        .chain(addresses)
                        .chain(more.iter().cloned()),
                )
            }
        };
        let overrides = plan.defaults.hosts.iter().filter_map(|(_, address)| {
            let ip = override_of(&address.value)?;
            Some((address.place, address.value.clone(), guard.check_address(ip)))
        });
        let is_overridden =
            |host: &str| plan.defaults.hosts.iter().any(|(name, _)| covers(&name.value, host));
        let named = self.named.into_iter().filter(|named| !is_overridden(&named.value.host)).map(|named| {
            let NamedTarget { host, port, .. } = named.value;
            let literal = host.parse::<IpAddr>().map(|address| SocketAddr::new(address, port));
            let checked = match literal {
                Ok(address) => guard.check_literal(address),
                Err(_) => guard.check_host(&host),
            };
            (named.place, host, checked)
        });
        for (place, what, checked) in overrides.chain(named) {
            if let Err(blocked) = checked {
                let problem = Problem::new(place, format!("`{what}` {blocked}"));
                let help = format!(
                    "the daemon's configuration says where load may go: `targets: {{allow: [\"{what}\"]}}`"
                );
                let may_be_allowed = matches!(blocked, Blocked::Host | Blocked::Address);
                problems.push(if may_be_allowed { problem.help(help) } else { problem });
            }
        }
        guard
    }
}

/// The address of an entry of `dns.hosts`, with or without a port.
fn override_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    text.parse::<SocketAddr>().map(|socket| socket.ip()).ok().or_else(|| bare.parse().ok())
}

/// Whether an entry of `dns.hosts` without a port stands for the host, so that it is not looked up.
fn covers(name: &str, host: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix('*') {
        Some(ending) => host.ends_with(ending),
        None => name == host,
    }
}

/// The URL as far as it is known, if that is past its host: `{{ vars.NAME }}` is.
fn beginning(url: &str, vars: &HashMap<String, String>) -> Option<String> {
    let mut known = String::new();
    let mut rest = url;
    let mut whole = true;
    while let Some((text, after)) = rest.split_once("{{") {
        known.push_str(text);
        let (expression, after) = after.split_once("}}")?;
        let Some(value) = expression.trim().strip_prefix("vars.").and_then(|name| vars.get(name)) else {
            whole = false;
            break;
        };
        known.push_str(value);
        rest = after;
    }
    if whole {
        return Some(known + rest);
    }
    // What follows may still belong to the host, unless that has ended.
    let (_, after_scheme) = known.split_once("://")?;
    after_scheme.contains(['/', '?', '#']).then_some(known)
}

#[cfg(test)]
mod tests;
