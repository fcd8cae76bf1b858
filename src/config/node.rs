//! A YAML document as a tree in which every value knows where it was written.

use super::{At, Place};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// A block mapping stands at its first key, an absent value at its key.
    pub(crate) place: Place,
    /// The key this is the value of; for an item of a list its own place.
    pub(crate) owner: Place,
    /// Written inside `{…}` or `[…]`.
    pub(crate) flow: bool,
    /// The column of the text's first character, when the text stands in the file as it is here.
    pub(crate) text_column: Option<u32>,
    /// The same for a text over several lines.
    pub(crate) text_lines: Vec<TextLine>,
    pub(crate) filled: Option<Box<Filled>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Seq(Vec<Node>),
    Map(Vec<(At<String>, Node)>),
    /// Its problem has been reported; whoever reads it gives up silently.
    Broken,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Neither quoted nor a block: its type follows from its text.
    pub(crate) plain: bool,
}

/// A piece of a scalar's text that stands on one line of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TextLine {
    /// Where it begins in the text, in bytes.
    pub(crate) offset: usize,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What became of a scalar that held `${…}`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filled {
    /// Before it was filled in.
    pub(crate) raw: String,
    /// A value that came from outside the file and must not be shown went in.
    pub(crate) secret: bool,
}

/// A scalar's type by YAML 1.2's core schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Typed<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    pub(crate) fn typed(&self) -> Typed<'_> {
        if !self.plain {
            return Typed::Text(&self.text);
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Typed::Null,
            "true" | "True" | "TRUE" => Typed::Bool(true),
            "false" | "False" | "FALSE" => Typed::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Typed::Float(f64::NAN),
            text => integer(text).or_else(|| float(text)).unwrap_or(Typed::Text(text)),
        }
    }
}

fn integer(text: &str) -> Option<Typed<'static>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().map(Typed::Integer)
}

fn radix(digits: &str, radix: u32) -> Option<Typed<'static>> {
    if digits.starts_with(['-', '+']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(Typed::Integer)
}

fn float(text: &str) -> Option<Typed<'static>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Typed::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }));
    }
    // Rust's own grammar is wider: it also takes `inf`, `nan` and `infinity`.
    let numeric = unsigned
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !numeric || !unsigned.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().map(Typed::Float)
}

impl Node {
    pub(crate) fn new(kind: Kind, place: Place) -> Self {
        Node {
            kind,
            place,
            owner: place,
            flow: false,
            text_column: None,
            text_lines: Vec::new(),
            filled: None,
        }
    }

    /// A value nobody wrote: a default in the form in which a user would write it.
    pub(crate) fn unwritten(text: &str) -> Self {
        Node::new(Kind::Scalar(Scalar { text: text.to_owned(), plain: true }), Place::default())
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Of what says by its one key what it is: that key, also in flow style.
    pub(crate) fn key_place(&self) -> Place {
        self.entries().and_then(<[_]>::first).map_or(self.place, |(key, _)| key.place)
    }

    pub(crate) fn entries(&self) -> Option<&[(At<String>, Node)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&(At<String>, Node)> {
        self.entries()?.iter().find(|(name, _)| name.value == key)
    }

    pub(crate) fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.typed() == Typed::Null)
    }

    /// How a message names this value; a secret is shown as it was written, with its `${…}`.
    pub(crate) fn found(&self) -> String {
        match &self.kind {
            Kind::Broken => "an unusable value".to_owned(),
            Kind::Seq(items) if items.is_empty() => "an empty list".to_owned(),
            Kind::Seq(_) => "a list".to_owned(),
            Kind::Map(entries) if entries.is_empty() => "an empty mapping".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
            Kind::Scalar(_) if self.is_null() => "nothing".to_owned(),
            Kind::Scalar(scalar) => match &self.filled {
                Some(filled) if filled.secret => format!("the value of `{}`", shorten(&filled.raw)),
                Some(filled) => format!("`{}` (from `{}`)", shorten(&scalar.text), shorten(&filled.raw)),
                None if scalar.text.is_empty() => "an empty text".to_owned(),
                None => format!("`{}`", shorten(&scalar.text)),
            },
        }
    }

    /// Whether each character of the text has a place.
    pub(crate) fn knows_places(&self) -> bool {
        self.text_column.is_some() || !self.text_lines.is_empty()
    }

    /// The place of `length` characters in a scalar's text, from the byte `offset` on; the whole scalar's where
    /// the text does not stand in the file as it is here.
    pub(crate) fn place_within(&self, offset: usize, length: usize) -> Place {
        let single = self.text_column.map(|column| TextLine { offset: 0, line: self.place.line, column });
        let within = |line: &&TextLine| line.offset <= offset;
        let found = single.or_else(|| self.text_lines.iter().rev().find(within).copied());
        let (Some(TextLine { offset: start, line, column }), Some(scalar)) = (found, self.scalar()) else {
            return self.place;
        };
        let before = scalar.text.get(start..offset).map_or(0, |text| text.chars().count());
        let (Ok(before), Ok(length)) = (u32::try_from(before), u32::try_from(length.max(1))) else {
            return self.place;
        };
        Place { line, column: column.saturating_add(before), length }
    }
}

/// At most 60 characters of a text, on one line.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.trim_end().replace('\n', "↵");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let mut short: String = line.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_take_their_type_by_the_core_schema() {
        let typed = |text: &str| format!("{:?}", Scalar { text: text.to_owned(), plain: true }.typed());
        for (text, expected) in [
            ("", "Null"),
            ("~", "Null"),
            ("true", "Bool(true)"),
            ("no", "Text(\"no\")"),
            ("12", "Integer(12)"),
            ("-0x1F", "Text(\"-0x1F\")"),
            ("0x1F", "Integer(31)"),
            ("0o17", "Integer(15)"),
            ("1.5", "Float(1.5)"),
            (".5", "Float(0.5)"),
            ("1e3", "Float(1000.0)"),
            ("-.inf", "Float(-inf)"),
            ("inf", "Text(\"inf\")"),
            ("1.2.3", "Text(\"1.2.3\")"),
            ("e", "Text(\"e\")"),
            ("10s", "Text(\"10s\")"),
        ] {
            assert_eq!(typed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_scalars_are_text() {
        assert_eq!(Scalar { text: "12".to_owned(), plain: false }.typed(), Typed::Text("12"));
    }
}
