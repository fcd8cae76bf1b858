//! What is changed on a worker while the load runs: load time stands still or goes on, and a scenario's executor is
//! replaced by one with other numbers. Local to the worker's thread, so that nothing on the hot path is locked.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::load_time::LoadTime;
use super::pacer::{Pacer, Timing};
use crate::executor::Executor;
use crate::ids::ScenarioId;
use crate::time::{Clock, Elapsed};

/// To be done by every worker.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Time(LoadTime),
    /// From now on it decides when iterations start.
    Executor(ScenarioId, Arc<dyn Executor>),
}

/// An order, and who waits until it is done.
#[derive(Debug)]
pub(super) struct Steer {
    pub(super) order: Order,
    pub(super) done: oneshot::Sender<()>,
}

/// Load time as this worker knows it.
#[derive(Debug)]
pub(super) struct Steering {
    clock: Clock,
    time: Cell<LoadTime>,
    changed: Notify,
}

impl Steering {
    pub(super) fn new(clock: Clock) -> Self {
        Steering { clock, time: Cell::default(), changed: Notify::new() }
    }

    /// Load time now.
    pub(super) fn now(&self) -> Elapsed {
        self.time.get().at(self.clock.now())
    }

    /// On the run's clock, if no pause comes before it.
    pub(super) fn moment(&self, moment: Elapsed) -> Elapsed {
        self.time.get().moment(moment)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.time.get().is_paused()
    }

    pub(super) fn set(&self, time: LoadTime) {
        self.time.set(time);
        self.wake();
    }

    /// Whoever waits has a look at what is different now.
    pub(super) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Resolves at the next change.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// [`until`](Self::until) for users, of whom there are many: it takes room only while one of them waits.
    pub(super) fn reached(&self, moment: Elapsed) -> Pin<Box<impl Future<Output = ()>>> {
        Box::pin(async move {
            self.until(moment, &mut Pacer::new(self.clock, Timing::Tokio)).await;
        })
    }

    /// Returns at or after `moment` of load time, whatever pauses come before it.
    pub(super) async fn until(&self, moment: Elapsed, pacer: &mut Pacer) {
        while self.now() < moment {
            if self.is_paused() {
                self.changed().await;
                continue;
            }
            tokio::select! {
                () = pacer.until(self.moment(moment)) => {}
                () = self.changed() => {}
            }
        }
    }
}
