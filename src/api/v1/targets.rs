//! `/api/v1/targets`: what is scraped during the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::Serialize;

use super::answer::Success;
use super::form::Form;
use super::json;
use super::time::{format_duration, rfc3339};
use crate::api::Sources;
use crate::config::Redactor;
use crate::scrape::{Scrape, ScrapeTarget};

/// A target and its last scrape.
#[derive(Debug, Clone)]
pub struct Target {
    job: Arc<str>,
    instance: String,
    /// Without secrets.
    url: url::Url,
    interval: Duration,
    timeout: Duration,
    redactor: Arc<Redactor>,
    last: Option<LastScrape>,
}

#[derive(Debug, Clone)]
struct LastScrape {
    at_ms: i64,
    duration: Duration,
    error: Option<String>,
}

impl Target {
    /// A target that was not scraped yet.
    pub fn new(target: &ScrapeTarget) -> Self {
        let mut url = target.url.clone();
        // Neither fails on a URL with a host; one without has nobody to name.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if let Ok(shown) = url::Url::parse(&target.redactor.redact(url.as_str())) {
            url = shown;
        }
        Target {
            job: Arc::clone(&target.job),
            instance: target.instance(),
            url,
            interval: target.interval,
            timeout: target.timeout,
            redactor: Arc::clone(&target.redactor),
            last: None,
        }
    }

    /// Takes in a scrape of this target that began at `at_ms`, milliseconds since the Unix epoch.
    pub fn record(&mut self, scrape: &Scrape, at_ms: i64) {
        let error = scrape.result.as_ref().err().map(|error| self.redactor.redact(&error.to_string()));
        self.last = Some(LastScrape { at_ms, duration: scrape.duration, error });
    }

    /// Whether a scrape is of this target.
    pub fn is_of(&self, scrape: &Scrape) -> bool {
        *self.job == *scrape.job && *self.instance == *scrape.instance
    }
}

pub(super) async fn targets(State(sources): State<Arc<Sources>>, form: Form) -> Success {
    let targets = sources.targets.latest().unwrap_or_default();
    Success::of(&page(&targets, &form))
}

fn page<'a>(targets: &'a [Target], form: &Form) -> Page<'a> {
    let state = form.value("state").unwrap_or("any").to_lowercase();
    let pool = form.value("scrapePool");
    let shown = targets.iter().filter(|target| {
        matches!(state.as_str(), "any" | "active") && pool.is_none_or(|pool| *target.job == *pool)
    });
    let mut active: Vec<TargetBody> = shown.map(TargetBody::of).collect();
    active.sort_by_key(|target| target.scrape_pool);
    let dropped = matches!(state.as_str(), "any" | "dropped");
    Page {
        active_targets: active,
        dropped_targets: [],
        dropped_target_counts: dropped.then(|| targets.iter().map(|target| (&*target.job, 0)).collect()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    active_targets: Vec<TargetBody<'a>>,
    /// Nothing is relabelled here, so nothing is dropped.
    dropped_targets: [(); 0],
    /// `null` where they were not asked for, as upstream.
    dropped_target_counts: Option<BTreeMap<&'a str, u32>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetBody<'a> {
    discovered_labels: BTreeMap<&'a str, String>,
    labels: BTreeMap<&'a str, &'a str>,
    scrape_pool: &'a str,
    scrape_url: &'a str,
    global_url: &'a str,
    last_error: &'a str,
    last_scrape: String,
    #[serde(serialize_with = "json::number")]
    last_scrape_duration: f64,
    health: &'a str,
    scrape_interval: String,
    scrape_timeout: String,
}

impl<'a> TargetBody<'a> {
    fn of(target: &'a Target) -> Self {
        let last = target.last.as_ref();
        let (interval, timeout) = (format_duration(target.interval), format_duration(target.timeout));
        let discovered = [
            ("__address__", target.instance.clone()),
            ("__metrics_path__", target.url.path().to_owned()),
            ("__scheme__", target.url.scheme().to_owned()),
            ("__scrape_interval__", interval.clone()),
            ("__scrape_timeout__", timeout.clone()),
            ("job", target.job.to_string()),
        ];
        TargetBody {
            discovered_labels: discovered.into(),
            labels: [("instance", target.instance.as_str()), ("job", &target.job)].into(),
            scrape_pool: &target.job,
            scrape_url: target.url.as_str(),
            global_url: target.url.as_str(),
            last_error: last.and_then(|last| last.error.as_deref()).unwrap_or_default(),
            last_scrape: rfc3339(last.map(|last| last.at_ms)),
            last_scrape_duration: last.map_or(0.0, |last| last.duration.as_secs_f64()),
            health: match last {
                None => "unknown",
                Some(LastScrape { error: None, .. }) => "up",
                Some(LastScrape { error: Some(_), .. }) => "down",
            },
            scrape_interval: interval,
            scrape_timeout: timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::form::tests::form;
    use crate::exposition::Limits;
    use crate::scrape::ScrapeError;
    use crate::time::Elapsed;

    fn target(job: &str, url: &str) -> Target {
        Target::new(&ScrapeTarget {
            job: job.into(),
            url: url::Url::parse(url).unwrap(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            limits: Limits::default(),
            tls: None,
            guard: None,
            redactor: Arc::default(),
        })
    }

    fn scrape(target: &Target, result: Result<(), ScrapeError>) -> Scrape {
        Scrape {
            job: Arc::clone(&target.job),
            instance: target.instance.as_str().into(),
            at: Elapsed::ZERO,
            duration: Duration::from_millis(250),
            result: result.map(|()| Vec::new()),
            samples: 0,
            duplicates: 0,
            series_added: 0,
            body_bytes: 0,
            missed: 0,
        }
    }

    fn text(targets: &[Target], query: &str) -> String {
        let mut out = Vec::new();
        json::write(&mut out, &page(targets, &form(query)));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_target_shows_its_last_scrape_and_no_password() {
        let mut backend = target("backend", "http://user:secret@127.0.0.1:4000/metrics?x=1");
        assert!(text(std::slice::from_ref(&backend), "").contains("\"health\":\"unknown\""));
        backend.record(&scrape(&backend, Ok(())), 1_795_259_128_120);
        assert_eq!(
            text(std::slice::from_ref(&backend), ""),
            concat!(
                r#"{"activeTargets":[{"discoveredLabels":{"__address__":"127.0.0.1:4000","__metrics_path__":"/metrics","#,
                r#""__scheme__":"http","__scrape_interval__":"1s","__scrape_timeout__":"500ms","job":"backend"},"#,
                r#""labels":{"instance":"127.0.0.1:4000","job":"backend"},"scrapePool":"backend","#,
                r#""scrapeUrl":"http://127.0.0.1:4000/metrics?x=1","globalUrl":"http://127.0.0.1:4000/metrics?x=1","#,
                r#""lastError":"","lastScrape":"2026-11-21T11:05:28.12Z","lastScrapeDuration":0.25,"health":"up","#,
                r#""scrapeInterval":"1s","scrapeTimeout":"500ms"}],"droppedTargets":[],"droppedTargetCounts":{"backend":0}}"#
            )
        );
        backend.record(&scrape(&backend, Err(ScrapeError::Status(503))), 1_795_259_129_000);
        let down = text(&[backend], "");
        assert!(down.contains("\"health\":\"down\"") && down.contains("503"), "{down}");
    }

    #[test]
    fn targets_are_chosen_by_state_and_pool() {
        let targets = [target("b", "http://127.0.0.1:2/"), target("a", "http://127.0.0.1:1/")];
        let pools = |query: &str| -> Vec<&str> {
            page(&targets, &form(query)).active_targets.iter().map(|target| target.scrape_pool).collect()
        };
        assert_eq!(pools(""), ["a", "b"]);
        assert_eq!(pools("state=Active&scrapePool=b"), ["b"]);
        assert_eq!(pools("scrapePool=c"), [""; 0]);
        assert_eq!(text(&targets, "state=active"), text(&targets, "").replace("{\"a\":0,\"b\":0}", "null"));
        assert_eq!(
            text(&targets, "state=dropped"),
            r#"{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{"a":0,"b":0}}"#
        );
    }
}
