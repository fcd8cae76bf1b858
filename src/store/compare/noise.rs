//! What chance and the machine make of one and the same target: a difference has to be larger than that.
//!
//! Three bounds at once, as each alone is wrong somewhere. *Relative*: between two runs a machine is easily some
//! percent faster or slower, whatever the number of samples. *Absolute*: below a millisecond the scheduler of the
//! operating system makes the difference. *Statistical*: few samples scatter; four standard errors, as a comparison
//! has dozens of values and each has its chance to be an accident.

/// What a statistic of a trend takes to be judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judged {
    pub(super) stat: &'static str,
    /// Ten samples beyond a percentile.
    min_samples: f64,
    /// Differences of times smaller than this are none.
    floor_ms: f64,
    /// Its standard error for one sample, in standard deviations of a normal distribution: sqrt(q(1-q)) over the
    /// density at the quantile.
    error: f64,
}

/// What of a trend is judged. A maximum is a single sample, and p(99) nearly is.
pub(super) const JUDGED: [Judged; 4] = [
    Judged { stat: "avg", min_samples: 30.0, floor_ms: 0.5, error: 1.0 },
    Judged { stat: "med", min_samples: 30.0, floor_ms: 0.5, error: 1.25 },
    Judged { stat: "p(90)", min_samples: 100.0, floor_ms: 1.0, error: 1.71 },
    Judged { stat: "p(95)", min_samples: 200.0, floor_ms: 1.0, error: 2.11 },
];
/// Shown as worse or better, too, but deciding nothing.
pub(super) const SHOWN: [Judged; 1] =
    [Judged { stat: "p(99)", min_samples: 1000.0, floor_ms: 2.0, error: 3.74 }];

const RELATIVE: f64 = 0.1;
/// Of throughput, which carries the noise of all that is done beside the exchanges.
const RELATIVE_THROUGHPUT: f64 = 0.15;
const STANDARD_ERRORS: f64 = 4.0;
/// From the median to p(90) of a normal distribution, in standard deviations.
const P90_DEVIATIONS: f64 = 1.2816;
/// Of shares: a tenth of a percent.
const SHARE_FLOOR: f64 = 0.001;
/// Of events that a throughput is made of.
const MIN_EVENTS: f64 = 100.0;

/// A trend, as far as noise is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) count: f64,
    pub(super) med: f64,
    pub(super) p90: f64,
}

impl Spread {
    /// Of one sample. A tail that is heavier than a normal one is wider than this says; the other bounds are there for it.
    fn deviation(&self) -> f64 {
        ((self.p90 - self.med) / P90_DEVIATIONS).max(0.0)
    }

    fn squared_error(&self) -> f64 {
        self.deviation().powi(2) / self.count
    }
}

/// A statistic of two trends: whether it differs; `None` if there are too few samples to tell.
pub(super) fn trends_differ(
    judged: Judged,
    is_time: bool,
    (a, spread_a): (f64, Spread),
    (b, spread_b): (f64, Spread),
) -> Option<bool> {
    if spread_a.count.min(spread_b.count) < judged.min_samples {
        return None;
    }
    let chance =
        STANDARD_ERRORS * judged.error * (spread_a.squared_error() + spread_b.squared_error()).sqrt();
    let floor = if is_time { judged.floor_ms } else { 0.0 };
    let bound = chance.max(floor).max(RELATIVE * a.abs());
    Some((b - a).abs() >= bound && a != b)
}

/// Two shares of so many.
pub(super) fn shares_differ((a, of_a): (f64, f64), (b, of_b): (f64, f64)) -> Option<bool> {
    if of_a.min(of_b) < 30.0 {
        return None;
    }
    // As if there had been one more on each side, so that none at all is not certainty.
    let pooled = (a * of_a + b * of_b + 1.0) / (of_a + of_b + 2.0);
    let chance = STANDARD_ERRORS * (pooled * (1.0 - pooled) * (1.0 / of_a + 1.0 / of_b)).sqrt();
    Some((b - a).abs() >= chance.max(SHARE_FLOOR))
}

/// Two throughputs, each with the number of events it is made of.
pub(super) fn rates_differ((a, events_a): (f64, f64), (b, events_b): (f64, f64)) -> Option<bool> {
    if events_a.max(events_b) < MIN_EVENTS {
        return None;
    }
    let squared_error = |rate: f64, events: f64| rate.powi(2) / events.max(1.0);
    let chance = STANDARD_ERRORS * (squared_error(a, events_a) + squared_error(b, events_b)).sqrt();
    Some((b - a).abs() >= chance.max(RELATIVE_THROUGHPUT * a.max(b)))
}

/// Two averages of few values (probes), whose scatter nobody knows.
pub(super) fn averages_differ((a, count_a): (f64, f64), (b, count_b): (f64, f64)) -> Option<bool> {
    if count_a.min(count_b) < 5.0 {
        return None;
    }
    Some((b - a).abs() >= RELATIVE * a.abs() && a != b)
}
