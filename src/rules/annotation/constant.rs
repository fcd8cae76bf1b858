//! Numbers as a template writes them.

use super::syntax::Number;

/// Go's integers (decimal, `0x`, `0o`, `0b`, with `_`) and decimal floats.
pub(super) fn number(source: &str) -> Result<Number, String> {
    let bad = || format!("bad number syntax: {source}");
    if source.ends_with('i') {
        return Err(format!("complex numbers are not supported: {source}"));
    }
    let unsigned = source.strip_prefix(['+', '-']).unwrap_or(source);
    let lower = unsigned.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', second, ..] if second.is_ascii_digit() => (&lower[1..], 8),
        _ => (&lower[..], 10),
    };
    let whole = digits.bytes().all(|byte| byte == b'_' || char::from(byte).is_digit(radix));
    if whole && (radix != 10 || !digits.is_empty()) {
        let misplaced =
            digits.contains("__") || digits.ends_with('_') || radix == 10 && digits.starts_with('_');
        let plain = digits.replace('_', "");
        let signed = if source.starts_with('-') { format!("-{plain}") } else { plain };
        if misplaced || digits.is_empty() {
            return Err(bad());
        }
        let int = i64::from_str_radix(&signed, radix).map_err(|_| format!("integer overflow: {source}"))?;
        let number =
            Number { source: source.to_owned(), int: Some(int), float: int as f64, reads_as_float: false };
        return Ok(number);
    }
    let is_decimal =
        unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let float = source.parse().ok().filter(|float: &f64| is_decimal && float.is_finite()).ok_or_else(bad)?;
    if !unsigned.contains(['.', 'e', 'E']) {
        return Err(bad());
    }
    // Beyond this Go's conversion is not exact.
    let int = (float.fract() == 0.0 && float.abs() < 9.2e18).then_some(float as i64);
    Ok(Number { source: source.to_owned(), int, float, reads_as_float: true })
}

/// `'a'` is an integer.
pub(super) fn character(source: String, character: char) -> Number {
    let code = i64::from(u32::from(character));
    Number { source, int: Some(code), float: code as f64, reads_as_float: false }
}
