//! What waits for one Alertmanager: bounded, in the order in which it came, one message per alert.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::message::Message;
use crate::labels::Labels;

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    /// Wakes the one who sends.
    pushed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By when they came.
    messages: BTreeMap<u64, Message>,
    places: HashMap<Labels, u64>,
    came: u64,
    dropped: u64,
}

impl Waiting {
    fn drop_beyond(&mut self, capacity: usize) {
        while self.messages.len() > capacity
            && let Some((_, oldest)) = self.messages.pop_first()
        {
            self.places.remove(&oldest.labels);
            self.dropped += 1;
        }
    }
}

/// Messages taken out, each with its place.
#[derive(Debug, Default)]
pub(super) struct Batch(Vec<(u64, Message)>);

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.0.iter().map(|(_, message)| message)
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Queue { capacity: capacity.max(1), waiting: Mutex::default(), pushed: Notify::new() }
    }

    /// In place of what waits of the same alert; where there is no room, in place of the oldest.
    pub(super) fn push(&self, message: &Message) {
        let mut waiting = self.lock();
        waiting.came += 1;
        let place = waiting.came;
        if let Some(older) = waiting.places.insert(message.labels.clone(), place) {
            waiting.messages.remove(&older);
        }
        waiting.messages.insert(place, message.clone());
        waiting.drop_beyond(self.capacity);
        drop(waiting);
        self.pushed.notify_one();
    }

    /// The oldest, at most so many; empty if none waits.
    pub(super) fn take(&self, at_most: usize) -> Batch {
        let mut waiting = self.lock();
        let mut batch = Vec::new();
        while batch.len() < at_most
            && let Some((place, message)) = waiting.messages.pop_first()
        {
            waiting.places.remove(&message.labels);
            batch.push((place, message));
        }
        Batch(batch)
    }

    /// Puts back what was not delivered, where it stood; what has a newer message meanwhile is done with.
    pub(super) fn put_back(&self, batch: Batch) {
        let mut waiting = self.lock();
        for (place, message) in batch.0 {
            if !waiting.places.contains_key(&message.labels) {
                waiting.places.insert(message.labels.clone(), place);
                waiting.messages.insert(place, message);
            }
        }
        waiting.drop_beyond(self.capacity);
    }

    /// Counts what was taken and will not be delivered.
    pub(super) fn count_dropped(&self, batch: &Batch) {
        self.lock().dropped += batch.len() as u64;
    }

    /// Drops all that waits.
    pub(super) fn abandon(&self) {
        self.lock().drop_beyond(0);
    }

    /// Until something has been pushed; perhaps once too often, never too rarely.
    pub(super) async fn pushed(&self) {
        self.pushed.notified().await;
    }

    /// How many wait, and how many were dropped so far.
    pub(super) fn counts(&self) -> (usize, u64) {
        let waiting = self.lock();
        (waiting.messages.len(), waiting.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What it guards is whole between any two statements.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Alert;

    fn message(name: &str, ends_at_ms: i64) -> Message {
        let labels = Labels::new([("alertname", name)]);
        let annotations = BTreeMap::new();
        Message::of(&Alert { labels, annotations, starts_at_ms: 0, ends_at_ms, generator_url: String::new() })
    }

    fn names(batch: &Batch) -> String {
        batch.messages().map(|message| message.labels.value("alertname").unwrap_or_default()).collect()
    }

    #[test]
    fn a_full_queue_loses_the_oldest_and_counts_them() {
        let queue = Queue::new(3);
        ["a", "b", "c", "d", "e"].iter().for_each(|name| queue.push(&message(name, 0)));
        assert_eq!(queue.counts(), (3, 2));
        assert_eq!(names(&queue.take(2)), "cd");
        assert_eq!(names(&queue.take(2)), "e");
        assert_eq!(queue.take(2).len(), 0);
    }

    #[test]
    fn a_newer_message_of_an_alert_takes_the_place_of_the_older() {
        let queue = Queue::new(10);
        ["a", "b"].iter().for_each(|name| queue.push(&message(name, 1)));
        queue.push(&message("a", 2));
        assert_eq!(queue.counts(), (2, 0), "it is not lost, so it does not count");
        let batch = queue.take(10);
        assert_eq!(names(&batch), "ba");
        assert!(super::super::message::body(batch.messages()).contains("00.002Z"));
    }

    #[test]
    fn what_was_not_delivered_stands_first_unless_there_is_newer() {
        let queue = Queue::new(3);
        ["a", "b"].iter().for_each(|name| queue.push(&message(name, 1)));
        let batch = queue.take(10);
        ["b", "c"].iter().for_each(|name| queue.push(&message(name, 2)));
        queue.put_back(batch);
        assert_eq!(queue.counts(), (3, 0));
        let batch = queue.take(10);
        assert_eq!(names(&batch), "abc");
        ["d", "e", "f"].iter().for_each(|name| queue.push(&message(name, 2)));
        queue.put_back(batch);
        assert_eq!((queue.counts(), names(&queue.take(10)).as_str()), ((3, 3), "def"));
        queue.push(&message("g", 2));
        queue.abandon();
        assert_eq!(queue.counts(), (0, 4));
    }
}
