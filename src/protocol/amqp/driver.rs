//! Moves a connection on: sends what was written down, reads, beats its heart, and says what came.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::{AMQPClass, basic, channel, connection, exchange, queue};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::super::failure::of_io;
use super::super::wire::Wire;
use super::connection::{CHANNELS, Channel, Shared};
use super::content::{Content, What};
use super::failure::{of_channel, of_connection};
use super::frames::{self, Frame};
use super::message::Delivery;
use crate::budget::Purse;
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// Read at once.
const READ: usize = 16 * 1024;
/// Intervals without anything from the server after which it is taken for gone.
const SILENT_BEATS: u32 = 4;

/// What a server says, but for what only answers to form.
#[derive(Debug)]
pub enum Incoming {
    /// Messages were taken or, where not, refused: the one of that number, from 1, or all up to it.
    Confirmed {
        number: u64,
        all_up_to: bool,
        taken: bool,
    },
    /// A mandatory message that no queue takes; its confirm comes after this. No print where there was no memory for it.
    Returned {
        print: Option<u64>,
    },
    /// To a consumer.
    Delivered {
        consumer: u32,
        delivery: Box<Delivery>,
    },
    /// As `Delivered`, but there was no memory for it.
    TooMuch {
        consumer: u32,
        number: u64,
    },
    Queue {
        messages: u32,
        consumers: u32,
    },
    Exchange,
    Consuming,
    /// The queue of a consumer is gone.
    Cancelled {
        consumer: u32,
    },
    /// From now on the server reads no messages, or does again.
    Blocked(bool),
    /// Something was refused: of messages that are confirmed, whose numbers begin anew, or of all else. What was said and
    /// is not answered never will be, and consumers are gone.
    ChannelClosed {
        confirmed: bool,
        error: ErrorCode,
    },
    /// It has done all that it was told, and the connection is over.
    Closed,
}

/// Nothing is sent or read but while somebody waits for what comes.
#[derive(Debug)]
pub struct Driver {
    wire: Wire,
    shared: Rc<Shared>,
    purse: Purse,
    read: BytesMut,
    /// Being sent, up to `sent`.
    sending: Vec<u8>,
    sent: usize,
    unflushed: bool,
    pulse: Option<Pulse>,
    /// Messages that have begun to come, by channel.
    contents: [Option<Content>; CHANNELS],
}

#[derive(Debug)]
struct Pulse {
    interval: Interval,
    /// Since the last beat.
    wrote: bool,
    silent: u32,
}

impl Driver {
    pub(super) fn new(wire: Wire, shared: Rc<Shared>, purse: Purse) -> Self {
        Driver {
            wire,
            shared,
            purse,
            read: BytesMut::new(),
            sending: Vec::new(),
            sent: 0,
            unflushed: false,
            pulse: None,
            contents: Default::default(),
        }
    }

    /// What comes next; may be dropped without losing anything.
    ///
    /// # Errors
    /// Why the connection is over.
    pub async fn next(&mut self) -> Result<Incoming, ErrorCode> {
        loop {
            let frame = self.frame().await?;
            if let Some(incoming) = self.take(frame)? {
                return Ok(incoming);
            }
        }
    }

    /// When what came last was read.
    pub fn read_at(&self) -> Elapsed {
        self.wire.meter().read_at()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sends a sign of life each `half` of the time after which the other side is taken for gone.
    pub(super) fn beat(&mut self, half: Duration) {
        let mut interval = interval(half);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval.reset();
        self.pulse = Some(Pulse { interval, wrote: false, silent: 0 });
    }

    pub(super) async fn frame(&mut self) -> Result<Frame, ErrorCode> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, ErrorCode>> {
        let longest = self.shared.longest_frame.get();
        loop {
            if self.shared.over.get() {
                // Something could not be written down: what follows would make no sense to the server.
                return Poll::Ready(Err(ErrorCode::AMQP_DISCONNECTED));
            }
            if let Some(frame) = frames::take(&mut self.read, longest)? {
                return Poll::Ready(Ok(frame));
            }
            // Before anything is sent: who writes down more from now on has to ring.
            self.shared.driver.replace(Some(cx.waker().clone()));
            self.poll_send(cx)?;
            if self.poll_read(cx)?.is_ready() {
                continue;
            }
            ready!(self.poll_pulse(cx)?);
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), ErrorCode> {
        loop {
            if self.sent == self.sending.len() {
                self.sending.clear();
                self.sent = 0;
                std::mem::swap(&mut self.sending, &mut *self.shared.out.borrow_mut());
                if self.sending.is_empty() {
                    break;
                }
                self.shared.room.notify_waiters();
            }
            match Pin::new(&mut self.wire).poll_write(cx, &self.sending[self.sent..]) {
                Poll::Ready(Ok(0)) => return Err(ErrorCode::AMQP_DISCONNECTED),
                Poll::Ready(Ok(written)) => {
                    self.sent += written;
                    self.unflushed = true;
                    self.pulse.iter_mut().for_each(|pulse| pulse.wrote = true);
                }
                Poll::Ready(Err(error)) => return Err(lost(of_io(&error))),
                Poll::Pending => return Ok(()),
            }
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.wire).poll_flush(cx)
        {
            flushed.map_err(|error| lost(of_io(&error)))?;
            self.unflushed = false;
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ErrorCode> {
        if self.read.capacity() - self.read.len() < READ / 4 {
            self.read.reserve(READ);
        }
        match pin!(self.wire.read_buf(&mut self.read)).poll(cx) {
            Poll::Ready(Ok(0)) => Err(ErrorCode::AMQP_DISCONNECTED),
            Poll::Ready(Ok(_)) => {
                self.pulse.iter_mut().for_each(|pulse| pulse.silent = 0);
                Ok(Poll::Ready(()))
            }
            Poll::Ready(Err(error)) => Err(lost(of_io(&error))),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// Ready when there is a beat to be sent.
    fn poll_pulse(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ErrorCode> {
        let Some(pulse) = &mut self.pulse else { return Ok(Poll::Pending) };
        if pulse.interval.poll_tick(cx).is_pending() {
            return Ok(Poll::Pending);
        }
        pulse.silent += 1;
        if pulse.silent > SILENT_BEATS {
            return Err(ErrorCode::AMQP_DISCONNECTED);
        }
        if !std::mem::take(&mut pulse.wrote) {
            frames::put(&AMQPFrame::Heartbeat, &mut self.shared.out.borrow_mut())?;
        }
        Ok(Poll::Ready(()))
    }

    fn take(&mut self, frame: Frame) -> Result<Option<Incoming>, ErrorCode> {
        match frame {
            Frame::Heartbeat => Ok(None),
            Frame::Header(channel, header) => {
                let purse = self.purse.clone();
                self.content(channel)?.header(header, &purse)?;
                self.finish(channel)
            }
            Frame::Body(channel, part) => {
                self.content(channel)?.part(&part)?;
                self.finish(channel)
            }
            Frame::Method(channel, AMQPClass::Basic(method)) => self.basic(channel, method),
            Frame::Method(channel, AMQPClass::Channel(method)) => self.channel(channel, method),
            Frame::Method(_, AMQPClass::Connection(method)) => self.connection(method),
            Frame::Method(_, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(it))) => {
                Ok(Some(Incoming::Queue { messages: it.message_count, consumers: it.consumer_count }))
            }
            Frame::Method(_, AMQPClass::Exchange(exchange::AMQPMethod::DeclareOk(_))) => {
                Ok(Some(Incoming::Exchange))
            }
            Frame::Method(..) => Ok(None),
        }
    }

    fn basic(&mut self, channel: u16, method: basic::AMQPMethod) -> Result<Option<Incoming>, ErrorCode> {
        let what = match method {
            basic::AMQPMethod::Ack(basic::Ack { delivery_tag: number, multiple: all_up_to }) => {
                return Ok(Some(Incoming::Confirmed { number, all_up_to, taken: true }));
            }
            basic::AMQPMethod::Nack(basic::Nack { delivery_tag: number, multiple: all_up_to, .. }) => {
                return Ok(Some(Incoming::Confirmed { number, all_up_to, taken: false }));
            }
            basic::AMQPMethod::ConsumeOk(_) => return Ok(Some(Incoming::Consuming)),
            basic::AMQPMethod::Cancel(cancel) => {
                let consumer = cancel.consumer_tag.as_str().parse();
                let consumer = consumer.map_err(|_| ErrorCode::AMQP_MALFORMED)?;
                return Ok(Some(Incoming::Cancelled { consumer }));
            }
            basic::AMQPMethod::Deliver(deliver) => What::Delivered(deliver),
            basic::AMQPMethod::Return(returned) => What::Returned(returned),
            _ => return Ok(None),
        };
        let place = self.place(channel)?;
        match place.replace(Content::new(what)) {
            None => Ok(None),
            Some(_) => Err(ErrorCode::AMQP_MALFORMED),
        }
    }

    /// One that was closed is opened again by its next use; all that was said on it before is void.
    fn channel(&mut self, channel: u16, method: channel::AMQPMethod) -> Result<Option<Incoming>, ErrorCode> {
        match method {
            channel::AMQPMethod::Close(close) => {
                self.place(channel)?.take();
                let ok = channel::AMQPMethod::CloseOk(channel::CloseOk {});
                self.shared.method(channel, AMQPClass::Channel(ok))?;
                self.shared.closed(channel);
                let error = of_channel(close.reply_code, close.reply_text.as_str());
                Ok(Some(Incoming::ChannelClosed { confirmed: channel == Channel::Confirmed as u16, error }))
            }
            channel::AMQPMethod::Flow(flow) => {
                let ok = channel::AMQPMethod::FlowOk(channel::FlowOk { active: flow.active });
                self.shared.method(channel, AMQPClass::Channel(ok))?;
                Ok(Some(Incoming::Blocked(!flow.active)))
            }
            _ => Ok(None),
        }
    }

    fn connection(&mut self, method: connection::AMQPMethod) -> Result<Option<Incoming>, ErrorCode> {
        match method {
            connection::AMQPMethod::Close(close) => Err(of_connection(close.reply_code)),
            connection::AMQPMethod::CloseOk(_) => Ok(Some(Incoming::Closed)),
            connection::AMQPMethod::Blocked(_) => {
                self.shared.blocked.set(true);
                Ok(Some(Incoming::Blocked(true)))
            }
            connection::AMQPMethod::Unblocked(_) => {
                self.shared.blocked.set(false);
                Ok(Some(Incoming::Blocked(false)))
            }
            _ => Ok(None),
        }
    }

    fn place(&mut self, channel: u16) -> Result<&mut Option<Content>, ErrorCode> {
        let at = usize::from(channel).checked_sub(1);
        at.and_then(|at| self.contents.get_mut(at)).ok_or(ErrorCode::AMQP_MALFORMED)
    }

    fn content(&mut self, channel: u16) -> Result<&mut Content, ErrorCode> {
        self.place(channel)?.as_mut().ok_or(ErrorCode::AMQP_MALFORMED)
    }

    fn finish(&mut self, channel: u16) -> Result<Option<Incoming>, ErrorCode> {
        let whole = self.place(channel)?.take_if(|content| content.is_whole());
        whole.map(Content::finish).transpose()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.over.set(true);
        self.shared.room.notify_waiters();
    }
}

/// A connection that was there and failed is lost, unless TLS says more.
fn lost(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::TLS => code,
        _ => ErrorCode::AMQP_DISCONNECTED,
    }
}
