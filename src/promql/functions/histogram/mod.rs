//! Classic histograms: series of one metric that differ in `le` alone become one. There are no native ones here, so
//! what reads only those gives nothing.

mod buckets;

use std::collections::HashMap;

use self::buckets::{Bucket, fraction, quantile};
use super::{Arguments, Forced, Function, Kernel, Note, note_invalid_quantile};
use crate::labels::Labels;
use crate::promql::{Point, Sample};

pub(super) const FUNCTIONS: &[Function] = &[
    Function { name: "histogram_quantile", kernel: Kernel::Vector(histogram_quantile), keeps_name: false },
    Function { name: "histogram_fraction", kernel: Kernel::Vector(histogram_fraction), keeps_name: false },
    Function::element("histogram_count", |_, _| None),
    Function::element("histogram_sum", |_, _| None),
    Function::element("histogram_avg", |_, _| None),
    Function::element("histogram_stddev", |_, _| None),
    Function::element("histogram_stdvar", |_, _| None),
];

fn histogram_quantile(vector: Vec<Sample>, arguments: &Arguments<'_>) -> Vec<Sample> {
    let [q, ..] = *arguments.scalars else { return Vec::new() };
    note_invalid_quantile(q, arguments.notes);
    of_each(vector, arguments, |labels, buckets| {
        let (value, mended) = quantile(q, buckets);
        if let Some(mended) = mended {
            arguments.notes.add(Note::ForcedMonotonicity(Forced {
                metric: arguments.notes.metric(labels),
                first_ms: arguments.at_ms,
                last_ms: arguments.at_ms,
                lowest_bound: mended.lowest_bound,
                highest_bound: mended.highest_bound,
                max_diff: mended.max_diff,
                samples: 1,
            }));
        }
        value
    })
}

fn histogram_fraction(vector: Vec<Sample>, arguments: &Arguments<'_>) -> Vec<Sample> {
    let [lower, upper, ..] = *arguments.scalars else { return Vec::new() };
    of_each(vector, arguments, |_, buckets| fraction(lower, upper, buckets))
}

/// One value for each histogram, in the order of their first buckets (Prometheus' `resetHistograms`).
fn of_each(
    vector: Vec<Sample>,
    arguments: &Arguments<'_>,
    value: impl Fn(&Labels, Vec<Bucket>) -> f64,
) -> Vec<Sample> {
    let mut histograms: Vec<(Labels, Vec<Bucket>)> = Vec::new();
    let mut known: HashMap<Labels, usize> = HashMap::new();
    for Sample { labels, point } in vector {
        let le = labels.value("le").unwrap_or_default();
        let Ok(upper_bound) = le.parse::<f64>() else {
            let metric = arguments.notes.metric(&labels);
            arguments.notes.add(Note::BadBucketLabel { metric, le: le.to_owned() });
            continue;
        };
        let labels = labels.without("le");
        let at = *known.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        histograms[at].1.push(Bucket { upper_bound, count: point.value });
    }
    let sample = |(labels, buckets)| {
        let point = Point { at_ms: arguments.at_ms, value: value(&labels, buckets) };
        Sample { labels, point }
    };
    histograms.into_iter().map(sample).collect()
}

#[cfg(test)]
mod tests {
    use crate::promql::Annotation;
    use crate::promql::functions::testing::of_vector;
    use crate::promql::notation::metric;

    #[test]
    fn buckets_of_one_histogram_are_found_together() {
        let vector = [
            (r#"x_bucket{le="1",a="1"}"#, 2.0),
            (r#"x_bucket{le="1",a="2"}"#, 1.0),
            (r#"x_bucket{le="+Inf",a="1"}"#, 4.0),
            (r#"x_bucket{le="2",a="2"}"#, 1.0),
            (r#"x_bucket{le="2",a="1"}"#, 4.0),
            (r#"x_bucket{le="Inf",a="2"}"#, 1.0),
        ];
        let (samples, annotations) = of_vector("histogram_quantile", &[0.75], &vector);
        assert_eq!(
            samples,
            [(metric(r#"x_bucket{a="1"}"#).unwrap(), 1.5), (metric(r#"x_bucket{a="2"}"#).unwrap(), 0.75)]
        );
        assert_eq!(annotations, []);
        let (samples, _) = of_vector("histogram_fraction", &[0.0, 1.0], &vector);
        assert_eq!(samples.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [0.5, 1.0]);
    }

    #[test]
    fn what_is_no_bucket_is_left_out_and_noted() {
        let vector = [("x", 1.0), (r#"y{le="wide"}"#, 1.0)];
        let (samples, annotations) = of_vector("histogram_quantile", &[0.5], &vector);
        assert_eq!(samples, []);
        let said = [
            r#"PromQL warning: bucket label "le" is missing or has a malformed value of "" for metric name "x""#,
            r#"PromQL warning: bucket label "le" is missing or has a malformed value of "wide" for metric name "y""#,
        ];
        assert_eq!(annotations, said.map(|text| Annotation::Warning(text.to_owned())));
    }

    #[test]
    fn a_quantile_that_is_none_is_noted_even_without_histograms() {
        let (samples, annotations) = of_vector("histogram_quantile", &[f64::NAN], &[]);
        assert_eq!((samples.len(), annotations.len()), (0, 1));
    }

    #[test]
    fn counts_that_fall_are_mended_and_noted() {
        let vector = [
            (r#"x{le="1"}"#, 10.0),
            (r#"x{le="2"}"#, 7.0),
            (r#"x{le="3"}"#, 12.0),
            (r#"x{le="4"}"#, 11.5),
            (r#"x{le="+Inf"}"#, 14.0),
        ];
        let (_, annotations) = of_vector("histogram_quantile", &[0.5], &vector);
        let [Annotation::Info(said)] = &annotations[..] else { panic!("{annotations:?}") };
        let expected = "for metric name \"x\", from buckets 2 to 4, with a max diff of 3, over 1 samples \
            from 1970-01-01T00:01:00Z to 1970-01-01T00:01:00Z";
        assert!(said.ends_with(expected), "{said}");
    }

    #[test]
    fn functions_of_native_histograms_give_nothing() {
        for name in ["count", "sum", "avg", "stddev", "stdvar"] {
            let name = format!("histogram_{name}");
            assert_eq!(crate::promql::functions::testing::of_value(&name, &[], 1.0), None, "{name}");
        }
    }
}
