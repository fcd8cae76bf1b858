//! What is made of the messages that a call is answered with: each is looked at, and kept where a step reads it.

use bytes::Bytes;

use crate::budget::{Charge, Purse};
use crate::protocol::grpc::{Method, write_json};
use crate::sample::ErrorCode;

/// Of all messages of a call that steps read, as JSON: 10 MiB.
const MAX_KEPT_BYTES: usize = 10 << 20;

/// The messages of one call.
pub(super) struct Answers<'a> {
    method: &'a Method,
    /// Kept as JSON; `None`: counted and dropped.
    kept: Option<Vec<u8>>,
    charge: Charge,
    purse: Purse,
    pub(super) count: u64,
}

impl<'a> Answers<'a> {
    pub(super) fn new(method: &'a Method, keep: bool, purse: &Purse) -> Self {
        Answers {
            method,
            kept: keep.then(Vec::new),
            charge: Charge::default(),
            purse: Purse::clone(purse),
            count: 0,
        }
    }

    /// # Errors
    /// `GRPC_BAD_MESSAGE` for one that is no message of the method's, `RESPONSE_TOO_LARGE` or `MEMORY_SPENT` where it
    /// cannot be kept.
    pub(super) fn take(&mut self, message: Bytes) -> Result<(), ErrorCode> {
        self.count += 1;
        let weight = self.method.weigh(&message)?;
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let before = self.charge.held();
        // While it is decoded.
        self.charge.add(weight, &self.purse).map_err(|_| ErrorCode::MEMORY_SPENT)?;
        if self.method.is_server_streaming() {
            kept.push(if self.count == 1 { b'[' } else { b',' });
        }
        write_json(&self.method.decode(message)?, kept)?;
        if kept.len() > MAX_KEPT_BYTES {
            return Err(ErrorCode::RESPONSE_TOO_LARGE);
        }
        self.charge
            .cover(before.max(kept.capacity() as u64), &self.purse)
            .map_err(|_| ErrorCode::MEMORY_SPENT)
    }

    /// One document, of a stream a list; with what it costs.
    pub(super) fn into_json(self) -> (Bytes, Charge) {
        let mut kept = self.kept.unwrap_or_default();
        if self.method.is_server_streaming() && self.count > 0 && !kept.is_empty() {
            kept.push(b']');
        }
        (kept.into(), self.charge)
    }
}
