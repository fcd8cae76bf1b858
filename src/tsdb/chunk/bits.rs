//! Bits in bytes, the lowest bit first.

#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// What does not fill a byte yet: fewer than eight bits.
    held: u64,
    held_bits: u32,
}

impl BitWriter {
    /// Continues after `bytes`.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        BitWriter { bytes, ..BitWriter::default() }
    }

    /// Writes the lowest `count` bits of `value`, at most 56; the others must be zero.
    pub(super) fn push(&mut self, value: u64, count: u32) {
        debug_assert!(count <= 56 && value >> count == 0);
        self.held |= value << self.held_bits;
        self.held_bits += count;
        let whole = self.held_bits / 8;
        let bytes = self.held.to_le_bytes();
        self.bytes.extend(bytes.iter().take(whole as usize));
        self.held >>= whole * 8;
        self.held_bits %= 8;
    }

    pub(super) fn push_long(&mut self, value: u64, count: u32) {
        if count > 32 {
            self.push(value & 0xffff_ffff, 32);
            self.push(value >> 32, count - 32);
        } else {
            self.push(value, count);
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.held_bits > 0 {
            self.bytes.push(self.held.to_le_bytes()[0]);
        }
        self.bytes
    }
}

/// Reads what was written; after the end there are zeros.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at_bit: usize,
}

impl<'a> BitReader<'a> {
    /// How many bits [`BitReader::peek`] shows at least.
    pub(super) const PEEKED: u32 = 57;

    pub(super) fn new(bytes: &'a [u8]) -> Self {
        BitReader { bytes, at_bit: 0 }
    }

    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at_bit / 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        word >> (self.at_bit % 8)
    }

    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.at_bit += count as usize;
    }

    /// At most 64 bits.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u64 {
        if count > 32 {
            let low = self.take(32);
            return low | self.take(count - 32) << 32;
        }
        let value = self.peek() & ((1 << count) - 1);
        self.skip(count);
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(parts in prop::collection::vec((any::<u64>(), 0_u32..=64), 0..50)) {
            let cut = |value: u64, count: u32| if count == 64 { value } else { value & ((1 << count) - 1) };
            let mut writer = BitWriter::default();
            for (value, count) in &parts {
                writer.push_long(cut(*value, *count), *count);
            }
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for (value, count) in &parts {
                prop_assert_eq!(reader.take(*count), cut(*value, *count));
            }
            prop_assert_eq!(reader.peek(), 0);
        }
    }
}
