//! Lines to metadata and samples, for both formats.
//!
//! They differ in their blanks (text allows them nearly everywhere, OpenMetrics wants exactly one space),
//! in comments (OpenMetrics has none), in timestamps (milliseconds, or seconds with a fraction) and in
//! what OpenMetrics has on top: units, exemplars and `# EOF`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Limits;
use super::cursor::{Cursor, is_blank, number, text, unescaped};
use super::error::{Fault, ParseErrorKind, excerpt};
use crate::exposition::{Format, is_metric_name_start};

/// What the lines of a body said, in order.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub declared: HashMap<Arc<str>, Declared>,
    pub samples: Vec<Sample>,
}

/// Metadata of one name. Of two lines that say the same thing differently the later wins.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub kind: DeclaredKind,
    pub help: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DeclaredKind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Info,
    StateSet,
    GaugeHistogram,
    #[default]
    Unknown,
}

/// Names and values as written; no name comes twice.
pub(super) type LabelPairs = Vec<(Arc<str>, Arc<str>)>;

#[derive(Debug)]
pub(super) struct Sample {
    pub name: Arc<str>,
    pub labels: LabelPairs,
    pub value: f64,
}

pub(super) fn read(body: &[u8], format: Format, limits: &Limits) -> Result<Lines, Fault> {
    if body.len() > limits.max_body_bytes {
        let kind = ParseErrorKind::BodyTooLarge { limit: limits.max_body_bytes };
        return Err(Fault::new(limits.max_body_bytes, kind));
    }
    let mut reader = Reader {
        cursor: Cursor::new(body),
        openmetrics: format == Format::OpenMetrics,
        limits,
        known: HashSet::new(),
        lines: Lines::default(),
    };
    while !reader.line()? {}
    Ok(reader.lines)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    openmetrics: bool,
    limits: &'a Limits,
    /// Names and label values, each kept once: a small body must not become a large heap.
    known: HashSet<Arc<str>>,
    lines: Lines,
}

impl<'a> Reader<'a> {
    /// Reads one line; true at the end of the body.
    fn line(&mut self) -> Result<bool, Fault> {
        self.blanks();
        match self.cursor.peek() {
            None if self.openmetrics => return Err(self.fault(ParseErrorKind::NoEof)),
            None => return Ok(true),
            Some(b'\n') if !self.openmetrics => self.cursor.at += 1,
            Some(b'#') if self.openmetrics => return self.openmetrics_metadata(),
            Some(b'#') => self.text_comment()?,
            Some(byte) if is_metric_name_start(byte) || byte == b'{' => self.sample()?,
            Some(_) if self.openmetrics => {
                return Err(self
                    .cursor
                    .unexpected("a metric name, `{`, or `# ` and HELP, TYPE, UNIT or EOF"));
            }
            Some(_) => return Err(self.cursor.unexpected("a metric name, `{`, `#` or an empty line")),
        }
        Ok(false)
    }

    /// Where text 0.0.4 allows blanks; OpenMetrics allows none.
    fn blanks(&mut self) {
        if !self.openmetrics {
            self.cursor.skip_blanks();
        }
    }

    fn text_comment(&mut self) -> Result<(), Fault> {
        self.cursor.at += 1;
        let spaced = !self.cursor.take_while(is_blank).is_empty();
        let word_at = self.cursor.at;
        let keyword = self.cursor.take_while(|byte| byte.is_ascii_uppercase());
        let ended = self.cursor.peek().is_some_and(is_blank);
        if !(spaced && ended && matches!(keyword, b"HELP" | b"TYPE")) {
            self.cursor.at = word_at;
            self.cursor.rest_of_line();
            return Ok(());
        }
        self.cursor.skip_blanks();
        let name = self.metadata_name()?;
        let separator = usize::from(!matches!(self.cursor.peek(), None | Some(b'\n')));
        let at = self.cursor.at + separator;
        let rest = self.cursor.rest_of_line();
        self.declare(name, keyword, rest.get(separator..).unwrap_or_default(), at)
    }

    fn openmetrics_metadata(&mut self) -> Result<bool, Fault> {
        self.cursor.expect(b"# ", "`# ` and HELP, TYPE, UNIT or EOF")?;
        let start = self.cursor.at;
        let keyword = self.cursor.take_while(|byte| byte.is_ascii_uppercase());
        if keyword == b"EOF" {
            self.cursor.eat(b"\n");
            return match self.cursor.peek() {
                None => Ok(true),
                Some(_) => Err(self.fault(ParseErrorKind::AfterEof)),
            };
        }
        if !matches!(keyword, b"HELP" | b"TYPE" | b"UNIT") {
            self.cursor.at = start;
            return Err(self.cursor.unexpected("HELP, TYPE, UNIT or EOF"));
        }
        self.cursor.expect(b" ", "a space")?;
        let name = self.metadata_name()?;
        self.cursor.expect(b" ", "a space")?;
        let at = self.cursor.at;
        let rest = self.cursor.rest_of_line();
        self.declare(name, keyword, rest, at)?;
        if self.cursor.eat(b"\n") { Ok(false) } else { Err(self.fault(ParseErrorKind::NoEof)) }
    }

    fn metadata_name(&mut self) -> Result<Arc<str>, Fault> {
        let name = match self.cursor.plain_name(true, self.limits.max_label_bytes)? {
            Some(name) => name,
            None if self.cursor.peek() == Some(b'"') => self.quoted()?,
            None => return Err(self.cursor.unexpected("a metric name")),
        };
        Ok(self.intern(name))
    }

    fn declare(&mut self, name: Arc<str>, keyword: &[u8], rest: &[u8], at: usize) -> Result<(), Fault> {
        if keyword == b"UNIT" {
            return check_unit(&name, rest, at);
        }
        let limit = self.limits.max_samples;
        if self.lines.declared.len() >= limit && !self.lines.declared.contains_key(&name) {
            return Err(Fault::new(at, ParseErrorKind::TooManyNames { limit }));
        }
        let declared = self.lines.declared.entry(name).or_default();
        if keyword == b"HELP" {
            declared.help = unescaped(text(rest, at, usize::MAX)?, self.openmetrics).into_owned();
        } else {
            declared.kind = declared_kind(rest, self.openmetrics)
                .ok_or_else(|| Fault::new(at, ParseErrorKind::UnknownType(excerpt(rest))))?;
        }
        Ok(())
    }

    fn sample(&mut self) -> Result<(), Fault> {
        let start = self.cursor.at;
        let limit = self.limits.max_samples;
        if self.lines.samples.len() >= limit {
            return Err(self.fault(ParseErrorKind::TooManySamples { limit }));
        }
        let mut name = self.cursor.plain_name(true, self.limits.max_label_bytes)?;
        self.blanks();
        let labels = if self.cursor.eat(b"{") { self.labels(Some(&mut name))? } else { Vec::new() };
        let name = name.ok_or_else(|| Fault::new(start, ParseErrorKind::NoMetricName))?;
        let name = self.intern(name);
        let value = self.value()?;
        if self.openmetrics {
            self.openmetrics_line_end()?
        } else {
            self.text_line_end()?
        }
        self.lines.samples.push(Sample { name, labels, value });
        Ok(())
    }

    /// What stands between the braces. A quoted string alone is the metric's name, where one is wanted.
    fn labels(&mut self, mut name: Option<&mut Option<Cow<'a, str>>>) -> Result<LabelPairs, Fault> {
        let limit = self.limits.max_labels;
        let mut labels = LabelPairs::new();
        loop {
            self.blanks();
            if self.cursor.eat(b"}") {
                return Ok(labels);
            }
            let start = self.cursor.at;
            let quoted = self.cursor.peek() == Some(b'"');
            let label = match self.cursor.plain_name(false, self.limits.max_label_bytes)? {
                Some(label) => label,
                None if quoted => self.quoted()?,
                None => return Err(self.cursor.unexpected("a label name or `}`")),
            };
            self.blanks();
            if quoted && matches!(self.cursor.peek(), Some(b',' | b'}')) {
                let Some(name) = name.as_deref_mut() else { return Err(self.cursor.unexpected("`=`")) };
                take_name(name, label).map_err(|kind| Fault::new(start, kind))?;
                self.cursor.eat(b",");
                continue;
            }
            self.cursor.expect(b"=", "`=`")?;
            self.blanks();
            if self.cursor.peek() != Some(b'"') {
                return Err(self.cursor.unexpected("a label value in quotes"));
            }
            let value = self.quoted()?;
            if labels.len() >= limit {
                return Err(Fault::new(start, ParseErrorKind::TooManyLabels { limit }));
            }
            let label = self.intern(label);
            // Interned, so equal names are the same allocation.
            if &*label == "__name__" || labels.iter().any(|(known, _)| Arc::ptr_eq(known, &label)) {
                return Err(Fault::new(start, ParseErrorKind::DuplicateLabel(excerpt(label.as_bytes()))));
            }
            let value = self.intern(value);
            labels.push((label, value));
            self.blanks();
            if !self.cursor.eat(b",") && self.openmetrics && self.cursor.peek() != Some(b'}') {
                return Err(self.cursor.unexpected("`,` or `}`"));
            }
        }
    }

    fn value(&mut self) -> Result<f64, Fault> {
        if self.openmetrics {
            self.cursor.expect(b" ", "a space and a value")?;
            self.cursor.number(b" \n")
        } else {
            self.cursor.skip_blanks();
            self.cursor.number(b"{ \t\n")
        }
    }

    fn text_line_end(&mut self) -> Result<(), Fault> {
        self.cursor.skip_blanks();
        let start = self.cursor.at;
        let timestamp = self.cursor.take_while(|byte| byte.is_ascii_digit());
        if !timestamp.is_empty() {
            let in_range = std::str::from_utf8(timestamp).is_ok_and(|digits| digits.parse::<i64>().is_ok());
            if !in_range {
                return Err(Fault::new(start, ParseErrorKind::NotATimestamp(excerpt(timestamp))));
            }
            self.cursor.skip_blanks();
        }
        match self.cursor.peek() {
            None => Ok(()),
            Some(b'\n') => {
                self.cursor.at += 1;
                Ok(())
            }
            Some(_) if timestamp.is_empty() => {
                Err(self.cursor.unexpected("a timestamp in whole milliseconds or the end of the line"))
            }
            Some(_) => Err(self.cursor.unexpected("the end of the line")),
        }
    }

    fn openmetrics_line_end(&mut self) -> Result<(), Fault> {
        if self.cursor.eat(b" # {") {
            return self.exemplar();
        }
        if self.cursor.eat(b" ") {
            self.timestamp()?;
            if self.cursor.eat(b" # {") {
                return self.exemplar();
            }
        }
        self.openmetrics_line_feed()
    }

    /// From after its brace to the end of the line.
    fn exemplar(&mut self) -> Result<(), Fault> {
        self.labels(None)?;
        self.value()?;
        if self.cursor.eat(b" ") {
            self.timestamp()?;
        }
        self.openmetrics_line_feed()
    }

    /// In seconds, maybe with a fraction.
    fn timestamp(&mut self) -> Result<(), Fault> {
        let start = self.cursor.at;
        let token = self.cursor.take_while(|byte| byte != b' ' && byte != b'\n');
        match number(token) {
            Ok(seconds) if seconds.is_finite() => Ok(()),
            Err(kind @ ParseErrorKind::CarriageReturn) => Err(Fault::new(start, kind)),
            _ => Err(Fault::new(start, ParseErrorKind::NotATimestamp(excerpt(token)))),
        }
    }

    fn openmetrics_line_feed(&mut self) -> Result<(), Fault> {
        match self.cursor.peek() {
            None => Err(self.fault(ParseErrorKind::NoEof)),
            _ => self.cursor.expect(b"\n", "a timestamp, an exemplar or the end of the line"),
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        // promlex.l lets a label value run over lines, openmetricslex.l does not.
        self.cursor.quoted(!self.openmetrics, self.limits.max_label_bytes)
    }

    fn intern(&mut self, text: Cow<'_, str>) -> Arc<str> {
        if let Some(known) = self.known.get(&*text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.known.insert(Arc::clone(&new));
        new
    }

    fn fault(&self, kind: ParseErrorKind) -> Fault {
        Fault::new(self.cursor.at, kind)
    }
}

fn take_name<'a>(name: &mut Option<Cow<'a, str>>, found: Cow<'a, str>) -> Result<(), ParseErrorKind> {
    if name.is_some() {
        return Err(ParseErrorKind::SecondMetricName);
    }
    if found.is_empty() {
        return Err(ParseErrorKind::EmptyMetricName);
    }
    *name = Some(found);
    Ok(())
}

fn declared_kind(word: &[u8], openmetrics: bool) -> Option<DeclaredKind> {
    Some(match word {
        b"counter" => DeclaredKind::Counter,
        b"gauge" => DeclaredKind::Gauge,
        b"histogram" => DeclaredKind::Histogram,
        b"summary" => DeclaredKind::Summary,
        b"untyped" if !openmetrics => DeclaredKind::Unknown,
        b"unknown" if openmetrics => DeclaredKind::Unknown,
        b"info" if openmetrics => DeclaredKind::Info,
        b"stateset" if openmetrics => DeclaredKind::StateSet,
        b"gaugehistogram" if openmetrics => DeclaredKind::GaugeHistogram,
        _ => return None,
    })
}

fn check_unit(name: &str, unit: &[u8], at: usize) -> Result<(), Fault> {
    let unit = text(unit, at, usize::MAX)?;
    let named = name.strip_suffix(&*unit).is_some_and(|before| before.ends_with('_'));
    if unit.is_empty() || named {
        return Ok(());
    }
    let (unit, name) = (excerpt(unit.as_bytes()), excerpt(name.as_bytes()));
    Err(Fault::new(at, ParseErrorKind::UnitNotInName { unit, name }))
}
