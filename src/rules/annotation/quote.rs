//! Go's quoted strings, to read and to write.

use std::fmt::Write as _;

/// What stands between two quotes means; invalid escapes are refused.
pub(super) fn unquoted(text: &str, quote: char) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let escape = rest.next().unwrap_or_default();
        let plain = match escape {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' => b'\\',
            c if c == quote => c as u8,
            'x' => u8::try_from(code(&mut rest, 2, 16)?).unwrap_or_default(),
            'u' | 'U' => {
                let digits = if escape == 'u' { 4 } else { 8 };
                let code = code(&mut rest, digits, 16)?;
                let c = char::from_u32(code).ok_or_else(|| format!("\\{escape}{code:x} is no character"))?;
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                continue;
            }
            '0'..='7' => {
                let high = escape.to_digit(8).unwrap_or_default() * 64;
                let code = high + code(&mut rest, 2, 8)?;
                u8::try_from(code).map_err(|_| "an octal escape above \\377".to_owned())?
            }
            c => return Err(format!("invalid escape \\{c}")),
        };
        bytes.push(plain);
    }
    // Go keeps bytes that are no UTF-8; where text is shown they read as this, too.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn code(rest: &mut std::str::Chars<'_>, digits: usize, radix: u32) -> Result<u32, String> {
    let mut code = 0u32;
    for _ in 0..digits {
        let digit = rest.next().and_then(|c| c.to_digit(radix));
        code = code.wrapping_mul(radix) + digit.ok_or("an escape with too few digits")?;
    }
    Ok(code)
}

/// In double quotes, as `%q` writes it, or `%+q` in ASCII alone.
pub(super) fn quoted(text: &str, ascii: bool) -> String {
    let inside: String = text.chars().map(|c| escaped(c, '"', ascii)).collect();
    format!("\"{inside}\"")
}

/// In single quotes, as `%q` writes an integer.
pub(super) fn quoted_character(c: char, ascii: bool) -> String {
    format!("'{}'", escaped(c, '\'', ascii))
}

fn escaped(c: char, quote: char, ascii: bool) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        c if c == quote => format!("\\{c}"),
        c if is_printable(c) && (c.is_ascii() || !ascii) => c.to_string(),
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        c => {
            let mut out = String::new();
            // Writing to memory does not fail.
            let _ = match u32::from(c) {
                code @ (0..0x20 | 0x7f) => write!(out, "\\x{code:02x}"),
                code @ 0..0x1_0000 => write!(out, "\\u{code:04x}"),
                code => write!(out, "\\U{code:08x}"),
            };
            out
        }
    }
}

/// Go's `unicode.IsPrint`: of all blanks only the space.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        c if c.is_ascii() || c.is_whitespace() => false,
        // Not the first of its text, or a combining mark would be escaped.
        c => format!("a{c}").escape_debug().count() == 2,
    }
}
