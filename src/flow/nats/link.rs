//! A VU's connection to NATS, kept from one iteration to the next: what was sent and is not acknowledged, what happens
//! to the connection, and what of both is written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_nats::Message;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::AbortHandle;

use super::super::held::Keep;
use super::super::ledger::Stamped;
use super::super::within::within;
use super::super::{ScenarioSeries, Vu, Worker};
use super::{Account, NatsStep};
use crate::protocol::nats::{
    Ack, Connected, Connection, Happening, Leave, Outgoing, ack_of, of_reply, received_bytes, refusal_of,
};
use crate::protocol::{Window, backoff};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// How often what is not acknowledged is looked through: it is given up this much late at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For one acknowledgement that does not come as many others may come as go into this many windows.
const LONGEST_SPAN: usize = 64;
/// How long the server may take to confirm, before a VU goes, that it has all that was sent.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where a VU's connection is between iterations, if there is one.
#[derive(Default)]
struct Place {
    link: RefCell<Option<Rc<Link>>>,
    /// Attempts that failed since it was last there.
    losses: Cell<u32>,
}

/// Dropping it ends the connection and its tasks, and counts what was not acknowledged.
#[derive(Debug)]
pub(super) struct Link {
    state: Rc<State>,
    tasks: RefCell<Vec<AbortHandle>>,
    _leave: Leave,
}

#[derive(Debug)]
struct State {
    worker: Rc<Worker>,
    scenario: ScenarioSeries,
    connection: Connection,
    /// Of the step that opened it.
    account: Rc<Account>,
    /// Of those that use it.
    accounts: RefCell<Vec<Rc<Account>>>,
    window: RefCell<Window<Owed>>,
    /// What comes to it is an answer; set once somebody waits for one.
    inbox: RefCell<Option<Rc<str>>>,
    /// Rung when something was answered or given up, and when the connection comes or goes.
    changed: Notify,
    /// Rung when something is owed again.
    armed: Notify,
    up: Cell<bool>,
    given_up: Cell<bool>,
    /// Something was handed over that nobody acknowledges.
    unconfirmed: Cell<bool>,
}

/// An answer that is waited for.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) account: Rc<Account>,
    pub(super) due: Elapsed,
    pub(super) started: Elapsed,
    pub(super) kind: OwedKind,
    pub(super) event: Option<Stamped>,
    /// Who wants to see it, if anybody does.
    pub(super) seen_by: Option<oneshot::Sender<Answered>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwedKind {
    Ack,
    Reply,
    /// A reply of JetStream's API, which may refuse.
    JetStream,
    /// That the server has got so far, which nobody counts.
    Confirmation,
}

#[derive(Debug)]
pub(super) struct Answered {
    pub(super) message: Option<Message>,
    pub(super) at: Elapsed,
    pub(super) error: Option<ErrorCode>,
}

impl Keep for Place {
    fn settle(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        let link = Rc::clone(self.link.borrow().as_ref()?);
        link.is_owed()
            .then(|| -> LocalBoxFuture<'static, ()> { Box::pin(async move { link.settle().await }) })
    }
}

impl Link {
    /// The VU's connection for this step; a new one where there is none, or the last was lost for good.
    pub(super) async fn reach(step: &NatsStep, vu: &mut Vu) -> Result<Rc<Link>, ErrorCode> {
        let place = match vu.held.find::<Place>(step.connection) {
            Some(place) => place,
            None => {
                let place = Rc::new(Place::default());
                vu.held.put(step.connection, Rc::clone(&place));
                place
            }
        };
        let known = place.link.borrow().as_ref().filter(|link| !link.state.given_up.get()).cloned();
        if let Some(link) = known {
            return Ok(link);
        }
        place.link.replace(None);
        let wait = backoff(place.losses.get(), fastrand::f64());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let began = vu.now();
        let opened = Connection::open(&vu.worker.dialer, &step.servers, step.connect_timeout).await;
        let took = vu.now().since(began);
        let connected = opened.inspect_err(|_| place.losses.set(place.losses.get().saturating_add(1)))?;
        place.losses.set(0);
        vu.worker.shard.borrow_mut().time(step.account.series.connecting, took);
        let link = Rc::new(Link::attend(step, vu, connected));
        place.link.replace(Some(Rc::clone(&link)));
        Ok(link)
    }

    fn attend(step: &NatsStep, vu: &Vu, Connected { connection, happenings }: Connected) -> Self {
        let leave = connection.leave();
        let state = Rc::new(State {
            worker: Rc::clone(&vu.worker),
            scenario: vu.series,
            connection,
            account: Rc::new(step.account.clone()),
            accounts: RefCell::default(),
            window: RefCell::default(),
            inbox: RefCell::default(),
            changed: Notify::new(),
            armed: Notify::new(),
            up: Cell::new(false),
            given_up: Cell::new(false),
            unconfirmed: Cell::new(false),
        });
        state.turn(true);
        let attending = tokio::task::spawn_local(attend(Rc::clone(&state), happenings));
        Link { state, tasks: RefCell::new(vec![attending.abort_handle()]), _leave: leave }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.state.connection
    }

    /// The step's, for what outlives it. Not an `Arc`, which all workers would count in.
    pub(super) fn account(&self, step: &NatsStep) -> Rc<Account> {
        let mut accounts = self.state.accounts.borrow_mut();
        if let Some(known) = accounts.iter().find(|known| known.id == step.account.id) {
            return Rc::clone(known);
        }
        let account = Rc::new(step.account.clone());
        accounts.push(Rc::clone(&account));
        account
    }

    /// Something was handed over that nobody acknowledges.
    pub(super) fn unconfirmed(&self) {
        self.state.unconfirmed.set(true);
    }

    /// Waits until the connection is there.
    pub(super) async fn ready(&self) -> Result<(), ErrorCode> {
        while !self.state.connection.is_connected() {
            if self.state.given_up.get() {
                return Err(ErrorCode::NATS_DISCONNECTED);
            }
            self.state.changed.notified().await;
        }
        Ok(())
    }

    /// Waits until fewer than `most` answers are owed.
    pub(super) async fn room(&self, most: usize) {
        loop {
            {
                let window = self.state.window.borrow();
                if window.len() < most && window.span() < most.saturating_mul(LONGEST_SPAN) {
                    return;
                }
            }
            self.state.changed.notified().await;
        }
    }

    /// Sends a message whose answer is waited for until `until`. An error has not been written down; what is given up
    /// while it is handed over has.
    pub(super) async fn send(
        &self,
        mut message: Outgoing,
        owed: Owed,
        until: Elapsed,
    ) -> Result<(), ErrorCode> {
        let left = || until.since(self.state.worker.clock.now());
        let inbox = within(left, self.inbox()).await.unwrap_or(Err(ErrorCode::NATS_DISCONNECTED))?;
        let (sent, confirmation) = (owed.account.series.sent, owed.kind == OwedKind::Confirmation);
        let number = {
            let mut window = self.state.window.borrow_mut();
            if window.is_empty() {
                self.state.armed.notify_one();
            }
            window.send(owed, until)
        };
        message.reply = Some(format!("{inbox}.{number}"));
        if confirmation {
            message.subject = format!("{inbox}.{number}");
            message.reply = None;
        }
        let bytes = message.wire_bytes();
        let handed_over = within(left, self.state.connection.publish(message)).await;
        if let Err(error) = handed_over.unwrap_or(Err(ErrorCode::NATS_DISCONNECTED)) {
            let refused = self.state.window.borrow_mut().answer(number);
            return refused.map_or(Ok(()), |_| Err(error));
        }
        let mut shard = self.state.worker.shard.borrow_mut();
        shard.count(sent, u64::from(!confirmation));
        shard.count(self.state.scenario.data_sent, bytes);
        Ok(())
    }

    /// Sends a message that nobody answers.
    pub(super) async fn send_off(&self, message: Outgoing, account: &Account) -> Result<(), ErrorCode> {
        let bytes = message.wire_bytes();
        self.state.connection.publish(message).await?;
        self.unconfirmed();
        let mut shard = self.state.worker.shard.borrow_mut();
        shard.count(account.series.sent, 1);
        shard.count(self.state.scenario.data_sent, bytes);
        Ok(())
    }

    /// Counts a message that came to a step.
    pub(super) fn received(&self, message: &Message, account: &Account) {
        let mut shard = self.state.worker.shard.borrow_mut();
        shard.count(account.series.received, 1);
        shard.count(self.state.scenario.data_received, received_bytes(message));
    }

    /// Where answers come to, each under a number of its own.
    async fn inbox(&self) -> Result<Rc<str>, ErrorCode> {
        if let Some(inbox) = &*self.state.inbox.borrow() {
            return Ok(Rc::clone(inbox));
        }
        let inbox: Rc<str> = Rc::from(self.state.connection.new_inbox());
        let mut answers = self.state.connection.subscribe(&format!("{inbox}.*"), None).await?;
        let state = Rc::clone(&self.state);
        let reading = tokio::task::spawn_local(async move {
            while let Some(message) = answers.next().await {
                state.answer(message);
            }
        });
        self.tasks.borrow_mut().push(reading.abort_handle());
        self.state.inbox.replace(Some(Rc::clone(&inbox)));
        Ok(inbox)
    }

    fn is_owed(&self) -> bool {
        !self.state.window.borrow().is_empty() || self.state.unconfirmed.get()
    }

    /// Waits for all that is owed, and that the server has all that was sent.
    pub(super) async fn settle(&self) {
        if self.state.unconfirmed.take() && self.state.connection.is_connected() {
            let now = self.state.worker.clock.now();
            let owed = Owed {
                account: Rc::clone(&self.state.account),
                due: now,
                started: now,
                kind: OwedKind::Confirmation,
                event: None,
                seen_by: None,
            };
            let message =
                Outgoing { subject: String::new(), reply: None, headers: None, payload: Default::default() };
            // That it cannot be asked was counted when the connection was lost.
            let _ = self.send(message, owed, now + FAREWELL).await;
        }
        while !self.state.window.borrow().is_empty() {
            self.state.changed.notified().await;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for task in self.tasks.get_mut() {
            task.abort();
        }
        let now = self.state.worker.clock.now();
        let left = std::iter::from_fn(|| self.state.window.borrow_mut().give_up());
        for owed in left {
            self.state.conclude(owed, None, Err(ErrorCode::NATS_ACK_ABANDONED), now);
        }
        self.state.turn(false);
    }
}

/// Hears what happens to the connection, and gives up what is not answered in time.
async fn attend(state: Rc<State>, mut happenings: mpsc::Receiver<Happening>) {
    // The connection was there when this began; the library tells so once more.
    let mut first = true;
    loop {
        let idle = state.window.borrow().is_empty();
        tokio::select! {
            happening = happenings.recv() => match happening {
                Some(Happening::Reconnected) if std::mem::take(&mut first) => {}
                Some(happening) => state.happened(happening),
                None => {
                    state.happened(Happening::GivenUp);
                    // Nothing more can happen but that time runs out.
                    loop {
                        tokio::time::sleep(LOOK_EVERY).await;
                        state.expire();
                    }
                }
            },
            () = state.armed.notified(), if idle => {}
            () = tokio::time::sleep(LOOK_EVERY), if !idle => state.expire(),
        }
    }
}

impl State {
    fn happened(&self, happening: Happening) {
        match happening {
            Happening::Reconnected => {
                self.turn(true);
                self.worker.shard.borrow_mut().count(self.account.series.reconnects, 1);
            }
            Happening::Lost => {
                self.turn(false);
                self.account.count_error(&self.worker, ErrorCode::NATS_DISCONNECTED);
            }
            Happening::Failed(error) => self.account.count_error(&self.worker, error),
            Happening::Discarded => self.account.count_error(&self.worker, ErrorCode::NATS_SLOW_CONSUMER),
            Happening::GivenUp => {
                self.turn(false);
                self.given_up.set(true);
            }
        }
        self.changed.notify_waiters();
    }

    /// The connection comes or goes.
    fn turn(&self, up: bool) {
        if self.up.replace(up) != up {
            let change = if up { 1.0 } else { -1.0 };
            self.worker.shard.borrow_mut().add(self.account.series.connections, change);
        }
    }

    fn answer(&self, message: Message) {
        let at = self.worker.clock.now();
        let number = message.subject.rsplit('.').next().and_then(|number| number.parse().ok());
        let owed = number.and_then(|number| self.window.borrow_mut().answer(number));
        self.worker.shard.borrow_mut().count(self.scenario.data_received, received_bytes(&message));
        // What was given up may still be answered.
        let Some(owed) = owed else { return };
        let outcome = match owed.kind {
            OwedKind::Ack => ack_of(&message, &owed.account.stream),
            OwedKind::JetStream => refusal_of(&message).map_or(Ok(Ack::default()), Err),
            OwedKind::Reply | OwedKind::Confirmation => of_reply(&message).map_or(Ok(Ack::default()), Err),
        };
        self.conclude(owed, Some(message), outcome, at);
        self.changed.notify_waiters();
    }

    fn expire(&self) {
        let now = self.worker.clock.now();
        loop {
            let owed = self.window.borrow_mut().expire(now);
            let Some(owed) = owed else { return };
            let error = match owed.kind {
                OwedKind::Ack => ErrorCode::NATS_ACK_TIMEOUT,
                _ => ErrorCode::TIMEOUT,
            };
            self.conclude(owed, None, Err(error), now);
            self.changed.notify_waiters();
        }
    }

    /// Writes down what became of it.
    fn conclude(&self, owed: Owed, message: Option<Message>, outcome: Result<Ack, ErrorCode>, at: Elapsed) {
        let Owed { account, due, started, kind, event, seen_by } = owed;
        if kind == OwedKind::Confirmation {
            return;
        }
        let series = account.series;
        {
            let mut shard = self.worker.shard.borrow_mut();
            shard.exchange(Some((series.failed, at)));
            if kind == OwedKind::Ack && outcome.is_ok() {
                shard.count(series.acks, 1);
            }
            let service = if kind == OwedKind::Ack { series.ack_duration } else { series.request_duration };
            if message.is_some() {
                shard.time(service, at.since(started));
            }
            shard.time(series.response_time, at.since(due));
            shard.rate(series.failed, outcome.is_err());
            shard.exchange(None);
        }
        match &outcome {
            Ok(Ack { duplicate: false }) => event.into_iter().for_each(|event| event.accepted(&self.worker)),
            // The stream has it already, so that this one will not be delivered.
            Ok(Ack { duplicate: true }) => self.worker.shard.borrow_mut().count(series.duplicates, 1),
            Err(error) => account.count_error(&self.worker, *error),
        }
        if let Some(seen_by) = seen_by {
            // Whoever waited has been cut off.
            let _ = seen_by.send(Answered { message, at, error: outcome.err() });
        }
    }
}
