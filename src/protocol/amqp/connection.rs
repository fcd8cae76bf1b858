//! A connection as its users have it: what they want said is written down here, and sent by the driver.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, exchange, queue};
use amq_protocol::types::{FieldTable, ShortString};
use tokio::sync::Notify;

use super::super::dial::Dialer;
use super::super::wire::Meter;
use super::driver::Driver;
use super::message::{Outgoing, short};
use super::{Server, TooLong, frames, handshake};
use crate::sample::ErrorCode;

/// Written down and not sent yet; more waits for room.
const MOST_UNSENT: usize = 256 * 1024;
/// Basic, which all messages are of.
const CLASS_OF_MESSAGES: u16 = 60;

/// Handed out to whoever uses it. It ends with its [`Driver`].
#[derive(Debug, Clone)]
pub struct Connection(Rc<Shared>);

/// Where a consumer's messages come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    Queue(&'a str),
    /// A queue of our own that goes with the connection, bound to the exchange.
    Exchange {
        name: &'a str,
        routing_key: &'a str,
    },
}

/// What users and driver share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Of the wire.
    meter: Rc<Meter>,
    /// Frames that the driver has not taken yet.
    pub(super) out: RefCell<Vec<u8>>,
    /// Rung when there is something to send.
    pub(super) driver: RefCell<Option<Waker>>,
    /// Rung when there is room again, and when the connection ends.
    pub(super) room: Notify,
    pub(super) longest_frame: Cell<usize>,
    /// The server reads no messages for now.
    pub(super) blocked: Cell<bool>,
    pub(super) over: Cell<bool>,
    /// By their numbers, from 1.
    open: [Cell<bool>; CHANNELS],
}

pub(super) const CHANNELS: usize = 2;

/// What is said over a connection is kept apart by what is wrong with it: an error closes its channel only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Each message on it is confirmed.
    Confirmed = 1,
    /// Messages without confirm, and all that is no publishing.
    Plain = 2,
}

impl Connection {
    /// Looks the server up, asks the guard, connects, and opens the virtual host.
    ///
    /// # Errors
    /// As exchanges have them: DNS, refused, not allowed, TLS, credentials, no such virtual host.
    pub async fn open(
        dialer: &Dialer,
        server: &Server,
        within: Duration,
    ) -> Result<(Connection, Driver), ErrorCode> {
        let opening = async {
            let wire = dialer.wire(server.host(), server.port(), server.tls(dialer)).await?;
            let shared = Rc::new(Shared::new(Rc::clone(wire.meter())));
            let mut driver = Driver::new(wire, Rc::clone(&shared), dialer.purse().clone());
            handshake::shake_hands(&mut driver, server).await?;
            Ok((Connection(shared), driver))
        };
        tokio::time::timeout(within, opening).await.map_err(|_| ErrorCode::DIAL_TIMEOUT)?
    }

    /// Whether the server reads no messages for now.
    pub fn is_blocked(&self) -> bool {
        self.0.blocked.get()
    }

    /// Bytes sent and received since the last call.
    pub fn take_bytes(&self) -> (u64, u64) {
        self.0.meter.take_bytes()
    }

    /// Waits until what is not sent yet is not too much, or the connection is over.
    pub async fn room(&self) {
        while self.0.out.borrow().len() > MOST_UNSENT && !self.0.over.get() {
            self.0.room.notified().await;
        }
    }

    /// Writes a message down. Those that are confirmed are counted from 1 by the server.
    ///
    /// # Errors
    /// When the message cannot be written down.
    pub fn publish(&self, message: &Outgoing, confirmed: bool) -> Result<(), ErrorCode> {
        let channel = if confirmed { Channel::Confirmed } else { Channel::Plain };
        let number = channel as u16;
        let publish = basic::Publish {
            exchange: message.exchange.clone(),
            routing_key: message.routing_key.clone(),
            mandatory: message.mandatory,
            immediate: false,
        };
        self.method(channel, AMQPClass::Basic(basic::AMQPMethod::Publish(publish)))?;
        let header = AMQPContentHeader {
            class_id: CLASS_OF_MESSAGES,
            body_size: message.body.len() as u64,
            properties: message.properties.clone(),
        };
        self.0.frame(&AMQPFrame::Header(number, header))?;
        frames::put_body(number, &message.body, self.0.longest_frame.get(), &mut self.0.out.borrow_mut());
        Ok(())
    }

    /// Has the server say [`Incoming::Queue`](super::Incoming::Queue); where there is none, it closes the channel.
    ///
    /// # Errors
    /// When the name is too long, which is told as not found.
    pub fn look_at_queue(&self, name: &str) -> Result<(), ErrorCode> {
        self.declare_queue(queue::Declare { passive: true, ..declaration(known(name)?) })
    }

    /// Has the server say [`Incoming::Exchange`](super::Incoming::Exchange); where there is none, it closes the channel.
    ///
    /// # Errors
    /// When the name is too long, which is told as not found.
    pub fn look_at_exchange(&self, name: &str) -> Result<(), ErrorCode> {
        let declare = exchange::Declare {
            exchange: known(name)?,
            kind: ShortString::default(),
            passive: true,
            durable: false,
            auto_delete: false,
            internal: false,
            nowait: false,
            arguments: FieldTable::default(),
        };
        self.method(Channel::Plain, AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare)))
    }

    /// Begins to consume: the server says [`Incoming::Consuming`](super::Incoming::Consuming), and sends at most `prefetch`
    /// messages that are not acknowledged, or all at once where none is.
    ///
    /// # Errors
    /// When a name is too long, which is told as not found.
    pub fn consume(
        &self,
        consumer: u32,
        source: Source<'_>,
        prefetch: u16,
        acknowledges: bool,
    ) -> Result<(), ErrorCode> {
        // The last queue that was declared on the channel has the empty name, too.
        let queue = match source {
            Source::Queue(name) => known(name)?,
            Source::Exchange { name, routing_key } => {
                let own = queue::Declare {
                    exclusive: true,
                    auto_delete: true,
                    ..declaration(ShortString::default())
                };
                self.declare_queue(own)?;
                let bind = queue::Bind {
                    queue: ShortString::default(),
                    exchange: known(name)?,
                    routing_key: known(routing_key)?,
                    nowait: false,
                    arguments: FieldTable::default(),
                };
                self.method(Channel::Plain, AMQPClass::Queue(queue::AMQPMethod::Bind(bind)))?;
                ShortString::default()
            }
        };
        let qos = basic::Qos { prefetch_count: prefetch, global: false };
        self.method(Channel::Plain, AMQPClass::Basic(basic::AMQPMethod::Qos(qos)))?;
        let consume = basic::Consume {
            queue,
            consumer_tag: ShortString::from(consumer.to_string()),
            no_local: false,
            no_ack: !acknowledges,
            exclusive: false,
            nowait: false,
            arguments: FieldTable::default(),
        };
        self.method(Channel::Plain, AMQPClass::Basic(basic::AMQPMethod::Consume(consume)))
    }

    /// That a message need not be delivered once more.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn acknowledge(&self, number: u64) -> Result<(), ErrorCode> {
        let ack = basic::Ack { delivery_tag: number, multiple: false };
        self.method(Channel::Plain, AMQPClass::Basic(basic::AMQPMethod::Ack(ack)))
    }

    /// Says goodbye: the server does all that it was told before, and then the driver ends.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn close(&self) -> Result<(), ErrorCode> {
        let close = connection::Close {
            reply_code: 200,
            reply_text: ShortString::from("done"),
            class_id: 0,
            method_id: 0,
        };
        self.0.method(0, AMQPClass::Connection(connection::AMQPMethod::Close(close)))
    }

    fn declare_queue(&self, declare: queue::Declare) -> Result<(), ErrorCode> {
        self.method(Channel::Plain, AMQPClass::Queue(queue::AMQPMethod::Declare(declare)))
    }

    /// On a channel, which is opened before its first use; nothing waits for the answer, for all that is said is done in
    /// order.
    fn method(&self, channel: Channel, class: AMQPClass) -> Result<(), ErrorCode> {
        let number = channel as u16;
        if !self.0.open[usize::from(number) - 1].replace(true) {
            let open = AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
            self.0.method(number, open)?;
            if channel == Channel::Confirmed {
                let select = confirm::AMQPMethod::Select(confirm::Select { nowait: true });
                self.0.method(number, AMQPClass::Confirm(select))?;
            }
        }
        self.0.method(number, class)
    }
}

impl Shared {
    fn new(meter: Rc<Meter>) -> Self {
        Shared {
            meter,
            out: RefCell::default(),
            driver: RefCell::default(),
            room: Notify::new(),
            longest_frame: Cell::new(0),
            blocked: Cell::new(false),
            over: Cell::new(false),
            open: Default::default(),
        }
    }

    /// A channel, which the server has closed.
    pub(super) fn closed(&self, channel: u16) {
        if let Some(open) = usize::from(channel).checked_sub(1).and_then(|at| self.open.get(at)) {
            open.set(false);
        }
    }

    pub(super) fn method(&self, channel: u16, class: AMQPClass) -> Result<(), ErrorCode> {
        self.frame(&AMQPFrame::Method(channel, class))
    }

    pub(super) fn frame(&self, frame: &AMQPFrame) -> Result<(), ErrorCode> {
        if self.over.get() {
            return Err(ErrorCode::AMQP_DISCONNECTED);
        }
        let written = frames::put(frame, &mut self.out.borrow_mut());
        if written.is_err() {
            // What was written before is lost.
            self.over.set(true);
        }
        if let Some(driver) = self.driver.borrow_mut().take() {
            driver.wake();
        }
        written
    }
}

fn declaration(queue: ShortString) -> queue::Declare {
    queue::Declare {
        queue,
        passive: false,
        durable: false,
        exclusive: false,
        auto_delete: false,
        nowait: false,
        arguments: FieldTable::default(),
    }
}

/// There can be none of a name that is too long.
fn known(name: &str) -> Result<ShortString, ErrorCode> {
    short(name.to_owned()).map_err(|TooLong| ErrorCode::AMQP_NOT_FOUND)
}
