//! Quantiles and fractions of the buckets of a classic histogram (Prometheus' `promql/quantile.go`).

use std::cmp::Ordering;

/// How many observations were not above a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) upper_bound: f64,
    pub(super) count: f64,
}

/// Where counts fell from one bound to the next, although they add up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mended {
    pub(super) lowest_bound: f64,
    pub(super) highest_bound: f64,
    pub(super) max_diff: f64,
}

/// Relative differences of neighbouring counts below this are taken for lost digits.
const SMALL_DELTA: f64 = 1e-12;

/// `BucketQuantile`: observations are thought to be spread evenly within a bucket, and the lowest bucket to begin at
/// zero if its bound is above. In the last bucket the bound before it is the best there is to say.
///
/// NaN without a `+Inf` bucket or another beside it, without observations, and for a NaN `q`.
pub(super) fn quantile(q: f64, buckets: Vec<Bucket>) -> (f64, Option<Mended>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    let Some(mut buckets) = sorted(buckets) else { return (f64::NAN, None) };
    let mended = mend(&mut buckets);
    let [.., penultimate, last] = &buckets[..] else { return (f64::NAN, mended) };
    if last.count == 0.0 {
        return (f64::NAN, mended);
    }
    let rank = q * last.count;
    let finite = &buckets[..buckets.len() - 1];
    let below = |bucket: &Bucket| bucket.count.partial_cmp(&rank).is_none_or(Ordering::is_lt);
    let at = finite.partition_point(below);
    let value = match finite.get(at) {
        None => penultimate.upper_bound,
        Some(lowest) if at == 0 && lowest.upper_bound <= 0.0 => lowest.upper_bound,
        Some(bucket) => {
            let below = at.checked_sub(1).map(|before| finite[before]);
            let Bucket { upper_bound: from, count: passed } =
                below.unwrap_or(Bucket { upper_bound: 0.0, count: 0.0 });
            from + (bucket.upper_bound - from) * ((rank - passed) / (bucket.count - passed))
        }
    };
    (value, mended)
}

/// `BucketFraction`: the share of observations above `lower` and not above `upper`.
pub(super) fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = sorted(buckets) else { return f64::NAN };
    let count = buckets.last().map_or(0.0, |last| last.count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let below = |bound: f64| {
        observations_below(bound, &buckets).map_or(count, |below| if below > count { count } else { below })
    };
    (below(upper) - below(lower)) / count
}

/// None where the bound lies beyond all buckets.
fn observations_below(bound: f64, buckets: &[Bucket]) -> Option<f64> {
    // Positive observations only, unless the lowest bound says otherwise.
    let lowest =
        if buckets.first().is_some_and(|first| first.upper_bound <= 0.0) { f64::NEG_INFINITY } else { 0.0 };
    let mut below = Bucket { upper_bound: lowest, count: 0.0 };
    for bucket in buckets {
        if below.upper_bound >= bound {
            return Some(below.count);
        }
        if bucket.upper_bound > bound {
            // Nothing can be said of where in a bucket without an end something lies.
            if below.upper_bound == f64::NEG_INFINITY {
                return Some(bucket.count);
            }
            let share = (bound - below.upper_bound) / (bucket.upper_bound - below.upper_bound);
            return Some(below.count + (bucket.count - below.count) * share);
        }
        below = *bucket;
    }
    None
}

/// By bound, buckets of one bound added up; none without a `+Inf` bucket.
fn sorted(mut buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    if buckets.last()?.upper_bound != f64::INFINITY {
        return None;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper_bound == kept.upper_bound;
        if same {
            kept.count += next.count;
        }
        same
    });
    Some(buckets)
}

/// `ensureMonotonicAndIgnoreSmallDeltas`: counts that fall are raised to the one before.
fn mend(buckets: &mut [Bucket]) -> Option<Mended> {
    let mut mended: Option<Mended> = None;
    let mut before = buckets.first()?.count;
    for bucket in buckets.iter_mut().skip(1) {
        if bucket.count == before {
            continue;
        }
        if almost_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            let Bucket { upper_bound, count } = *bucket;
            let all = mended.get_or_insert(Mended {
                lowest_bound: upper_bound,
                highest_bound: upper_bound,
                max_diff: 0.0,
            });
            all.lowest_bound = all.lowest_bound.min(upper_bound);
            all.highest_bound = all.highest_bound.max(upper_bound);
            all.max_diff = all.max_diff.max(before - count);
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    mended
}

/// Prometheus' `almost.Equal`.
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DELTA
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1:5 +Inf:6`: bounds and counts.
    fn buckets(text: &str) -> Vec<Bucket> {
        let bucket = |item: &str| {
            let (bound, count) = item.split_once(':').unwrap();
            Bucket { upper_bound: bound.parse().unwrap(), count: count.parse().unwrap() }
        };
        text.split_whitespace().map(bucket).collect()
    }

    #[test]
    fn quantiles_lie_within_their_bucket() {
        for (q, text, expected) in [
            (0.5, "1:10 2:20 +Inf:20", 1.0),
            (0.75, "1:10 2:20 +Inf:20", 1.5),
            (0.25, "1:10 2:20 +Inf:20", 0.5),
            (0.0, "1:10 2:20 +Inf:20", 0.0),
            (1.0, "1:10 2:20 +Inf:20", 2.0),
            // Unsorted, and two that say the same bound.
            (0.75, "+Inf:20 2:12 1:10 2:8", 1.5),
            // In the last bucket: the bound before it.
            (0.9, "1:1 2:2 +Inf:20", 2.0),
            (0.9, "1:1 +Inf:20", 1.0),
            // A lowest bound that is not above zero is all there is to say.
            (0.1, "-5:10 0:20 +Inf:20", -5.0),
            (0.75, "-5:10 0:20 +Inf:20", -2.5),
            (0.1, "0:10 5:20 +Inf:20", 0.0),
            (-1.0, "1:10 +Inf:20", f64::NEG_INFINITY),
            (2.0, "1:10 +Inf:20", f64::INFINITY),
            (0.5, "1:1 2:2 +Inf:NaN", 2.0),
        ] {
            assert_eq!(quantile(q, buckets(text)).0, expected, "{q} of {text}");
        }
        for (q, text) in
            [(f64::NAN, "1:1 +Inf:1"), (0.5, "1:1 2:2"), (0.5, "+Inf:3"), (0.5, "1:0 +Inf:0"), (0.5, "")]
        {
            assert!(quantile(q, buckets(text)).0.is_nan(), "{q} of {text}");
        }
    }

    #[test]
    fn counts_that_fall_are_raised() {
        let mended =
            |lowest_bound, highest_bound, max_diff| Some(Mended { lowest_bound, highest_bound, max_diff });
        for (text, after, expected) in [
            ("1:1 2:2 +Inf:3", "1:1 2:2 +Inf:3", None),
            ("1:5 2:3 3:4 +Inf:6", "1:5 2:5 3:5 +Inf:6", mended(2.0, 3.0, 2.0)),
            ("1:5 2:4 +Inf:4", "1:5 2:5 +Inf:5", mended(2.0, f64::INFINITY, 1.0)),
            // What may be lost digits is mended without a word, upwards and downwards.
            ("1:1000000000000 2:999999999999.9 +Inf:1000000000000.1", "1:1e12 2:1e12 +Inf:1e12", None),
        ] {
            let mut counted = buckets(text);
            assert_eq!(mend(&mut counted), expected, "{text}");
            assert_eq!(counted, buckets(after), "{text}");
        }
    }

    #[test]
    fn fractions_are_interpolated() {
        let text = "1:10 2:20 4:40 +Inf:50";
        for (lower, upper, text, expected) in [
            (0.0, 1.0, text, 0.2),
            (0.0, 0.5, text, 0.1),
            (1.0, 3.0, text, 0.4),
            (-1.0, 2.0, text, 0.4),
            (f64::NEG_INFINITY, f64::INFINITY, text, 1.0),
            (4.0, f64::INFINITY, text, 0.2),
            // In the last bucket nothing is counted.
            (4.0, 1e9, text, 0.0),
            (3.0, 3.0, text, 0.0),
            (3.0, 1.0, text, 0.0),
            // Below a lowest bound that is not above zero all of its bucket counts.
            (f64::NEG_INFINITY, -7.0, "-5:10 0:20 +Inf:20", 0.5),
            (-7.0, -2.5, "-5:10 0:20 +Inf:20", 0.25),
        ] {
            assert_eq!(fraction(lower, upper, buckets(text)), expected, "({lower}, {upper}] of {text}");
        }
        for (lower, text) in [(f64::NAN, "1:1 +Inf:1"), (0.0, "1:1 2:2"), (0.0, "1:0 +Inf:0"), (0.0, "")] {
            assert!(fraction(lower, 1.0, buckets(text)).is_nan(), "{lower} of {text}");
        }
    }

    #[test]
    fn almost_equal_is_relative() {
        for (a, b, expected) in [
            (1.0, 1.0, true),
            (1.0, 1.0 + 1e-13, true),
            (1.0, 1.0 + 1e-11, false),
            (0.0, 1e-300, false),
            (f64::NAN, f64::NAN, true),
            (f64::MAX, -f64::MAX, false),
        ] {
            assert_eq!(almost_equal(a, b), expected, "{a} {b}");
        }
    }
}
