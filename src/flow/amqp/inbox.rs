//! Messages of one consumer that its step has not taken yet.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use tokio::sync::Notify;

use crate::protocol::amqp::Delivery;
use crate::time::Elapsed;

/// Where the server waits for acknowledgements it sends no more than the prefetch; else further ones are discarded.
const MOST: usize = 16_384;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: RefCell<VecDeque<(Elapsed, Box<Delivery>)>>,
    /// No more will come; why has been told.
    ended: Cell<bool>,
    changed: Notify,
}

impl Inbox {
    /// Whether there was room for it.
    pub(super) fn put(&self, delivery: Box<Delivery>, at: Elapsed) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= MOST {
            return false;
        }
        waiting.push_back((at, delivery));
        self.changed.notify_one();
        true
    }

    pub(super) fn end(&self) {
        self.ended.set(true);
        self.changed.notify_one();
    }

    /// The next message and when it came; nothing where no more will come. May be dropped without losing one.
    pub(super) async fn next(&self) -> Option<(Elapsed, Box<Delivery>)> {
        loop {
            // What is waiting when the connection goes is delivered once more, to whoever comes next.
            if self.ended.get() {
                return None;
            }
            let next = self.waiting.borrow_mut().pop_front();
            if next.is_some() {
                return next;
            }
            self.changed.notified().await;
        }
    }
}
