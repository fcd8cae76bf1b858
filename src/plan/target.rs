//! How targets are reached: TLS, host overrides, which addresses are allowed; and what is scraped.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::{Probe, Scrape};
use crate::config::{PlanConfig, Problem};
use crate::selector::Selector;
use crate::protocol::tls::{TlsOptions, client_config};
use crate::protocol::{HostOverride, Settings};

/// `base` is the folder that relative paths in the plan start from.
pub(super) fn settings(plan: &PlanConfig, base: &Path, problems: &mut Vec<Problem>) -> Option<Settings> {
    let mut hosts = Vec::new();
    for (host, address) in &plan.defaults.hosts {
        match HostOverride::parse(&host.value, &address.value) {
            Ok(host) => hosts.push(host),
            Err(error) => problems.push(Problem::new(address.place, format!("failed to {error}"))),
        }
    }
    let mut options =
        TlsOptions { insecure_skip_verify: plan.defaults.tls.insecure_skip_verify, ..TlsOptions::default() };
    if let Some(ca) = &plan.defaults.tls.ca {
        match std::fs::read(base.join(&ca.value)) {
            Ok(pem) => options.ca_pem = Some(pem),
            Err(error) => {
                problems.push(Problem::new(ca.place, format!("`{}` cannot be read: {error}", ca.value)));
                return None;
            }
        }
    }
    match client_config(&options) {
        Ok(tls) => Some(Settings { tls, hosts, allow: Arc::new(|_, address| is_allowed(address)) }),
        Err(error) => {
            let place = plan.defaults.tls.ca.as_ref().map(|ca| ca.place);
            let message = format!("TLS cannot be set up: failed to {error}");
            problems.push(Problem { place, message, help: None });
            None
        }
    }
}

/// In the foreground the plan's own URLs say where load goes; but never to link-local addresses,
/// where clouds keep credentials, however a name was rebound.
fn is_allowed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    }
}

pub(super) fn scrapes(plan: &PlanConfig, problems: &mut Vec<Problem>) -> Vec<Scrape> {
    let mut scrapes = Vec::new();
    for scrape in &plan.scrape {
        match url::Url::parse(&scrape.url.value) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => scrapes.push(Scrape {
                job: Arc::from(scrape.job.value.as_str()),
                url,
                interval: scrape.interval,
                timeout: scrape.timeout,
            }),
            _ => {
                let message = format!("`{}` is no URL that can be scraped", scrape.url.value);
                let problem = Problem::new(scrape.url.place, message);
                problems.push(problem.help("expected a URL that begins with http:// or https://"));
            }
        }
    }
    scrapes
}

pub(super) fn probes(plan: &PlanConfig, problems: &mut Vec<Problem>) -> Vec<Probe> {
    let mut probes = Vec::new();
    for probe in &plan.probes {
        match Selector::parse(&probe.query.value) {
            Ok(selector) => probes.push(Probe {
                name: probe.name.value.clone(),
                query: probe.query.value.clone(),
                selector,
                interval: probe.interval,
            }),
            Err(error) => problems.push(Problem::new(probe.query.place, error.to_string())),
        }
        if plan.scrape.is_empty() {
            let problem = Problem::new(probe.name.place, "a probe without a scrape has nothing to look at");
            problems.push(problem.help("add the target's /metrics under `scrape`"));
        }
    }
    probes
}
