//! The faults that are on now, and what each part of the service asks of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use hyper::StatusCode;

use super::super::tick::{Hz, Pace};
use super::Fault;

/// A stalled answer looks this often whether the fault was cleared meanwhile.
const STALL_RECHECK: Duration = Duration::from_millis(50);

/// At most one fault of each name, with when it was set.
#[derive(Default)]
pub(in super::super) struct ActiveFaults {
    active: RwLock<Vec<(Fault, Instant)>>,
    /// Requests that `errors` has seen.
    requests: AtomicU64,
    /// Events that `drop-events` has seen.
    events: AtomicU64,
    /// Orders for what is sold out that `oversell` has seen.
    orders: AtomicU64,
}

impl ActiveFaults {
    pub(in super::super) fn new(faults: Vec<Fault>) -> Self {
        let active = Self::default();
        for fault in faults {
            active.set(fault);
        }
        active
    }

    /// Sets `fault` from now on, in place of one of the same name.
    pub(in super::super) fn set(&self, fault: Fault) {
        let mut active = self.write();
        active.retain(|(other, _)| other.name() != fault.name());
        active.push((fault, Instant::now()));
    }

    pub(in super::super) fn clear(&self, name: &str) {
        self.write().retain(|(fault, _)| fault.name() != name);
    }

    pub(in super::super) fn clear_all(&self) {
        self.write().clear();
    }

    pub(in super::super) fn list(&self) -> Vec<Fault> {
        self.read().iter().map(|(fault, _)| *fault).collect()
    }

    /// Holds an answer back for as long as the faults say.
    pub(in super::super) async fn delay(&self) {
        let latency = self.latency();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        self.wait_out_stall().await;
    }

    /// Waits while the service is to answer nothing; ends early when the fault is cleared.
    pub(in super::super) async fn wait_out_stall(&self) {
        while let Some(remaining) = self.stalled() {
            tokio::time::sleep(remaining.min(STALL_RECHECK)).await;
        }
    }

    pub(in super::super) fn latency(&self) -> Duration {
        self.find(|fault, _| match fault {
            Fault::Latency(by) => Some(*by),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// Whether this request, the next one in the count, belongs to the share that fails.
    pub(in super::super) fn fails_this_request(&self) -> bool {
        self.find(|fault, _| match fault {
            Fault::Errors(share) => Some(share.takes(self.requests.fetch_add(1, Ordering::Relaxed) + 1)),
            _ => None,
        })
        .unwrap_or(false)
    }

    /// Whether this event, the next one in the count, belongs to the share that is lost.
    pub(in super::super) fn drops_this_event(&self) -> bool {
        self.find(|fault, _| match fault {
            Fault::DropEvents(share) => Some(share.takes(self.events.fetch_add(1, Ordering::Relaxed) + 1)),
            _ => None,
        })
        .unwrap_or(false)
    }

    /// Whether this order for what is sold out, the next one in the count, is accepted all the same.
    pub(in super::super) fn oversells_this_order(&self) -> bool {
        self.find(|fault, _| match fault {
            Fault::Oversell(share) => Some(share.takes(self.orders.fetch_add(1, Ordering::Relaxed) + 1)),
            _ => None,
        })
        .unwrap_or(false)
    }

    pub(in super::super) fn unrouted(&self) -> bool {
        self.read().iter().any(|(fault, _)| *fault == Fault::Unrouted)
    }

    pub(in super::super) fn refused_upgrade(&self) -> Option<StatusCode> {
        self.find(|fault, _| match fault {
            Fault::RefuseUpgrades(status) => Some(status.code()),
            _ => None,
        })
    }

    pub(in super::super) fn unhealthy(&self) -> bool {
        self.read().iter().any(|(fault, _)| *fault == Fault::Unhealthy)
    }

    /// How the loop, which by itself runs at `nominal`, is to go on at `now`.
    pub(in super::super) fn pace(&self, nominal: Hz, now: Instant) -> Pace {
        let mut pace = Pace::Ticking(nominal);
        for (fault, since) in self.read().iter() {
            match fault {
                Fault::StalledLoop(length) => {
                    let elapsed = now.saturating_duration_since(*since);
                    if length.is_none_or(|length| elapsed < length) {
                        return Pace::Stalled;
                    }
                }
                Fault::SlowLoop(hz) => pace = Pace::Ticking(*hz),
                _ => {}
            }
        }
        pace
    }

    fn stalled(&self) -> Option<Duration> {
        self.find(|fault, since| match fault {
            Fault::Stall(stall) => stall.remaining(since.elapsed()),
            _ => None,
        })
    }

    fn find<T>(&self, ask: impl Fn(&Fault, Instant) -> Option<T>) -> Option<T> {
        self.read().iter().find_map(|(fault, since)| ask(fault, *since))
    }

    /// No code under this lock can panic halfway through a change, so a poisoned list is still a whole one.
    fn read(&self) -> RwLockReadGuard<'_, Vec<(Fault, Instant)>> {
        self.active.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<(Fault, Instant)>> {
        self.active.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(faults: &[&str]) -> ActiveFaults {
        ActiveFaults::new(faults.iter().map(|fault| fault.parse().unwrap()).collect())
    }

    #[test]
    fn a_fault_set_again_replaces_the_one_before() {
        let faults = active(&["latency=1s", "unhealthy", "latency=2s"]);
        assert_eq!(faults.latency(), Duration::from_secs(2));
        assert_eq!(faults.list().len(), 2);
    }

    #[test]
    fn without_faults_nothing_is_held_back_or_refused() {
        let faults = active(&[]);
        assert_eq!(faults.latency(), Duration::ZERO);
        assert_eq!(faults.stalled(), None);
        assert!(!faults.fails_this_request());
        assert!(!faults.drops_this_event());
        assert!(!faults.oversells_this_order());
        assert!(!faults.unrouted());
        assert!(!faults.unhealthy());
        assert_eq!(faults.refused_upgrade(), None);
        assert_eq!(faults.pace(Hz::NOMINAL, Instant::now()), Pace::Ticking(Hz::NOMINAL));
    }

    #[test]
    fn errors_count_the_requests_they_see() {
        let faults = active(&["errors=50%"]);
        let failed: Vec<bool> = (0..4).map(|_| faults.fails_this_request()).collect();
        assert_eq!(failed, [false, true, false, true]);
    }

    #[test]
    fn a_stalled_loop_goes_on_after_its_time_at_the_rate_it_would_have() {
        let faults = active(&["slow-loop=60", "stalled-loop=2s"]);
        let later = |secs| Instant::now() + Duration::from_secs(secs);
        assert_eq!(faults.pace(Hz::NOMINAL, later(0)), Pace::Stalled);
        assert_eq!(faults.pace(Hz::NOMINAL, later(3)), Pace::Ticking("60".parse().unwrap()));
        let for_good = active(&["stalled-loop"]);
        assert_eq!(for_good.pace(Hz::NOMINAL, later(3600)), Pace::Stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn latency_holds_an_answer_back() {
        let begun = tokio::time::Instant::now();
        active(&["latency=200ms"]).delay().await;
        assert_eq!(begun.elapsed(), Duration::from_millis(200));
    }
}
