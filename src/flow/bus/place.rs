//! Where a VU's connection is from one iteration to the next, and when it may be made again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::Bus;
use crate::flow::Vu;
use crate::flow::held::Keep;
use crate::protocol::backoff;
use crate::sample::ErrorCode;

/// A connection that a VU keeps.
pub(in crate::flow) trait Linked: 'static {
    /// Whether there has to be a new one.
    fn is_over(&self) -> bool;
    /// Over, and not by us.
    fn is_lost(&self) -> bool;
    /// Whether it has anything to do before its VU goes.
    fn is_busy(&self) -> bool;
    /// Done when it has no more.
    async fn leave(&self);
}

/// How a step's connection is made.
pub(in crate::flow) trait Connects {
    type Link: Linked;
    type Opened;
    /// Of whom there is no connection for as long as he would wait.
    const DISCONNECTED: ErrorCode;
    async fn open(&self, vu: &Vu) -> Result<Self::Opened, ErrorCode>;
    /// `losses`: see [`Losses`].
    fn attend(&self, vu: &Vu, opened: Self::Opened, losses: Losses) -> Self::Link;
}

/// Connections lost and attempts failed since a server last did what it was asked, which the link sets to 0.
pub(in crate::flow) type Losses = Rc<Cell<u32>>;

struct Place<L> {
    link: RefCell<Option<Rc<L>>>,
    losses: Losses,
    /// No attempt before it.
    not_before: Cell<Option<Instant>>,
    /// There was one that was lost.
    lost: Cell<bool>,
}

impl<L> Default for Place<L> {
    fn default() -> Self {
        Place {
            link: RefCell::default(),
            losses: Rc::default(),
            not_before: Cell::default(),
            lost: Cell::default(),
        }
    }
}

impl<L: Linked> Keep for Place<L> {
    fn settle(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        let link = Rc::clone(self.link.borrow().as_ref()?);
        link.is_busy().then(|| -> LocalBoxFuture<'static, ()> { Box::pin(async move { link.leave().await }) })
    }
}

impl<L: Linked> Place<L> {
    /// The link, if it is not over.
    fn known(&self) -> Option<Rc<L>> {
        let link = self.link.borrow().clone()?;
        if !link.is_over() {
            return Some(link);
        }
        self.link.replace(None);
        if link.is_lost() {
            self.lost.set(true);
            self.hold_off();
        }
        None
    }

    /// Who loses a connection, or does not get one, waits before the next attempt, ever longer.
    fn hold_off(&self) {
        self.losses.set(self.losses.get().saturating_add(1));
        self.not_before.set(Some(Instant::now() + backoff(self.losses.get(), fastrand::f64())));
    }
}

impl<S> Bus<S> {
    /// The VU's connection for this step; a new one where there is none, or the last is over. Nobody waits longer than
    /// `patience` for when one may be made again.
    pub(in crate::flow) async fn reach<C: Connects>(
        &self,
        vu: &mut Vu,
        patience: Duration,
        connects: &C,
    ) -> Result<Rc<C::Link>, ErrorCode> {
        let place = match vu.held.find::<Place<C::Link>>(self.connection) {
            Some(place) => place,
            None => {
                let place = Rc::new(Place::<C::Link>::default());
                vu.held.put(self.connection, Rc::clone(&place));
                place
            }
        };
        if let Some(link) = place.known() {
            return Ok(link);
        }
        if let Some(not_before) = place.not_before.get() {
            let patient = Instant::now() + patience;
            tokio::time::sleep_until(not_before.min(patient)).await;
            if not_before > patient {
                return Err(C::DISCONNECTED);
            }
        }
        let began = vu.now();
        let opened = connects.open(vu).await;
        let took = vu.now().since(began);
        let opened = opened.inspect_err(|_| place.hold_off())?;
        place.not_before.set(None);
        {
            let mut shard = vu.worker.shard.borrow_mut();
            shard.time(self.account.series.connecting, took);
            shard.count(self.account.series.reconnects, u64::from(place.lost.take()));
        }
        let link = Rc::new(connects.attend(vu, opened, Rc::clone(&place.losses)));
        place.link.replace(Some(Rc::clone(&link)));
        Ok(link)
    }
}
