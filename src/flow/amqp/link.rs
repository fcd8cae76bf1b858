//! A VU's connection to an AMQP server: what was sent and is not confirmed, who waits for what, and what of all that is
//! written down.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::{ScenarioSeries, Vu, Worker};
use super::inbox::Inbox;
use super::owed::{Answer, Confirmed, Owed, Question, Way};
use super::{AmqpAccount, AmqpStep};
use crate::protocol::Window;
use crate::protocol::amqp::{Connection, Driver, Incoming, Outgoing, Source};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// How often what is not confirmed is looked through: it is given up this much late at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For one confirm that does not come as many others may come as go into this many windows.
const LONGEST_SPAN: usize = 64;
/// How long the server may take to say that it has done all that it was told, before a VU goes.
const FAREWELL: Duration = Duration::from_secs(5);

/// Dropping it ends the connection, and counts what was not confirmed.
#[derive(Debug)]
pub(super) struct Link {
    state: Rc<State>,
    attending: AbortHandle,
}

#[derive(Debug)]
struct State {
    worker: Rc<Worker>,
    scenario: ScenarioSeries,
    connection: Connection,
    /// Of the step that opened it.
    account: Rc<AmqpAccount>,
    /// Of those that use it.
    accounts: RefCell<Vec<Rc<AmqpAccount>>>,
    window: RefCell<Window<Owed>>,
    asked: RefCell<VecDeque<(Question, Asker)>>,
    /// Those of consumers, by their numbers.
    inboxes: RefCell<Vec<(u32, Consumer)>>,
    /// Rung when something was confirmed or given up, and when the connection is over.
    changed: Notify,
    /// Rung when something is owed again.
    armed: Notify,
    up: Cell<bool>,
    over: Cell<Option<Over>>,
    /// Of its place: none once the server has done what it was asked.
    losses: Rc<Cell<u32>>,
}

/// Who waits for an answer.
type Asker = oneshot::Sender<Result<Answer, ErrorCode>>;

#[derive(Debug, Clone)]
struct Consumer {
    inbox: Rc<Inbox>,
    account: Rc<AmqpAccount>,
    acknowledges: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// By us.
    Left,
    Lost(ErrorCode),
}

impl Link {
    pub(super) fn attend(
        step: &AmqpStep,
        vu: &Vu,
        connection: Connection,
        driver: Driver,
        losses: Rc<Cell<u32>>,
    ) -> Self {
        let state = Rc::new(State {
            worker: Rc::clone(&vu.worker),
            scenario: vu.series,
            connection,
            account: Rc::new(step.account.clone()),
            accounts: RefCell::default(),
            window: RefCell::default(),
            asked: RefCell::default(),
            inboxes: RefCell::default(),
            changed: Notify::new(),
            armed: Notify::new(),
            up: Cell::new(false),
            over: Cell::new(None),
            losses,
        });
        state.turn(true);
        let attending = tokio::task::spawn_local(attend(Rc::clone(&state), driver));
        Link { state, attending: attending.abort_handle() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.over.get().is_some()
    }

    /// Not by us.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.state.over.get(), Some(Over::Lost(_)))
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.state.connection.is_blocked()
    }

    /// The step's, for what outlives it. Not an `Arc`, which all workers would count in.
    pub(super) fn account(&self, step: &AmqpStep) -> Rc<AmqpAccount> {
        let mut accounts = self.state.accounts.borrow_mut();
        if let Some(known) = accounts.iter().find(|known| known.id == step.account.id) {
            return Rc::clone(known);
        }
        let account = Rc::new(step.account.clone());
        accounts.push(Rc::clone(&account));
        account
    }

    /// Waits until fewer than `most` confirms are owed and what is written down is on its way.
    pub(super) async fn room(&self, most: usize) {
        self.state.connection.room().await;
        loop {
            {
                let window = self.state.window.borrow();
                let room = window.len() < most && window.span() < most.saturating_mul(LONGEST_SPAN);
                if room || self.is_over() {
                    return;
                }
            }
            self.state.changed.notified().await;
        }
    }

    /// Sends a message whose confirm is waited for until `until`.
    pub(super) fn send(&self, message: &Outgoing, owed: Owed, until: Elapsed) -> Result<(), ErrorCode> {
        let sent = owed.account.series.sent;
        let number = {
            let mut window = self.state.window.borrow_mut();
            if window.is_empty() {
                self.state.armed.notify_one();
            }
            window.send(owed, until)
        };
        if let Err(error) = self.state.connection.publish(message, true) {
            // The connection is over: it can never be confirmed.
            let refused = self.state.window.borrow_mut().answer(number);
            drop(refused);
            return Err(error);
        }
        self.state.worker.shard.borrow_mut().count(sent, 1);
        self.state.count_bytes();
        Ok(())
    }

    /// Sends a message that nobody confirms.
    pub(super) fn send_off(&self, message: &Outgoing, account: &AmqpAccount) -> Result<(), ErrorCode> {
        self.state.connection.publish(message, false)?;
        self.state.worker.shard.borrow_mut().count(account.series.sent, 1);
        self.state.count_bytes();
        Ok(())
    }

    /// Says something that is answered.
    pub(super) async fn ask(
        &self,
        question: Question,
        say: impl FnOnce(&Connection) -> Result<(), ErrorCode>,
    ) -> Result<Answer, ErrorCode> {
        let (answer, answered) = oneshot::channel();
        say(&self.state.connection)?;
        self.state.asked.borrow_mut().push_back((question, answer));
        answered.await.unwrap_or(Err(ErrorCode::AMQP_DISCONNECTED))
    }

    /// Begins to consume; messages come to the inbox from then on.
    pub(super) async fn consume(
        &self,
        step: &AmqpStep,
        source: Source<'_>,
        prefetch: u16,
        acknowledges: bool,
    ) -> Result<Rc<Inbox>, ErrorCode> {
        let consumer = Consumer { inbox: Rc::default(), account: self.account(step), acknowledges };
        let inbox = Rc::clone(&consumer.inbox);
        let number = {
            let mut inboxes = self.state.inboxes.borrow_mut();
            let number = inboxes.last().map_or(0, |(number, _)| number + 1);
            inboxes.push((number, consumer));
            number
        };
        let say = |connection: &Connection| connection.consume(number, source, prefetch, acknowledges);
        self.ask(Question::Consume, say).await.map(|_| inbox)
    }

    pub(super) fn acknowledge(&self, number: u64) -> Result<(), ErrorCode> {
        self.state.connection.acknowledge(number)
    }

    /// Waits for all that is owed, and that the server has done all that it was told.
    pub(super) async fn leave(&self) {
        while !self.state.window.borrow().is_empty() {
            self.state.changed.notified().await;
        }
        if self.is_over() || self.state.connection.close().is_err() {
            return;
        }
        let gone = async {
            while !self.is_over() {
                self.state.changed.notified().await;
            }
        };
        // A server that does not say goodbye is left all the same.
        let _ = timeout(FAREWELL, gone).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.attending.abort();
        self.state.count_bytes();
        let now = self.state.worker.clock.now();
        let left = std::iter::from_fn(|| self.state.window.borrow_mut().give_up());
        for owed in left {
            self.state.conclude(owed, Err(ErrorCode::AMQP_ACK_ABANDONED), now);
        }
        self.state.turn(false);
    }
}

/// Hears what the server says, and gives up what is not confirmed in time.
async fn attend(state: Rc<State>, mut driver: Driver) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let idle = state.window.borrow().is_empty();
        tokio::select! {
            incoming = driver.next() => match incoming {
                Ok(Incoming::Closed) => return state.end(Over::Left),
                Ok(incoming) => state.hear(incoming, driver.read_at()),
                Err(error) => return state.end(Over::Lost(error)),
            },
            () = state.armed.notified(), if idle => {}
            _ = look.tick(), if !idle => state.expire(),
        }
        state.count_bytes();
    }
}

impl State {
    fn hear(&self, incoming: Incoming, at: Elapsed) {
        self.losses.set(0);
        match incoming {
            Incoming::Confirmed { number, all_up_to, taken } => {
                // The server counts from 1.
                let Some(number) = number.checked_sub(1) else { return };
                let outcome = if taken { Ok(()) } else { Err(ErrorCode::AMQP_NACK) };
                if all_up_to {
                    let up_to = || self.window.borrow_mut().answer_up_to(number);
                    std::iter::from_fn(up_to).for_each(|owed| self.conclude(owed, outcome, at));
                } else {
                    // What was given up may still be confirmed.
                    let owed = self.window.borrow_mut().answer(number);
                    owed.into_iter().for_each(|owed| self.conclude(owed, outcome, at));
                }
                self.changed.notify_waiters();
            }
            Incoming::Returned { print } => self.come_back(print),
            Incoming::Delivered { consumer, delivery } => {
                // Of a consumer whose step gave up waiting for it.
                let Some(to) = self.consumer(consumer) else { return };
                if !to.inbox.put(delivery, at) {
                    to.account.count_error(&self.worker, ErrorCode::AMQP_SLOW_CONSUMER);
                }
            }
            Incoming::TooMuch { consumer, number } => {
                let Some(to) = self.consumer(consumer) else { return };
                to.account.count_error(&self.worker, ErrorCode::MEMORY_SPENT);
                if to.acknowledges {
                    // Else it would come again and again, or stand in the way of others.
                    let _ = self.connection.acknowledge(number);
                }
            }
            Incoming::Cancelled { consumer } => {
                let Some(to) = self.consumer(consumer) else { return };
                to.account.count_error(&self.worker, ErrorCode::AMQP_CANCELLED);
                to.inbox.end();
            }
            Incoming::Queue { messages, consumers } => {
                self.answer(Question::Queue, Answer { messages, consumers });
            }
            Incoming::Exchange => self.answer(Question::Exchange, Answer { messages: 0, consumers: 0 }),
            Incoming::Consuming => self.answer(Question::Consume, Answer { messages: 0, consumers: 0 }),
            Incoming::ChannelClosed { confirmed, error } => {
                let told =
                    if confirmed { self.give_up_confirms(error) } else { self.give_up_questions(error) };
                if !told {
                    self.account.count_error(&self.worker, error);
                }
                self.changed.notify_waiters();
            }
            Incoming::Blocked(true) => self.account.count_error(&self.worker, ErrorCode::AMQP_BLOCKED),
            Incoming::Blocked(false) | Incoming::Closed => {}
        }
    }

    /// A message that no queue takes. Of those that nothing tells apart the oldest is as good as any.
    fn come_back(&self, print: Option<u64>) {
        let mut window = self.window.borrow_mut();
        let account = print.and_then(|print| {
            let owed = window.find(|owed| owed.way == Way::Mandatory(print))?;
            owed.way = Way::Back;
            Some(Rc::clone(&owed.account))
        });
        let returned = account.as_ref().unwrap_or(&self.account).series.returned;
        self.worker.shard.borrow_mut().count(returned, 1);
    }

    /// What is answered is told by its kind: a queue of our own is told of, too, and nobody asked for that.
    fn answer(&self, question: Question, answer: Answer) {
        let mut asked = self.asked.borrow_mut();
        if asked.front().is_some_and(|(first, _)| *first == question)
            && let Some((_, waiting)) = asked.pop_front()
        {
            // Whoever waited may have been cut off.
            let _ = waiting.send(Ok(answer));
        }
    }

    fn consumer(&self, number: u32) -> Option<Consumer> {
        let inboxes = self.inboxes.borrow();
        inboxes.iter().find(|(known, _)| *known == number).map(|(_, consumer)| consumer.clone())
    }

    /// The connection is over.
    fn end(&self, over: Over) {
        self.count_bytes();
        self.turn(false);
        self.over.set(Some(over));
        let error = match over {
            Over::Left => ErrorCode::AMQP_DISCONNECTED,
            Over::Lost(error) => error,
        };
        // Nobody knows whether the server has it.
        self.give_up_confirms(ErrorCode::AMQP_ACK_LOST);
        self.give_up_questions(error);
        if over != Over::Left {
            self.account.count_error(&self.worker, error);
        }
        self.changed.notify_waiters();
    }

    /// Of all messages that are not confirmed; whether there were any. The next one is the first again.
    fn give_up_confirms(&self, error: ErrorCode) -> bool {
        let now = self.worker.clock.now();
        let mut window = self.window.take();
        let left: Vec<Owed> = std::iter::from_fn(|| window.give_up()).collect();
        let any = !left.is_empty();
        left.into_iter().for_each(|owed| self.conclude(owed, Err(error), now));
        any
    }

    /// Of all else that was said, and of the consumers; whether anybody waited for an answer.
    fn give_up_questions(&self, error: ErrorCode) -> bool {
        let mut told = false;
        for (_, waiting) in self.asked.take() {
            told |= waiting.send(Err(error)).is_ok();
        }
        for (_, consumer) in self.inboxes.take() {
            consumer.inbox.end();
        }
        told
    }

    /// The connection comes or goes.
    fn turn(&self, up: bool) {
        if self.up.replace(up) != up {
            let change = if up { 1.0 } else { -1.0 };
            self.worker.shard.borrow_mut().add(self.account.series.connections, change);
        }
    }

    fn count_bytes(&self) {
        let (sent, received) = self.connection.take_bytes();
        let mut shard = self.worker.shard.borrow_mut();
        shard.count(self.scenario.data_sent, sent);
        shard.count(self.scenario.data_received, received);
    }

    fn expire(&self) {
        let now = self.worker.clock.now();
        loop {
            let owed = self.window.borrow_mut().expire(now);
            let Some(owed) = owed else { return };
            let error = if self.connection.is_blocked() {
                ErrorCode::AMQP_BLOCKED
            } else {
                ErrorCode::AMQP_ACK_TIMEOUT
            };
            self.conclude(owed, Err(error), now);
            self.changed.notify_waiters();
        }
    }

    /// Writes down what became of it.
    fn conclude(&self, owed: Owed, outcome: Result<(), ErrorCode>, at: Elapsed) {
        let Owed { account, due, started, way, event, seen_by } = owed;
        let answered = matches!(outcome, Ok(()) | Err(ErrorCode::AMQP_NACK));
        // What came back is confirmed all the same.
        let outcome = if way == Way::Back { outcome.and(Err(ErrorCode::AMQP_RETURNED)) } else { outcome };
        {
            let mut shard = self.worker.shard.borrow_mut();
            shard.exchange(Some((account.series.failed, at)));
            if outcome.is_ok() {
                shard.count(account.series.acks, 1);
            }
            if answered {
                shard.time(account.series.ack_duration, at.since(started));
            }
            shard.exchange(None);
        }
        account.conclude(&self.worker, due, at, outcome.is_err());
        match outcome {
            Ok(()) => event.into_iter().for_each(|event| event.accepted(&self.worker)),
            Err(error) => account.count_error(&self.worker, error),
        }
        if let Some(seen_by) = seen_by {
            // Whoever waited has been cut off.
            let _ = seen_by.send(Confirmed { at, error: outcome.err() });
        }
    }
}
