//! Makes the events: so many a second, on all chains, for whoever has subscribed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::super::fault::ActiveFaults;
use super::chain::Chain;
use super::filter::EventType;
use super::hub::{Batch, Event, Hub};

/// Values are 1 to this, all equally often: `min_value` 901 lets a tenth through.
const MAX_VALUE: u64 = 1000;

const NANOS: u128 = 1_000_000_000;

/// Milliseconds since 1970; 0 for a clock before that.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Emits `per_sec` events a second for good; 0 means none. The fault `latency` holds them back after they
/// have been given their time, all alike, so that it delays events and loses none.
pub(in super::super) async fn generate(hub: Arc<Hub>, faults: Arc<ActiveFaults>, per_sec: u32) {
    if per_sec == 0 {
        return;
    }
    let begun = Instant::now();
    let mut pace = Pace { per_sec, made: 0 };
    let mut held: VecDeque<(Instant, Arc<Batch>)> = VecDeque::new();
    loop {
        let next = begun + pace.due();
        let release = held.front().map_or(next, |(release, _)| *release);
        tokio::time::sleep_until(next.min(release)).await;
        let now = Instant::now();
        let count = pace.take(now - begun);
        hub.counts().emitted.fetch_add(count, Ordering::Relaxed);
        // Nobody to write frames for: the common case of a service under HTTP load.
        if hub.is_heard() {
            let mut batch = Batch::new();
            for _ in 0..count {
                emit(&hub, &faults, &mut batch);
            }
            if !batch.is_empty() {
                held.push_back((now + faults.latency(), Arc::new(batch)));
            }
        }
        while held.front().is_some_and(|(release, _)| *release <= now) {
            held.pop_front().into_iter().for_each(|(_, batch)| hub.send(batch));
        }
    }
}

fn emit(hub: &Hub, faults: &ActiveFaults, batch: &mut Batch) {
    let unix_ms = unix_ms();
    let chain = Chain::ALL[fastrand::usize(..Chain::ALL.len())];
    let kind = EventType::ALL[fastrand::usize(..EventType::ALL.len())];
    let value = fastrand::u64(1..=MAX_VALUE);
    let lost = faults.drops_this_event();
    if lost {
        hub.lost(chain).fetch_add(1, Ordering::Relaxed);
    }
    hub.emit(Event { chain, kind, block: chain.head(unix_ms), value, unix_ms }, lost, batch);
}

/// How many events are due by when: a function of the time since the beginning, so that lateness of one
/// does not shift those after it.
struct Pace {
    per_sec: u32,
    made: u64,
}

impl Pace {
    /// When the next event is due, since the beginning.
    fn due(&self) -> Duration {
        let nanos = (u128::from(self.made + 1) * NANOS).div_ceil(u128::from(self.per_sec));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many have become due; after a pause of the whole process at most a second's are made up for.
    fn take(&mut self, elapsed: Duration) -> u64 {
        let total = elapsed.as_nanos() * u128::from(self.per_sec) / NANOS;
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let due = total.saturating_sub(self.made);
        self.made = self.made.max(total);
        due.min(u64::from(self.per_sec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_at_their_rate_however_late_we_look() {
        let mut pace = Pace { per_sec: 3, made: 0 };
        let mut made = 0;
        for _ in 0..30 {
            let due = pace.due();
            assert_eq!(pace.take(due - Duration::from_nanos(1)), 0);
            made += pace.take(due + Duration::from_millis(10));
        }
        assert_eq!(made, 30);
        assert_eq!(pace.due(), Duration::from_nanos(10_333_333_334));
    }

    #[test]
    fn after_a_long_pause_a_second_is_made_up_for() {
        let mut pace = Pace { per_sec: 100, made: 0 };
        assert_eq!(pace.take(Duration::from_secs(3600)), 100);
        assert_eq!(pace.due(), Duration::from_secs(3600) + Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn latency_holds_events_back_and_loses_none() {
        let hub = Arc::new(Hub::default());
        let faults = Arc::new(ActiveFaults::new(vec!["latency=350ms".parse().unwrap()]));
        let (_all, mut batches) = (hub.subscribe(Default::default()).unwrap(), hub.listen());
        let begun = Instant::now();
        tokio::spawn(generate(Arc::clone(&hub), faults, 10));
        for n in 1..=5 {
            assert_eq!(batches.recv().await.unwrap().len(), 1);
            assert_eq!(begun.elapsed().as_millis(), 100 * n + 350);
        }
    }
}
