//! A stretch of one series, compressed: about 120 points, as in Prometheus, in two columns. Pure; nothing is lost.

mod bits;
mod rice;
mod times;
mod values;

use std::sync::Arc;

pub(super) use times::Times;

use crate::promql::{Point, TimeRange, is_stale};

/// Never changed once it is made, so readers share it.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    times: Arc<Times>,
    values: Arc<[u8]>,
}

impl Chunk {
    /// How many points a chunk takes. Above [`u8::MAX`] it could not say where odd values are.
    pub(super) const POINTS: usize = 120;

    pub(super) fn new(times: Arc<Times>, values: &[f64]) -> Self {
        debug_assert_eq!(times.count(), values.len());
        Chunk { times, values: values::encode(values).into() }
    }

    pub(super) fn times(&self) -> &Arc<Times> {
        &self.times
    }

    pub(super) fn overlaps(&self, range: TimeRange) -> bool {
        self.times.from_ms() <= range.to_ms && self.times.to_ms() >= range.from_ms
    }

    pub(super) fn points(&self) -> usize {
        self.times.count()
    }

    /// Without its times, which others may share: what it is in its series' list, and its values with the counters
    /// of their `Arc` and what an allocator rounds up.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Chunk>() + self.values.len() + 24
    }
}

/// Decodes chunks one after the other, and the times that many share once.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    known: Vec<(Option<Arc<Times>>, Vec<i64>)>,
    values: Vec<f64>,
}

impl Decoder {
    /// A power of two: more than the chunks of an hour of one series.
    const KNOWN: usize = 64;

    /// Adds the chunk's points that lie in the range.
    pub(super) fn decode(&mut self, chunk: &Chunk, range: TimeRange, points: &mut Vec<Point>) {
        self.known.resize_with(Decoder::KNOWN, Default::default);
        // Neighbours on the heap are some hundred bytes apart.
        let address = Arc::as_ptr(&chunk.times).addr();
        let place = (address >> 4 ^ address >> 10) % Decoder::KNOWN;
        let Some((of, times)) = self.known.get_mut(place) else { return };
        if !of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &chunk.times)) {
            chunk.times.decode(times);
            *of = Some(Arc::clone(&chunk.times));
        }
        self.values.resize(times.len(), 0.0);
        values::decode(&chunk.values, &mut self.values);
        let first = times.partition_point(|at_ms| *at_ms < range.from_ms);
        let end = times.partition_point(|at_ms| *at_ms <= range.to_ms);
        let times = times.get(first..end).unwrap_or_default();
        let values = self.values.get(first..end).unwrap_or_default();
        let point = |(at_ms, value): (&i64, &f64)| Point { at_ms: *at_ms, value: *value };
        points.extend(times.iter().zip(values).map(point));
    }
}

/// Every second point, the last among them, and all staleness markers.
pub(super) fn thinned(points: &[Point]) -> Vec<Point> {
    let last = points.len().saturating_sub(1);
    let stays = |(at, point): &(usize, &Point)| (last - at).is_multiple_of(2) || is_stale(point.value);
    points.iter().enumerate().filter(stays).map(|(_, point)| *point).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::promql::STALE;

    const ALL: TimeRange = TimeRange { from_ms: i64::MIN, to_ms: i64::MAX };

    fn chunk(times: &[i64], values: &[f64]) -> Chunk {
        Chunk::new(Arc::new(Times::encode(times, &Arc::new(AtomicUsize::new(0)))), values)
    }

    fn times(points: &[Point]) -> Vec<i64> {
        points.iter().map(|point| point.at_ms).collect()
    }

    #[test]
    fn a_range_has_both_its_ends() {
        let chunk = chunk(&[10, 20, 30, 40], &[1.0, 2.0, 3.0, 4.5]);
        for (from_ms, to_ms, expected) in [
            (20, 30, &[20, 30][..]),
            (21, 39, &[30]),
            (0, 9, &[]),
            (41, 50, &[]),
            (0, 10, &[10]),
            (31, 39, &[]),
        ] {
            let mut points = Vec::new();
            Decoder::default().decode(&chunk, TimeRange { from_ms, to_ms }, &mut points);
            assert_eq!(times(&points), expected, "{from_ms} to {to_ms}");
        }
    }

    #[test]
    fn one_decoder_keeps_the_times_of_many_chunks_apart() {
        let chunks: Vec<Chunk> = (0..200).map(|i| chunk(&[i, i + 1000], &[i as f64, 0.25])).collect();
        let mut decoder = Decoder::default();
        for (i, chunk) in (0..).zip(&chunks) {
            let mut points = Vec::new();
            decoder.decode(chunk, ALL, &mut points);
            assert_eq!(
                points,
                [Point { at_ms: i, value: i as f64 }, Point { at_ms: i + 1000, value: 0.25 }],
                "chunk {i}"
            );
        }
    }

    #[test]
    fn thinning_keeps_every_second_point_and_all_markers() {
        let point = |(at_ms, value)| Point { at_ms, value };
        let thin = |values: &[f64]| {
            times(&thinned(&(0..).zip(values.iter().copied()).map(point).collect::<Vec<_>>()))
        };
        assert_eq!(thin(&[0.0; 6]), [1, 3, 5]);
        assert_eq!(thin(&[0.0; 5]), [0, 2, 4]);
        assert_eq!(thin(&[STALE, 0.0, STALE, 0.0]), [0, 1, 2, 3]);
        assert_eq!(thin(&[]), Vec::<i64>::new());
    }
}
