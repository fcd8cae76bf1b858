//! Go's fmt: `printf`, `print` and what `{{ }}` shows.

use std::rc::Rc;

use super::number::format_float;
use super::quote::{is_printable, quoted, quoted_character};
use super::value::{Element, Value};
use crate::labels::Labels;

/// Wider or more precise than this Go does not take a number for one.
const MAX_WIDTH: i64 = 1_000_000;

/// `print`: spaces where neither neighbour is text.
pub(super) fn print(values: &[Value]) -> String {
    let mut printer = Printer::default();
    let is_text = |value: &Value| matches!(value, Value::Text(_) | Value::Html(_));
    for (at, value) in values.iter().enumerate() {
        if at > 0 && !is_text(value) && !is_text(&values[at - 1]) {
            printer.out.push(' ');
        }
        printer.argument(value, 'v');
    }
    printer.out
}

/// `println`
pub(super) fn println(values: &[Value]) -> String {
    let mut printer = Printer::default();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            printer.out.push(' ');
        }
        printer.argument(value, 'v');
    }
    printer.out + "\n"
}

/// What an action shows of its value.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        Value::Text(text) | Value::Html(text) => text.to_string(),
        // Through its pointer.
        Value::Sample(sample) => {
            let mut printer = Printer::default();
            printer.fields(&sample.fields(), 'v');
            printer.out
        }
        other => print(std::slice::from_ref(other)),
    }
}

/// `printf`
pub(super) fn sprintf(format: &str, values: &[Value]) -> String {
    let mut printer = Printer::default();
    let mut directive = Directives { format, at: 0, values, next: 0, reordered: false };
    directive.run(&mut printer);
    printer.out
}

/// Reads a format, directive by directive.
struct Directives<'a> {
    format: &'a str,
    at: usize,
    values: &'a [Value],
    /// Which value is next.
    next: usize,
    reordered: bool,
}

impl Directives<'_> {
    fn run(&mut self, printer: &mut Printer) {
        while let Some(percent) = self.format[self.at..].find('%') {
            printer.out.push_str(&self.format[self.at..self.at + percent]);
            self.at += percent + 1;
            if !self.directive(printer) {
                return self.extra(printer);
            }
        }
        printer.out.push_str(&self.format[self.at..]);
        self.extra(printer);
    }

    fn peek(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    /// Whether the format goes on.
    fn directive(&mut self, printer: &mut Printer) -> bool {
        printer.flags = Flags::default();
        let flags = &mut printer.flags;
        while let Some(byte) = self.format.as_bytes().get(self.at) {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = !flags.minus,
                b'+' => flags.plus = true,
                b'-' => (flags.minus, flags.zero) = (true, false),
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut good = true;
        let mut after_index = self.index(&mut good);
        if self.peek() == Some(b'*') {
            self.at += 1;
            printer.flags.width = self.star();
            match printer.flags.width {
                None => printer.out.push_str("%!(BADWIDTH)"),
                Some(width) if width < 0 => {
                    (printer.flags.width, printer.flags.minus, printer.flags.zero) =
                        (Some(-width), true, false);
                }
                Some(_) => {}
            }
            after_index = false;
        } else {
            printer.flags.width = self.number();
            good &= !(after_index && printer.flags.width.is_some());
        }
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            good &= !after_index;
            after_index = self.index(&mut good);
            if self.peek() == Some(b'*') {
                self.at += 1;
                printer.flags.precision = self.star().filter(|precision| *precision >= 0);
                if printer.flags.precision.is_none() {
                    printer.out.push_str("%!(BADPREC)");
                }
                after_index = false;
            } else {
                printer.flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index(&mut good);
        }
        let Some(verb) = self.format[self.at..].chars().next() else {
            printer.out.push_str("%!(NOVERB)");
            return false;
        };
        self.at += verb.len_utf8();
        if verb == '%' {
            printer.out.push('%');
        } else if !good {
            printer.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.values.get(self.next) {
            self.next += 1;
            if verb == 'v' {
                let flags = &mut printer.flags;
                (flags.sharp_v, flags.plus_v) = (flags.sharp, flags.plus);
                (flags.sharp, flags.plus) = (false, false);
            }
            printer.argument(value, verb);
        } else {
            printer.out.push_str(&format!("%!{verb}(MISSING)"));
        }
        true
    }

    /// `[3]`: which value comes next. Whether one was named.
    fn index(&mut self, good: &mut bool) -> bool {
        let Some(rest) = self.format[self.at..].strip_prefix('[') else { return false };
        self.reordered = true;
        let inside = rest.find(']').map(|end| &rest[..end]);
        let index = inside.and_then(|inside| {
            let digits = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit());
            inside.parse::<usize>().ok().filter(|_| digits)
        });
        self.at += inside.filter(|_| rest.len() >= 2).map_or(1, |inside| inside.len() + 2);
        match index {
            Some(index @ 1..) if index <= self.values.len() => {
                self.next = index - 1;
                true
            }
            index => {
                *good = false;
                index.is_some()
            }
        }
    }

    fn number(&mut self) -> Option<i64> {
        let rest = &self.format[self.at..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..digits].parse().ok();
        self.at += digits;
        if number.is_some_and(|number: i64| number > MAX_WIDTH) || number.is_none() && digits > 0 {
            // Go reads nothing more after such a number.
            self.at = self.format.len();
            return None;
        }
        number
    }

    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(value) if value.abs() <= MAX_WIDTH => Some(*value),
            _ => None,
        }
    }

    fn extra(&self, printer: &mut Printer) {
        if self.reordered || self.next >= self.values.len() {
            return;
        }
        printer.flags = Flags::default();
        printer.out.push_str("%!(EXTRA ");
        for (at, value) in self.values[self.next..].iter().enumerate() {
            if at > 0 {
                printer.out.push_str(", ");
            }
            if !matches!(value, Value::Nil) {
                printer.out.push_str(value.type_name());
                printer.out.push('=');
            }
            printer.argument(value, 'v');
        }
        printer.out.push(')');
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    width: Option<i64>,
    precision: Option<i64>,
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    sharp_v: bool,
    plus_v: bool,
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
struct Printer {
    out: String,
    flags: Flags,
}

impl Printer {
    fn argument(&mut self, value: &Value, verb: char) {
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

    fn fields(&mut self, fields: &[(&str, Value)], verb: char) {
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
                let shown = if self.flags.sharp && is_printable(character) {
                    format!(" '{character}'")
                } else {
                    String::new()
                };
                self.flags.zero = false;
                return self.pad(&format!("U+{size:04X}{shown}"));
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
