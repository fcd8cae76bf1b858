//! How deep the tables of a frame lie in each other: the codec reads them by recursion, and the other side chooses.

/// Deeper ones are refused; RabbitMQ's own go three deep.
const DEEPEST: usize = 16;

/// Whether the table at the beginning of `bytes` goes deeper than anybody means it to. One that is cut short is left to the
/// codec, which will not get further than this has.
pub(super) fn is_too_deep(bytes: &[u8]) -> bool {
    walk(bytes).is_some_and(|depth| depth > DEEPEST)
}

/// The depth, as far as it matters; `None` where the bytes are no table.
fn walk(bytes: &[u8]) -> Option<usize> {
    let length = |at: usize| {
        let four = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(four.try_into().ok()?) as usize)
    };
    let mut open = vec![(4 + length(0)?, true)];
    let (mut at, mut deepest) = (4, 1);
    while let Some((end, is_table)) = open.last().copied() {
        if at >= end {
            open.pop();
            continue;
        }
        if is_table {
            at += 1 + usize::from(*bytes.get(at)?);
        }
        let kind = *bytes.get(at)?;
        at += 1;
        at += match kind {
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'U' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'L' | b'l' | b'd' | b'T' => 8,
            b'S' | b'x' => 4 + length(at)?,
            b'A' | b'F' => {
                open.push((at + 4 + length(at)?, kind == b'F'));
                deepest = deepest.max(open.len());
                if deepest > DEEPEST {
                    return Some(deepest);
                }
                4
            }
            _ => return None,
        };
    }
    Some(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32).to_be_bytes(), content].concat()
    }

    fn nested(kind: u8, levels: usize) -> Vec<u8> {
        let mut inner = Vec::new();
        for level in 0..levels {
            let name: &[u8] = if kind == b'F' || level + 1 == levels { b"\x01n" } else { b"" };
            inner = [name, &[kind], &table(&inner)].concat();
        }
        table(&inner)
    }

    #[test]
    fn tables_and_arrays_may_lie_in_each_other_but_not_forever() {
        for kind in [b'F', b'A'] {
            assert!(!is_too_deep(&nested(kind, DEEPEST - 1)));
            assert!(is_too_deep(&nested(kind, DEEPEST)));
            assert!(is_too_deep(&nested(kind, 20_000)));
        }
    }

    #[test]
    fn values_of_every_kind_are_stepped_over() {
        let values: [&[u8]; 8] = [
            b"V",
            b"t\x01",
            b"U\0\x01",
            b"I\0\0\0\x01",
            b"D\0\0\0\0\x01",
            b"T\0\0\0\0\0\0\0\x01",
            b"S\0\0\0\x01a",
            b"x\0\0\0\0",
        ];
        let content: Vec<u8> = values.iter().flat_map(|value| [b"\x01n", *value].concat()).collect();
        let whole = [content, b"\x01n".to_vec(), vec![b'F'], table(b"")].concat();
        assert_eq!(walk(&table(&whole)), Some(2));
    }

    #[test]
    fn what_is_no_table_is_left_to_the_codec() {
        for bytes in [
            &b""[..],
            b"\0\0",
            b"\0\0\0\x05\x01n",
            b"\0\0\0\x04\x01n?\0",
            b"\xff\xff\xff\xff\x01nA\xff\xff\xff\xff",
        ] {
            assert!(!is_too_deep(bytes), "{bytes:?}");
        }
    }
}
