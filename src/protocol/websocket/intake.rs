//! What a session holds of what came in: the message whose parts are still coming, and the inbox. Both are
//! paid from the process' budget.

use std::io;

use super::inbox::Inbox;
use super::{Incoming, MAX_MESSAGE_BYTES};
use crate::budget::{Charge, Purse};

/// A server's frame has a header of at least so many bytes (RFC 6455, section 5.2).
const FRAME_HEADER_BYTES: usize = 2;
/// tungstenite puts a message's parts into a vector that doubles.
const PARTIAL_COPIES: usize = 2;

#[derive(Debug)]
pub(super) struct Intake {
    inbox: Inbox,
    /// Of the message that is coming in, with its frames' headers.
    partial_bytes: usize,
    charge: Charge,
    purse: Purse,
}

impl Intake {
    pub(super) fn new(purse: Purse) -> Self {
        Intake { inbox: Inbox::default(), partial_bytes: 0, charge: Charge::default(), purse }
    }

    /// So many bytes were read.
    ///
    /// # Errors
    /// `OutOfMemory` when the budget has no room for them.
    pub(super) fn read(&mut self, bytes: usize) -> io::Result<()> {
        // Frames without anything in them are read for ever, and hold nothing.
        self.partial_bytes = (self.partial_bytes + bytes).min(MAX_MESSAGE_BYTES);
        let held = PARTIAL_COPIES * self.partial_bytes + self.inbox.bytes();
        let paid = self.charge.cover(held as u64, &self.purse);
        paid.map_err(|spent| io::Error::new(io::ErrorKind::OutOfMemory, spent))
    }

    /// A control frame was among them, with a payload of `bytes`: it is held no longer.
    pub(super) fn control(&mut self, bytes: usize) {
        self.partial_bytes = self.partial_bytes.saturating_sub(FRAME_HEADER_BYTES + bytes);
    }

    /// A message is complete.
    pub(super) fn message(&mut self) {
        self.partial_bytes = 0;
    }

    /// Puts a message into the inbox: the oldest ones make room for it.
    pub(super) fn stow(&mut self, incoming: Incoming) {
        self.inbox.push(incoming);
        while self.charge.cover(self.inbox.bytes() as u64, &self.purse).is_err() {
            self.inbox.discard();
        }
    }

    /// The oldest message of the inbox.
    pub(super) fn take(&mut self) -> Option<Incoming> {
        let incoming = self.inbox.pop()?;
        self.handed_over();
        Some(incoming)
    }

    /// A message went to whoever asked for it, and is no longer ours to pay for.
    pub(super) fn handed_over(&mut self) {
        if self.inbox.bytes() + self.partial_bytes == 0 {
            self.charge.clear();
        }
    }

    /// Messages that there was no room for.
    pub(super) fn discarded(&self) -> u64 {
        self.inbox.discarded()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::Message;
    use super::*;
    use crate::budget::Budget;
    use crate::time::Elapsed;

    #[test]
    fn messages_make_room_for_newer_ones_and_parts_of_one_do_not_exceed_the_budget() {
        let purse = Purse::new(&Budget::new(256 << 10));
        let mut intake = Intake::new(purse.clone());
        let message = |number| Incoming {
            at: Elapsed::from_nanos(number),
            message: Message::Binary(Bytes::from(vec![0; 100 << 10])),
        };
        (0..5).for_each(|number| intake.stow(message(number)));
        assert_eq!(intake.discarded(), 3);
        assert_eq!(intake.read(100 << 10).unwrap_err().kind(), io::ErrorKind::OutOfMemory);
        intake.message();
        assert_eq!(intake.take().map(|incoming| incoming.at.as_nanos()), Some(3));
        assert_eq!(intake.take().map(|incoming| incoming.at.as_nanos()), Some(4));
        assert_eq!(Charge::default().cover(256 << 10, &purse), Ok(()), "all of it was given back");
    }

    #[test]
    fn an_idle_session_that_is_pinged_for_days_holds_nothing() {
        let purse = Purse::new(&Budget::new(0));
        let mut intake = Intake::new(purse);
        for _ in 0..100_000 {
            intake.read(FRAME_HEADER_BYTES + 4).unwrap();
            intake.control(4);
        }
    }
}
