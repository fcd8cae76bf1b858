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

/// Who a user is while it is not at work.
enum AtRest {
    /// It has not begun an iteration yet.
    New,
    /// It was not wanted for a time: its connections are gone.
    Left { id: u64, iteration: u64 },
    /// In a pause of the run: its connections stay open, so that the load after the pause is the load before it.
    Paused(Box<Vu>),
}

impl LocalScenario {
    /// Starts this worker's share of the users that are not there yet: number 0 on the first worker, number 1 on the
    /// second.
    pub(super) fn start_users(self: &Rc<Self>, closed: &dyn Closed, start: Elapsed) {
        let limit = self.scenario.executor.model().iterations();
        for nth in 0..self.share.of_total(closed.vus()) {
            let number = self.share.nth(nth);
            // One that was to go and has not finished its iteration yet stays.
            if self.alive.borrow_mut().insert(number) {
                self.pool.allocate();
                let user = User::new(closed, number);
                self.tasks.borrow_mut().spawn_local(Rc::clone(self).live(user, number, limit, start));
            }
        }
    }

    /// Further users may come until `end`: the scenario is not over when there is none.
    pub(super) fn expect_users(self: &Rc<Self>, end: Elapsed) {
        let local = Rc::clone(self);
        self.tasks.borrow_mut().spawn_local(async move {
            tokio::select! {
                () = local.steering.reached(end) => {}
                () = local.pool.early_end() => {}
            }
        });
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
    async fn live(self: Rc<Self>, user: User, number: u64, limit: Option<u64>, start: Elapsed) {
        let mut at_work = None;
        self.work(&mut at_work, user, number, limit, start).await;
        settle(at_work.as_ref()).await;
    }

    /// All of its windows.
    async fn work(
        self: &Rc<Self>,
        at_work: &mut Option<AtWork>,
        mut user: User,
        number: u64,
        limit: Option<u64>,
        start: Elapsed,
    ) {
        let mut at_rest = AtRest::New;
        loop {
            let turn = user.next(self.steering.now().since(start).into());
            // Load time stands still: after the pause it is its turn as it is now.
            if matches!(turn, Turn::Start { .. }) && self.steering.is_paused() {
                if let Some(AtWork { vu, busy }) = at_work.take() {
                    drop(busy);
                    at_rest = AtRest::Paused(Box::new(vu));
                }
                Box::pin(self.sit_out(number)).await;
            }
            if number >= self.wanted.get() {
                self.alive.borrow_mut().remove(&number);
                return self.pool.dismiss();
            }
            match turn {
                Turn::Start { .. } | Turn::Wait(_) if self.pool.ended_early() => return,
                Turn::Start { .. } if limit.is_some_and(|limit| !self.pool.take(limit)) => return,
                Turn::Start { cut_off } => {
                    let rested = || self.set_to_work(std::mem::replace(&mut at_rest, AtRest::New));
                    let working = at_work.get_or_insert_with(rested);
                    let cut_off = cut_off.map(|moment| start + Duration::from(moment));
                    let complete = self.iterate_until(working, cut_off).await;
                    if !complete {
                        at_rest = leave(at_work.take(), at_rest);
                    }
                    // An iteration without a wait must not keep the worker from its other users.
                    tokio::task::coop::consume_budget().await;
                }
                // Its connections close, as those of a user who has left.
                Turn::Wait(until) => {
                    settle(at_work.as_ref()).await;
                    at_rest = leave(at_work.take(), at_rest);
                    tokio::select! {
                        () = self.steering.reached(start + Duration::from(until)) => {}
                        () = self.pool.early_end() => {}
                    }
                }
                Turn::Done => return,
            }
        }
    }

    /// Until the run goes on, or the user is not wanted any more.
    async fn sit_out(&self, number: u64) {
        while self.steering.is_paused() && number < self.wanted.get() && !self.pool.ended_early() {
            tokio::select! {
                () = self.steering.changed() => {}
                () = self.pool.early_end() => {}
            }
        }
    }

    fn set_to_work(self: &Rc<Self>, at_rest: AtRest) -> AtWork {
        self.pool.occupy();
        let busy = Busy { local: Rc::clone(self), iterating: false };
        let vu = match at_rest {
            AtRest::New => self.new_user(),
            AtRest::Left { id, iteration } => {
                let mut vu = self.user(id);
                vu.iteration = iteration;
                vu
            }
            AtRest::Paused(vu) => *vu,
        };
        AtWork { vu, busy }
    }

    /// Whether the iteration was complete before `cut_off`. What is dropped half-way counts as interrupted.
    async fn iterate_until(&self, at_work: &mut AtWork, cut_off: Option<Elapsed>) -> bool {
        let iteration = self.iterate(&mut at_work.vu, &mut at_work.busy, None);
        match cut_off {
            None => {
                iteration.await;
                true
            }
            Some(moment) => tokio::select! {
                biased;
                () = iteration => true,
                () = self.steering.reached(moment) => false,
            },
        }
    }
}

/// What it was not yet answered is waited for.
async fn settle(at_work: Option<&AtWork>) {
    if let Some(settled) = at_work.and_then(|at_work| at_work.vu.settle()) {
        settled.await;
    }
}

/// Its connections are gone; it stays who it is.
fn leave(at_work: Option<AtWork>, at_rest: AtRest) -> AtRest {
    match (at_work, at_rest) {
        // An iteration that was cut off is one that it has begun.
        (Some(AtWork { vu, busy }), _) => {
            AtRest::Left { id: vu.id, iteration: vu.iteration + u64::from(busy.iterating) }
        }
        (None, AtRest::Paused(vu)) => AtRest::Left { id: vu.id, iteration: vu.iteration },
        (None, at_rest) => at_rest,
    }
}
