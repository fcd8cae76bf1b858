//! Messages that come in, put together from their frames.

use amq_protocol::frame::AMQPContentHeader;
use amq_protocol::protocol::BasicProperties;
use amq_protocol::protocol::basic::{Deliver, Return};
use bytes::{Bytes, BytesMut};

use super::driver::Incoming;
use super::message::{Delivery, print};
use crate::budget::{Charge, Purse};
use crate::sample::ErrorCode;

/// Room that is made beforehand for a body; more once it is there.
const MOST_AT_ONCE: u64 = 128 * 1024;

/// A message that has begun to come.
#[derive(Debug)]
pub(super) struct Content {
    what: What,
    header: Option<BasicProperties>,
    /// Of the body, still to come.
    left: u64,
    body: BytesMut,
    charge: Charge,
    /// There was no memory for it: what comes of it is thrown away.
    refused: bool,
}

#[derive(Debug)]
pub(super) enum What {
    Delivered(Deliver),
    Returned(Return),
}

impl Content {
    pub(super) fn new(what: What) -> Self {
        let (header, body, charge) = (None, BytesMut::new(), Charge::default());
        Content { what, header, left: 0, body, charge, refused: false }
    }

    /// # Errors
    /// `AMQP_MALFORMED` for a second header.
    pub(super) fn header(&mut self, header: AMQPContentHeader, purse: &Purse) -> Result<(), ErrorCode> {
        if self.header.replace(header.properties).is_some() {
            return Err(ErrorCode::AMQP_MALFORMED);
        }
        self.left = header.body_size;
        self.refused = self.charge.cover(self.left, purse).is_err();
        if !self.refused {
            self.body.reserve(usize::try_from(self.left.min(MOST_AT_ONCE)).unwrap_or(0));
        }
        Ok(())
    }

    /// # Errors
    /// `AMQP_MALFORMED` for a body before its header, or a longer one than that said.
    pub(super) fn part(&mut self, part: &Bytes) -> Result<(), ErrorCode> {
        let left = self.left.checked_sub(part.len() as u64).filter(|_| self.header.is_some());
        self.left = left.ok_or(ErrorCode::AMQP_MALFORMED)?;
        if !self.refused {
            self.body.extend_from_slice(part);
        }
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.header.is_some() && self.left == 0
    }

    /// Of one that is whole.
    pub(super) fn finish(self) -> Result<Incoming, ErrorCode> {
        let Content { what, header, body, charge, refused, .. } = self;
        match what {
            What::Returned(_) if refused => Ok(Incoming::Returned { print: None }),
            What::Returned(returned) => {
                let print = print(&returned.exchange, &returned.routing_key, &body);
                Ok(Incoming::Returned { print: Some(print) })
            }
            What::Delivered(deliver) => {
                let consumer = deliver.consumer_tag.as_str().parse();
                let consumer = consumer.map_err(|_| ErrorCode::AMQP_MALFORMED)?;
                if refused {
                    return Ok(Incoming::TooMuch { consumer, number: deliver.delivery_tag });
                }
                let delivery = Delivery {
                    number: deliver.delivery_tag,
                    redelivered: deliver.redelivered,
                    body: body.freeze(),
                    charge,
                    exchange: deliver.exchange,
                    routing_key: deliver.routing_key,
                    properties: header.unwrap_or_default(),
                };
                Ok(Incoming::Delivered { consumer, delivery: Box::new(delivery) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use amq_protocol::types::ShortString;

    use super::*;
    use crate::budget::Budget;

    fn content() -> Content {
        let name = ShortString::from("7");
        Content::new(What::Delivered(Deliver {
            consumer_tag: name.clone(),
            delivery_tag: 3,
            redelivered: false,
            exchange: name.clone(),
            routing_key: name,
        }))
    }

    fn header(body_size: u64) -> AMQPContentHeader {
        AMQPContentHeader { class_id: 60, body_size, properties: BasicProperties::default() }
    }

    #[test]
    fn a_message_is_whole_when_its_body_has_come() {
        let purse = Purse::new(&Budget::new(1 << 20));
        let mut content = content();
        content.header(header(5), &purse).unwrap();
        for (part, whole) in [("ab", false), ("cde", true)] {
            content.part(&Bytes::from_static(part.as_bytes())).unwrap();
            assert_eq!(content.is_whole(), whole);
        }
        let Ok(Incoming::Delivered { consumer: 7, delivery }) = content.finish() else { panic!() };
        assert_eq!((&delivery.body[..], delivery.number), (&b"abcde"[..], 3));
    }

    #[test]
    fn a_body_that_was_not_announced_breaks_the_rules() {
        let purse = Purse::new(&Budget::new(1 << 20));
        let part = Bytes::from_static(b"abc");
        assert!(content().part(&part).is_err());
        let mut short = content();
        short.header(header(2), &purse).unwrap();
        assert!(short.part(&part).is_err());
        assert!(short.header(header(2), &purse).is_err());
    }

    #[test]
    fn a_body_for_which_there_is_no_memory_is_thrown_away() {
        let purse = Purse::new(&Budget::new(1 << 20));
        let mut content = content();
        content.header(header(u64::MAX), &purse).unwrap();
        content.part(&Bytes::from_static(b"abc")).unwrap();
        assert!(!content.is_whole());
        content.left = 0;
        assert!(matches!(content.finish(), Ok(Incoming::TooMuch { consumer: 7, number: 3 })));
    }
}
