//! The books of one connection: which steps use it, what is owed over it, and what of that is written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::{Notify, oneshot};

use super::Account;
use crate::flow::ledger::Stamped;
use crate::flow::{ScenarioSeries, Vu, Worker};
use crate::ids::SeriesId;
use crate::protocol::Window;
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// For one answer that does not come as many others may come as go into this many windows.
const LONGEST_SPAN: usize = 64;

/// `S`: what only the protocol counts of a step, `K`: what kinds of answers there are, `M`: what an answer says.
#[derive(Debug)]
pub(in crate::flow) struct Books<S, K, M> {
    pub(in crate::flow) worker: Rc<Worker>,
    pub(in crate::flow) scenario: ScenarioSeries,
    /// Of the step that opened the connection.
    pub(in crate::flow) account: Rc<Account<S>>,
    /// Of those that use it.
    accounts: RefCell<Vec<Rc<Account<S>>>>,
    pub(in crate::flow) window: RefCell<Window<Owed<S, K, M>>>,
    /// Rung when something was answered or given up, and when the connection comes or goes.
    pub(in crate::flow) changed: Notify,
    /// Rung when something is owed again.
    pub(in crate::flow) armed: Notify,
    up: Cell<bool>,
}

/// An answer that is waited for.
#[derive(Debug)]
pub(in crate::flow) struct Owed<S, K, M> {
    pub(in crate::flow) account: Rc<Account<S>>,
    pub(in crate::flow) due: Elapsed,
    pub(in crate::flow) started: Elapsed,
    pub(in crate::flow) kind: K,
    pub(in crate::flow) event: Option<Stamped>,
    /// Who wants to see it, if anybody does.
    pub(in crate::flow) seen_by: Option<oneshot::Sender<Answered<M>>>,
}

#[derive(Debug)]
pub(in crate::flow) struct Answered<M> {
    pub(in crate::flow) said: M,
    pub(in crate::flow) at: Elapsed,
    pub(in crate::flow) error: Option<ErrorCode>,
}

/// What became of what was owed.
pub(in crate::flow) struct Outcome<M> {
    pub(in crate::flow) said: M,
    pub(in crate::flow) at: Elapsed,
    pub(in crate::flow) error: Option<ErrorCode>,
    /// Whether it was acknowledged.
    pub(in crate::flow) acknowledged: bool,
    /// What takes the time from when it was handed over; nothing takes it where nobody answered.
    pub(in crate::flow) service: Option<SeriesId>,
}

impl<S: Clone, K, M> Books<S, K, M> {
    pub(in crate::flow) fn open(vu: &Vu, account: &Account<S>) -> Self {
        let books = Books {
            worker: Rc::clone(&vu.worker),
            scenario: vu.series,
            account: Rc::new(account.clone()),
            accounts: RefCell::default(),
            window: RefCell::default(),
            changed: Notify::new(),
            armed: Notify::new(),
            up: Cell::new(false),
        };
        books.turn(true);
        books
    }

    /// A step's, for what outlives it. Not an `Arc`, which all workers would count in.
    pub(in crate::flow) fn account(&self, of: &Account<S>) -> Rc<Account<S>> {
        let mut accounts = self.accounts.borrow_mut();
        if let Some(known) = accounts.iter().find(|known| known.id == of.id) {
            return Rc::clone(known);
        }
        let account = Rc::new(of.clone());
        accounts.push(Rc::clone(&account));
        account
    }
}

impl<S, K, M> Books<S, K, M> {
    pub(in crate::flow) fn now(&self) -> Elapsed {
        self.worker.clock.now()
    }

    /// The connection comes or goes.
    pub(in crate::flow) fn turn(&self, up: bool) {
        if self.up.replace(up) != up {
            let change = if up { 1.0 } else { -1.0 };
            self.worker.shard.borrow_mut().add(self.account.series.connections, change);
        }
    }

    pub(in crate::flow) fn is_owed(&self) -> bool {
        !self.window.borrow().is_empty()
    }

    /// Whether one more may be owed where `most` may.
    fn has_room(&self, most: usize) -> bool {
        let window = self.window.borrow();
        window.len() < most && window.span() < most.saturating_mul(LONGEST_SPAN)
    }

    /// Waits until fewer than `most` answers are owed, or none will come.
    pub(in crate::flow) async fn room(&self, most: usize, is_over: impl Fn() -> bool) {
        while !self.has_room(most) && !is_over() {
            self.changed.notified().await;
        }
    }

    /// Waits for all that is owed.
    pub(in crate::flow) async fn paid(&self) {
        while self.is_owed() {
            self.changed.notified().await;
        }
    }

    /// The number that its answer will carry.
    pub(in crate::flow) fn owe(&self, owed: Owed<S, K, M>, until: Elapsed) -> u64 {
        let mut window = self.window.borrow_mut();
        if window.is_empty() {
            self.armed.notify_one();
        }
        window.send(owed, until)
    }

    /// Nothing for what was answered or given up before.
    pub(in crate::flow) fn answer(&self, number: u64) -> Option<Owed<S, K, M>> {
        self.window.borrow_mut().answer(number)
    }

    /// The next whose time is over.
    pub(in crate::flow) fn expire(&self, now: Elapsed) -> Option<Owed<S, K, M>> {
        self.window.borrow_mut().expire(now)
    }

    /// The oldest, whatever its time.
    pub(in crate::flow) fn give_up(&self) -> Option<Owed<S, K, M>> {
        self.window.borrow_mut().give_up()
    }

    /// Writes down what became of it.
    pub(in crate::flow) fn conclude(&self, owed: Owed<S, K, M>, outcome: Outcome<M>) {
        let Owed { account, due, started, kind: _, event, seen_by } = owed;
        let Outcome { said, at, error, acknowledged, service } = outcome;
        account.conclude_with(&self.worker, due, at, error.is_some(), |shard| {
            if acknowledged {
                shard.count(account.series.acks, 1);
            }
            if let Some(service) = service {
                shard.time(service, at.since(started));
            }
        });
        match error {
            None => event.into_iter().for_each(|event| event.accepted(&self.worker)),
            Some(error) => account.count_error(&self.worker, error),
        }
        if let Some(seen_by) = seen_by {
            // Whoever waited has been cut off.
            let _ = seen_by.send(Answered { said, at, error });
        }
    }
}
