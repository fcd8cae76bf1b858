//! Closed model: each user is a task that iterates in its windows.

use std::rc::Rc;
use std::time::Duration;

use super::scenario::{Busy, LocalScenario};
use crate::executor::{Closed, DropReason, Turn, User};
use crate::flow::Vu;
use crate::time::Elapsed;

/// A user at work: from the start of one of its windows to the end of its last iteration in it.
struct AtWork {
    vu: Vu,
    busy: Busy,
}

/// Who a user is, also after a time in which it was not wanted.
struct Identity {
    id: u64,
    iteration: u64,
}

impl LocalScenario {
    /// Starts this worker's share of the users: number 0 on the first worker, number 1 on the second.
    pub(super) fn start_users(self: &Rc<Self>, closed: &dyn Closed, start: Elapsed) {
        let limit = self.scenario.executor.model().iterations();
        for nth in 0..self.share.of_total(closed.vus()) {
            self.pool.allocate();
            let user = User::new(closed, self.share.nth(nth));
            self.tasks.borrow_mut().spawn_local(Rc::clone(self).live(user, limit, start));
        }
    }

    /// What was asked for and was not begun before the end is dropped, when all workers are done.
    pub(super) fn drop_never_started(&self) {
        if let Some(limit) = self.scenario.executor.model().iterations()
            && !self.pool.ended_early()
        {
            self.drop_iterations(DropReason::MaxDuration, limit.saturating_sub(self.pool.taken()));
        }
    }

    /// One user's life. `limit` is how many iterations all users may begin.
    async fn live(self: Rc<Self>, mut user: User, limit: Option<u64>, start: Elapsed) {
        let (mut identity, mut at_work) = (None, None);
        loop {
            let now = Elapsed::from(self.worker.clock.now().since(start));
            match user.next(now) {
                Turn::Start { .. } | Turn::Wait(_) if self.pool.ended_early() => return,
                Turn::Start { .. } if limit.is_some_and(|limit| !self.pool.take(limit)) => return,
                Turn::Start { cut_off } => {
                    let working = at_work.get_or_insert_with(|| self.set_to_work(identity.take()));
                    let cut_off = cut_off.map(|moment| start + Duration::from(moment));
                    let complete = self.iterate_until(working, cut_off).await;
                    if !complete {
                        identity = leave(at_work.take());
                    }
                    // An iteration without a wait must not keep the worker from its other users.
                    tokio::task::coop::consume_budget().await;
                }
                // Its connections close, as those of a user who has left.
                Turn::Wait(until) => {
                    identity = leave(at_work.take()).or(identity);
                    let moment = start + Duration::from(until);
                    tokio::select! {
                        () = tokio::time::sleep_until(self.worker.clock.instant(moment)) => {}
                        () = self.pool.early_end() => {}
                    }
                }
                Turn::Done => return,
            }
        }
    }

    fn set_to_work(self: &Rc<Self>, identity: Option<Identity>) -> AtWork {
        self.pool.occupy();
        let busy = Busy { local: Rc::clone(self), iterating: false };
        let vu = match identity {
            None => self.new_user(),
            Some(Identity { id, iteration }) => {
                let mut vu = self.user(id);
                vu.iteration = iteration;
                vu
            }
        };
        AtWork { vu, busy }
    }

    /// Whether the iteration was complete before `cut_off`. What is dropped half-way counts as interrupted.
    async fn iterate_until(&self, at_work: &mut AtWork, cut_off: Option<Elapsed>) -> bool {
        let iteration = self.iterate(&mut at_work.vu, &mut at_work.busy, None);
        match cut_off.map(|moment| self.worker.clock.instant(moment)) {
            None => {
                iteration.await;
                true
            }
            Some(moment) => tokio::time::timeout_at(moment, iteration).await.is_ok(),
        }
    }
}

fn leave(at_work: Option<AtWork>) -> Option<Identity> {
    // An iteration that was cut off is one that it has begun.
    at_work.map(|AtWork { vu, busy }| Identity {
        id: vu.id,
        iteration: vu.iteration + u64::from(busy.iterating),
    })
}
