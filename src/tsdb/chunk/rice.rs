//! Whole numbers that are mostly near zero, in few bits: Rice's code, with one parameter for each column.
//!
//! A number `u` is written as `u >> k` ones, a zero, and the lowest `k` bits; a rare big one as [`LIMIT`] ones and
//! all its bits.

use super::bits::{BitReader, BitWriter};

/// As many ones say that the number follows as it is.
const LIMIT: u32 = 16;
/// Up to this parameter a number is seen at one glance.
const SHORT: u32 = BitReader::PEEKED - LIMIT;

/// The parameter of a column, `k` above; all numbers of a [`Parameter::ZEROS`] column are zero and take no bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter(pub(super) u8);

impl Parameter {
    pub(super) const ZEROS: Parameter = Parameter(64);
}

/// 0, -1, 1, -2, … as 0, 1, 2, 3, …
pub(super) fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

#[inline]
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The parameter for these numbers, and how many bits they take with it.
pub(super) fn best(numbers: &[u64]) -> (Parameter, u64) {
    // How many numbers have fewer bits than the position says.
    let mut shorter = [0_u64; 72];
    for number in numbers {
        shorter[65 - number.leading_zeros() as usize] += 1;
    }
    if shorter[1] == numbers.len() as u64 {
        return (Parameter::ZEROS, 0);
    }
    for length in 1..shorter.len() {
        shorter[length] += shorter[length - 1];
    }
    // Twice the cost where numbers are spread evenly over those of their length: `ones` are 0, 1, 2.5, 6, 12 then.
    let estimate = |k: &usize| {
        let (within, all) = (shorter[k + 1], numbers.len() as u64);
        let [one, two, three, four] = [1, 2, 3, 4].map(|over| shorter[k + 1 + over] - shorter[k + over]);
        let long = all - shorter[k + 5];
        let ones = 2 * one + 5 * two + 12 * three + 24 * four;
        ones + 2 * (*k as u64 + 1) * (within + one + two + three + four) + 2 * (u64::from(LIMIT) + 64) * long
    };
    let k = (0..64).min_by_key(estimate).unwrap_or_default();
    (Parameter(k.to_le_bytes()[0]), cost(numbers, k))
}

fn cost(numbers: &[u64], k: usize) -> u64 {
    let limit = u64::from(LIMIT);
    let bits = |number: &u64| match number >> k {
        ones if ones < limit => ones + 1 + k as u64,
        _ => limit + 64,
    };
    numbers.iter().map(bits).sum()
}

pub(super) fn write(writer: &mut BitWriter, numbers: &[u64], parameter: Parameter) {
    if parameter == Parameter::ZEROS {
        return;
    }
    let k = u32::from(parameter.0);
    for number in numbers {
        match number >> k {
            ones if ones < u64::from(LIMIT) => {
                let ones = u32::try_from(ones).unwrap_or_default();
                writer.push((1 << ones) - 1, ones + 1);
                writer.push_long(number & ((1 << k) - 1), k);
            }
            _ => {
                writer.push((1 << LIMIT) - 1, LIMIT);
                writer.push_long(*number, 64);
            }
        }
    }
}

/// Fills `slots` with what `make` makes of the numbers.
#[inline]
pub(super) fn read<T>(bytes: &[u8], slots: &mut [T], parameter: Parameter, mut make: impl FnMut(u64) -> T) {
    let mut reader = BitReader::new(bytes);
    let k = u32::from(parameter.0 % 64);
    if parameter == Parameter::ZEROS {
        slots.iter_mut().for_each(|slot| *slot = make(0));
    } else if k <= SHORT {
        let mask = (1 << k) - 1;
        for slot in slots {
            let word = reader.peek();
            let ones = word.trailing_ones();
            *slot = if ones < LIMIT {
                reader.skip(ones + 1 + k);
                make(u64::from(ones) << k | word >> (ones + 1) & mask)
            } else {
                reader.skip(LIMIT);
                make(reader.take(64))
            };
        }
    } else {
        for slot in slots {
            let ones = reader.peek().trailing_ones();
            *slot = if ones < LIMIT {
                reader.skip(ones + 1);
                make(u64::from(ones) << k | reader.take(k))
            } else {
                reader.skip(LIMIT);
                make(reader.take(64))
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(numbers: &[u64]) -> (Vec<u64>, u64, usize) {
        let (parameter, bits) = best(numbers);
        let mut writer = BitWriter::default();
        write(&mut writer, numbers, parameter);
        let bytes = writer.finish();
        let mut read_back = vec![7; numbers.len()];
        read(&bytes, &mut read_back, parameter, |number| number);
        (read_back, bits, bytes.len())
    }

    proptest! {
        #[test]
        fn numbers_of_any_size_come_back(numbers in prop::collection::vec((any::<u64>(), 0_u32..64), 1..200)) {
            let numbers: Vec<u64> = numbers.into_iter().map(|(number, shift)| number >> shift).collect();
            let (read_back, bits, bytes) = round_trip(&numbers);
            prop_assert_eq!(read_back, numbers);
            prop_assert_eq!(bits.div_ceil(8), bytes as u64);
        }

        #[test]
        fn signs_come_back(number in any::<i64>()) {
            prop_assert_eq!(unzigzag(zigzag(number)), number);
        }
    }

    #[test]
    fn small_numbers_take_few_bits() {
        let repeated = |numbers: &[u64]| round_trip(&numbers.repeat(120 / numbers.len())).1;
        assert_eq!(repeated(&[0]), 0);
        assert_eq!(repeated(&[1, 0, 2, 1]), 120 * 2);
        assert_eq!(repeated(&[100, 90, 40, 110]), 120 * 7 + 90);
        // One big number costs what it costs, and the others nothing.
        assert_eq!(round_trip(&[&[u64::MAX][..], &[0; 100]].concat()).1, 80 + 100);
    }
}
