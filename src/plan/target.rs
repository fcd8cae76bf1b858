//! How targets are reached: TLS, host overrides, which addresses are allowed; and what is scraped.

use std::sync::Arc;

use super::files::Files;
use super::reach::{Hosts, Reach};
use super::{Probe, Scrape};
use crate::budget::Budget;
use crate::config::{At, PlanConfig, Problem, TlsConfig, TlsVersion};
use crate::promql::Query;
use crate::protocol::tls::{ClientIdentity, PemFile, Tls, TlsOptions, client_config};
use crate::protocol::{HostOverride, Proxies, Settings};

pub(super) fn settings(
    plan: &PlanConfig,
    reach: &Reach,
    files: &mut Files,
    problems: &mut Vec<Problem>,
) -> Option<Settings> {
    let mut hosts = Vec::new();
    for (host, address) in &plan.defaults.hosts {
        match HostOverride::parse(&host.value, &address.value) {
            Ok(host) => hosts.push(host),
            Err(error) => problems.push(Problem::new(address.place, format!("failed to {error}"))),
        }
    }
    // Read once: what the environment says later is not what the run was checked with.
    let proxies = Proxies::from_environment(|name| {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    });
    let proxies = match proxies {
        Ok(proxies) => Some(proxies),
        Err(error) => {
            problems.push(Problem::without_place(format!("failed to {error}")));
            None
        }
    };
    let guard = std::mem::take(&mut files.hosts).guard(plan, reach, problems);
    let tls = tls(&plan.defaults.tls, plan.defaults.http2, files, problems);
    Some(Settings {
        tls: tls?,
        hosts,
        proxies: proxies?,
        guard,
        keep_alive: plan.defaults.keep_alive,
        budget: Budget::new(plan.limits.memory_bytes),
    })
}

pub(super) fn tls(
    config: &TlsConfig,
    http2: bool,
    files: &mut Files,
    problems: &mut Vec<Problem>,
) -> Option<Tls> {
    let mut read = |path: &At<String>| {
        let pem = files.read(&files.resolve(&path.value));
        pem.map(Vec::from).map_err(|why| problems.push(Problem::new(path.place, why))).ok()
    };
    let ca_pem = config.ca.as_ref().map(&mut read);
    let identity = config.identity.as_ref().map(|identity| {
        let (cert_pem, key_pem) = (read(&identity.cert), read(&identity.key));
        Some(ClientIdentity { cert_pem: cert_pem?, key_pem: key_pem? })
    });
    let options = TlsOptions {
        insecure_skip_verify: config.insecure_skip_verify,
        // Given but not read: that was reported.
        ca_pem: ca_pem.map_or(Some(None), |pem| pem.map(Some))?,
        client_identity: identity.map_or(Some(None), |identity| identity.map(Some))?,
        only_tls13: config.min_version == TlsVersion::Tls13,
        http2,
    };
    match client_config(&options) {
        Ok(tls) => Some(tls),
        Err(error) => {
            let identity = config.identity.as_ref();
            let place = match error.file() {
                Some(PemFile::Ca) => config.ca.as_ref().map(|ca| ca.place),
                Some(PemFile::Certificate) => identity.map(|identity| identity.cert.place),
                Some(PemFile::Key) => identity.map(|identity| identity.key.place),
                None => None,
            };
            let message = format!("TLS cannot be set up: failed to {error}");
            problems.push(Problem { place, message, help: None });
            None
        }
    }
}

pub(super) fn scrapes(plan: &PlanConfig, hosts: &mut Hosts, problems: &mut Vec<Problem>) -> Vec<Scrape> {
    let mut scrapes = Vec::new();
    for scrape in &plan.scrape {
        hosts.url(&scrape.url.value, scrape.url.place);
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
        match Query::parse(&probe.query.value) {
            Ok(query) if matches!(query.type_name(), "scalar" | "instant vector") => {
                probes.push(Probe { name: probe.name.value.clone(), query, interval: probe.interval });
            }
            Ok(query) => {
                let message = format!("a probe needs a number now, and this is a {}", query.type_name());
                let help = "expected an instant vector or a scalar such as `avg(backend_loop_hz)`";
                problems.push(Problem::new(probe.query.place, message).help(help));
            }
            Err(error) => {
                let problem = Problem::new(probe.query.place, format!("not PromQL: {error}"));
                problems.push(problem.help("expected PromQL such as `avg(backend_loop_hz)`"));
            }
        }
    }
    probes
}
