//! Messages in frames of gRPC: a byte that says whether it is compressed, four of its length, the message.

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;

use crate::budget::{Charge, Purse};
use crate::protocol::body::Body;
use crate::protocol::encoding::{self, Encoding};
use crate::sample::ErrorCode;

const PREFIX_BYTES: usize = 5;

/// A message that may be sent as it is, any number of times.
///
/// # Errors
/// `GRPC_TOO_LARGE` above `limit` bytes.
pub fn framed(message: &[u8], gzip: bool, limit: usize) -> Result<Bytes, ErrorCode> {
    if message.len() > limit {
        return Err(ErrorCode::GRPC_TOO_LARGE);
    }
    let packed = match gzip {
        true => {
            Some(encoding::compress(&[Encoding::Gzip], message).map_err(|_| ErrorCode::GRPC_COMPRESSION)?)
        }
        false => None,
    };
    let body = packed.as_deref().unwrap_or(message);
    let length = u32::try_from(body.len()).map_err(|_| ErrorCode::GRPC_TOO_LARGE)?;
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + body.len());
    frame.put_u8(u8::from(gzip));
    frame.put_u32(length);
    frame.put_slice(body);
    Ok(frame.freeze())
}

/// Finds the messages in what comes in. Never holds more than one, and of that only what came: a length that is a
/// lie costs nothing.
#[derive(Debug)]
pub(super) struct Deframer {
    limit: usize,
    prefix: [u8; PREFIX_BYTES],
    /// Of the prefix.
    known: usize,
    partial: Vec<u8>,
    charge: Charge,
}

/// A message, as the server wrote it.
#[derive(Debug)]
pub(super) struct Frame {
    compressed: bool,
    bytes: Bytes,
}

impl Deframer {
    /// Messages may have `limit` bytes, compressed or not.
    pub(super) fn new(limit: usize) -> Self {
        Deframer {
            limit,
            prefix: [0; PREFIX_BYTES],
            known: 0,
            partial: Vec::new(),
            charge: Charge::default(),
        }
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_amid(&self) -> bool {
        self.known > 0
    }

    /// The next message, once it is whole; takes what it needs of `piece`.
    ///
    /// # Errors
    /// `GRPC_MALFORMED` for what is no frame, `GRPC_TOO_LARGE`, `MEMORY_SPENT`.
    pub(super) fn next(&mut self, piece: &mut Bytes, purse: &Purse) -> Result<Option<Frame>, ErrorCode> {
        let missing = (PREFIX_BYTES - self.known).min(piece.len());
        self.prefix[self.known..self.known + missing].copy_from_slice(&piece.split_to(missing));
        self.known += missing;
        if self.known < PREFIX_BYTES {
            return Ok(None);
        }
        let [flag, length @ ..] = self.prefix;
        if flag > 1 {
            return Err(ErrorCode::GRPC_MALFORMED);
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(ErrorCode::GRPC_TOO_LARGE);
        }
        let bytes = if self.partial.is_empty() && piece.len() >= length {
            piece.split_to(length)
        } else {
            let more = (length - self.partial.len()).min(piece.len());
            self.charge
                .cover((self.partial.len() + more) as u64, purse)
                .map_err(|_| ErrorCode::MEMORY_SPENT)?;
            self.partial.extend_from_slice(&piece.split_to(more));
            if self.partial.len() < length {
                return Ok(None);
            }
            self.charge.clear();
            Bytes::from(std::mem::take(&mut self.partial))
        };
        self.known = 0;
        Ok(Some(Frame { compressed: flag == 1, bytes }))
    }
}

impl Frame {
    /// The message, decompressed as `headers` say.
    ///
    /// # Errors
    /// `GRPC_COMPRESSION` for another coding than gzip, or what is none; `GRPC_TOO_LARGE`, `MEMORY_SPENT`.
    pub(super) fn message(
        self,
        headers: &HeaderMap,
        limit: usize,
        purse: &Purse,
    ) -> Result<Bytes, ErrorCode> {
        if !self.compressed {
            return Ok(self.bytes);
        }
        if headers.get("grpc-encoding").is_none_or(|coding| coding != "gzip") {
            return Err(ErrorCode::GRPC_COMPRESSION);
        }
        let plain = encoding::gunzip(&self.bytes, Body::new(limit, purse)).map_err(|code| match code {
            ErrorCode::DECOMPRESSION => ErrorCode::GRPC_COMPRESSION,
            ErrorCode::RESPONSE_TOO_LARGE => ErrorCode::GRPC_TOO_LARGE,
            code => code,
        })?;
        Ok(plain.finish().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    fn found(stream: &[u8], piece_bytes: usize, limit: usize) -> Result<Vec<Vec<u8>>, ErrorCode> {
        let purse = Purse::new(&Budget::new(1 << 20));
        let mut deframer = Deframer::new(limit);
        let mut headers = HeaderMap::new();
        headers.insert("grpc-encoding", http::HeaderValue::from_static("gzip"));
        let mut all = Vec::new();
        for piece in stream.chunks(piece_bytes) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(frame) = deframer.next(&mut piece, &purse)? {
                all.push(frame.message(&headers, limit, &purse)?.to_vec());
            }
        }
        assert!(!deframer.is_amid());
        Ok(all)
    }

    #[test]
    fn messages_are_found_however_they_were_cut() {
        let long = vec![7; 1000];
        let messages = [b"one".as_slice(), b"", &long, b"four"];
        for gzip in [false, true] {
            let stream: Vec<u8> =
                messages.iter().flat_map(|message| framed(message, gzip, 2000).unwrap()).collect();
            for piece_bytes in [1, 3, 5, 64, 5000] {
                assert_eq!(found(&stream, piece_bytes, 2000).unwrap(), messages, "{gzip} {piece_bytes}");
            }
        }
    }

    #[test]
    fn what_is_too_large_or_no_frame_is_refused_before_it_is_held() {
        assert_eq!(framed(&[0; 11], false, 10), Err(ErrorCode::GRPC_TOO_LARGE));
        assert_eq!(found(&[0, 255, 255, 255, 255], 5, 4 << 20), Err(ErrorCode::GRPC_TOO_LARGE));
        assert_eq!(found(&[2, 0, 0, 0, 0], 5, 4 << 20), Err(ErrorCode::GRPC_MALFORMED));
        assert_eq!(found(&[1, 0, 0, 0, 1, 9], 6, 4 << 20), Err(ErrorCode::GRPC_COMPRESSION));
        let bomb = framed(&vec![0; 1 << 20], true, 1 << 20).unwrap();
        assert_eq!(found(&bomb, 4096, 64 << 10), Err(ErrorCode::GRPC_TOO_LARGE));
    }
}
