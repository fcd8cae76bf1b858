//! A VU's connection to an AMQP server: what was sent and is not confirmed, who waits for what, and what of all that is
//! written down.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::Vu;
use super::super::bus::{Books, Connects, FAREWELL, LOOK_EVERY, Linked, Losses, Outcome};
use super::inbox::Inbox;
use super::owed::{Answer, Owed, Question, Way};
use super::{Account, AmqpOwn, AmqpStep};
use crate::protocol::amqp::{Connection, Driver, Incoming, Outgoing, Source};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// Dropping it ends the connection, and counts what was not confirmed.
#[derive(Debug)]
pub(in crate::flow) struct Link {
    state: Rc<State>,
    attending: AbortHandle,
}

#[derive(Debug)]
struct State {
    books: Books<AmqpOwn, Way, ()>,
    connection: Connection,
    asked: RefCell<VecDeque<(Question, Asker)>>,
    /// Those of consumers, by their numbers.
    inboxes: RefCell<Vec<(u32, Consumer)>>,
    over: Cell<Option<Over>>,
    /// None once the server has done what it was asked.
    losses: Losses,
}

/// Who waits for an answer.
type Asker = oneshot::Sender<Result<Answer, ErrorCode>>;

#[derive(Debug, Clone)]
struct Consumer {
    inbox: Rc<Inbox>,
    account: Rc<Account>,
    acknowledges: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// By us.
    Left,
    Lost(ErrorCode),
}

impl Linked for Link {
    fn is_over(&self) -> bool {
        self.state.over.get().is_some()
    }

    fn is_lost(&self) -> bool {
        matches!(self.state.over.get(), Some(Over::Lost(_)))
    }

    fn is_busy(&self) -> bool {
        !self.is_over()
    }

    /// Waits for all that is owed, and that the server has done all that it was told.
    async fn leave(&self) {
        self.state.books.paid().await;
        if self.is_over() || self.state.connection.close().is_err() {
            return;
        }
        let gone = async {
            while !self.is_over() {
                self.state.books.changed.notified().await;
            }
        };
        // A server that does not say goodbye is left all the same.
        let _ = timeout(FAREWELL, gone).await;
    }
}

impl Connects for AmqpStep {
    type Link = Link;
    type Opened = (Connection, Driver);
    const DISCONNECTED: ErrorCode = ErrorCode::AMQP_DISCONNECTED;

    async fn open(&self, vu: &Vu) -> Result<Self::Opened, ErrorCode> {
        Connection::open(&vu.worker.dialer, &self.server, self.bus.connect_timeout).await
    }

    fn attend(&self, vu: &Vu, (connection, driver): Self::Opened, losses: Losses) -> Link {
        let state = Rc::new(State {
            books: Books::open(vu, &self.bus.account),
            connection,
            asked: RefCell::default(),
            inboxes: RefCell::default(),
            over: Cell::new(None),
            losses,
        });
        let attending = tokio::task::spawn_local(attend(Rc::clone(&state), driver));
        Link { state, attending: attending.abort_handle() }
    }
}

impl Link {
    pub(super) fn is_blocked(&self) -> bool {
        self.state.connection.is_blocked()
    }

    /// The step's, for what outlives it.
    pub(super) fn account(&self, step: &AmqpStep) -> Rc<Account> {
        self.state.books.account(&step.bus.account)
    }

    /// Waits until fewer than `most` confirms are owed and what is written down is on its way.
    pub(super) async fn room(&self, most: usize) {
        self.state.connection.room().await;
        self.state.books.room(most, || self.is_over()).await;
    }

    /// Sends a message whose confirm is waited for until `until`.
    pub(super) fn send(&self, message: &Outgoing, owed: Owed, until: Elapsed) -> Result<(), ErrorCode> {
        let sent = owed.account.series.sent;
        let books = &self.state.books;
        let number = books.owe(owed, until);
        if let Err(error) = self.state.connection.publish(message, true) {
            // The connection is over: it can never be confirmed.
            drop(books.answer(number));
            return Err(error);
        }
        books.worker.shard.borrow_mut().count(sent, 1);
        self.state.count_bytes();
        Ok(())
    }

    /// Sends a message that nobody confirms.
    pub(super) fn send_off(&self, message: &Outgoing, account: &Account) -> Result<(), ErrorCode> {
        self.state.connection.publish(message, false)?;
        self.state.books.worker.shard.borrow_mut().count(account.series.sent, 1);
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
}

impl Drop for Link {
    fn drop(&mut self) {
        self.attending.abort();
        self.state.count_bytes();
        let now = self.state.books.now();
        while let Some(owed) = self.state.books.give_up() {
            self.state.conclude(owed, Err(ErrorCode::AMQP_ACK_ABANDONED), now);
        }
        self.state.books.turn(false);
    }
}

/// Hears what the server says, and gives up what is not confirmed in time.
async fn attend(state: Rc<State>, mut driver: Driver) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let idle = !state.books.is_owed();
        tokio::select! {
            incoming = driver.next() => match incoming {
                Ok(Incoming::Closed) => return state.end(Over::Left),
                Ok(incoming) => state.hear(incoming, driver.read_at()),
                Err(error) => return state.end(Over::Lost(error)),
            },
            () = state.books.armed.notified(), if idle => {}
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
                    let up_to = || self.books.window.borrow_mut().answer_up_to(number);
                    std::iter::from_fn(up_to).for_each(|owed| self.conclude(owed, outcome, at));
                } else {
                    // What was given up may still be confirmed.
                    let owed = self.books.answer(number);
                    owed.into_iter().for_each(|owed| self.conclude(owed, outcome, at));
                }
                self.books.changed.notify_waiters();
            }
            Incoming::Returned { print } => self.come_back(print),
            Incoming::Delivered { consumer, delivery } => {
                // Of a consumer whose step gave up waiting for it.
                let Some(to) = self.consumer(consumer) else { return };
                if !to.inbox.put(delivery, at) {
                    to.account.count_error(&self.books.worker, ErrorCode::AMQP_SLOW_CONSUMER);
                }
            }
            Incoming::TooMuch { consumer, number } => {
                let Some(to) = self.consumer(consumer) else { return };
                to.account.count_error(&self.books.worker, ErrorCode::MEMORY_SPENT);
                if to.acknowledges {
                    // Else it would come again and again, or stand in the way of others.
                    let _ = self.connection.acknowledge(number);
                }
            }
            Incoming::Cancelled { consumer } => {
                let Some(to) = self.consumer(consumer) else { return };
                to.account.count_error(&self.books.worker, ErrorCode::AMQP_CANCELLED);
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
                    self.books.account.count_error(&self.books.worker, error);
                }
                self.books.changed.notify_waiters();
            }
            Incoming::Blocked(true) => {
                self.books.account.count_error(&self.books.worker, ErrorCode::AMQP_BLOCKED)
            }
            Incoming::Blocked(false) | Incoming::Closed => {}
        }
    }

    /// A message that no queue takes. Of those that nothing tells apart the oldest is as good as any.
    fn come_back(&self, print: Option<u64>) {
        let mut window = self.books.window.borrow_mut();
        let account = print.and_then(|print| {
            let owed = window.find(|owed| owed.kind == Way::Mandatory(print))?;
            owed.kind = Way::Back;
            Some(Rc::clone(&owed.account))
        });
        let returned = account.as_ref().unwrap_or(&self.books.account).own.returned;
        self.books.worker.shard.borrow_mut().count(returned, 1);
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
        self.books.turn(false);
        self.over.set(Some(over));
        let error = match over {
            Over::Left => ErrorCode::AMQP_DISCONNECTED,
            Over::Lost(error) => error,
        };
        // Nobody knows whether the server has it.
        self.give_up_confirms(ErrorCode::AMQP_ACK_LOST);
        self.give_up_questions(error);
        if over != Over::Left {
            self.books.account.count_error(&self.books.worker, error);
        }
        self.books.changed.notify_waiters();
    }

    /// Of all messages that are not confirmed; whether there were any. The next one is the first again.
    fn give_up_confirms(&self, error: ErrorCode) -> bool {
        let now = self.books.now();
        let mut window = self.books.window.take();
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

    fn count_bytes(&self) {
        let (sent, received) = self.connection.take_bytes();
        let mut shard = self.books.worker.shard.borrow_mut();
        shard.count(self.books.scenario.data_sent, sent);
        shard.count(self.books.scenario.data_received, received);
    }

    fn expire(&self) {
        let now = self.books.now();
        while let Some(owed) = self.books.expire(now) {
            let error = if self.connection.is_blocked() {
                ErrorCode::AMQP_BLOCKED
            } else {
                ErrorCode::AMQP_ACK_TIMEOUT
            };
            self.conclude(owed, Err(error), now);
            self.books.changed.notify_waiters();
        }
    }

    /// Writes down what became of it.
    fn conclude(&self, owed: Owed, outcome: Result<(), ErrorCode>, at: Elapsed) {
        let answered = matches!(outcome, Ok(()) | Err(ErrorCode::AMQP_NACK));
        // What came back is confirmed all the same.
        let outcome =
            if owed.kind == Way::Back { outcome.and(Err(ErrorCode::AMQP_RETURNED)) } else { outcome };
        let outcome = Outcome {
            said: (),
            at,
            error: outcome.err(),
            acknowledged: outcome.is_ok(),
            service: answered.then_some(owed.account.series.ack_duration),
        };
        self.books.conclude(owed, outcome);
    }
}
