//! Where a response's body ends: by length, by chunks, or with the connection.

use crate::sample::ErrorCode;

/// Chunk extensions and trailers of one body may be this large together: 16 KiB.
const MAX_EXTRA_BYTES: usize = 16 << 10;

/// What is still to come of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Done,
    /// Bytes left, at least one.
    Length(u64),
    Chunked {
        at: Chunk,
        /// Of the size being read, then of the chunk's data.
        left: u64,
        extra: usize,
    },
    UntilClose,
}

/// Where in the chunked coding (RFC 9112, section 7.1) the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// The size's first digit.
    Size,
    MoreSize,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a line after the last chunk.
    Trailer,
    TrailerLine,
    TrailerLf,
    EndLf,
}

impl Framing {
    pub(super) fn of_length(length: u64) -> Framing {
        if length == 0 { Framing::Done } else { Framing::Length(length) }
    }

    pub(super) fn chunked() -> Framing {
        Framing::Chunked { at: Chunk::Size, left: 0, extra: 0 }
    }

    /// Reads from `bytes` until they or the body end, handing its data to `take`; how many it read.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), ErrorCode>,
    ) -> Result<usize, ErrorCode> {
        match self {
            Framing::Done => Ok(0),
            Framing::UntilClose => {
                take(bytes)?;
                Ok(bytes.len())
            }
            Framing::Length(left) => {
                let (read, rest) = part(bytes, *left);
                take(read)?;
                *self = Framing::of_length(rest);
                Ok(read.len())
            }
            Framing::Chunked { .. } => self.read_chunks(bytes, take),
        }
    }

    /// The connection has ended: whether the body has, too.
    pub(super) fn ends_with_connection(self) -> bool {
        matches!(self, Framing::Done | Framing::UntilClose)
    }

    fn read_chunks(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), ErrorCode>,
    ) -> Result<usize, ErrorCode> {
        let mut position = 0;
        while let (Framing::Chunked { at, left, extra }, Some(&byte)) = (&mut *self, bytes.get(position)) {
            if *at == Chunk::Data {
                let (data, rest) = part(&bytes[position..], *left);
                take(data)?;
                position += data.len();
                *left = rest;
                if rest == 0 {
                    *at = Chunk::DataCr;
                }
                continue;
            }
            position += 1;
            if matches!(*at, Chunk::Extension | Chunk::TrailerLine) {
                *extra += 1;
            }
            if *extra > MAX_EXTRA_BYTES {
                return Err(ErrorCode::MALFORMED_RESPONSE);
            }
            let last = *left == 0;
            match (at.next(byte, last), at) {
                (Some(next), at) => {
                    if matches!(*at, Chunk::Size | Chunk::MoreSize) && next == Chunk::MoreSize {
                        *left = with_digit(*left, byte).ok_or(ErrorCode::MALFORMED_RESPONSE)?;
                    }
                    *at = next;
                }
                (None, Chunk::EndLf) if byte == b'\n' => *self = Framing::Done,
                (None, _) => return Err(ErrorCode::MALFORMED_RESPONSE),
            }
        }
        Ok(position)
    }
}

impl Chunk {
    /// What comes after `byte`; nothing if it may not stand here, or is the end of it all. `last`: the size
    /// read so far is zero.
    fn next(self, byte: u8, last: bool) -> Option<Chunk> {
        match (self, byte) {
            (Chunk::Size | Chunk::MoreSize, _) if byte.is_ascii_hexdigit() => Some(Chunk::MoreSize),
            (Chunk::MoreSize, b'\r') | (Chunk::Extension, b'\r') => Some(Chunk::SizeLf),
            (Chunk::MoreSize, b' ' | b'\t' | b';') => Some(Chunk::Extension),
            (Chunk::Extension, _) if byte != b'\n' => Some(Chunk::Extension),
            (Chunk::SizeLf, b'\n') => Some(if last { Chunk::Trailer } else { Chunk::Data }),
            (Chunk::DataCr, b'\r') => Some(Chunk::DataLf),
            (Chunk::DataLf, b'\n') => Some(Chunk::Size),
            (Chunk::Trailer, b'\r') => Some(Chunk::EndLf),
            (Chunk::TrailerLine, b'\r') => Some(Chunk::TrailerLf),
            (Chunk::Trailer | Chunk::TrailerLine, _) if byte != b'\n' => Some(Chunk::TrailerLine),
            (Chunk::TrailerLf, b'\n') => Some(Chunk::Trailer),
            _ => None,
        }
    }
}

fn with_digit(size: u64, digit: u8) -> Option<u64> {
    let digit = (digit as char).to_digit(16)?;
    size.checked_mul(16)?.checked_add(u64::from(digit))
}

/// The first `left` of `bytes`, and how many are left after them.
fn part(bytes: &[u8], left: u64) -> (&[u8], u64) {
    let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (&bytes[..length], left - length as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` in pieces of every size, which must all give the same.
    fn check(framing: Framing, text: &str, expected: Result<(&str, usize), ErrorCode>) {
        for size in 1..=text.len() {
            let (mut framing, mut data, mut total) = (framing, Vec::new(), 0);
            let mut result = Ok(());
            for piece in text.as_bytes().chunks(size) {
                match framing.read(piece, |part| {
                    data.extend_from_slice(part);
                    Ok(())
                }) {
                    Ok(read) => total += read,
                    Err(code) => result = Err(code),
                }
                if framing == Framing::Done || result.is_err() {
                    break;
                }
            }
            let data = String::from_utf8(data).unwrap();
            let found = result.map(|()| (data.as_str(), if framing == Framing::Done { total } else { 0 }));
            assert_eq!(found, expected, "{text:?} in pieces of {size}");
        }
    }

    #[test]
    fn a_body_of_a_length_ends_there() {
        check(Framing::of_length(5), "helloHTTP", Ok(("hello", 5)));
        check(Framing::of_length(5), "hell", Ok(("hell", 0)));
        check(Framing::UntilClose, "hello", Ok(("hello", 0)));
    }

    #[test]
    fn chunks_are_read_in_pieces_of_any_size() {
        let chunked = Framing::chunked();
        check(chunked, "5\r\nhello\r\n0\r\n\r\n", Ok(("hello", 15)));
        check(chunked, "5\r\nhello\r\n00A \r\n, world!!!\r\n0;x=y\r\n\r\nHTTP", Ok(("hello, world!!!", 37)));
        check(chunked, "1;name=\"v\"\r\nx\r\n0\r\nexpires: never\r\nb: c\r\n\r\n", Ok(("x", 42)));
        check(chunked, "5\r\nhel", Ok(("hel", 0)));
    }

    #[test]
    fn what_is_no_chunk_is_malformed() {
        for text in [
            "g\r\n",
            "\r\n",
            "5\nhello",
            "1\r\nxx",
            "1\r\nx\n",
            "-1\r\n",
            "0\r\n\n",
            "10000000000000000\r\n",
            "0\r\na\n",
        ] {
            let found = Framing::chunked().read(text.as_bytes(), |_| Ok(()));
            assert_eq!(found, Err(ErrorCode::MALFORMED_RESPONSE), "{text:?}");
        }
        let endless = format!("1;{}", "x".repeat(MAX_EXTRA_BYTES + 1));
        let found = Framing::chunked().read(endless.as_bytes(), |_| Ok(()));
        assert_eq!(found, Err(ErrorCode::MALFORMED_RESPONSE));
    }
}
