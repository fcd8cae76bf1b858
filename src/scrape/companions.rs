//! What Prometheus makes of a scrape: the target's series with `job` and `instance`, and five series of its own
//! (<https://prometheus.io/docs/concepts/jobs_instances/>).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Scrape;
use crate::family::{Family, FamilyKind, Series, Value};
use crate::labels::Labels;

/// The families of a scrape as a store takes them. A failed scrape gives `up` 0 and its companions only; the
/// series that the target had before are then stale.
///
/// A label `job` or `instance` that the target wrote itself becomes `exported_job` or `exported_instance`
/// (Prometheus' `honor_labels: false`).
pub fn families(scrape: &Scrape) -> Vec<Family> {
    let own = scrape.result.as_deref().unwrap_or_default();
    let mut families = Vec::with_capacity(own.len() + 5);
    for family in own {
        let relabelled = |series: &Series| Series {
            labels: with_target(&series.labels, scrape),
            value: series.value.clone(),
        };
        families.push(Family {
            name: family.name.clone(),
            kind: family.kind,
            help: family.help.clone(),
            series: family.series.iter().map(relabelled).collect(),
        });
    }
    let up = f64::from(u8::from(scrape.result.is_ok()));
    let companions = [
        ("up", "1 if the scrape succeeded, else 0.", up),
        ("scrape_duration_seconds", "Duration of the scrape.", scrape.duration.as_secs_f64()),
        ("scrape_samples_scraped", "Samples that the target exposed.", scrape.samples as f64),
        (
            "scrape_samples_post_metric_relabeling",
            "Samples that remained; nothing is relabelled here.",
            scrape.samples as f64,
        ),
        ("scrape_series_added", "Series that the scrape before did not have.", scrape.series_added as f64),
    ];
    let target = with_target(&Labels::empty(), scrape);
    families.extend(
        companions
            .map(|(name, help, value)| Family::single(name, FamilyKind::Gauge, help, target.clone(), value)),
    );
    families
}

fn with_target(labels: &Labels, scrape: &Scrape) -> Labels {
    let clash = |name: &str| matches!(name, "job" | "instance");
    let own: Vec<(String, &str)> = labels
        .iter()
        .map(|(name, value)| {
            let mut exported = name.to_owned();
            if clash(name) {
                exported.insert_str(0, "exported_");
                while labels.value(&exported).is_some() {
                    exported.insert_str(0, "exported_");
                }
            }
            (exported, value)
        })
        .collect();
    let target = [("job".to_owned(), &*scrape.job), ("instance".to_owned(), &*scrape.instance)];
    Labels::new(own.into_iter().chain(target))
}

/// One number per series as a store counts them: each bucket is one.
pub(super) fn series_hashes(families: &[Family]) -> HashSet<u64> {
    let mut hashes = HashSet::new();
    for family in families {
        for series in &family.series {
            let mut part = |part: &str, bound: u64| {
                let mut hasher = DefaultHasher::new();
                (&family.name, &series.labels, part, bound).hash(&mut hasher);
                hashes.insert(hasher.finish());
            };
            match &series.value {
                Value::Number(_) => part("", 0),
                Value::Histogram(histogram) => {
                    histogram.buckets.iter().for_each(|bucket| part("bucket", bucket.le.to_bits()));
                    part("sum", 0);
                    part("count", 0);
                }
                Value::Summary(summary) => {
                    summary.quantiles.iter().for_each(|(quantile, _)| part("quantile", quantile.to_bits()));
                    part("sum", 0);
                    part("count", 0);
                }
            }
        }
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, Limits, parse};
    use crate::scrape::ScrapeError;
    use crate::time::Elapsed;
    use std::time::Duration;

    fn scrape(result: Result<&str, ScrapeError>) -> Scrape {
        let result =
            result.map(|body| parse(body.as_bytes(), Format::Text, &Limits::default()).unwrap().families);
        Scrape {
            job: "backend".into(),
            instance: "localhost:4000".into(),
            at: Elapsed::ZERO,
            duration: Duration::from_millis(250),
            samples: result.as_ref().map_or(0, |_| 4),
            result,
            duplicates: 0,
            series_added: 2,
            body_bytes: 100,
            missed: 0,
        }
    }

    fn check(scrape: &Scrape, expected: &[&str]) {
        let mut samples = Vec::new();
        for family in families(scrape) {
            family.each_sample(|name, labels, value| samples.push(format!("{name}{labels} {value}")));
        }
        assert_eq!(samples, expected);
    }

    #[test]
    fn a_scrape_brings_the_targets_series_and_five_companions() {
        let target = "instance=\"localhost:4000\",job=\"backend\"";
        check(
            &scrape(Ok("hz{a=\"b\"} 100\n")),
            &[
                &format!("hz{{a=\"b\",{target}}} 100"),
                &format!("up{{{target}}} 1"),
                &format!("scrape_duration_seconds{{{target}}} 0.25"),
                &format!("scrape_samples_scraped{{{target}}} 4"),
                &format!("scrape_samples_post_metric_relabeling{{{target}}} 4"),
                &format!("scrape_series_added{{{target}}} 2"),
            ],
        );
    }

    #[test]
    fn labels_that_clash_are_exported() {
        let scrape = scrape(Ok("a{job=\"x\"} 1\nb{instance=\"i\",exported_instance=\"e\"} 2\n"));
        let families = families(&scrape);
        let labels = |at: usize| families[at].series[0].labels.to_string();
        assert_eq!(labels(0), "{exported_job=\"x\",instance=\"localhost:4000\",job=\"backend\"}");
        assert_eq!(
            labels(1),
            "{exported_exported_instance=\"i\",exported_instance=\"e\",instance=\"localhost:4000\",job=\"backend\"}"
        );
    }

    #[test]
    fn a_failed_scrape_says_that_the_target_is_down() {
        let families = families(&scrape(Err(ScrapeError::Status(500))));
        assert_eq!(families.len(), 5);
        assert_eq!(families[0].name, "up");
        assert_eq!(families[0].series[0].value, Value::Number(0.0));
    }

    #[test]
    fn each_bucket_counts_as_a_series() {
        let body =
            "a 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
        let families = parse(body.as_bytes(), Format::Text, &Limits::default()).unwrap().families;
        assert_eq!(series_hashes(&families).len(), 5);
    }
}
