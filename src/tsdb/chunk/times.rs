//! The moments of a chunk: how far each step is from the usual one. Series of one scrape share them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bits::BitWriter;
use super::rice::{self, Parameter};

/// Ascending moments in milliseconds.
#[derive(Debug)]
pub(in crate::tsdb) struct Times {
    from_ms: i64,
    to_ms: i64,
    count: u32,
    parameter: Parameter,
    step_ms: i64,
    bytes: Box<[u8]>,
    meter: Arc<AtomicUsize>,
}

impl Times {
    /// `times` are at least one. What it holds is counted in `meter` for as long as it lives, in a reader's hands too.
    pub(in crate::tsdb) fn encode(times: &[i64], meter: &Arc<AtomicUsize>) -> Self {
        let steps = || times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let mut sorted: Vec<i64> = steps().collect();
        let middle = sorted.len() / 2;
        let step_ms = if sorted.is_empty() { 0 } else { *sorted.select_nth_unstable(middle).1 };
        let numbers: Vec<u64> = steps().map(|step| rice::zigzag(step.wrapping_sub(step_ms))).collect();
        let (parameter, _) = rice::best(&numbers);
        let mut writer = BitWriter::default();
        rice::write(&mut writer, &numbers, parameter);
        let encoded = Times {
            from_ms: times.first().copied().unwrap_or_default(),
            to_ms: times.last().copied().unwrap_or_default(),
            count: u32::try_from(times.len()).unwrap_or(u32::MAX),
            parameter,
            step_ms,
            bytes: writer.finish().into_boxed_slice(),
            meter: Arc::clone(meter),
        };
        meter.fetch_add(encoded.held_bytes(), Ordering::Relaxed);
        encoded
    }

    pub(in crate::tsdb) fn from_ms(&self) -> i64 {
        self.from_ms
    }

    pub(in crate::tsdb) fn to_ms(&self) -> i64 {
        self.to_ms
    }

    pub(in crate::tsdb) fn count(&self) -> usize {
        self.count as usize
    }

    /// Replaces what is in `times`.
    pub(in crate::tsdb) fn decode(&self, times: &mut Vec<i64>) {
        times.resize(self.count(), 0);
        let Some((first, others)) = times.split_first_mut() else { return };
        *first = self.from_ms;
        let mut at_ms = self.from_ms;
        rice::read(&self.bytes, others, self.parameter, |number| {
            at_ms = at_ms.wrapping_add(self.step_ms).wrapping_add(rice::unzigzag(number));
            at_ms
        });
    }

    fn held_bytes(&self) -> usize {
        // With the counters of its `Arc`, and what an allocator rounds up.
        size_of::<Times>() + self.bytes.len() + 32
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        self.meter.fetch_sub(self.held_bytes(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(times: &[i64]) -> (Vec<i64>, usize) {
        let meter = Arc::new(AtomicUsize::new(0));
        let encoded = Times::encode(times, &meter);
        let mut decoded = vec![7];
        encoded.decode(&mut decoded);
        assert_eq!((encoded.from_ms(), encoded.to_ms()), (times[0], times[times.len() - 1]));
        assert_eq!(meter.load(Ordering::Relaxed), encoded.held_bytes());
        let bytes = encoded.bytes.len();
        drop(encoded);
        assert_eq!(meter.load(Ordering::Relaxed), 0);
        (decoded, bytes)
    }

    proptest! {
        #[test]
        fn any_moments_come_back(mut times in prop::collection::vec(any::<i64>(), 1..150)) {
            times.sort_unstable();
            prop_assert_eq!(round_trip(&times).0, times);
        }
    }

    #[test]
    fn regular_moments_take_nothing_and_a_millisecond_of_jitter_little() {
        let at = |jitter: fn(i64) -> i64| -> Vec<i64> { (0..120).map(|i| i * 1000 + jitter(i)).collect() };
        let bytes = |times: Vec<i64>| round_trip(&times).1;
        assert_eq!(bytes(at(|_| 0)), 0);
        assert!(bytes(at(|i| [0, 1, 0, 2, 1, 0, 1][i as usize % 7])) <= 120 * 3 / 8);
        assert!(bytes(at(|i| i * i * 7919 % 21)) <= 120 * 7 / 8);
        // Scrapes that were missed.
        assert!(bytes(at(|i| if i > 60 { 10_000 } else { 0 })) <= 25);
    }
}
