//! RE2's regular expressions, as Go has them, on the engine we have.

use regex::Regex;

/// What matches anywhere in a text. Go's error begins with the same words; what follows is the engine's.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translated(pattern)).map_err(|error| {
        let message = error.to_string();
        let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

/// What matches a whole text, in which `.` matches line ends: that of matchers and of `label_replace`.
pub(super) fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    anchored_as_it_is(&translated(pattern))
}

/// In RE2 `\d`, `\s`, `\w` and `\b` know ASCII only; a brace that is no repetition stands for itself, as in
/// `/users/{id}`; and inside of a class nothing is special that RE2 does not know: neither another class nor `&&`, `--`
/// and `~~`. What is translated already stays as it is.
pub(super) fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\\' => escape(after, &mut out),
            '[' => class(after, &mut out),
            '{' => match repetition(after) {
                Some(length) => {
                    out.push_str(&rest[..=length]);
                    &after[length..]
                }
                None => {
                    out.push_str("\\{");
                    after
                }
            },
            '}' => {
                out.push_str("\\}");
                after
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    out
}

/// The members of `\d`, `\s`, `\w` and of their opposites, for a class.
fn members(escaped: char) -> Option<&'static str> {
    Some(match escaped {
        'd' => r"0-9",
        'D' => r"\x00-/:-\x{10FFFF}",
        's' => r"\t\n\f\r ",
        'S' => r"\x00-\x08\x0B\x0E-\x1F!-\x{10FFFF}",
        'w' => r"0-9A-Za-z_",
        'W' => r"\x00-/:-@\[-\^`\{-\x{10FFFF}",
        _ => return None,
    })
}

/// What follows a backslash outside of classes; gives what comes after it.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some(escaped) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    let after = &rest[escaped.len_utf8()..];
    if let Some(members) = members(escaped) {
        out.extend(["[", members, "]"]);
        return after;
    }
    match escaped {
        'b' => out.push_str(r"(?-u:\b)"),
        'B' => out.push_str(r"(?-u:\B)"),
        'Q' => {
            let (literal, after) = after.split_once("\\E").unwrap_or((after, ""));
            out.push_str(&regex::escape(literal));
            return after;
        }
        _ => return plain_escape(rest, escaped, out),
    }
    after
}

/// One that means the same inside and outside of classes; `\p{L}` and `\x{10FFFF}` have braces of their own.
fn plain_escape<'a>(rest: &'a str, escaped: char, out: &mut String) -> &'a str {
    let after = &rest[escaped.len_utf8()..];
    if matches!(escaped, '<' | '>') {
        out.push(escaped);
        return after;
    }
    let braced = matches!(escaped, 'p' | 'P' | 'x') && after.starts_with('{');
    let length = if braced { after.find('}').map_or(0, |at| at + 1) } else { 0 };
    let (braces, after) = after.split_at(length);
    out.extend(["\\", &rest[..escaped.len_utf8()], braces]);
    after
}

/// What follows the bracket that opens a class, up to the one that closes it; gives what comes after it.
fn class<'a>(mut rest: &'a str, out: &mut String) -> &'a str {
    out.push('[');
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let start = out.len();
    // Right at the start it is a member of the class.
    if let Some(after) = rest.strip_prefix(']') {
        out.push_str("\\]");
        rest = after;
    }
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            ']' => {
                out.push(']');
                return after;
            }
            '\\' => escape_in_class(after, out),
            '[' => match after.strip_prefix(':').and_then(|name| name.split_once(":]")) {
                Some((name, after)) => {
                    out.extend(["[:", name, ":]"]);
                    after
                }
                None => {
                    out.push_str("\\[");
                    after
                }
            },
            '&' | '~' => {
                out.extend(['\\', c]);
                after
            }
            '-' if out.len() == start => {
                out.push_str("\\-");
                after
            }
            // A range up to the hyphen.
            '-' if after.starts_with('-') => {
                out.push_str("-\\-");
                &after[1..]
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    rest
}

fn escape_in_class<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some(escaped) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    let Some(members) = members(escaped) else { return plain_escape(rest, escaped, out) };
    out.push_str(members);
    let after = &rest[1..];
    // No range begins with a set: the hyphen is a member, too.
    match after.strip_prefix('-') {
        Some(after) => {
            out.push_str("\\-");
            after
        }
        None => after,
    }
}

/// A pattern in other words, where the engine alone would refuse it.
pub(super) fn accepted(pattern: &str) -> Option<String> {
    anchored_as_it_is(pattern).is_err().then(|| translated(pattern))
}

fn anchored_as_it_is(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
}

/// How long a repetition is after its opening brace; none for a brace by itself.
fn repetition(rest: &str) -> Option<usize> {
    let (inside, _) = rest.split_once('}')?;
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(inside.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_re2() {
        for (pattern, text, expected) in [
            (r"^\d+$", "123", true),
            (r"^\d+$", "١٢٣", false),
            (r"^[\w-]+$", "a-b_c", true),
            (r"^\w$", "é", false),
            (r"^[a[b]+$", "[ab", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[]a]+$", "]a", true),
            (r"^[^]a]+$", "]", false),
            (r"^[]-a]+$", "^_`", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"\bfoo\b", "a foo b", true),
            (r"^[+--]$", ",", true),
            (r"(?i)ABC", "xabcx", true),
            (r"^\Bü$", "ü", true),
            (r"^[\w-z]+$", "a-z", true),
            (r"^[\w-z]$", "{", false),
            (r"^[\D]$", "x", true),
            (r"^[\D\n]$", "7", false),
            (r"^[\S]+$", "a\u{b}é", true),
            (r"^\S$", "\n", false),
            (r"^[\W_]+$", "-_é[^`{", true),
            (r"^\W$", "a", false),
            (r"^/users/{id}$", "/users/{id}", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^a{1,2}$", "aa", true),
            (r"^a{2,}$", "a", false),
            (r"^\p{Lu}\x{41}$", "ÄA", true),
            (r"^[\p{Lu}{}]+$", "Ä{}", true),
            (r"^\<a\>$", "<a>", true),
        ] {
            assert_eq!(regex(pattern).unwrap().is_match(text), expected, "{pattern} on {text}");
            let twice = translated(&translated(pattern));
            assert_eq!(Regex::new(&twice).unwrap().is_match(text), expected, "{twice} on {text}");
        }
        assert!(regex("(").is_err_and(|message| message.starts_with("error parsing regexp: unclosed group")));
    }
}
