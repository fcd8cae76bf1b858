//! Samples of some moments as bytes, by series, so that what is alike lies together. Pure; nothing is lost.
//!
//! Three streams follow each other: which series, and where they have samples; whole numbers as differences, a
//! counter's are small; others as bits that changed since the last, in planes of bytes. zstd does the rest.

use std::collections::BTreeMap;

/// All samples of one moment, by the numbers of their series.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Frame {
    pub(super) at_ms: i64,
    pub(super) samples: Vec<(u32, f64)>,
}

/// More than one block ever has.
const MAX_FRAMES: usize = 4096;
/// Whole numbers below it are exact, as are their differences.
const EXACT: f64 = (1_u64 << 53) as f64;

const WHOLE: u8 = 0;
const BITS: u8 = 1;
/// Added to the kind of a series that has a sample at each moment.
const EVERYWHERE: u8 = 2;

pub(super) fn encode(frames: &[Frame]) -> Vec<u8> {
    let mut by_series: BTreeMap<u32, Vec<(usize, f64)>> = BTreeMap::new();
    for (at, frame) in frames.iter().enumerate() {
        for (series, value) in &frame.samples {
            by_series.entry(*series).or_default().push((at, *value));
        }
    }
    let (mut which, mut whole, mut bits) = (Vec::new(), Vec::new(), Vec::new());
    let mut last_series = 0;
    for (series, samples) in &by_series {
        put(&mut which, u64::from(series - last_series));
        last_series = *series;
        let is_whole = samples.iter().all(|(_, value)| is_whole(*value));
        let is_everywhere = samples.len() == frames.len();
        which.push(if is_whole { WHOLE } else { BITS } + if is_everywhere { EVERYWHERE } else { 0 });
        if !is_everywhere {
            let mut present = vec![0_u8; frames.len().div_ceil(8)];
            samples.iter().for_each(|(at, _)| present[at / 8] |= 1 << (at % 8));
            which.extend(present);
        }
        if is_whole {
            let mut last = 0;
            for (_, value) in samples {
                put_signed(&mut whole, *value as i64 - last);
                last = *value as i64;
            }
        } else {
            put_bits(&mut bits, samples);
        }
    }
    let mut bytes = Vec::new();
    put(&mut bytes, frames.len() as u64);
    let mut last = 0;
    for frame in frames {
        put_signed(&mut bytes, frame.at_ms.wrapping_sub(last));
        last = frame.at_ms;
    }
    put(&mut bytes, by_series.len() as u64);
    put(&mut bytes, which.len() as u64);
    put(&mut bytes, whole.len() as u64);
    [which, whole, bits].into_iter().for_each(|stream| bytes.extend(stream));
    bytes
}

/// `None` if that is not what [`encode`] gave.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Frame>> {
    let mut rest = bytes;
    let count = usize::try_from(take(&mut rest)?).ok().filter(|count| *count <= MAX_FRAMES)?;
    let mut frames = Vec::with_capacity(count);
    let mut at_ms = 0_i64;
    for _ in 0..count {
        at_ms = at_ms.wrapping_add(take_signed(&mut rest)?);
        frames.push(Frame { at_ms, samples: Vec::new() });
    }
    let series_count = take(&mut rest)?;
    let which_len = usize::try_from(take(&mut rest)?).ok()?;
    let whole_len = usize::try_from(take(&mut rest)?).ok()?;
    let (mut which, rest) = rest.split_at_checked(which_len)?;
    let (mut whole, mut bits) = rest.split_at_checked(whole_len)?;
    let mut series = 0_u32;
    for _ in 0..series_count {
        series = series.checked_add(u32::try_from(take(&mut which)?).ok()?)?;
        let (kind, others) = which.split_first()?;
        which = others;
        let places: Vec<usize> = if kind & EVERYWHERE == EVERYWHERE {
            (0..count).collect()
        } else {
            let (present, others) = which.split_at_checked(count.div_ceil(8))?;
            which = others;
            (0..count).filter(|at| present[at / 8] & 1 << (at % 8) != 0).collect()
        };
        let values = match kind & !EVERYWHERE {
            WHOLE => take_whole(&mut whole, places.len())?,
            BITS => take_bits(&mut bits, places.len())?,
            _ => return None,
        };
        for (at, value) in places.into_iter().zip(values) {
            frames[at].samples.push((series, value));
        }
    }
    (which.is_empty() && whole.is_empty() && bits.is_empty()).then_some(frames)
}

/// The negative zero has bits of its own.
fn is_whole(value: f64) -> bool {
    value.abs() < EXACT && value.fract() == 0.0 && value.to_bits() != (-0.0_f64).to_bits()
}

fn put_bits(bytes: &mut Vec<u8>, samples: &[(usize, f64)]) {
    let mut last = 0;
    let changed: Vec<[u8; 8]> = samples
        .iter()
        .map(|(_, value)| {
            let changed = value.to_bits() ^ last;
            last = value.to_bits();
            changed.to_le_bytes()
        })
        .collect();
    (0..8).for_each(|plane| bytes.extend(changed.iter().map(|changed| changed[plane])));
}

fn take_bits(rest: &mut &[u8], count: usize) -> Option<Vec<f64>> {
    let (planes, others) = rest.split_at_checked(count.checked_mul(8)?)?;
    *rest = others;
    let mut last = 0;
    let value = |at: usize| {
        let changed: [u8; 8] = std::array::from_fn(|plane| planes[plane * count + at]);
        last ^= u64::from_le_bytes(changed);
        f64::from_bits(last)
    };
    Some((0..count).map(value).collect())
}

fn take_whole(rest: &mut &[u8], count: usize) -> Option<Vec<f64>> {
    let mut last = 0_i64;
    let mut value = || {
        last = last.wrapping_add(take_signed(rest)?);
        Some(last as f64)
    };
    (0..count).map(|_| value()).collect()
}

/// Seven bits a byte, the lowest first.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, others) = rest.split_first()?;
        *rest = others;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Small either way: 0, -1, 1, -2, …
fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, (number << 1 ^ number >> 63).cast_unsigned());
}

fn take_signed(rest: &mut &[u8]) -> Option<i64> {
    let folded = take(rest)?;
    Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
}
