//! What the scrapers did, for our own `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Scrape, ScrapeError};
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;

/// Counters per job. The label is `scrape_job`, as on Prometheus' own metrics, since `job` is
/// the scraping side's to set.
#[derive(Debug, Clone, Default)]
pub struct ScrapeStats {
    jobs: BTreeMap<Arc<str>, JobStats>,
}

#[derive(Debug, Clone, Default)]
struct JobStats {
    scrapes: u64,
    /// In the order of [`ScrapeError::REASONS`].
    failures: [u64; ScrapeError::REASONS.len()],
    missed: u64,
    duplicates: u64,
    body_bytes: u64,
}

impl ScrapeStats {
    /// Every counter of these jobs exists from the start, at 0.
    pub fn new(jobs: impl IntoIterator<Item = Arc<str>>) -> Self {
        ScrapeStats { jobs: jobs.into_iter().map(|job| (job, JobStats::default())).collect() }
    }

    pub fn record(&mut self, scrape: &Scrape) {
        let job = self.jobs.entry(Arc::clone(&scrape.job)).or_default();
        job.scrapes += 1;
        job.missed += scrape.missed;
        job.duplicates += scrape.duplicates as u64;
        job.body_bytes += scrape.body_bytes as u64;
        if let Err(error) = &scrape.result {
            let reasons = ScrapeError::REASONS.iter().zip(&mut job.failures);
            reasons.filter(|(reason, _)| **reason == error.reason()).for_each(|(_, count)| *count += 1);
        }
    }

    /// `loadgate_scrape_*`, each series with `labels` beside its own.
    pub fn families(&self, labels: &Labels) -> Vec<Family> {
        let counter = |name: &str, help: &str| Family::new(name, FamilyKind::Counter, help);
        let mut attempts =
            counter("loadgate_scrape_attempts_total", "Scrapes of a target, failed ones included.");
        let mut failures = counter("loadgate_scrape_failures_total", "Scrapes that failed, by reason.");
        let mut missed = counter(
            "loadgate_scrape_missed_total",
            "Scrapes that were due but did not begin, because the one before had not been done with.",
        );
        let mut duplicates = counter(
            "loadgate_scrape_duplicate_samples_total",
            "Samples dropped because their series had come before in the same body.",
        );
        let mut body_bytes =
            counter("loadgate_scrape_body_bytes_total", "Bytes of the bodies read, after decompression.");
        for (name, job) in &self.jobs {
            let labels = labels.with("scrape_job", name);
            attempts.push(labels.clone(), job.scrapes as f64);
            for (reason, count) in ScrapeError::REASONS.iter().zip(job.failures) {
                failures.push(labels.with("reason", reason), count as f64);
            }
            missed.push(labels.clone(), job.missed as f64);
            duplicates.push(labels.clone(), job.duplicates as f64);
            body_bytes.push(labels, job.body_bytes as f64);
        }
        vec![attempts, failures, missed, duplicates, body_bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Elapsed;
    use std::time::Duration;

    #[test]
    fn counters_exist_at_zero_and_count_by_reason() {
        let mut stats = ScrapeStats::new([Arc::from("backend")]);
        let value = |stats: &ScrapeStats, sample: &str| {
            let mut found = None;
            for family in stats.families(&Labels::new([("testid", "t")])) {
                family.each_sample(|name, labels, value| {
                    if format!("{name}{labels}") == sample {
                        found = Some(value);
                    }
                });
            }
            found
        };
        let status = "loadgate_scrape_failures_total{reason=\"status\",scrape_job=\"backend\",testid=\"t\"}";
        let missed = "loadgate_scrape_missed_total{scrape_job=\"backend\",testid=\"t\"}";
        assert_eq!(value(&stats, status), Some(0.0));
        stats.record(&Scrape {
            job: "backend".into(),
            instance: "localhost:1".into(),
            at: Elapsed::ZERO,
            duration: Duration::ZERO,
            result: Err(ScrapeError::Status(503)),
            samples: 0,
            duplicates: 0,
            series_added: 0,
            body_bytes: 0,
            missed: 3,
        });
        assert_eq!((value(&stats, status), value(&stats, missed)), (Some(1.0), Some(3.0)));
    }
}
