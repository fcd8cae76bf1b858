//! Segments: what falls to one machine of several, worked out by each from its own place alone.
//!
//! k6's striped execution segments. A sequence cuts the whole into parts; things that are counted (users,
//! iterations, arrivals) are dealt out to the parts in a cycle, as evenly as their lengths allow. In each cycle a
//! part takes its first thing as soon as may be, and its next ones as far apart as its length asks for; when
//! several may, the longest does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;

/// The cycle's longest length: a sequence that is cut more finely is refused.
const LONGEST_CYCLE: u64 = 1_000_000;

/// One part of a sequence.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Whole,
    Nothing,
    Part(Part),
}

#[derive(Clone, PartialEq, Eq)]
struct Part {
    sequence: Arc<Sequence>,
    at: usize,
}

#[derive(PartialEq, Eq)]
struct Sequence {
    /// The sum of all lengths, which have no common divisor.
    cycle: u64,
    parts: Vec<Stripe>,
}

#[derive(PartialEq, Eq)]
struct Stripe {
    length: u64,
    /// Which things of a cycle belong to the part, numbered from 0; as many as its length.
    things: Box<[u64]>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    #[error("`{0}` is neither a fraction such as 1/3, a decimal such as 0.25, nor a percentage such as 25%")]
    NotANumber(String),
    #[error(
        "a segment begins before it ends, at 0 at the earliest, and ends at 1 at the latest; `{0}` does not"
    )]
    Empty(String),
    #[error("expected a segment such as 1/3:2/3, found `{0}`")]
    NotASegment(String),
    #[error("expected a part such as 2/3 (the second of three), from 1/N to N/N, found `{0}`")]
    NotAPart(String),
    #[error("expected points that grow from 0 to 1, such as 0,1/3,2/3,1, found `{0}`")]
    NotASequence(String),
    #[error("the segment `{0}` is no part of the sequence `{1}`")]
    NotInSequence(String, String),
    #[error("`{0}` cuts too finely: its fractions have no common denominator up to 1000000")]
    TooFine(String),
}

impl Segment {
    pub const WHOLE: Segment = Segment(Kind::Whole);

    /// Part `part`, from 1, of `of` equal ones.
    ///
    /// # Errors
    /// When there is no such part, or there are more than a million.
    pub fn nth_of(part: u64, of: u64) -> Result<Self, SegmentError> {
        let written = || format!("{part}/{of}");
        if part == 0 || part > of {
            return Err(SegmentError::NotAPart(written()));
        }
        if of > LONGEST_CYCLE {
            return Err(SegmentError::TooFine(written()));
        }
        let at = usize::try_from(part - 1).map_err(|_| SegmentError::TooFine(written()))?;
        Ok(Segment::part(vec![1; at + usize::try_from(of - part).unwrap_or(0) + 1], at))
    }

    /// `2/3`: the second of three equal parts.
    ///
    /// # Errors
    /// When it is no such thing.
    pub fn parse_part(text: &str) -> Result<Self, SegmentError> {
        let wrong = || SegmentError::NotAPart(text.to_owned());
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
        Segment::nth_of(number(part)?, number(of)?)
    }

    /// k6's `--execution-segment`, such as `1/3:2/3`, `25%:0.5` or `1/4` for `0:1/4`; of k6's
    /// `--execution-segment-sequence` such as `0,1/3,2/3,1`, without which the rest is taken as one part before
    /// it and one after it.
    ///
    /// # Errors
    /// When it is not a segment, or not one of the sequence.
    pub fn parse(segment: &str, sequence: Option<&str>) -> Result<Self, SegmentError> {
        let (from, to) = segment.split_once(':').unwrap_or(("0", segment));
        let (from, to) = (Ratio::parse(from)?, Ratio::parse(to)?);
        if from >= to || to > Ratio::ONE {
            return Err(SegmentError::Empty(segment.to_owned()));
        }
        let mut points = match sequence {
            Some(sequence) => sequence.split(',').map(Ratio::parse).collect::<Result<Vec<_>, _>>()?,
            None => vec![from, to],
        };
        if let Some(sequence) = sequence
            && (points.len() < 2 || !points.is_sorted_by(|a, b| a < b) || points.last() > Some(&Ratio::ONE))
        {
            return Err(SegmentError::NotASequence(sequence.to_owned()));
        }
        if points.first() != Some(&Ratio::ZERO) {
            points.insert(0, Ratio::ZERO);
        }
        if points.last() != Some(&Ratio::ONE) {
            points.push(Ratio::ONE);
        }
        let at = points.windows(2).position(|pair| pair == [from, to]).ok_or_else(|| {
            SegmentError::NotInSequence(segment.to_owned(), sequence.unwrap_or_default().to_owned())
        })?;
        let too_fine = || SegmentError::TooFine(sequence.unwrap_or(segment).to_owned());
        let common = points
            .iter()
            .try_fold(1, |common, point| least_common_multiple(common, point.denominator))
            .filter(|common| *common <= LONGEST_CYCLE)
            .ok_or_else(too_fine)?;
        let scaled: Vec<u64> =
            points.iter().map(|point| point.numerator * (common / point.denominator)).collect();
        Ok(Segment::part(scaled.windows(2).map(|pair| pair[1] - pair[0]).collect(), at))
    }

    /// How many of `total` things, numbered from 0, are in this segment. Never falls when `total` grows.
    pub fn scale(&self, total: u64) -> u64 {
        match &self.0 {
            Kind::Whole => total,
            Kind::Nothing => 0,
            Kind::Part(part) => part.sequence.scale(part.at, total),
        }
    }

    /// The number, among all, of the `nth` thing in this segment, both from 0; `None` when it holds nothing.
    pub fn nth(&self, nth: u64) -> Option<u64> {
        match &self.0 {
            Kind::Whole => Some(nth),
            Kind::Nothing => None,
            Kind::Part(part) => {
                let stripe = part.stripe();
                let (cycles, rest) = (nth / stripe.length, nth % stripe.length);
                cycles.checked_mul(part.sequence.cycle)?.checked_add(stripe.things[rest as usize])
            }
        }
    }

    /// The segment whose length is this one's share of `value` whole things: of two users in three equal parts the
    /// first part has a half, the second too, and the third nothing.
    pub fn of_value(&self, value: u64) -> Segment {
        let Kind::Part(part) = &self.0 else {
            return self.clone();
        };
        if value.is_multiple_of(part.sequence.cycle) && value > 0 {
            return self.clone();
        }
        let lengths: Vec<u64> =
            (0..part.sequence.parts.len()).map(|at| part.sequence.scale(at, value)).collect();
        if lengths[part.at] == 0 {
            return Segment(Kind::Nothing);
        }
        let at = lengths[..part.at].iter().filter(|length| **length > 0).count();
        Segment::part(lengths.into_iter().filter(|length| *length > 0).collect(), at)
    }

    /// How much of the whole it is, 0 to 1.
    pub fn fraction(&self) -> f64 {
        match &self.0 {
            Kind::Whole => 1.0,
            Kind::Nothing => 0.0,
            Kind::Part(part) => part.stripe().length as f64 / part.sequence.cycle as f64,
        }
    }

    /// Part `at` of a sequence of parts of these lengths, none of them 0.
    fn part(lengths: Vec<u64>, at: usize) -> Self {
        if lengths.len() == 1 {
            return Segment::WHOLE;
        }
        Segment(Kind::Part(Part { sequence: Arc::new(Sequence::new(lengths)), at }))
    }
}

impl Part {
    fn stripe(&self) -> &Stripe {
        &self.sequence.parts[self.at]
    }
}

impl Sequence {
    fn new(mut lengths: Vec<u64>) -> Self {
        let divisor = lengths.iter().copied().fold(0, greatest_common_divisor).max(1);
        for length in &mut lengths {
            *length /= divisor;
        }
        let cycle = lengths.iter().sum();
        let things = deal(&lengths, cycle);
        let stripe = |(length, things): (u64, Vec<u64>)| Stripe { length, things: things.into() };
        Sequence { cycle, parts: lengths.into_iter().zip(things).map(stripe).collect() }
    }

    fn scale(&self, at: usize, total: u64) -> u64 {
        let Stripe { length, things } = &self.parts[at];
        let rest = total % self.cycle;
        total / self.cycle * length + things.partition_point(|thing| *thing < rest) as u64
    }
}

/// Deals the things of a cycle out. A part that has taken n may take its next one from thing
/// n × cycle ÷ length on; of those that may, the longest takes it, and the first of equally long ones.
fn deal(lengths: &[u64], cycle: u64) -> Vec<Vec<u64>> {
    let mut longest_first: Vec<usize> = (0..lengths.len()).collect();
    longest_first.sort_by_key(|at| Reverse(lengths[*at]));
    let mut taken: Vec<Vec<u64>> =
        lengths.iter().map(|length| Vec::with_capacity(*length as usize)).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..lengths.len()).map(Reverse).collect();
    let mut waiting: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    for thing in 0..cycle {
        while let Some(Reverse((from, rank))) = waiting.peek().copied()
            && from <= thing
        {
            waiting.pop();
            ready.push(Reverse(rank));
        }
        // The parts that may take are never fewer than the things left to be taken.
        let Some(Reverse(rank)) = ready.pop() else { continue };
        let at = longest_first[rank];
        taken[at].push(thing);
        waiting.push(Reverse(((taken[at].len() as u64 * cycle).div_ceil(lengths[at]), rank)));
    }
    taken
}

/// `2 of 3` would not do for unequal parts: `1/3:2/3`.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole => f.write_str("0:1"),
            Kind::Nothing => f.write_str("0:0"),
            Kind::Part(part) => {
                let parts = &part.sequence.parts;
                let before = parts[..part.at].iter().map(|stripe| stripe.length).sum();
                let point = |numerator| Ratio::new(numerator, part.sequence.cycle);
                write!(f, "{}:{}", point(before), point(before + part.stripe().length))
            }
        }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({self})")
    }
}

/// A fraction in its lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    const ZERO: Ratio = Ratio { numerator: 0, denominator: 1 };
    const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };

    /// `denominator` is above 0.
    fn new(numerator: u64, denominator: u64) -> Self {
        let divisor = greatest_common_divisor(numerator, denominator).max(1);
        Ratio { numerator: numerator / divisor, denominator: denominator / divisor }
    }

    fn parse(text: &str) -> Result<Self, SegmentError> {
        let text = text.trim();
        let ratio = match (text.split_once('/'), text.strip_suffix('%')) {
            (Some((numerator, denominator)), _) => digits(numerator).zip(digits(denominator)),
            (None, Some(percent)) => decimal(percent)
                .and_then(|(numerator, denominator)| Some((numerator, denominator.checked_mul(100)?))),
            (None, None) => decimal(text),
        };
        ratio
            .filter(|(_, denominator)| *denominator > 0)
            .map(|(numerator, denominator)| Ratio::new(numerator, denominator))
            .ok_or_else(|| SegmentError::NotANumber(text.to_owned()))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let crossed = |a: &Ratio, b: &Ratio| u128::from(a.numerator) * u128::from(b.denominator);
        crossed(self, other).cmp(&crossed(other, self))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// Only digits: Rust's own grammar takes a plus sign too.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn decimal(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let denominator = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some((digits(&format!("{whole}{fraction}"))?, denominator))
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn least_common_multiple(a: u64, b: u64) -> Option<u64> {
    (a / greatest_common_divisor(a, b)).checked_mul(b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(segment: &str, sequence: &str) -> Segment {
        Segment::parse(segment, (!sequence.is_empty()).then_some(sequence)).unwrap()
    }

    /// k6's own table (`TestGetStripedOffsets`): the first thing, the distances from one to the next until the
    /// cycle begins anew, and the cycle.
    #[test]
    fn things_are_dealt_out_as_in_k6() {
        let tenths = "0,0.3,0.5,0.6,0.7,0.8,0.9,1";
        let others = "0,0.2,0.5,0.6,0.7,0.8,0.9,1";
        for (sequence, part, start, distances, cycle) in [
            (tenths, "0:0.3", 0, vec![4, 3, 3], 10),
            (tenths, "0.3:0.5", 1, vec![4, 6], 10),
            (tenths, "0.5:0.6", 2, vec![10], 10),
            (tenths, "0.6:0.7", 3, vec![10], 10),
            (tenths, "0.8:0.9", 8, vec![10], 10),
            (tenths, "0.9:1", 9, vec![10], 10),
            (others, "0.9:1", 9, vec![10], 10),
            (others, "0:0.2", 1, vec![4, 6], 10),
            (others, "0.6:0.7", 3, vec![10], 10),
            ("0,0.2,0.5", "0:0.2", 3, vec![6, 4], 10),
            ("0,0.2,0.5", "0.2:0.5", 1, vec![4, 2, 4], 10),
            ("0,2/5,4/5", "0:2/5", 0, vec![3, 2], 5),
            ("0,2/5,4/5", "2/5:4/5", 1, vec![3, 2], 5),
            ("", "0:0.2", 1, vec![5], 5),
            ("", "0:1/5", 1, vec![5], 5),
            ("", "0:2/10", 1, vec![5], 5),
            ("", "0:0.4", 1, vec![2, 3], 5),
            ("", "0:2/5", 1, vec![2, 3], 5),
            ("", "2/5:4/5", 1, vec![3, 2], 5),
            ("", "0:4/10", 1, vec![2, 3], 5),
            ("", "1/10:5/10", 1, vec![2, 2, 4, 2], 10),
        ] {
            let segment = segment(part, sequence);
            let nth = |nth| segment.nth(nth).unwrap();
            let found: Vec<u64> = (0..distances.len() as u64).map(|at| nth(at + 1) - nth(at)).collect();
            assert_eq!((nth(0), &found), (start, &distances), "{part} of {sequence}");
            assert_eq!(nth(distances.len() as u64) - nth(0), cycle, "{part} of {sequence}");
        }
    }

    /// The tables in the comment on k6's `ExecutionTuple`.
    #[test]
    fn numbers_are_scaled_as_in_k6() {
        for (part, expected) in [
            ("0:1/2", [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]),
            ("1/2:3/4", [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]),
            ("3/4:1", [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]),
        ] {
            let segment = segment(part, "0,1/2,3/4,1");
            let scaled: Vec<u64> = (1..=12).map(|total| segment.scale(total)).collect();
            assert_eq!(scaled, expected, "{part}");
        }
    }

    #[test]
    fn segments_are_written_in_many_ways() {
        for (written, expected) in [
            ("1/2:3/4", "1/2:3/4"),
            ("0.5:0.75", "1/2:3/4"),
            ("50%:75%", "1/2:3/4"),
            ("2/4:75%", "1/2:3/4"),
            ("20%", "0:1/5"),
            ("0.2", "0:1/5"),
            ("1/5", "0:1/5"),
            ("12.5%", "0:1/8"),
            ("0:1", "0:1"),
            ("1", "0:1"),
            (" 1/3 : 2/3 ", "1/3:2/3"),
        ] {
            assert_eq!(segment(written, "").to_string(), expected, "{written}");
        }
        assert_eq!(Segment::parse_part("2/3"), Segment::parse("1/3:2/3", Some("0,1/3,2/3,1")));
        assert_eq!(Segment::parse_part("1/1"), Ok(Segment::WHOLE));
    }

    #[test]
    fn what_is_no_segment_is_refused() {
        for (written, sequence) in [
            ("", None),
            ("x", None),
            ("-1/2:1", None),
            ("+1/2", None),
            ("1/0", None),
            ("0.", Some("0,1/2,1")),
            ("1/2:1/2", None),
            ("3/4:1/2", None),
            ("1/2:3/2", None),
            ("0:0", None),
            ("1/3:1/2", Some("0,1/3,2/3,1")),
            ("0:1/3", Some("")),
            ("0:1/3", Some("0")),
            ("0:1/3", Some("0,1/3,1/3,1")),
            ("0:1/3", Some("0,1/3,2")),
            ("0:0.0000001", None),
            ("0:0.00000000000000000000001", None),
            ("99999999999999999999999/2", None),
        ] {
            let refused = Segment::parse(written, sequence);
            assert!(refused.is_err(), "{written:?} of {sequence:?} is {refused:?}");
        }
        for written in [
            "",
            "0/3",
            "4/3",
            "1",
            "-1/3",
            "1/0",
            "a/b",
            "1/2000000",
            "18446744073709551615/18446744073709551615",
        ] {
            let refused = Segment::parse_part(written);
            assert!(refused.is_err(), "{written:?} is {refused:?}");
        }
    }

    #[test]
    fn a_million_parts_are_dealt_out_at_once() {
        let last = Segment::nth_of(1_000_000, 1_000_000).unwrap();
        assert_eq!((last.nth(0), last.nth(1), last.scale(999_999)), (Some(999_999), Some(1_999_999), 0));
    }

    /// All parts of a random sequence.
    fn sequence() -> impl Strategy<Value = Vec<Segment>> {
        prop::collection::vec(1_u64..40, 1..9)
            .prop_map(|lengths| (0..lengths.len()).map(|at| Segment::part(lengths.clone(), at)).collect())
    }

    proptest! {
        #[test]
        fn the_parts_of_a_number_are_exactly_the_number(parts in sequence(), total in 0_u64..10_000) {
            let sum: u64 = parts.iter().map(|part| part.scale(total)).sum();
            prop_assert_eq!(sum, total);
            for part in &parts {
                let exact = total as f64 * part.fraction();
                prop_assert!((part.scale(total) as f64 - exact).abs() <= parts.len() as f64);
            }
        }

        #[test]
        fn each_thing_is_in_exactly_one_part(parts in sequence(), total in 0_u64..1_000) {
            let things = |part: &Segment| -> Vec<u64> {
                (0..part.scale(total)).map(|nth| part.nth(nth).unwrap()).collect()
            };
            let mut all: Vec<u64> = parts.iter().flat_map(things).collect();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..total));
        }

        #[test]
        fn parts_of_a_value_have_the_lengths_of_its_shares(parts in sequence(), value in 1_u64..500) {
            let shares: Vec<Segment> = parts.iter().map(|part| part.of_value(value)).collect();
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert_eq!(share.scale(value), part.scale(value));
            }
            for total in [0, 1, value, 997] {
                prop_assert_eq!(shares.iter().map(|share| share.scale(total)).sum::<u64>(), total);
            }
        }

        #[test]
        fn a_segment_reads_what_it_writes(parts in sequence()) {
            let written: Vec<String> = parts.iter().map(Segment::to_string).collect();
            let ends = written.iter().map(|part| part.split_once(':').unwrap().1);
            let sequence = std::iter::once("0").chain(ends).collect::<Vec<_>>().join(",");
            for (part, written) in parts.iter().zip(&written) {
                prop_assert_eq!(&Segment::parse(written, Some(&sequence)).unwrap(), part);
            }
        }
    }
}
