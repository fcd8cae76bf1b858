//! Numbers as Prometheus writes them.

/// A number as Prometheus reads it: Go's integers with any base (`0x1f`, `017`), else its floats, `Inf` and `NaN`.
pub fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let digits = without_underscores(digits)?;
    let lower = digits.to_ascii_lowercase();
    let (radix, integer) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let is_integer = integer.starts_with(|c: char| c.is_ascii_alphanumeric());
    let whole = if is_integer { i64::from_str_radix(integer, radix).ok() } else { None };
    #[expect(clippy::cast_precision_loss, reason = "Prometheus converts integers to float64 as well")]
    let value = match whole {
        Some(whole) => whole as f64,
        None => digits.parse::<f64>().ok()?,
    };
    Some(sign * value)
}

/// `1_000`: underscores stand between digits only.
fn without_underscores(digits: &str) -> Option<String> {
    let apart = |c: char| c.is_ascii_alphanumeric();
    let parts: Vec<&str> = digits.split('_').collect();
    let last = parts.len() - 1;
    let fits = |(at, part): (usize, &&str)| {
        (at == 0 || part.starts_with(apart)) && (at == last || part.ends_with(apart))
    };
    parts.iter().enumerate().all(fits).then(|| parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0x1F", Some(31.0)),
            ("-0x10", Some(-16.0)),
            ("0b11", Some(3.0)),
            ("017", Some(15.0)),
            ("1e3", Some(1000.0)),
            ("", None),
            ("-", None),
            ("--1", None),
            ("1 2", None),
            ("abc", None),
            ("+Inf", Some(f64::INFINITY)),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }
}
