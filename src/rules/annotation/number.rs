//! Floats as Go's strconv writes them.

/// `precision` of `None` is as many digits as the value needs. NaN and infinities are `NaN`, `+Inf` and `-Inf`;
/// only what is negative has a sign else. `verb` is one of `eEfgGxXb`.
pub(super) fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let size = value.abs();
    let unsigned = match verb {
        'f' => match precision {
            Some(precision) => format!("{size:.precision$}"),
            None => format!("{size}"),
        },
        'e' | 'E' => {
            let written = match precision {
                Some(precision) => format!("{size:.precision$e}"),
                None => format!("{size:e}"),
            };
            with_wide_exponent(&written, verb)
        }
        'x' | 'X' => hexadecimal(size, verb, precision),
        'b' => binary(size),
        _ => general(size, if verb == 'G' { 'E' } else { 'e' }, precision),
    };
    format!("{sign}{unsigned}")
}

/// Rust's `1.5e6` as Go's `1.5e+06`.
fn with_wide_exponent(written: &str, verb: char) -> String {
    let (mantissa, exponent) = written.split_once('e').unwrap_or((written, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}{verb}{sign}{digits:0>2}")
}

/// `%g`: as `%e` where the exponent is small or beyond the precision.
fn general(size: f64, verb: char, precision: Option<usize>) -> String {
    let written = match precision {
        Some(precision) => format!("{size:.0$e}", precision.max(1) - 1),
        None => format!("{size:e}"),
    };
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = if size == 0.0 { 0 } else { exponent + 1 };
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > count && count >= point { count } else { precision }
        }
    };
    if size != 0.0 && (exponent < -4 || exponent >= limit) {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        return with_wide_exponent(&format!("{first}{dot}{rest}e{exponent}"), verb);
    }
    let point = usize::try_from(point);
    match point {
        Ok(0) | Err(_) if digits.is_empty() => "0".to_owned(),
        Ok(point) if point >= digits.len() => format!("{digits:0<point$}"),
        Ok(point) if point > 0 => format!("{}.{}", &digits[..point], &digits[point..]),
        _ => format!("0.{}{digits}", "0".repeat(usize::try_from(-exponent - 1).unwrap_or_default())),
    }
}

/// `%x`: `0x1.8p+01`.
fn hexadecimal(size: f64, verb: char, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = normalized(size);
    let mut fraction_digits = 13;
    match precision {
        None => {
            while fraction_digits > 0 && mantissa & 0xf == 0 {
                (mantissa, fraction_digits) = (mantissa >> 4, fraction_digits - 1);
            }
        }
        Some(precision) if precision < 13 => {
            let dropped = 4 * (13 - precision);
            let (kept, rest, half) =
                (mantissa >> dropped, mantissa & ((1 << dropped) - 1), 1u64 << (dropped - 1));
            mantissa = kept + u64::from(rest > half || rest == half && kept & 1 == 1);
            fraction_digits = precision;
            if mantissa >> (4 * precision) > 1 {
                (mantissa, exponent) = (mantissa >> 1, exponent + 1);
            }
        }
        Some(_) => {}
    }
    let digits = format!("{mantissa:x}");
    let (whole, fraction) = digits.split_at(1);
    let mut fraction = format!("{fraction:0<0$}", precision.unwrap_or(fraction_digits));
    if !fraction.is_empty() {
        fraction.insert(0, '.');
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let written = format!("0x{whole}{fraction}p{sign}{:02}", exponent.abs());
    if verb == 'X' { written.to_uppercase() } else { written }
}

/// A mantissa of 53 bits, the highest set but for zero, and the exponent of that bit.
fn normalized(size: f64) -> (u64, i32) {
    let (mut mantissa, mut exponent) = split(size);
    if mantissa == 0 {
        return (0, 0);
    }
    while mantissa < 1 << 52 {
        (mantissa, exponent) = (mantissa << 1, exponent - 1);
    }
    (mantissa, exponent + 52)
}

/// `%b`: `6755399441055744p-52`.
fn binary(size: f64) -> String {
    let (mantissa, exponent) = split(size);
    format!("{mantissa}p{exponent:+}")
}

/// An integer mantissa and the exponent of two to multiply it by.
fn split(size: f64) -> (u64, i32) {
    let bits = size.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or_default();
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_go_writes_them() {
        let check = |value: f64, verb: char, precision: Option<usize>, expected: &str| {
            assert_eq!(format_float(value, verb, precision), expected, "{value:?} %{verb} {precision:?}");
        };
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1_500_000.0, "1.5e+06"),
            (100_000.0, "100000"),
            (1e20, "1e+20"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123_456.789, "123456.789"),
            (12_345_678.9, "1.23456789e+07"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            check(value, 'g', None, expected);
        }
        for (value, expected) in [
            (0.0, "0"),
            (100.0, "100"),
            (1234.0, "1234"),
            (12345.0, "1.234e+04"),
            (12355.0, "1.236e+04"),
            (1e6, "1e+06"),
            (0.000_012_345, "1.234e-05"),
            (9999.6, "1e+04"),
            (999.96, "1000"),
            (2.5, "2.5"),
        ] {
            check(value, 'g', Some(4), expected);
        }
        check(2.5, 'f', Some(0), "2");
        check(3.5, 'f', Some(0), "4");
        check(0.125, 'f', Some(2), "0.12");
        check(1234.5678, 'e', Some(2), "1.23e+03");
        check(0.0, 'e', Some(6), "0.000000e+00");
        check(3.0, 'x', None, "0x1.8p+01");
        check(1.0, 'x', None, "0x1p+00");
        check(0.0, 'x', None, "0x0p+00");
        check(1.999, 'x', Some(1), "0x1.0p+01");
        check(1.5, 'b', None, "6755399441055744p-52");
    }
}
