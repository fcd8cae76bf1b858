//! Frames off the wire and onto it.

use amq_protocol::frame::parsing::parse_frame;
use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame};
use amq_protocol::protocol::AMQPClass;
use bytes::{Buf as _, Bytes, BytesMut};

use super::nesting::is_too_deep;
use crate::sample::ErrorCode;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const END: u8 = 0xce;
/// Kind, channel and length; the mark at the end is one more.
const HEAD: usize = 7;
/// What a frame adds to what it holds.
pub(super) const FRAMING: usize = HEAD + 1;

/// What a server may say, as class and method: what only clients say is not read at all.
const OF_SERVERS: [(u16, u16); 23] = [
    START,
    (10, 20),
    (10, 30),
    (10, 41),
    (10, 50),
    (10, 51),
    (10, 60),
    (10, 61),
    (20, 11),
    (20, 20),
    (20, 40),
    (20, 41),
    (40, 11),
    (50, 11),
    (50, 21),
    (60, 11),
    (60, 21),
    (60, 30),
    (60, 31),
    (60, 50),
    (60, 60),
    (60, 80),
    (60, 120),
];
/// The only one of them that holds a table, after the protocol's version.
const START: (u16, u16) = (10, 10);

#[derive(Debug)]
pub(super) enum Frame {
    Method(u16, AMQPClass),
    Header(u16, AMQPContentHeader),
    Body(u16, Bytes),
    Heartbeat,
}

/// Takes the next frame off what was read. Nothing where it has not come whole; one that is longer than `longest` never will.
///
/// # Errors
/// `AMQP_HANDSHAKE` from a server of another protocol, and `AMQP_MALFORMED`.
pub(super) fn take(read: &mut BytesMut, longest: usize) -> Result<Option<Frame>, ErrorCode> {
    let Some(&[kind, high, low, size @ ..]) = read.first_chunk::<HEAD>() else { return Ok(None) };
    if !matches!(kind, METHOD | HEADER | BODY | HEARTBEAT) {
        // Among them a server of another version of AMQP, which says so by its own header.
        return Err(ErrorCode::AMQP_HANDSHAKE);
    }
    let (channel, size) = (u16::from_be_bytes([high, low]), u32::from_be_bytes(size) as usize);
    if size > longest - FRAMING {
        return Err(ErrorCode::AMQP_MALFORMED);
    }
    if read.len() < size + FRAMING {
        return Ok(None);
    }
    let mut whole = read.split_to(size + FRAMING);
    if whole.last() != Some(&END) {
        return Err(ErrorCode::AMQP_MALFORMED);
    }
    match kind {
        HEARTBEAT => Ok(Some(Frame::Heartbeat)),
        BODY => {
            whole.advance(HEAD);
            whole.truncate(size);
            Ok(Some(Frame::Body(channel, whole.freeze())))
        }
        _ if is_acceptable(kind, &whole[HEAD..]) => match parse_frame(&whole[..]) {
            Ok((_, AMQPFrame::Method(channel, class))) => Ok(Some(Frame::Method(channel, class))),
            Ok((_, AMQPFrame::Header(channel, header))) => Ok(Some(Frame::Header(channel, header))),
            _ => Err(ErrorCode::AMQP_MALFORMED),
        },
        _ => Err(ErrorCode::AMQP_MALFORMED),
    }
}

/// Whether the codec may see it.
fn is_acceptable(kind: u8, payload: &[u8]) -> bool {
    if kind == HEADER {
        return !headers_of(payload).is_some_and(is_too_deep);
    }
    let Some(&[a, b, c, d]) = payload.first_chunk::<4>() else { return false };
    let method = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    OF_SERVERS.contains(&method) && !(method == START && payload.get(6..).is_some_and(is_too_deep))
}

/// The table among the properties, which follows the type and the encoding of the content.
fn headers_of(payload: &[u8]) -> Option<&[u8]> {
    let flags = u16::from_be_bytes([*payload.get(12)?, *payload.get(13)?]);
    let mut at = 14;
    for text in [1 << 15, 1 << 14] {
        if flags & text != 0 {
            at += 1 + usize::from(*payload.get(at)?);
        }
    }
    (flags & (1 << 13) != 0).then(|| payload.get(at..)).flatten()
}

/// Writes what is no body.
///
/// # Errors
/// When the codec cannot write it; then what was written before is lost, too.
pub(super) fn put(frame: &AMQPFrame, out: &mut Vec<u8>) -> Result<(), ErrorCode> {
    let written = gen_frame(frame)(WriteContext::from(std::mem::take(out)));
    *out = written.map_err(|_| ErrorCode::GENERIC)?.into_inner().0;
    Ok(())
}

/// Writes a body, in frames no longer than `longest`.
pub(super) fn put_body(channel: u16, body: &[u8], longest: usize, out: &mut Vec<u8>) {
    for part in body.chunks(longest - FRAMING) {
        out.push(BODY);
        out.extend_from_slice(&channel.to_be_bytes());
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
        out.push(END);
    }
}

#[cfg(test)]
mod tests {
    use amq_protocol::frame::ProtocolVersion;
    use amq_protocol::protocol::{basic, channel};

    use super::*;

    const LONGEST: usize = 4_096;

    fn taken(bytes: &[u8]) -> Result<Option<Frame>, ErrorCode> {
        take(&mut BytesMut::from(bytes), LONGEST)
    }

    fn ack() -> Vec<u8> {
        let ack = basic::AMQPMethod::Ack(basic::Ack { delivery_tag: 7, multiple: true });
        let mut out = Vec::new();
        put(&AMQPFrame::Method(1, AMQPClass::Basic(ack)), &mut out).unwrap();
        out
    }

    #[test]
    fn a_frame_is_taken_once_it_is_whole() {
        let bytes = ack();
        for some in 0..bytes.len() {
            assert!(taken(&bytes[..some]).unwrap().is_none(), "{some}");
        }
        let mut two = BytesMut::from([&bytes[..], &bytes[..3]].concat().as_slice());
        assert!(matches!(take(&mut two, LONGEST), Ok(Some(Frame::Method(1, AMQPClass::Basic(_))))));
        assert_eq!(two.len(), 3);
    }

    #[test]
    fn a_body_goes_in_frames_of_what_was_agreed_upon() {
        let (body, mut out) = (vec![7; 2 * (LONGEST - FRAMING) + 1], Vec::new());
        put_body(1, &body, LONGEST, &mut out);
        assert_eq!(out.len(), body.len() + 3 * FRAMING);
        let (mut read, mut parts) = (BytesMut::from(&out[..]), Vec::new());
        while let Some(Frame::Body(1, part)) = take(&mut read, LONGEST).unwrap() {
            parts.push(part.len());
        }
        assert_eq!(parts, [LONGEST - FRAMING, LONGEST - FRAMING, 1]);
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        let mut too_long = ack();
        too_long[3..7].copy_from_slice(&(LONGEST as u32).to_be_bytes());
        let mut no_end = ack();
        *no_end.last_mut().unwrap() = 0;
        let mut of_clients = Vec::new();
        let open = AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
        put(&AMQPFrame::Method(1, open), &mut of_clients).unwrap();
        for bytes in [too_long, no_end, of_clients, b"\x01\0\0\0\0\0\x01\0\xce".to_vec()] {
            assert_eq!(taken(&bytes).unwrap_err(), ErrorCode::AMQP_MALFORMED, "{bytes:?}");
        }
        let mut other = Vec::new();
        put(&AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1()), &mut other).unwrap();
        assert_eq!(taken(&other).unwrap_err(), ErrorCode::AMQP_HANDSHAKE);
        assert_eq!(taken(b"HTTP/1.1 400 Bad Request\r\n").unwrap_err(), ErrorCode::AMQP_HANDSHAKE);
    }

    #[test]
    fn headers_that_lie_in_each_other_forever_are_refused() {
        let mut table = Vec::new();
        for _ in 0..400 {
            table = [b"\x01nF", &(table.len() as u32).to_be_bytes()[..], &table].concat();
        }
        let table = [&(table.len() as u32).to_be_bytes()[..], &table].concat();
        let flags: u16 = (1 << 15) | (1 << 13);
        let payload =
            [&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &flags.to_be_bytes(), b"\x03a/b", &table].concat();
        let frame = [&[HEADER, 0, 1][..], &(payload.len() as u32).to_be_bytes(), &payload, &[END]].concat();
        assert_eq!(taken(&frame).unwrap_err(), ErrorCode::AMQP_MALFORMED);
    }
}
