//! Who has subscribed to what, and the events on their way to them.
//!
//! A subscription is named by its filter: all who ask for the same share one, and one frame of text per
//! event, whatever their number. Its events are numbered without a gap, so that each of them can see whether
//! one is missing or came twice.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::chain::Chain;
use super::filter::{EventType, Filter};

/// Different filters at one time; more are refused, since each costs every event.
const MAX_TOPICS: usize = 256;

/// Batches that wait for a slow connection; what is older is lost to it, and counted.
const MAX_WAITING_BATCHES: usize = 1024;

/// What was emitted at one moment: for each subscription it concerns, the frame.
pub(super) type Batch = Vec<(TopicId, Utf8Bytes)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TopicId(u64);

/// One event, before it is numbered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) chain: Chain,
    pub(super) kind: EventType,
    pub(super) block: u64,
    pub(super) value: u64,
    /// When it was emitted, in milliseconds since 1970.
    pub(super) unix_ms: u64,
}

pub(in super::super) struct Hub {
    topics: Mutex<Topics>,
    batches: broadcast::Sender<Arc<Batch>>,
    counts: Counts,
}

/// Since the service began, but for `connections` and `subscriptions`, which are now.
#[derive(Default)]
pub(in super::super) struct Counts {
    pub(in super::super) connections: AtomicU64,
    pub(in super::super) subscriptions: AtomicU64,
    pub(in super::super) requests: AtomicU64,
    /// Events made, whoever saw them.
    pub(in super::super) emitted: AtomicU64,
    /// Frames with an event handed to a connection.
    pub(in super::super) delivered: AtomicU64,
    /// Batches a connection was too slow for.
    pub(in super::super) missed: AtomicU64,
    /// Events that the fault `drop-events` took, by chain.
    pub(super) lost: [AtomicU64; Chain::ALL.len()],
}

#[derive(Default)]
struct Topics {
    active: Vec<Topic>,
    created: u64,
}

struct Topic {
    id: TopicId,
    filter: Filter,
    subscribers: usize,
    seq: u64,
}

/// Too many different filters are subscribed to.
#[derive(Debug, thiserror::Error)]
#[error(
    "more than {MAX_TOPICS} different filters are subscribed to; take one that is in use, or unsubscribe"
)]
pub(super) struct TooManyFilters;

impl Default for Hub {
    fn default() -> Self {
        Self {
            topics: Mutex::default(),
            batches: broadcast::Sender::new(MAX_WAITING_BATCHES),
            counts: Counts::default(),
        }
    }
}

impl Hub {
    pub(in super::super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn lost(&self, chain: Chain) -> &AtomicU64 {
        &self.counts.lost[chain as usize]
    }

    /// What is emitted from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.batches.subscribe()
    }

    pub(super) fn is_heard(&self) -> bool {
        self.batches.receiver_count() > 0
    }

    pub(super) fn send(&self, batch: Arc<Batch>) {
        // Fails when the last listener has gone, and then nobody misses anything.
        let _ = self.batches.send(batch);
    }

    pub(super) fn subscribe(&self, filter: Filter) -> Result<Subscription<'_>, TooManyFilters> {
        let mut topics = self.topics();
        let topic = match topics.active.iter().position(|topic| topic.filter == filter) {
            Some(found) => {
                let topic = &mut topics.active[found];
                topic.subscribers += 1;
                topic.id
            }
            None if topics.active.len() >= MAX_TOPICS => return Err(TooManyFilters),
            None => {
                topics.created += 1;
                let id = TopicId(topics.created);
                topics.active.push(Topic { id, filter: filter.clone(), subscribers: 1, seq: 0 });
                id
            }
        };
        self.counts.subscriptions.fetch_add(1, Ordering::Relaxed);
        Ok(Subscription { hub: self, topic, filter })
    }

    /// Numbers the event for each subscription it concerns, and writes its frames to `batch`; not when it is
    /// `lost` on the way, which the numbers then show.
    pub(super) fn emit(&self, event: Event, lost: bool, batch: &mut Batch) {
        for topic in &mut self.topics().active {
            if topic.filter.matches(event.chain, event.kind, event.value) {
                topic.seq += 1;
                if !lost {
                    batch.push((topic.id, topic.frame(&event)));
                }
            }
        }
    }

    fn leave(&self, id: TopicId) {
        self.counts.subscriptions.fetch_sub(1, Ordering::Relaxed);
        let mut topics = self.topics();
        topics.active.retain_mut(|topic| {
            if topic.id == id {
                topic.subscribers -= 1;
            }
            topic.subscribers > 0
        });
    }

    /// No code under this lock can panic halfway through a change.
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topic {
    fn frame(&self, event: &Event) -> Utf8Bytes {
        let mut text = String::with_capacity(160);
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            r#"{{"type":"event","subscription":"s{id}","seq":{seq},"chain":"{chain}","block":{block},"event_type":"{kind}","value":{value},"timestamp":{unix_ms}}}"#,
            id = self.id.0,
            seq = self.seq,
            chain = event.chain.name(),
            block = event.block,
            kind = event.kind.name(),
            value = event.value,
            unix_ms = event.unix_ms,
        );
        text.into()
    }
}

/// One connection's part in a subscription, until it is dropped.
pub(super) struct Subscription<'a> {
    hub: &'a Hub,
    pub(super) topic: TopicId,
    pub(super) filter: Filter,
}

impl Subscription<'_> {
    pub(super) fn name(&self) -> String {
        format!("s{}", self.topic.0)
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.hub.leave(self.topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Event =
        Event { chain: Chain::Solana, kind: EventType::Swap, block: 7, value: 10, unix_ms: 1_000 };

    fn filter(text: &str) -> Filter {
        serde_json::from_str(text).unwrap()
    }

    fn emitted(hub: &Hub, event: Event, lost: bool) -> Vec<String> {
        let mut batch = Batch::new();
        hub.emit(event, lost, &mut batch);
        batch.iter().map(|(_, frame)| frame.to_string()).collect()
    }

    #[test]
    fn an_event_is_written_once_for_each_filter_it_passes() {
        let hub = Hub::default();
        let all = hub.subscribe(filter("{}")).unwrap();
        let same = hub.subscribe(filter("{}")).unwrap();
        let _other = hub.subscribe(filter(r#"{"chains":["ethereum"]}"#)).unwrap();
        assert_eq!(all.name(), same.name());
        assert_eq!(
            emitted(&hub, EVENT, false),
            [
                r#"{"type":"event","subscription":"s1","seq":1,"chain":"solana","block":7,"event_type":"swap","value":10,"timestamp":1000}"#
            ]
        );
    }

    #[test]
    fn a_lost_event_leaves_a_gap_in_the_numbers() {
        let hub = Hub::default();
        let _all = hub.subscribe(filter("{}")).unwrap();
        assert_eq!(emitted(&hub, EVENT, true), [""; 0]);
        assert!(emitted(&hub, EVENT, false)[0].contains(r#""seq":2,"#));
    }

    #[test]
    fn a_filter_is_forgotten_with_its_last_subscriber() {
        let hub = Hub::default();
        let first = hub.subscribe(filter("{}")).unwrap();
        let second = hub.subscribe(filter("{}")).unwrap();
        drop(first);
        assert_eq!(emitted(&hub, EVENT, false).len(), 1);
        drop(second);
        assert_eq!(emitted(&hub, EVENT, false).len(), 0);
        assert_eq!(hub.subscribe(filter("{}")).unwrap().name(), "s2");
        assert_eq!(hub.counts().subscriptions.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn different_filters_are_bounded() {
        let hub = Hub::default();
        let numbered = |n: usize| filter(&format!(r#"{{"min_value":{n}}}"#));
        let held: Vec<_> = (0..MAX_TOPICS).map(|n| hub.subscribe(numbered(n)).unwrap()).collect();
        assert!(hub.subscribe(numbered(MAX_TOPICS)).is_err());
        assert!(hub.subscribe(numbered(0)).is_ok());
        drop(held);
    }
}
