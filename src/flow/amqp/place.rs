//! Where a VU's connection is from one iteration to the next, and when it may be made again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::super::Vu;
use super::super::held::Keep;
use super::AmqpStep;
use super::link::Link;
use crate::protocol::amqp::Connection;
use crate::protocol::backoff;
use crate::sample::ErrorCode;

#[derive(Default)]
struct Place {
    link: RefCell<Option<Rc<Link>>>,
    /// Connections lost and attempts failed since a server last did what it was asked.
    losses: Rc<Cell<u32>>,
    /// No attempt before it.
    not_before: Cell<Option<Instant>>,
    /// There was one that was lost.
    lost: Cell<bool>,
}

impl Keep for Place {
    fn settle(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        let link = Rc::clone(self.link.borrow().as_ref()?);
        (!link.is_over())
            .then(|| -> LocalBoxFuture<'static, ()> { Box::pin(async move { link.leave().await }) })
    }
}

impl Place {
    /// Who loses a connection, or does not get one, waits before the next attempt, ever longer.
    fn hold_off(&self) {
        self.losses.set(self.losses.get().saturating_add(1));
        self.not_before.set(Some(Instant::now() + backoff(self.losses.get(), fastrand::f64())));
    }
}

impl AmqpStep {
    /// The VU's connection for this step; a new one where there is none, or the last is over. Nobody waits longer than
    /// `patience` for when one may be made again.
    pub(super) async fn reach(&self, vu: &mut Vu, patience: Duration) -> Result<Rc<Link>, ErrorCode> {
        let place = match vu.held.find::<Place>(self.connection) {
            Some(place) => place,
            None => {
                let place = Rc::new(Place::default());
                vu.held.put(self.connection, Rc::clone(&place));
                place
            }
        };
        let known = place.link.borrow().clone();
        if let Some(link) = known {
            if !link.is_over() {
                return Ok(link);
            }
            place.link.replace(None);
            if link.is_lost() {
                place.lost.set(true);
                place.hold_off();
            }
        }
        if let Some(not_before) = place.not_before.get() {
            let patient = Instant::now() + patience;
            tokio::time::sleep_until(not_before.min(patient)).await;
            if not_before > patient {
                return Err(ErrorCode::AMQP_DISCONNECTED);
            }
        }
        let began = vu.now();
        let opened = Connection::open(&vu.worker.dialer, &self.server, self.connect_timeout).await;
        let took = vu.now().since(began);
        let (connection, driver) = opened.inspect_err(|_| place.hold_off())?;
        place.not_before.set(None);
        {
            let mut shard = vu.worker.shard.borrow_mut();
            shard.time(self.account.series.connecting, took);
            shard.count(self.account.series.reconnects, u64::from(place.lost.take()));
        }
        let link = Rc::new(Link::attend(self, vu, connection, driver, Rc::clone(&place.losses)));
        place.link.replace(Some(Rc::clone(&link)));
        Ok(link)
    }
}
