//! Go's fmt: `print`, what `{{ }}` shows, and the formats of `printf`.

use super::printer::{Flags, Printer};
use super::value::Value;

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
