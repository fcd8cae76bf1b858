//! Looks at a message of protobuf without building it: whether it is one of its type, and what it would take once
//! it is decoded. A hostile one takes fifty times as much memory as its bytes.

use bytes::Buf;
use prost_reflect::prost::encoding::{WireType, decode_key, decode_varint};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::sample::ErrorCode;

/// prost's limit, too.
const MAX_DEPTH: u32 = 100;
/// What one value costs beside its bytes; a message is a value with a map of its own.
const VALUE_BYTES: u64 = 96;

pub(super) fn weigh(bytes: &[u8], message: &MessageDescriptor) -> Result<u64, ErrorCode> {
    let mut values = 0;
    walk(bytes, Some(message), MAX_DEPTH, &mut values).ok_or(ErrorCode::GRPC_BAD_MESSAGE)?;
    Ok(bytes.len() as u64 + values * VALUE_BYTES)
}

/// `None` for what is no message. Of a group that is not known no descriptor is given.
fn walk(mut bytes: &[u8], message: Option<&MessageDescriptor>, depth: u32, values: &mut u64) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while bytes.has_remaining() {
        let (number, wire) = decode_key(&mut bytes).ok()?;
        *values += 1;
        let field = message.and_then(|message| message.get_field(number));
        match wire {
            WireType::Varint => drop(decode_varint(&mut bytes).ok()?),
            WireType::SixtyFourBit => drop(take(&mut bytes, 8)?),
            WireType::ThirtyTwoBit => drop(take(&mut bytes, 4)?),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let content = take(&mut bytes, length)?;
                if let Some(field) = &field {
                    delimited(content, field, depth, values)?;
                }
            }
            WireType::StartGroup => bytes = group(bytes, number, depth, values)?,
            WireType::EndGroup => return None,
        }
        if let Some(field) = field
            && !fits(&field, wire)
        {
            return None;
        }
    }
    Some(())
}

fn delimited(content: &[u8], field: &FieldDescriptor, depth: u32, values: &mut u64) -> Option<()> {
    match field.kind() {
        Kind::Message(message) => walk(content, Some(&message), depth, values),
        Kind::String => std::str::from_utf8(content).ok().map(drop),
        Kind::Bytes => Some(()),
        // Packed: no value takes less than a byte.
        _ => {
            *values += content.len() as u64;
            Some(())
        }
    }
}

/// Past a group, which only proto2 has.
fn group<'a>(mut bytes: &'a [u8], number: u32, depth: u32, values: &mut u64) -> Option<&'a [u8]> {
    let depth = depth.checked_sub(1)?;
    loop {
        let (inner, wire) = decode_key(&mut bytes).ok()?;
        *values += 1;
        match wire {
            WireType::Varint => drop(decode_varint(&mut bytes).ok()?),
            WireType::SixtyFourBit => drop(take(&mut bytes, 8)?),
            WireType::ThirtyTwoBit => drop(take(&mut bytes, 4)?),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                take(&mut bytes, length)?;
            }
            WireType::StartGroup => bytes = group(bytes, inner, depth, values)?,
            WireType::EndGroup => return (inner == number).then_some(bytes),
        }
    }
}

fn fits(field: &FieldDescriptor, wire: WireType) -> bool {
    let own = match field.kind() {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::SixtyFourBit,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::ThirtyTwoBit,
        Kind::String | Kind::Bytes => WireType::LengthDelimited,
        Kind::Message(_) if field.is_group() => WireType::StartGroup,
        Kind::Message(_) => WireType::LengthDelimited,
        _ => WireType::Varint,
    };
    let may_be_packed = field.is_list() && matches!(wire, WireType::LengthDelimited);
    wire == own || may_be_packed
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;
    use prost_reflect::prost::encoding::encode_varint;

    use super::*;

    fn message() -> MessageDescriptor {
        let source = r#"
            syntax = "proto3";
            message Tree { repeated Tree branches = 1; string name = 2; repeated int32 numbers = 3; fixed64 f = 4; }
        "#;
        let file = protox::file::File::from_source("tree.proto", source).unwrap();
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).unwrap();
        pool.get_message_by_name("Tree").unwrap()
    }

    fn weight(bytes: &[u8]) -> Option<u64> {
        let (message, weighed) = (message(), weigh(bytes, &message()));
        // What we take, prost takes, and the other way round.
        let decoded = prost_reflect::DynamicMessage::decode(message, bytes);
        assert_eq!(weighed.is_ok(), decoded.is_ok(), "{bytes:?}: {decoded:?}");
        weighed.ok()
    }

    #[test]
    fn a_message_is_weighed_by_its_values_and_not_by_its_bytes() {
        assert_eq!(weight(&[]), Some(0));
        assert_eq!(weight(&[0x12, 2, b'a', b'b']), Some(4 + 96));
        // A thousand branches of two bytes each take some hundred each.
        assert_eq!(weight(&[0x0a, 0].repeat(1_000)), Some(2_000 + 96_000));
        // Packed or not.
        assert_eq!(weight(&[0x1a, 3, 1, 2, 3]), Some(5 + 4 * 96));
        assert_eq!(weight(&[0x18, 1, 0x18, 2]), Some(4 + 2 * 96));
        // What is not known is passed over, whatever it is.
        assert_eq!(weight(&[0x2a, 1, 0xff]), Some(3 + 96));
    }

    #[test]
    fn what_is_no_message_of_its_type_is_refused() {
        for bytes in [
            &[0x12, 9, b'a'][..],
            &[0x12, 1, 0xff],
            &[0x10, 1],
            &[0x21, 1, 2],
            &[0x0a, 2, 0x12, 5],
            &[0x80],
            &[0x04],
            &[0x00, 1],
        ] {
            assert_eq!(weight(bytes), None, "{bytes:?}");
        }
        let nested = |depth: usize| {
            (0..depth).fold(Vec::new(), |inner: Vec<u8>, _| {
                let mut outer = vec![0x0a];
                encode_varint(inner.len() as u64, &mut outer);
                outer.extend(inner);
                outer
            })
        };
        assert!(weight(&nested(90)).is_some());
        assert_eq!(weight(&nested(150)), None);
    }
}
