//! Values as Go's fmt writes them: what each verb makes of each type, padded and signed as the flags say.

use std::rc::Rc;

use super::number::format_float;
use super::quote::{is_printable, quoted, quoted_character};
use super::value::{Element, Value};
use crate::labels::Labels;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<i64>,
    pub(super) precision: Option<i64>,
    pub(super) sharp: bool,
    pub(super) zero: bool,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) space: bool,
    pub(super) sharp_v: bool,
    pub(super) plus_v: bool,
}

impl Flags {
    fn precision(&self) -> Option<usize> {
        self.precision.and_then(|precision| usize::try_from(precision).ok())
    }

    /// Before a number that is not negative.
    fn sign(&self) -> &'static str {
        match (self.plus, self.space) {
            (true, _) => "+",
            (false, true) => " ",
            (false, false) => "",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Printer {
    pub(super) out: String,
    pub(super) flags: Flags,
}

impl Printer {
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (_, 'T') => self.text(value.type_name(), 's'),
            (Value::Sample(sample), _) => {
                self.out.push('&');
                self.fields(&sample.fields(), verb);
            }
            _ => self.value(value, verb),
        }
    }

    /// A value, or one inside another.
    fn value(&mut self, value: &Value, verb: char) {
        let as_text = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        match value {
            Value::Nil if verb == 'v' => self.out.push_str("<nil>"),
            Value::Nil => self.out.push_str(&format!("%!{verb}(<nil>)")),
            Value::Bool(truth) if matches!(verb, 't' | 'v') => {
                self.pad(if *truth { "true" } else { "false" })
            }
            Value::Int(number) => self.integer(*number, value, verb),
            Value::Float(number) => self.float(*number, value, verb),
            Value::Text(text) | Value::Html(text) if as_text => self.text(text, verb),
            Value::Moment(moment) if as_text => self.text(&moment.to_string(), verb),
            Value::Span(span) if as_text => self.text(&span.to_string(), verb),
            Value::Span(span) if !span.is_pointer => self.integer(span.nanos, value, verb),
            Value::Labels(labels) => self.labels(labels, verb),
            Value::Arguments(arguments) => {
                let entries = arguments.iter().map(|(name, value)| (name.as_str(), value.clone()));
                self.map("map[string]interface {}", entries.collect(), verb);
            }
            Value::Vector(vector) => self.vector(vector, verb),
            Value::Sample(sample) => self.fields(&sample.fields(), verb),
            Value::Root(root) => self.fields(&root.fields(), verb),
            Value::Bool(_) | Value::Text(_) | Value::Html(_) | Value::Moment(_) | Value::Span(_) => {
                self.bad(value, verb);
            }
        }
    }

    fn bad(&mut self, value: &Value, verb: char) {
        self.out.push_str(&format!("%!{verb}({}=", value.type_name()));
        self.argument(value, 'v');
        self.out.push(')');
    }

    fn labels(&mut self, labels: &Labels, verb: char) {
        let entries = labels.iter().map(|(name, value)| (name, Value::text(value)));
        self.map("map[string]string", entries.collect(), verb);
    }

    fn map(&mut self, type_name: &str, entries: Vec<(&str, Value)>, verb: char) {
        let (open, between, close) = if self.flags.sharp_v {
            (format!("{type_name}{{"), ", ", '}')
        } else {
            ("map[".to_owned(), " ", ']')
        };
        self.out.push_str(&open);
        for (at, (name, value)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.out.push_str(between);
            }
            self.value(&Value::text(name), verb);
            self.out.push(':');
            self.value(&value, verb);
        }
        self.out.push(close);
    }

    fn vector(&mut self, vector: &[Rc<Element>], verb: char) {
        self.out.push('[');
        for (at, sample) in vector.iter().enumerate() {
            if at > 0 {
                self.out.push(' ');
            }
            self.out.push('&');
            self.fields(&sample.fields(), verb);
        }
        self.out.push(']');
    }

    pub(super) fn fields(&mut self, fields: &[(&str, Value)], verb: char) {
        self.out.push('{');
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.out.push(' ');
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.out.push_str(&format!("{name}:"));
            }
            self.value(value, verb);
        }
        self.out.push('}');
    }

    fn pad(&mut self, text: &str) {
        let width = usize::try_from(self.flags.width.unwrap_or(0)).unwrap_or_default();
        let missing = width.saturating_sub(text.chars().count());
        if self.flags.minus {
            self.out.push_str(text);
            self.out.extend(std::iter::repeat_n(' ', missing));
        } else {
            let filler = if self.flags.zero { '0' } else { ' ' };
            self.out.extend(std::iter::repeat_n(filler, missing));
            self.out.push_str(text);
        }
    }

    fn text(&mut self, text: &str, verb: char) {
        let length = self.flags.precision().unwrap_or(usize::MAX);
        let cut: String = text.chars().take(length).collect();
        match verb {
            'x' | 'X' => self.hexadecimal(&text.as_bytes()[..length.min(text.len())], verb),
            'q' | 'v' if verb == 'q' || self.flags.sharp_v => {
                let backquoted =
                    self.flags.sharp && !cut.contains('`') && !cut.contains(|c: char| c.is_control());
                let quoted = if backquoted { format!("`{cut}`") } else { quoted(&cut, self.flags.plus) };
                self.pad(&quoted);
            }
            _ => self.pad(&cut),
        }
    }

    fn hexadecimal(&mut self, bytes: &[u8], verb: char) {
        let prefix = if self.flags.sharp { "0x" } else { "" };
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        let written = if self.flags.space {
            digits.map(|pair| format!("{prefix}{pair}")).collect::<Vec<_>>().join(" ")
        } else if bytes.is_empty() {
            String::new()
        } else {
            format!("{prefix}{}", digits.collect::<String>())
        };
        self.pad(&if verb == 'X' { written.to_uppercase() } else { written });
    }

    fn integer(&mut self, number: i64, value: &Value, verb: char) {
        let size = number.unsigned_abs();
        let character = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        let (digits, prefix) = match verb {
            'v' | 'd' => (size.to_string(), ""),
            'b' => (format!("{size:b}"), "0b"),
            'o' => (format!("{size:o}"), "0"),
            'O' => (format!("{size:o}"), "0o"),
            'x' => (format!("{size:x}"), "0x"),
            'X' => (format!("{size:X}"), "0X"),
            'c' => return self.pad(&character.to_string()),
            'q' => {
                let quoted = quoted_character(character, self.flags.plus);
                return self.pad(&quoted);
            }
            'U' => {
                let shown = if self.flags.sharp && number >= 0 && is_printable(character) {
                    format!(" '{character}'")
                } else {
                    String::new()
                };
                self.flags.zero = false;
                // Two's complement, as in Go, where it is negative.
                return self.pad(&format!("U+{number:04X}{shown}"));
            }
            _ => return self.bad(value, verb),
        };
        let sign = if number < 0 { "-" } else { self.flags.sign() };
        let width = usize::try_from(self.flags.width.unwrap_or(0)).unwrap_or_default();
        let least = match self.flags.precision() {
            Some(0) if number == 0 => {
                self.flags.zero = false;
                return self.pad("");
            }
            Some(precision) => precision,
            None if self.flags.zero => width.saturating_sub(sign.len()),
            None => 0,
        };
        let digits = format!("{digits:0>least$}");
        let prefix = if self.flags.sharp || verb == 'O' { prefix } else { "" };
        let prefix = if verb == 'o' && digits.starts_with('0') { "" } else { prefix };
        let before = self.flags.zero;
        self.flags.zero = false;
        self.pad(&format!("{sign}{prefix}{digits}"));
        self.flags.zero = before;
    }

    fn float(&mut self, number: f64, value: &Value, verb: char) {
        let precision = self.flags.precision();
        let written = match verb {
            'v' => format_float(number, 'g', precision),
            'b' | 'g' | 'G' | 'x' | 'X' => format_float(number, verb, precision),
            'e' | 'E' => format_float(number, verb, precision.or(Some(6))),
            'f' | 'F' => format_float(number, 'f', precision.or(Some(6))),
            _ => return self.bad(value, verb),
        };
        let unsigned = written.trim_start_matches(['+', '-']);
        let sign = match written.as_bytes() {
            [b'-', ..] => "-",
            // An infinity always has one.
            [b'+', ..] if !self.flags.space || self.flags.plus => "+",
            _ => self.flags.sign(),
        };
        let before = self.flags;
        if !number.is_finite() {
            self.flags.zero = false;
        }
        if self.flags.zero && !sign.is_empty() {
            self.out.push_str(sign);
            self.flags.width = self.flags.width.map(|width| (width - 1).max(0));
            self.pad(unsigned);
        } else {
            self.pad(&format!("{sign}{unsigned}"));
        }
        self.flags = before;
    }
}
