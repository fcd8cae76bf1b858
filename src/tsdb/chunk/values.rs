//! The values of a chunk, each bit of them. What a load test measures is mostly whole numbers or short decimals, and
//! these are written as whole numbers; everything else by its bits. The differences go through [`super::rice`].

use super::bits::BitWriter;
use super::rice::{self, Parameter};

/// More values than this that are no such decimals, and all are written by their bits.
const MAX_ODD: usize = 6;
const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

const CONSTANT: u8 = 0;
/// A number over a power of ten; values that are not of this form stand apart.
const DECIMAL: u8 = 1;
/// The value's bits as a number.
const BITS: u8 = 2;
/// The differences of differences are written: what grows steadily. Otherwise the differences.
const STEADY: u8 = 0x80;

/// form, power, shift, parameter, how many odd ones; first number, first difference; the odd ones; the rest.
const HEADER: usize = 5 + 8 + 8;
/// Position and bits of a value that is not of the form.
const ODD: usize = 1 + 8;

/// At least one value, at most 256.
pub(super) fn encode(values: &[f64]) -> Vec<u8> {
    let first = values.first().copied().unwrap_or_default().to_bits();
    if values.iter().all(|value| value.to_bits() == first) {
        return [&[CONSTANT][..], &first.to_le_bytes()].concat();
    }
    let (form, Decimals { scale, numbers, odd }) = match decimals(values) {
        Some(decimals) => (DECIMAL, decimals),
        None => {
            let numbers = values.iter().map(|value| value.to_bits().cast_signed()).collect();
            (BITS, Decimals { scale: 0, numbers, odd: Vec::new() })
        }
    };
    let steps = || numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    // Whole pages, floats of 32 bits: what is zero in all differences is not written.
    let shift = steps().fold(0, |all, step| all | step).trailing_zeros() % 64;
    let differences: Vec<i64> = steps().map(|step| step >> shift).collect();
    let changes: Vec<u64> = differences.iter().map(|difference| rice::zigzag(*difference)).collect();
    let turns: Vec<u64> =
        differences.windows(2).map(|pair| rice::zigzag(pair[1].wrapping_sub(pair[0]))).collect();
    let (by_change, by_turn) = (rice::best(&changes), rice::best(&turns));
    // The first difference takes 8 bytes that changes do without.
    let steady = by_turn.1 + 64 < by_change.1;
    let ((parameter, bits), coded) = if steady { (by_turn, turns) } else { (by_change, changes) };

    let mut bytes = Vec::with_capacity(HEADER + odd.len() * ODD + bits.div_ceil(8) as usize);
    let [shift, count_odd] = [shift.to_le_bytes()[0], odd.len().to_le_bytes()[0]];
    bytes.extend([if steady { form | STEADY } else { form }, scale, shift, parameter.0, count_odd]);
    bytes.extend(numbers.first().copied().unwrap_or_default().to_le_bytes());
    if steady {
        bytes.extend(differences.first().copied().unwrap_or_default().to_le_bytes());
    }
    for (at, bits) in odd {
        bytes.push(at);
        bytes.extend(bits.to_le_bytes());
    }
    let mut writer = BitWriter::after(bytes);
    rice::write(&mut writer, &coded, parameter);
    writer.finish()
}

struct Decimals {
    /// The exponent of the power of ten.
    scale: u8,
    /// Where the value is odd, the number before again.
    numbers: Vec<i64>,
    /// Positions and bits.
    odd: Vec<(u8, u64)>,
}

/// With the lowest power of ten with which (nearly) all values are whole numbers.
fn decimals(values: &[f64]) -> Option<Decimals> {
    (0_u8..).zip(POWERS).find_map(|(scale, power)| {
        let (mut numbers, mut odd) = (Vec::with_capacity(values.len()), Vec::new());
        for (at, value) in values.iter().enumerate() {
            let number = (value * power).round() as i64;
            if (number as f64 / power).to_bits() == value.to_bits() {
                numbers.push(number);
            } else if odd.len() < MAX_ODD.min(values.len() / 2) {
                numbers.push(numbers.last().copied().unwrap_or_default());
                odd.push((at.to_le_bytes()[0], value.to_bits()));
            } else {
                return None;
            }
        }
        Some(Decimals { scale, numbers, odd })
    })
}

/// Fills `values`. What bytes that [`encode`] did not write do not say stays as it is.
pub(super) fn decode(bytes: &[u8], values: &mut [f64]) {
    read(bytes, values);
}

fn read(mut bytes: &[u8], values: &mut [f64]) -> Option<()> {
    let [form] = take(&mut bytes)?;
    if form == CONSTANT {
        values.fill(f64::from_bits(u64::from_le_bytes(take(&mut bytes)?)));
        return Some(());
    }
    let [scale, shift, parameter, odd] = take(&mut bytes)?;
    let first = i64::from_le_bytes(take(&mut bytes)?);
    let steady = match form & STEADY {
        0 => None,
        _ => Some(i64::from_le_bytes(take(&mut bytes)?)),
    };
    let (apart, bytes) = bytes.split_at_checked(usize::from(odd) * ODD)?;
    let numbers =
        Numbers { first, steady, shift: u32::from(shift % 64), parameter: Parameter(parameter), bytes };
    if form & !STEADY == DECIMAL {
        let power = *POWERS.get(usize::from(scale))?;
        // Nearly all are whole numbers, and division is the slowest step.
        if scale == 0 {
            numbers.read(values, |number| number as f64)?;
        } else {
            numbers.read(values, |number| number as f64 / power)?;
        }
    } else {
        numbers.read(values, |number| f64::from_bits(number.cast_unsigned()))?;
    }
    for odd in apart.chunks_exact(ODD) {
        let (at, bits) = odd.split_first()?;
        *values.get_mut(usize::from(*at))? = f64::from_bits(u64::from_le_bytes(bits.try_into().ok()?));
    }
    Some(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

/// What the header says of the numbers, and what follows.
struct Numbers<'a> {
    first: i64,
    /// The first difference, where differences of differences follow.
    steady: Option<i64>,
    shift: u32,
    parameter: Parameter,
    bytes: &'a [u8],
}

impl Numbers<'_> {
    #[inline]
    fn read(self, values: &mut [f64], value: impl Fn(i64) -> f64) -> Option<()> {
        let Numbers { first, steady, shift, parameter, bytes } = self;
        let grown_by = |grown: i64| value(first.wrapping_add(grown << shift));
        let (slot, values) = values.split_first_mut()?;
        *slot = value(first);
        let mut grown = steady.unwrap_or_default();
        if let Some(mut difference) = steady {
            let (slot, values) = values.split_first_mut()?;
            *slot = grown_by(grown);
            rice::read(bytes, values, parameter, |turn| {
                difference = difference.wrapping_add(rice::unzigzag(turn));
                grown = grown.wrapping_add(difference);
                grown_by(grown)
            });
        } else {
            rice::read(bytes, values, parameter, |change| {
                grown = grown.wrapping_add(rice::unzigzag(change));
                grown_by(grown)
            });
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::promql::STALE;

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    fn round_trip(values: &[f64]) -> usize {
        let bytes = encode(values);
        let mut decoded = vec![0.5; values.len()];
        decode(&bytes, &mut decoded);
        assert_eq!(bits(&decoded), bits(values), "{values:?}");
        bytes.len()
    }

    /// Values as they come: runs of one kind, with others in between.
    fn any_values() -> impl Strategy<Value = Vec<f64>> {
        let special = prop::sample::select(vec![
            f64::from_bits(0x7ff8_0000_0000_0001),
            STALE,
            -0.0,
            0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::from_bits(1),
            9_007_199_254_740_993.0,
            -1e300,
            9.3e18,
        ]);
        let value = prop_oneof![
            3 => any::<i16>().prop_map(f64::from),
            2 => any::<i32>().prop_map(|number| f64::from(number) / 1000.0),
            2 => any::<u64>().prop_map(f64::from_bits),
            1 => any::<f32>().prop_map(f64::from),
            1 => special,
        ];
        let run = prop_oneof![
            prop::collection::vec(value.clone(), 1..10),
            (value.clone(), 1_usize..60).prop_map(|(value, times)| vec![value; times]),
            (value, any::<i16>(), 1_usize..60)
                .prop_map(|(from, by, times)| (0..times).map(|i| from + i as f64 * f64::from(by)).collect()),
        ];
        prop::collection::vec(run, 1..5).prop_map(|runs| {
            let mut values = runs.concat();
            values.truncate(240);
            values
        })
    }

    proptest! {
        #[test]
        fn every_bit_of_every_value_comes_back(values in any_values()) {
            round_trip(&values);
        }

        #[test]
        fn foreign_bytes_give_anything_but_no_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            count in 0_usize..240,
        ) {
            decode(&bytes, &mut vec![0.0; count]);
        }
    }

    #[test]
    fn a_column_takes_what_its_values_need() {
        let column =
            |value: fn(i32) -> f64| -> usize { round_trip(&(0..120).map(value).collect::<Vec<_>>()) };
        let noise = |i: i32| f64::from(i.wrapping_mul(7919).rem_euclid(101));
        assert_eq!(column(|_| f64::NAN), 9);
        assert_eq!(column(|i| f64::from(i) * 100.0), 21);
        assert!(column(|i| f64::from(i) / 10.0) <= 21);
        let counter: Vec<f64> = (0..120).map(|i| f64::from(i) * 1000.0 + noise(i)).collect();
        assert!(round_trip(&counter) <= 21 + 120 * 9 / 8, "{}", round_trip(&counter));
        // Staleness in between does not cost the others their form.
        let mut gaps = counter.clone();
        (gaps[0], gaps[40], gaps[119]) = (STALE, STALE, f64::NAN);
        assert!(round_trip(&gaps) <= round_trip(&counter) + 3 * 30);
        assert!(column(|i| 4096.0 * (i * i % 8) as f64) <= 21 + 120 * 4 / 8);
        // 24 bits that came from a `f32`.
        assert!(column(|i| f64::from((f64::from(i).sin() + 2.0) as f32)) <= 21 + 120 * 26 / 8);
        assert!(column(|i| f64::from(i).sin() + 2.0) <= 21 + 120 * 54 / 8);
    }
}
