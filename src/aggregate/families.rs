//! Totals as metric families, under the names that k6's remote write gives them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Totals;
use crate::family::{Bucket, Family, FamilyKind, Histogram, NativeBucket, NativeHistogram, Series, Value};
use crate::labels::Labels;
use crate::metric::{Definition, Kind, PREFIX, Unit};
use crate::record::{Cell, Distribution, SCHEMA, ZERO_THRESHOLD};

/// The statistics of a trend that are exported as gauges.
type Statistic = fn(&Distribution) -> Option<f64>;

const STATISTICS: [(&str, Statistic); 7] = [
    ("avg", Distribution::avg),
    ("min", Distribution::min),
    ("med", |distribution| distribution.quantile(0.5)),
    ("max", Distribution::max),
    ("p90", |distribution| distribution.quantile(0.90)),
    ("p95", |distribution| distribution.quantile(0.95)),
    ("p99", |distribution| distribution.quantile(0.99)),
];

impl Totals {
    /// Every metric that has a series. A label of the run gives way to a series' own, as in k6.
    pub fn families(&self) -> Vec<Family> {
        let mut families = Vec::new();
        for (id, definition) in self.catalog().iter() {
            let distinct = distinct(self.of(id).map(|(labels, cell)| (self.run_labels.merged(labels), cell)));
            let cells: Vec<(Labels, &Cell)> =
                distinct.iter().map(|(labels, cell)| (labels.clone(), &**cell)).collect();
            match definition.kind {
                Kind::Counter => families.push(counter(definition, &cells)),
                Kind::Gauge => families.push(gauge(definition, &cells)),
                Kind::Rate => families.extend(rate(definition, &cells)),
                Kind::Trend => families.extend(trend(definition, &cells)),
            }
        }
        families.retain(|family| !family.series.is_empty());
        families
    }
}

/// Each label set once: a tag of the run may make two series alike that differ by that very tag.
fn distinct<'a>(cells: impl Iterator<Item = (Labels, &'a Cell)>) -> Vec<(Labels, Cow<'a, Cell>)> {
    let (mut places, mut distinct) = (HashMap::new(), Vec::<(Labels, Cow<'a, Cell>)>::new());
    for (labels, cell) in cells {
        match places.get(&labels) {
            Some(place) => {
                let known: &mut (Labels, Cow<'a, Cell>) = &mut distinct[*place];
                known.1.to_mut().merge(cell);
            }
            None => {
                places.insert(labels.clone(), distinct.len());
                distinct.push((labels, Cow::Borrowed(cell)));
            }
        }
    }
    distinct
}

/// All sample names under which a metric is exported. Two metrics must not share one.
pub fn exported_names(definition: &Definition) -> Vec<String> {
    let suffixed = |suffixes: &[&str]| suffixes.iter().map(|suffix| name(definition, suffix)).collect();
    match definition.kind {
        Kind::Counter => vec![total_name(definition)],
        Kind::Gauge => vec![gauge_name(definition)],
        Kind::Rate => suffixed(&["_total", "_rate"]),
        Kind::Trend => {
            let histogram = histogram_name(definition);
            let parts = ["", "_bucket", "_sum", "_count"].iter().map(|part| format!("{histogram}{part}"));
            STATISTICS
                .iter()
                .map(|(statistic, _)| statistic_name(definition, statistic))
                .chain(parts)
                .collect()
        }
    }
}

/// Of a counter; of a rate, with the label `condition`.
pub fn total_name(definition: &Definition) -> String {
    name(definition, "_total")
}

pub fn gauge_name(definition: &Definition) -> String {
    name(definition, "")
}

/// Of a trend: without `_bucket`, `_sum` and `_count`.
pub fn histogram_name(definition: &Definition) -> String {
    name(definition, if definition.unit == Unit::Time { "_seconds" } else { "" })
}

/// Of a trend's `min`, `max` and the like.
pub fn statistic_name(definition: &Definition, statistic: &str) -> String {
    format!("{PREFIX}{}_{statistic}", definition.name)
}

/// The exported name; `suffix` only where the name does not already end in it.
fn name(definition: &Definition, suffix: &str) -> String {
    let bare = definition.name.strip_suffix(suffix).unwrap_or(&definition.name);
    format!("{PREFIX}{bare}{suffix}")
}

fn counter(definition: &Definition, cells: &[(Labels, &Cell)]) -> Family {
    let mut family = Family::new(total_name(definition), FamilyKind::Counter, &definition.help);
    for (labels, cell) in cells {
        if let Cell::Counter(total) = cell {
            family.push(labels.clone(), definition.unit.exported(*total));
        }
    }
    family
}

fn gauge(definition: &Definition, cells: &[(Labels, &Cell)]) -> Family {
    let mut family = Family::new(gauge_name(definition), FamilyKind::Gauge, &definition.help);
    for (labels, cell) in cells {
        if let Cell::Gauge { set, added, .. } = cell {
            // What is only counted up and down is 0 from the start; what is set has no value before.
            if let (false, None) = (definition.custom, set) {
                family.push(labels.clone(), *added);
            } else if let Some((_, value)) = set {
                family.push(labels.clone(), definition.unit.exported(value + added));
            }
        }
    }
    family
}

/// Two counters from which ratios are made, and k6's gauge.
fn rate(definition: &Definition, cells: &[(Labels, &Cell)]) -> [Family; 2] {
    let mut total = Family::new(total_name(definition), FamilyKind::Counter, &definition.help);
    let mut share = Family::new(
        name(definition, "_rate"),
        FamilyKind::Gauge,
        format!(
            "{} Share since the run began; for ratios over label sets use the counters.",
            definition.help
        ),
    );
    for (labels, cell) in cells {
        let Cell::Rate { nonzero, zero } = cell else { continue };
        total.push(labels.with("condition", "nonzero"), *nonzero as f64);
        total.push(labels.with("condition", "zero"), *zero as f64);
        if nonzero + zero > 0 {
            share.push(labels.clone(), *nonzero as f64 / (nonzero + zero) as f64);
        }
    }
    [total, share]
}

/// k6's statistics as gauges, and a histogram.
fn trend(definition: &Definition, cells: &[(Labels, &Cell)]) -> Vec<Family> {
    let distributions: Vec<(&Labels, &Distribution)> = cells
        .iter()
        .filter_map(|(labels, cell)| match cell {
            Cell::Trend(distribution) if distribution.count() > 0 => Some((labels, &**distribution)),
            _ => None,
        })
        .collect();
    let gauges = STATISTICS.iter().map(|(statistic, value)| {
        let help = format!("{} Its {statistic} since the run began.", definition.help);
        let mut family = Family::new(statistic_name(definition, statistic), FamilyKind::Gauge, help);
        for (labels, distribution) in &distributions {
            if let Some(value) = value(distribution) {
                family.push((*labels).clone(), definition.unit.exported(value));
            }
        }
        family
    });
    let mut histogram = Family::new(histogram_name(definition), FamilyKind::Histogram, &definition.help);
    for (labels, distribution) in &distributions {
        let value = Value::Histogram(histogram_of(distribution, definition.unit));
        histogram.series.push(Series { labels: (*labels).clone(), value });
    }
    gauges.chain([histogram]).collect()
}

/// Classic and native buckets of the same values.
fn histogram_of(distribution: &Distribution, unit: Unit) -> Histogram {
    let count = distribution.count() as f64;
    let finite = distribution
        .cumulative()
        .map(|(bound, count)| Bucket { le: unit.exported(bound), count: count as f64 });
    let buckets = finite.chain([Bucket { le: f64::INFINITY, count }]).collect();
    let native = Some(native(distribution));
    Histogram { buckets, sum: unit.exported(distribution.sum()), count, native }
}

fn native(distribution: &Distribution) -> NativeHistogram {
    let bucket = |(index, count)| NativeBucket { index, count };
    let counted = distribution.native();
    NativeHistogram {
        schema: SCHEMA,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: counted.zero(),
        positive: counted.positive().map(bucket).collect(),
        negative: counted.negative().map(bucket).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metric::{self, Catalog};
    use crate::record::{Registry, Shard};

    fn recorded(write: impl FnOnce(&Registry, &mut Shard)) -> Vec<Family> {
        let mut catalog = Catalog::default();
        catalog.declare("orders_total", Kind::Counter, Unit::Plain);
        let registry = Arc::new(Registry::new(Arc::new(catalog), &[(metric::HTTP_REQ_DURATION, 2e8)], 200));
        let mut shard = Shard::new(Arc::clone(&registry));
        write(&registry, &mut shard);
        let mut totals = Totals::labelled(registry, Labels::new([("testid", "t")]));
        totals.absorb(&mut shard);
        totals.families()
    }

    fn sample(families: &[Family], name: &str, labels: &str) -> Option<f64> {
        let mut found = None;
        for family in families {
            family.each_sample(|sample, its_labels, value| {
                if sample == name && its_labels.to_string() == labels {
                    found = Some(value);
                }
            });
        }
        found
    }

    #[test]
    fn a_time_trend_is_exported_in_seconds_as_gauges_and_histogram() {
        let families = recorded(|registry, shard| {
            let id = registry.intern(metric::HTTP_REQ_DURATION, &Labels::new([("name", "/a")]));
            shard.trend(id, 2e8);
            shard.trend(id, 4e8);
        });
        let value = |name| sample(&families, name, r#"{name="/a",testid="t"}"#);
        assert_eq!(value("k6_http_req_duration_min"), Some(0.2));
        assert_eq!(value("k6_http_req_duration_max"), Some(0.4));
        assert_eq!(value("k6_http_req_duration_seconds_count"), Some(2.0));
        let bucket = |le| {
            sample(
                &families,
                "k6_http_req_duration_seconds_bucket",
                &format!(r#"{{le="{le}",name="/a",testid="t"}}"#),
            )
        };
        assert_eq!(
            (bucket("0.1"), bucket("0.2"), bucket("10.0"), bucket("+Inf")),
            (Some(0.0), Some(1.0), Some(2.0), Some(2.0))
        );
    }

    #[test]
    fn native_buckets_hold_the_same_values_as_the_classic_ones() {
        let families = recorded(|registry, shard| {
            let id = registry.intern(metric::HTTP_REQ_DURATION, &Labels::empty());
            [0.0, 1e9, 1e9, 1.001e9, 4e9].into_iter().for_each(|nanos| shard.trend(id, nanos));
        });
        let family = families.iter().find(|family| family.name == "k6_http_req_duration_seconds").unwrap();
        let Value::Histogram(histogram) = &family.series[0].value else { panic!("a histogram") };
        let native = histogram.native.as_ref().unwrap();
        let buckets: Vec<_> = native.positive.iter().map(|bucket| (bucket.index, bucket.count)).collect();
        assert_eq!((native.schema, native.zero_count), (3, 1));
        assert_eq!(buckets, [(0, 2), (1, 1), (16, 1)], "1 s belongs to the bucket that ends there");
        assert_eq!(histogram.count, 5.0);
    }

    #[test]
    fn a_rate_is_two_counters_that_start_at_zero_and_a_gauge_that_does_not() {
        let families = recorded(|registry, _| {
            registry.intern(metric::CHECKS, &Labels::new([("check", "ok")]));
        });
        assert_eq!(
            sample(&families, "k6_checks_total", r#"{check="ok",condition="zero",testid="t"}"#),
            Some(0.0)
        );
        assert_eq!(sample(&families, "k6_checks_rate", r#"{check="ok",testid="t"}"#), None);
    }

    #[test]
    fn series_that_a_tag_of_the_run_makes_alike_are_one() {
        let families = recorded(|registry, shard| {
            for labels in [Labels::empty(), Labels::new([("testid", "t")])] {
                shard.count(registry.intern(metric::ITERATIONS, &labels), 2);
                shard.trend(registry.intern(metric::ITERATION_DURATION, &labels), 1e9);
            }
        });
        let series_of = |name: &str| families.iter().find(|family| family.name == name).unwrap().series.len();
        assert_eq!(series_of("k6_iterations_total"), 1);
        assert_eq!(sample(&families, "k6_iterations_total", r#"{testid="t"}"#), Some(4.0));
        let count = sample(&families, "k6_iteration_duration_seconds_count", r#"{testid="t"}"#);
        assert_eq!(count, Some(2.0));
    }

    #[test]
    fn a_counter_carries_its_suffix_once() {
        let families = recorded(|registry, shard| {
            let orders = registry.catalog().find("orders_total").unwrap();
            let id = registry.intern(orders, &Labels::empty());
            shard.count(id, 3);
        });
        assert_eq!(sample(&families, "k6_orders_total", r#"{testid="t"}"#), Some(3.0));
    }
}
