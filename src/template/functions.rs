//! The functions of expressions beyond minijinja's own.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use sha2::{Digest, Sha256};

use super::write;

/// Longest result of `random_string`.
const MAX_RANDOM_CHARS: usize = 1 << 20;

/// Widest field and longest fraction of `format`.
const MAX_FORMAT_WIDTH: u32 = 1_000;

/// minijinja's filters that lay out pages: of no use to a plan, and each turns a number into as much
/// memory as it says.
const LAYOUT_FILTERS: [&str; 3] = ["batch", "indent", "slice"];

/// Makes them known, and takes out what is of no use to a plan.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.remove_global("debug");
    environment.remove_global("namespace");
    for filter in LAYOUT_FILTERS {
        environment.remove_filter(filter);
    }
    let unbounded = Value::from_function(minijinja::filters::format);
    environment.add_filter("format", move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let args = args.into_values();
        check_format(args.first().and_then(Value::as_str).unwrap_or_default())?;
        unbounded.call(state, &args)
    });
    environment.add_function("uuid", uuid);
    environment.add_function("random_int", random_int);
    environment.add_function("random_string", random_string);
    environment.add_function("random_choice", random_choice);
    environment.add_function("now", || rfc3339(since_epoch()));
    environment.add_function("timestamp_ms", || since_epoch().as_millis() as u64);
    environment.add_function("base64", base64);
    environment.add_function("sha256", sha256);
    environment.add_function("hmac_sha256", hmac_sha256);
    environment.add_filter("base64", base64);
    environment.add_filter("sha256", sha256);
    // minijinja's own escapes `<`, `>`, `&` and `'` for HTML, which would change what is sent.
    environment.add_filter("tojson", tojson);
}

fn refused(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// A random (version 4) UUID, RFC 9562.
fn uuid() -> String {
    let random = fastrand::u128(..);
    let bits = (random & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A whole number from `low` to `high`, both possible.
fn random_int(low: i64, high: i64) -> Result<i64, Error> {
    if low > high {
        return Err(refused(format!("random_int({low}, {high}): the first must not be above the second")));
    }
    Ok(fastrand::i64(low..=high))
}

/// `length` letters and digits.
fn random_string(length: usize) -> Result<String, Error> {
    if length > MAX_RANDOM_CHARS {
        return Err(refused(format!("random_string({length}): at most {MAX_RANDOM_CHARS} characters")));
    }
    Ok((0..length).map(|_| fastrand::alphanumeric()).collect())
}

/// One item of a list.
fn random_choice(list: &Value) -> Result<Value, Error> {
    match list.len() {
        Some(0) => Err(refused("random_choice: the list is empty")),
        Some(length) if list.as_object().is_some() => list.get_item_by_index(fastrand::usize(..length)),
        _ => Err(refused(format!("random_choice needs a list, not {}", described(list)))),
    }
}

fn base64(data: &Value) -> Result<String, Error> {
    Ok(STANDARD.encode(bytes("base64", data)?))
}

/// SHA-256 in lower-case hexadecimal digits.
fn sha256(data: &Value) -> Result<String, Error> {
    Ok(hex(&Sha256::digest(bytes("sha256", data)?)))
}

/// HMAC-SHA-256 in lower-case hexadecimal digits.
fn hmac_sha256(key: &Value, data: &Value) -> Result<String, Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&bytes("hmac_sha256", key)?)
        .map_err(|error| refused(format!("hmac_sha256: {error}")))?;
    mac.update(&bytes("hmac_sha256", data)?);
    Ok(hex(&mac.finalize().into_bytes()))
}

fn tojson(value: &Value) -> Result<String, Error> {
    let mut json = String::new();
    write::push_json(&mut json, defined(value)?).map_err(|error| refused(error.to_string()))?;
    Ok(json)
}

/// What a value is as bytes: the same text that `{{ }}` renders.
fn bytes<'v>(function: &str, value: &'v Value) -> Result<Cow<'v, [u8]>, Error> {
    if let Some(bytes) = defined(value)?.as_bytes() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut text = String::new();
    write::push_text(&mut text, value).map_err(|error| refused(format!("{function}: {error}")))?;
    Ok(Cow::Owned(text.into_bytes()))
}

/// Refuses `%1000000000d`, which would take a gigabyte.
fn check_format(format: &str) -> Result<(), Error> {
    for specification in format.split('%').skip(1) {
        // `%(name)5d`: the name is not part of what is looked for.
        let named = specification.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let specification = named.map_or(specification, |(_, rest)| rest);
        let end = specification.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(specification.len());
        let numbers =
            specification[..end].split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        for number in numbers {
            if number.parse().map_or(true, |width: u32| width > MAX_FORMAT_WIDTH) {
                return Err(refused(format!("format: a width is at most {MAX_FORMAT_WIDTH}, not {number}")));
            }
        }
    }
    Ok(())
}

fn defined(value: &Value) -> Result<&Value, Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(value) }
}

fn described(value: &Value) -> String {
    value.kind().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// UTC to the millisecond, as `2026-01-31T12:00:00.000Z`.
fn rfc3339(since_epoch: Duration) -> String {
    let secs = since_epoch.as_secs();
    let (year, month, day) = civil(secs / 86_400);
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    let millis = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`: years begin in March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_4_and_not_repeated() {
        let drawn = uuid();
        let lengths: Vec<usize> = drawn.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{drawn}");
        assert_eq!(&drawn[14..15], "4", "{drawn}");
        assert!("89ab".contains(&drawn[19..20]), "{drawn}");
        assert_ne!(drawn, uuid());
    }

    #[test]
    fn random_int_gives_both_bounds_and_nothing_outside() {
        let drawn: std::collections::BTreeSet<i64> =
            (0..500).filter_map(|_| random_int(-1, 1).ok()).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-1, 0, 1]);
        assert_eq!(random_int(7, 7).unwrap(), 7);
        assert!(random_int(i64::MIN, i64::MAX).is_ok());
        assert!(random_int(2, 1).unwrap_err().to_string().contains("must not be above"));
    }

    #[test]
    fn random_string_is_alphanumeric_and_bounded() {
        let drawn = random_string(64).unwrap();
        assert!(drawn.len() == 64 && drawn.chars().all(|c| c.is_ascii_alphanumeric()), "{drawn}");
        assert_eq!(random_string(0).unwrap(), "");
        assert_eq!(random_string(MAX_RANDOM_CHARS).unwrap().len(), MAX_RANDOM_CHARS);
        assert!(random_string(MAX_RANDOM_CHARS + 1).is_err());
    }

    #[test]
    fn digests_are_the_published_ones() {
        let text = Value::from("abc");
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&text).unwrap(), expected);
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let (key, data) = (Value::from("Jefe"), Value::from("what do ya want for nothing?"));
        assert_eq!(hmac_sha256(&key, &data).unwrap(), expected);
        // RFC 4648, section 10.
        assert_eq!(base64(&Value::from("foob")).unwrap(), "Zm9vYg==");
        assert_eq!(base64(&Value::from(12)).unwrap(), "MTI=");
    }

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        for (secs, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_799, "2000-02-29T23:59:59.000Z"),
            (1_709_251_200, "2024-03-01T00:00:00.000Z"),
            (1_767_225_599, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Duration::from_secs(secs)), expected);
        }
        assert_eq!(rfc3339(Duration::from_millis(1_234)), "1970-01-01T00:00:01.234Z");
    }
}
