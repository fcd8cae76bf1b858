//! What a look-back costs, before anything is stored.

use std::time::Duration;

use super::slot::OPEN_BYTES;

/// What a series' being there takes: labels, index, its place; generously.
const SERIES_BYTES: usize = 1280;
/// What a stored sample takes in the long run, at most.
const SAMPLE_BYTES: usize = 4;

/// The budget with which `series` series can look back on `range` at samples `interval` apart, never less than it
/// takes. A zero interval counts as a millisecond.
pub fn needed_bytes(series: usize, range: Duration, interval: Duration) -> usize {
    let samples = range.as_millis().div_ceil(interval.as_millis().max(1));
    let samples = usize::try_from(samples).unwrap_or(usize::MAX);
    let there = series.saturating_mul(SERIES_BYTES + OPEN_BYTES);
    let history = series.saturating_mul(SAMPLE_BYTES).saturating_mul(samples);
    // Series may be half of the budget, and history is thinned when an eighth is left.
    there.saturating_mul(2).max(there.saturating_add(history).div_ceil(7).saturating_mul(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rules_need_grows_with_series_range_and_rate() {
        const MIB: usize = 1 << 20;
        for (series, range_secs, interval_secs, below_mib, above_mib) in [
            (0, 3600, 1, 1, 0),
            (1_000, 300, 1, 8, 5),
            (10_000, 300, 1, 80, 55),
            (10_000, 3600, 1, 256, 190),
            (10_000, 3600, 15, 80, 55),
            (100_000, 60, 1, 700, 500),
        ] {
            let secs = Duration::from_secs;
            let needed = needed_bytes(series, secs(range_secs), secs(interval_secs));
            assert!(
                needed < below_mib * MIB && needed >= above_mib * MIB,
                "{series} series over {range_secs} s at {interval_secs} s: {} MiB",
                needed / MIB
            );
        }
        assert_eq!(needed_bytes(usize::MAX, Duration::MAX, Duration::ZERO), usize::MAX);
    }
}
