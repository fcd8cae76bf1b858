//! How much a stored sample takes.

use super::*;

/// About normally distributed, around 0.
fn noise(rng: &mut fastrand::Rng, deviation: f64) -> f64 {
    deviation * ((0..12).map(|_| rng.f64()).sum::<f64>() - 6.0)
}

/// Bytes per sample of 64 series over an hour of ticks with some milliseconds of jitter; labels and index included.
fn measured(mut next: impl FnMut(&mut fastrand::Rng, usize, f64) -> f64) -> f64 {
    let store = Store::new(usize::MAX / 2);
    let mut rng = fastrand::Rng::with_seed(4);
    let mut values: Vec<(usize, f64)> = (0..64).map(|i| (i, 0.0)).collect();
    for tick in 0..3600 {
        for (i, value) in &mut values {
            *value = next(&mut rng, *i, *value);
        }
        store.scrape(&origin("a"), tick * 1000 + rng.i64(0..5), &[gauges("m", values.iter().copied())]);
    }
    let stats = store.stats();
    assert_eq!(stats.samples, 64 * 3600);
    stats.bytes as f64 / stats.samples as f64
}

/// The rows' weights are those of a run with histograms of 17 buckets: an allocator that counts says 2.2 bytes of such
/// a mix, where the store says 2.3.
#[test]
fn a_sample_of_what_load_tests_measure_takes_few_bytes() {
    type Next = fn(&mut fastrand::Rng, usize, f64) -> f64;
    let kinds: [(&str, f64, f64, Next); 8] = [
        ("constant", 1.3, 4.0, |_, i, _| i as f64 / 3.0),
        ("requests, some hundred a second", 2.2, 12.0, |rng, i, value| {
            value + (100.0 + i as f64 * 10.0 + noise(rng, 15.0)).round().max(0.0)
        }),
        ("a bucket that few fall into", 1.5, 6.0, |rng, _, value| {
            value + f64::from(u8::from(rng.u8(..) < 20))
        }),
        ("bytes received", 3.4, 0.5, |rng, _, value| value + 731.0 * (200.0 + noise(rng, 14.0)).round()),
        ("resident memory in pages", 2.7, 0.5, |rng, _, _| 4096.0 * (30_000.0 + noise(rng, 200.0)).round()),
        ("a ratio with three digits", 2.4, 0.5, |rng, _, _| (400.0 + noise(rng, 50.0)).round() / 1000.0),
        ("a sum of nanoseconds", 5.0, 1.0, |rng, _, value| {
            ((value + 3.0 + noise(rng, 0.1)) * 1e9).round() / 1e9
        }),
        ("all bits noise", 7.1, 0.5, |rng, _, _| 100.0 + noise(rng, 0.3)),
    ];
    let (mut all, mut weights) = (0.0, 0.0);
    for (what, most, weight, next) in kinds {
        let bytes = measured(next);
        assert!(bytes <= most && bytes > most - 0.3, "{what}: {bytes:.2} bytes a sample, not {most}");
        (all, weights) = (all + bytes * weight, weights + weight);
    }
    assert!(all / weights <= 2.3, "{:.2} bytes a sample", all / weights);
}
