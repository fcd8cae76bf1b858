//! WebSocket sessions that outlive an iteration: attended while no step uses them, and opened again,
//! ever more slowly, when they are lost.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::websocket::Session;
use crate::ids::StepId;
use crate::protocol::backoff;

/// The sessions that one VU keeps, at most one for each step. Dropping it ends them.
#[derive(Default)]
pub(super) struct KeptSessions(Vec<(StepId, Rc<RefCell<Place>>)>);

/// Where a session waits for the next iteration. A task of its own reads from it meanwhile: pings are
/// answered, messages stamped, and a loss is counted when it happens.
#[derive(Default)]
struct Place {
    session: Option<Box<Session>>,
    /// Of the task that attends it, once there is one.
    keeper: Option<Waker>,
    /// Sessions lost and attempts failed since a flow was last done with its session.
    losses: u32,
    /// The VU is gone.
    left: bool,
}

impl KeptSessions {
    pub(super) fn take(&self, step: StepId) -> Option<Box<Session>> {
        self.find(step)?.borrow_mut().session.take()
    }

    /// After a flow that is done with it. Must be called where tasks may be spawned that never leave their thread.
    pub(super) fn put(&mut self, step: StepId, session: Box<Session>) {
        let place = self.place(step);
        let keeper = {
            let mut place = place.borrow_mut();
            place.losses = 0;
            place.session = Some(session);
            place.keeper.clone()
        };
        match keeper {
            Some(keeper) => keeper.wake(),
            None => {
                let place = Rc::clone(place);
                place.borrow_mut().keeper = Some(Waker::noop().clone());
                tokio::task::spawn_local(poll_fn(move |cx| place.borrow_mut().poll_attend(cx)));
            }
        }
    }

    /// Notes a session that was lost in the middle of its flow, or could not be opened.
    pub(super) fn lost(&mut self, step: StepId) {
        self.place(step).borrow_mut().losses += 1;
    }

    /// How long to wait before the session is opened.
    pub(super) fn backoff(&self, step: StepId) -> Duration {
        self.find(step).map_or(Duration::ZERO, |place| backoff(place.borrow().losses, fastrand::f64()))
    }

    fn find(&self, step: StepId) -> Option<&Rc<RefCell<Place>>> {
        self.0.iter().find(|(known, _)| *known == step).map(|(_, place)| place)
    }

    fn place(&mut self, step: StepId) -> &Rc<RefCell<Place>> {
        let at = self.0.iter().position(|(known, _)| *known == step).unwrap_or_else(|| {
            self.0.push((step, Rc::default()));
            self.0.len() - 1
        });
        &self.0[at].1
    }
}

impl Drop for KeptSessions {
    fn drop(&mut self) {
        for (_, place) in &self.0 {
            let mut place = place.borrow_mut();
            place.left = true;
            place.session = None;
            if let Some(keeper) = place.keeper.take() {
                keeper.wake();
            }
        }
    }
}

impl Place {
    /// Ready when the VU is gone.
    fn poll_attend(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.left {
            return Poll::Ready(());
        }
        if self.keeper.as_ref().is_none_or(|keeper| !keeper.will_wake(cx.waker())) {
            self.keeper = Some(cx.waker().clone());
        }
        if let Some(session) = &mut self.session
            && session.poll_attend(cx).is_ready()
        {
            self.session = None;
            self.losses += 1;
        }
        Poll::Pending
    }
}
