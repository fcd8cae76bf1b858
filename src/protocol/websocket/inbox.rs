//! Messages that came in while nobody was receiving: bounded, the oldest makes room and is counted.

use std::collections::VecDeque;

use super::Incoming;

const MAX_MESSAGES: usize = 256;
const MAX_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<Incoming>,
    bytes: usize,
    discarded: u64,
}

impl Inbox {
    pub(super) fn push(&mut self, incoming: Incoming) {
        self.bytes += incoming.message.len();
        self.waiting.push_back(incoming);
        while self.waiting.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            self.discard();
        }
    }

    /// Makes room: the oldest message is lost, and counted.
    pub(super) fn discard(&mut self) {
        self.discarded += u64::from(self.pop().is_some());
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pop(&mut self) -> Option<Incoming> {
        let incoming = self.waiting.pop_front()?;
        self.bytes -= incoming.message.len();
        Some(incoming)
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::Message;
    use super::*;
    use crate::time::Elapsed;

    fn message(number: u64, bytes: usize) -> Incoming {
        let message = Message::Binary(Bytes::from(vec![0; bytes]));
        Incoming { at: Elapsed::from_nanos(number), message }
    }

    fn left(inbox: &mut Inbox) -> Vec<u64> {
        std::iter::from_fn(|| inbox.pop()).map(|incoming| incoming.at.as_nanos()).collect()
    }

    #[test]
    fn the_oldest_of_too_many_messages_makes_room() {
        let mut inbox = Inbox::default();
        (0..300).for_each(|number| inbox.push(message(number, 1)));
        assert_eq!(inbox.discarded(), 44);
        assert_eq!(left(&mut inbox), (44..300).collect::<Vec<_>>());
        assert_eq!(inbox.bytes, 0);
    }

    #[test]
    fn the_oldest_of_too_many_bytes_makes_room() {
        let mut inbox = Inbox::default();
        (0..4).for_each(|number| inbox.push(message(number, 400 << 10)));
        assert_eq!(inbox.discarded(), 2);
        assert_eq!(left(&mut inbox), [2, 3]);
    }
}
