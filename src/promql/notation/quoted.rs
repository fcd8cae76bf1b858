//! Quoted texts.

use super::NotationError;

/// A text in `"`, `'` or backquotes without its quotes and escapes (Prometheus' `strutil.Unquote`).
///
/// # Errors
/// When it is not quoted, or an escape is none.
pub fn unquote(text: &str) -> Result<String, NotationError> {
    match leading(text)? {
        (unquoted, "") => Ok(unquoted),
        (_, rest) => Err(NotationError(format!("expected the end after the quoted text, found {rest:?}"))),
    }
}

pub(super) fn leading(text: &str) -> Result<(String, &str), NotationError> {
    let unterminated = || NotationError(format!("expected a quoted text, found {text:?}"));
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).ok_or_else(unterminated)?;
    let inside = &text[1..];
    if quote == '`' {
        let (raw, rest) = inside.split_once('`').ok_or_else(unterminated)?;
        return Ok((raw.to_owned(), rest));
    }
    let mut bytes = Vec::new();
    let mut rest = inside;
    loop {
        let c = rest.chars().next().filter(|&c| c != '\n').ok_or_else(unterminated)?;
        rest = &rest[c.len_utf8()..];
        if c == quote {
            let unquoted =
                String::from_utf8(bytes).map_err(|_| NotationError(format!("{text:?} is not UTF-8")))?;
            return Ok((unquoted, rest));
        }
        if c == '\\' {
            let after = escape(rest, quote, &mut bytes);
            rest =
                after.ok_or_else(|| NotationError(format!("no such escape in a quoted text: \"\\{rest}")))?;
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Go's escapes; `\x` and octal ones are bytes, `\u` and `\U` characters.
fn escape<'a>(text: &'a str, quote: char, into: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let after = &text[kind.len_utf8()..];
    let simple = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        c if c == quote => quote as u8,
        'x' => {
            let (byte, after) = digits(after, 2, 16)?;
            into.push(u8::try_from(byte).ok()?);
            return Some(after);
        }
        '0'..='7' => {
            let (byte, after) = digits(text, 3, 8)?;
            into.push(u8::try_from(byte).ok()?);
            return Some(after);
        }
        'u' | 'U' => {
            let (code, after) = digits(after, if kind == 'u' { 4 } else { 8 }, 16)?;
            let c = char::from_u32(code)?;
            into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        _ => return None,
    };
    into.push(simple);
    Some(after)
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(count)?;
    let all = head.chars().all(|c| c.is_digit(radix));
    all.then(|| u32::from_str_radix(head, radix).ok()).flatten().map(|code| (code, rest))
}
