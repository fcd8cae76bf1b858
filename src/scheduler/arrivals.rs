//! Open model: arrivals are started when they are due, wherever a user is idle.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;

use super::pacer::Pacer;
use super::pool::Seat;
use super::scenario::{Busy, LocalScenario};
use crate::executor::{Arrival, Decision, DropReason, Model, Vus};
use crate::flow::Vu;
use crate::time::Elapsed;

/// How many arrivals start or are dropped at once when the pacer has to catch up. In between users that
/// are done come back, with their connections: making new ones instead would make it later still. A
/// rate that nothing can keep up with never waits, so that ticks and an abort come by here too.
const BURST: u32 = 32;

impl LocalScenario {
    /// Starts or drops this worker's share of the arrivals.
    pub(super) async fn pace(self: &Rc<Self>, pacer: &mut Pacer, start: Elapsed, end: Elapsed) {
        let (mut burst, mut begun, mut last_due) = (0, 0, Elapsed::ZERO);
        // Asked to ring once, and not for each arrival anew.
        let (mut changed, mut early_end) = (pin!(self.steering.changed()), pin!(self.pool.early_end()));
        while !self.pool.ended_early() {
            // Of arrivals that are due together the first may be done without having to wait for anything, and
            // their users free for the next, once they have had their turn.
            if begun > 0 && self.idle.borrow().is_empty() {
                (burst, begun) = (0, 0);
                self.reap();
                tokio::task::yield_now().await;
                continue;
            }
            let now = Elapsed::from(self.steering.now().since(start));
            let next = match self.decide(now) {
                Decision::Start(arrival) => {
                    begun += 1;
                    last_due = arrival.due;
                    // Later by the pauses so far: they are nothing that a user would have felt.
                    let due = self.steering.moment(start + Duration::from(arrival.due));
                    self.dispatch(Arrival { due, ..arrival });
                    None
                }
                // The scenario is over: all that is left is as late, and may be too much to drop one by one.
                Decision::Drop(DropReason::PacerLate) => {
                    return self.drop_iterations(DropReason::PacerLate, 1 + self.overdue(now));
                }
                Decision::Drop(reason) => {
                    self.drop_iterations(reason, 1);
                    None
                }
                Decision::Wait(until) => Some((start + Duration::from(until), until.since(last_due))),
                // Another rate would bring further ones.
                Decision::Done if now < end.since(start).into() && self.executor.borrow().is_constant() => {
                    Some((end, Duration::MAX))
                }
                Decision::Done => return,
            };
            if let Some((next, period)) = next {
                self.reap();
                (burst, begun) = (0, 0);
                // In a pause, what was due before it has been started, and nothing more becomes due.
                tokio::select! {
                    () = pacer.until_due(self.steering.moment(next), period), if !self.steering.is_paused() => {}
                    () = &mut changed => changed.set(self.steering.changed()),
                    () = &mut early_end => return,
                }
                continue;
            }
            burst += 1;
            if burst == BURST {
                burst = 0;
                self.reap();
                tokio::task::yield_now().await;
            }
        }
    }

    /// What was due and is not looked at any more is dropped.
    pub(super) fn abort_arrivals(&self, begun: Elapsed) {
        let since_start = Elapsed::from(self.steering.now().since(begun));
        self.drop_iterations(DropReason::Aborted, self.overdue(since_start));
    }

    fn decide(&self, now: Elapsed) -> Decision {
        match self.executor.borrow().model() {
            Model::Open(open) => {
                self.arrivals.borrow_mut().next(open, now, Vus { idle: self.pool.available() })
            }
            Model::Closed(_) => Decision::Done,
        }
    }

    fn overdue(&self, now: Elapsed) -> u64 {
        match self.executor.borrow().model() {
            Model::Open(open) => self.arrivals.borrow().overdue(open, now),
            Model::Closed(_) => 0,
        }
    }

    /// Starts an arrival for which another worker has reserved one of our idle users.
    pub(super) fn start_reserved(self: &Rc<Self>, arrival: Arrival) {
        let user = self.idle.borrow_mut().pop();
        match user {
            Some(vu) => self.start(vu, arrival),
            // Handed over in the moment in which the graceful stop ended here.
            None => self.interrupt_reserved(),
        }
    }

    /// An arrival that has reserved a user and will not find it any more.
    pub(super) fn interrupt_reserved(&self) {
        self.worker.shard.borrow_mut().count(self.scenario.series.interrupted, 1);
        self.pool.release();
    }

    fn dispatch(self: &Rc<Self>, arrival: Arrival) {
        let home = self.share.index as usize;
        match self.pool.reserve(home) {
            Some(Seat::Idle { worker }) if worker == home => self.start_reserved(arrival),
            Some(Seat::Idle { worker }) => {
                if !(self.hand_over)(worker, arrival) {
                    self.interrupt_reserved();
                }
            }
            Some(Seat::New) => self.start(self.new_user(), arrival),
            // Another worker took the last one in between.
            None => self.drop_iterations(DropReason::NoIdleVu, 1),
        }
    }

    pub(super) fn allocate_users(&self, of_all: u64) {
        for _ in 0..self.share.of_total(of_all) {
            // Another worker may have grown the pool first.
            if self.pool.allocate() {
                let vu = self.new_user();
                self.idle.borrow_mut().push(vu);
                self.pool.offer(self.share.index as usize);
            }
        }
    }

    /// One iteration, after which the user is idle again.
    fn start(self: &Rc<Self>, mut vu: Vu, arrival: Arrival) {
        let local = Rc::clone(self);
        // From here on the arrival is an iteration, even if it is cut off before its task is polled.
        let mut busy = Busy { local: Rc::clone(self), iterating: true };
        self.tasks.borrow_mut().spawn_local(async move {
            local.iterate(&mut vu, &mut busy, Some(arrival.due)).await;
            local.idle.borrow_mut().push(vu);
            drop(busy);
            local.pool.offer(local.share.index as usize);
        });
    }

    /// All shares of the arrivals are done with, and no iteration runs anywhere.
    pub(super) async fn drained(&self) {
        loop {
            self.reap();
            // Not only ours: what another worker has reserved here may still be on its way.
            if self.pool.state().done {
                return;
            }
            // Nobody rings for the iterations of other workers.
            let _ = tokio::time::timeout(Duration::from_millis(10), self.ended.notified()).await;
        }
    }

    /// The target owes none of the idle users an answer any more.
    pub(super) async fn settled(&self) {
        let settling: Vec<_> = self.idle.borrow().iter().filter_map(Vu::settle).collect();
        join_all(settling).await;
    }

    fn reap(&self) {
        while let Some(ended) = self.tasks.borrow_mut().try_join_next() {
            self.pool.task_ended(ended);
        }
    }
}
