//! RE2's regular expressions, as Go has them, on the engine we have.

use regex::Regex;

/// Go's error begins with the same words; what follows is the engine's.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translated(pattern)).map_err(|error| {
        let message = error.to_string();
        let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

/// In RE2 `\d`, `\s`, `\w` and `\b` know ASCII only, and inside of a class nothing is special that RE2 does not know:
/// neither another class nor `&&`, `--` and `~~`.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut class_start: Option<usize> = None;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = rest.chars().next();
                let Some(escaped) = escaped else {
                    out.push('\\');
                    break;
                };
                rest = &rest[escaped.len_utf8()..];
                match escaped {
                    'd' => out.push_str(r"[0-9]"),
                    'D' => out.push_str(r"[^0-9]"),
                    's' => out.push_str(r"[\t\n\f\r ]"),
                    'S' => out.push_str(r"[^\t\n\f\r ]"),
                    'w' => out.push_str(r"[0-9A-Za-z_]"),
                    'W' => out.push_str(r"[^0-9A-Za-z_]"),
                    'b' if class_start.is_none() => out.push_str(r"(?-u:\b)"),
                    'Q' if class_start.is_none() => {
                        let (literal, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                        out.push_str(&regex::escape(literal));
                        rest = after;
                    }
                    escaped => out.extend(['\\', escaped]),
                }
            }
            '[' if class_start.is_none() => {
                out.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = after;
                }
                // Right at the start it is a member of the class.
                if let Some(after) = rest.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = after;
                }
                class_start = Some(out.len());
            }
            '[' if rest.starts_with(':') => match rest.split_once(":]") {
                Some((name, after)) => {
                    out.push_str(&format!("[{name}:]"));
                    rest = after;
                }
                None => out.push_str("\\["),
            },
            '[' => out.push_str("\\["),
            ']' => {
                out.push(']');
                class_start = None;
            }
            '&' | '~' if class_start.is_some() => out.extend(['\\', c]),
            '-' if class_start == Some(out.len()) => out.push_str("\\-"),
            // A range up to the hyphen.
            '-' if class_start.is_some() && rest.starts_with('-') => {
                out.push_str("-\\-");
                rest = &rest[1..];
            }
            c => out.push(c),
        }
    }
    out
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
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"\bfoo\b", "a foo b", true),
            (r"^[+--]$", ",", true),
            (r"(?i)ABC", "xabcx", true),
        ] {
            assert_eq!(regex(pattern).unwrap().is_match(text), expected, "{pattern} on {text}");
        }
        assert!(regex("(").is_err_and(|message| message.starts_with("error parsing regexp: unclosed group")));
    }
}
