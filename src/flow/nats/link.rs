//! A VU's connection to NATS, kept from one iteration to the next: what was sent and is not acknowledged, what happens
//! to the connection, and what of both is written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_nats::Message;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::super::Vu;
use super::super::bus::{self, Books, Connects, FAREWELL, LOOK_EVERY, Linked, Losses, Outcome};
use super::super::within::within;
use super::{Account, NatsOwn, NatsStep};
use crate::protocol::nats::{
    Ack, Connected, Connection, Happening, Leave, Outgoing, ack_of, of_reply, received_bytes, refusal_of,
};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// What says something to whoever looks.
pub(super) type Said = Option<Message>;
pub(super) type Owed = bus::Owed<NatsOwn, OwedKind, Said>;

/// Dropping it ends the connection and its tasks, and counts what was not acknowledged.
#[derive(Debug)]
pub(in crate::flow) struct Link {
    state: Rc<State>,
    tasks: RefCell<Vec<AbortHandle>>,
    _leave: Leave,
}

#[derive(Debug)]
struct State {
    books: Books<NatsOwn, OwedKind, Said>,
    connection: Connection,
    /// What comes to it is an answer; set once somebody waits for one.
    inbox: RefCell<Option<Rc<str>>>,
    given_up: Cell<bool>,
    /// Something was handed over that nobody acknowledges.
    unconfirmed: Cell<bool>,
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

impl Linked for Link {
    fn is_over(&self) -> bool {
        self.state.given_up.get()
    }

    fn is_lost(&self) -> bool {
        self.is_over()
    }

    fn is_busy(&self) -> bool {
        self.state.books.is_owed() || self.state.unconfirmed.get()
    }

    /// Waits for all that is owed, and that the server has all that was sent.
    async fn leave(&self) {
        if self.state.unconfirmed.take() && self.state.connection.is_connected() {
            let now = self.state.books.now();
            let owed = Owed {
                account: Rc::clone(&self.state.books.account),
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
        self.state.books.paid().await;
    }
}

impl Connects for NatsStep {
    type Link = Link;
    type Opened = Connected;
    const DISCONNECTED: ErrorCode = ErrorCode::NATS_DISCONNECTED;

    async fn open(&self, vu: &Vu) -> Result<Connected, ErrorCode> {
        Connection::open(&vu.worker.dialer, &self.servers, self.bus.connect_timeout).await
    }

    fn attend(&self, vu: &Vu, opened: Connected, losses: Losses) -> Link {
        let Connected { connection, happenings } = opened;
        losses.set(0);
        let leave = connection.leave();
        let state = Rc::new(State {
            books: Books::open(vu, &self.bus.account),
            connection,
            inbox: RefCell::default(),
            given_up: Cell::new(false),
            unconfirmed: Cell::new(false),
        });
        let attending = tokio::task::spawn_local(attend(Rc::clone(&state), happenings));
        Link { state, tasks: RefCell::new(vec![attending.abort_handle()]), _leave: leave }
    }
}

impl Link {
    pub(super) fn connection(&self) -> &Connection {
        &self.state.connection
    }

    /// The step's, for what outlives it.
    pub(super) fn account(&self, step: &NatsStep) -> Rc<Account> {
        self.state.books.account(&step.bus.account)
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
            self.state.books.changed.notified().await;
        }
        Ok(())
    }

    /// Waits until fewer than `most` answers are owed.
    pub(super) async fn room(&self, most: usize) {
        self.state.books.room(most, || self.state.given_up.get()).await;
    }

    /// Sends a message whose answer is waited for until `until`. An error has not been written down; what is given up
    /// while it is handed over has.
    pub(super) async fn send(
        &self,
        mut message: Outgoing,
        owed: Owed,
        until: Elapsed,
    ) -> Result<(), ErrorCode> {
        let books = &self.state.books;
        let left = || until.since(books.now());
        let inbox = within(left, self.inbox()).await.unwrap_or(Err(ErrorCode::NATS_DISCONNECTED))?;
        let (sent, confirmation) = (owed.account.series.sent, owed.kind == OwedKind::Confirmation);
        let number = books.owe(owed, until);
        message.reply = Some(format!("{inbox}.{number}"));
        if confirmation {
            message.subject = format!("{inbox}.{number}");
            message.reply = None;
        }
        let bytes = message.wire_bytes();
        let handed_over = within(left, self.state.connection.publish(message)).await;
        if let Err(error) = handed_over.unwrap_or(Err(ErrorCode::NATS_DISCONNECTED)) {
            let refused = books.answer(number);
            return refused.map_or(Ok(()), |_| Err(error));
        }
        let mut shard = books.worker.shard.borrow_mut();
        shard.count(sent, u64::from(!confirmation));
        shard.count(books.scenario.data_sent, bytes);
        Ok(())
    }

    /// Sends a message that nobody answers.
    pub(super) async fn send_off(&self, message: Outgoing, account: &Account) -> Result<(), ErrorCode> {
        let bytes = message.wire_bytes();
        self.state.connection.publish(message).await?;
        self.unconfirmed();
        let mut shard = self.state.books.worker.shard.borrow_mut();
        shard.count(account.series.sent, 1);
        shard.count(self.state.books.scenario.data_sent, bytes);
        Ok(())
    }

    /// Counts a message that came to a step.
    pub(super) fn received(&self, message: &Message, account: &Account) {
        let mut shard = self.state.books.worker.shard.borrow_mut();
        shard.count(account.series.received, 1);
        shard.count(self.state.books.scenario.data_received, received_bytes(message));
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
}

impl Drop for Link {
    fn drop(&mut self) {
        for task in self.tasks.get_mut() {
            task.abort();
        }
        let now = self.state.books.now();
        while let Some(owed) = self.state.books.give_up() {
            self.state.conclude(owed, None, Err(ErrorCode::NATS_ACK_ABANDONED), now);
        }
        self.state.books.turn(false);
    }
}

/// Hears what happens to the connection, and gives up what is not answered in time.
async fn attend(state: Rc<State>, mut happenings: mpsc::Receiver<Happening>) {
    // The connection was there when this began; the library tells so once more.
    let mut first = true;
    loop {
        let idle = !state.books.is_owed();
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
            () = state.books.armed.notified(), if idle => {}
            () = tokio::time::sleep(LOOK_EVERY), if !idle => state.expire(),
        }
    }
}

impl State {
    fn happened(&self, happening: Happening) {
        let Books { worker, account, .. } = &self.books;
        match happening {
            Happening::Reconnected => {
                self.books.turn(true);
                worker.shard.borrow_mut().count(account.series.reconnects, 1);
            }
            Happening::Lost => {
                self.books.turn(false);
                account.count_error(worker, ErrorCode::NATS_DISCONNECTED);
            }
            Happening::Failed(error) => account.count_error(worker, error),
            Happening::Discarded => account.count_error(worker, ErrorCode::NATS_SLOW_CONSUMER),
            Happening::GivenUp => {
                self.books.turn(false);
                self.given_up.set(true);
            }
        }
        self.books.changed.notify_waiters();
    }

    fn answer(&self, message: Message) {
        let books = &self.books;
        let at = books.now();
        let number = message.subject.rsplit('.').next().and_then(|number| number.parse().ok());
        let owed = number.and_then(|number| books.answer(number));
        books.worker.shard.borrow_mut().count(books.scenario.data_received, received_bytes(&message));
        // What was given up may still be answered.
        let Some(owed) = owed else { return };
        let outcome = match owed.kind {
            OwedKind::Ack => ack_of(&message, &owed.account.own.stream),
            OwedKind::JetStream => refusal_of(&message).map_or(Ok(Ack::default()), Err),
            OwedKind::Reply | OwedKind::Confirmation => of_reply(&message).map_or(Ok(Ack::default()), Err),
        };
        self.conclude(owed, Some(message), outcome, at);
        books.changed.notify_waiters();
    }

    fn expire(&self) {
        let now = self.books.now();
        while let Some(owed) = self.books.expire(now) {
            let error = match owed.kind {
                OwedKind::Ack => ErrorCode::NATS_ACK_TIMEOUT,
                _ => ErrorCode::TIMEOUT,
            };
            self.conclude(owed, None, Err(error), now);
            self.books.changed.notify_waiters();
        }
    }

    /// Writes down what became of it.
    fn conclude(&self, mut owed: Owed, said: Said, outcome: Result<Ack, ErrorCode>, at: Elapsed) {
        if owed.kind == OwedKind::Confirmation {
            return;
        }
        let (series, own) = (owed.account.series, &owed.account.own);
        if let Ok(Ack { duplicate: true }) = outcome {
            // The stream has it already, so that this one will not be delivered.
            self.books.worker.shard.borrow_mut().count(own.duplicates, 1);
            owed.event = None;
        }
        let of_stream = owed.kind == OwedKind::Ack;
        let service = if of_stream { series.ack_duration } else { own.request_duration };
        let outcome = Outcome {
            at,
            acknowledged: of_stream && outcome.is_ok(),
            error: outcome.err(),
            service: said.is_some().then_some(service),
            said,
        };
        self.books.conclude(owed, outcome);
    }
}
