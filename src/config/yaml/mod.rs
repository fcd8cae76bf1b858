//! YAML text to a tree of nodes. A hostile text is refused before it costs time or memory.
//!
//! Anchors, aliases and merge keys work; duplicate keys, tags that make types of their own and further documents
//! are errors.

mod flow;
mod lines;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::node::{Kind, Node, Scalar};
use super::{At, Place, Problem};
pub(crate) use flow::flow_help;
use flow::{QUOTE_IN_FLOW, syntax_help};

/// A plan of this size would be some 20,000 steps.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 64;

/// What a text may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) text_bytes: usize,
    /// Keys and values, after aliases were put in.
    nodes: usize,
    /// Characters of all scalars, after aliases were put in.
    scalar_bytes: usize,
}

impl Bounds {
    /// Of what people write by hand.
    const PLAN: Bounds = Bounds { text_bytes: MAX_TEXT_BYTES, nodes: 200_000, scalar_bytes: 8 << 20 };
    /// Rule files are generated, too: this is some 100,000 rules.
    pub(crate) const RULES: Bounds =
        Bounds { text_bytes: 16 << 20, nodes: 3_200_000, scalar_bytes: 64 << 20 };
}

/// The first document of a text that may have more of them.
pub(crate) struct FirstDocument {
    /// `None` when there is nothing in it.
    pub(crate) root: Option<Node>,
    /// Where the second one begins.
    pub(crate) second: Option<Place>,
}

/// Reads the only document of a text. Problems that leave the tree usable are added to `problems`.
///
/// # Errors
/// What makes the text unusable: its syntax, its size, or aliases that expand without measure.
pub(crate) fn read(text: &str, problems: &mut Vec<Problem>) -> Result<Node, Problem> {
    check_length(text, Bounds::PLAN)?;
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        disallow_directives: true,
    };
    let mut builder = Builder::new(text, Bounds::PLAN, problems);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| builder.syntax_error(&error))?;
        if matches!(event, Event::DocumentStart(..)) && builder.root.is_some() {
            let problem = Problem::new(builder.place(&span), "a second document begins");
            return Err(problem.help("expected one document in a file"));
        }
        builder.take(event, span)?;
    }
    builder.root.ok_or_else(|| Problem::without_place("the file is empty"))
}

/// Reads the first document of a text as [`read`] does; a file of Prometheus' may be empty, begin with directives, and
/// go on after its first document, which nobody reads then.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_first(
    text: &str,
    bounds: Bounds,
    problems: &mut Vec<Problem>,
) -> Result<FirstDocument, Problem> {
    check_length(text, bounds)?;
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder::new(text, bounds, problems);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| builder.syntax_error(&error))?;
        if matches!(event, Event::DocumentStart(..)) && builder.root.is_some() {
            let second = Some(builder.place(&span));
            return Ok(FirstDocument { root: builder.root, second });
        }
        builder.take(event, span)?;
    }
    Ok(FirstDocument { root: builder.root, second: None })
}

fn check_length(text: &str, bounds: Bounds) -> Result<(), Problem> {
    if text.len() <= bounds.text_bytes {
        return Ok(());
    }
    let message =
        format!("the file has {} bytes, more than the {} that are read", text.len(), bounds.text_bytes);
    Err(Problem::without_place(message))
}

struct Builder<'a> {
    text: &'a str,
    bounds: Bounds,
    lines: Vec<&'a str>,
    problems: &'a mut Vec<Problem>,
    open: Vec<Collection>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    size: Size,
}

struct Anchored {
    node: Node,
    size: Size,
    depth: usize,
}

/// What an alias to a node costs.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

struct Collection {
    /// A mapping's keys, or nothing for a list.
    mapping: Option<Mapping>,
    items: Vec<Node>,
    place: Place,
    flow: bool,
    anchor: usize,
    size_before: Size,
    /// Of what it holds, for the depth of an alias to it.
    depth: usize,
}

#[derive(Default)]
struct Mapping {
    key: Option<Key>,
    entries: Vec<(At<String>, Node)>,
    places: HashMap<String, Place>,
    merged: Vec<Node>,
}

/// A key whose value has not come yet.
struct Key {
    name: At<String>,
    /// A plain `<<`: its value is put in when the mapping ends.
    merges: bool,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, bounds: Bounds, problems: &'a mut Vec<Problem>) -> Self {
        Builder {
            text,
            bounds,
            lines: text.lines().collect(),
            problems,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            size: Size::default(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span)?;
                let quoted_by_tag = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                self.scalar(text.into_owned(), style, quoted_by_tag, anchor, &span)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span)?;
                self.start(None, style, anchor, &span)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span)?;
                self.start(Some(Mapping::default()), style, anchor, &span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(id) => self.alias(id, &span),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: String,
        style: ScalarStyle,
        tagged_text: bool,
        anchor: usize,
        span: &Span,
    ) -> Result<(), Problem> {
        let mut place = self.place(span);
        let absent = style == ScalarStyle::Plain && span.is_empty();
        let merges = style == ScalarStyle::Plain && text == "<<";
        self.grow(text.len(), place)?;
        if let Some(Collection { mapping: Some(mapping), .. }) = self.open.last_mut() {
            match &mapping.key {
                None if absent => return Err(Problem::new(place, "a key is missing").help(QUOTE_IN_FLOW)),
                None => {
                    mapping.key = Some(Key { name: At::new(text, place), merges });
                    return Ok(());
                }
                Some(key) if absent => place = key.name.place,
                Some(_) => {}
            }
        }
        let text_column = self.text_column(&text, style, span);
        let text_lines = match text_column {
            Some(_) => Vec::new(),
            None => lines::text_lines(&text, style, span, &self.lines),
        };
        let plain = style == ScalarStyle::Plain && !tagged_text;
        let node = Node { text_column, text_lines, ..Node::new(Kind::Scalar(Scalar { text, plain }), place) };
        let bytes = node.scalar().map_or(0, |scalar| scalar.text.len());
        self.anchor(anchor, &node, Size { nodes: 1, bytes }, 0)?;
        self.add(node, 0)
    }

    fn start(
        &mut self,
        mapping: Option<Mapping>,
        style: StructureStyle,
        anchor: usize,
        span: &Span,
    ) -> Result<(), Problem> {
        let place = Place { length: 1, ..self.place(span) };
        let flow = style == StructureStyle::Flow;
        if let Some(Collection { mapping: Some(Mapping { key: None, .. }), .. }) = self.open.last() {
            let what = if mapping.is_some() { "a mapping" } else { "a list" };
            let problem = Problem::new(place, format!("{what} cannot be a key"));
            return Err(problem.help(format!("expected a name; {QUOTE_IN_FLOW}")));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(place));
        }
        let size_before = self.size;
        self.grow(0, place)?;
        self.open.push(Collection { mapping, items: Vec::new(), place, flow, anchor, size_before, depth: 1 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(collection) = self.open.pop() else { return Ok(()) };
        let mut place = collection.place;
        let kind = match collection.mapping {
            None => Kind::Seq(collection.items),
            Some(mapping) => {
                let entries = self.merge(mapping)?;
                match entries.first() {
                    Some((key, _)) if !collection.flow => place = key.place,
                    _ => {}
                }
                Kind::Map(entries)
            }
        };
        let node = Node::new(kind, place);
        let size = Size {
            nodes: self.size.nodes - collection.size_before.nodes,
            bytes: self.size.bytes - collection.size_before.bytes,
        };
        self.anchor(collection.anchor, &node, size, collection.depth)?;
        self.add(node, collection.depth)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<(), Problem> {
        let place = self.place(span);
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(Problem::new(place, "an alias within the value that it stands for"));
        };
        let (size, depth) = (anchored.size, anchored.depth);
        if self.open.len() + depth > MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.size.nodes += size.nodes;
        self.grow(size.bytes, place)?;
        // Cloned only after it was paid for.
        let Some(node) = self.anchors.get(&id).map(|anchored| anchored.node.clone()) else { return Ok(()) };
        if let Some(Collection { mapping: Some(mapping), .. }) = self.open.last_mut()
            && mapping.key.is_none()
        {
            let Some(scalar) = node.scalar() else {
                return Err(Problem::new(place, "an alias to a collection cannot be a key"));
            };
            mapping.key = Some(Key { name: At::new(scalar.text.clone(), place), merges: false });
            return Ok(());
        }
        self.add(node, depth)
    }

    /// Puts a finished node where it belongs: into the collection that is open, or at the root.
    fn add(&mut self, mut node: Node, depth: usize) -> Result<(), Problem> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.depth = parent.depth.max(depth + 1);
        node.flow |= parent.flow;
        let Some(mapping) = &mut parent.mapping else {
            node.owner = node.place;
            parent.items.push(node);
            return Ok(());
        };
        let Some(Key { name: key, merges }) = mapping.key.take() else { return Ok(()) };
        node.owner = key.place;
        if merges {
            mapping.merged.push(node);
        } else if let Some(first) = mapping.places.get(&key.value) {
            let message = format!("duplicate key `{}`", key.value);
            let help = format!("already given at {}:{}", first.line, first.column);
            self.problems.push(Problem::new(key.place, message).help(help));
        } else {
            mapping.places.insert(key.value.clone(), key.place);
            mapping.entries.push((key, node));
        }
        Ok(())
    }

    /// The entries of a mapping and those of its `<<`, which do not replace what is there.
    fn merge(&mut self, mapping: Mapping) -> Result<Vec<(At<String>, Node)>, Problem> {
        let Mapping { mut entries, mut places, merged, .. } = mapping;
        for node in merged {
            let sources = match node.kind {
                Kind::Seq(items) => items,
                _ => vec![node],
            };
            for source in sources {
                let Kind::Map(added) = source.kind else {
                    let problem = Problem::new(source.place, "`<<` merges mappings only");
                    return Err(problem.help("expected an alias such as `*base`, or a list of them"));
                };
                for (key, value) in added {
                    if places.insert(key.value.clone(), key.place).is_none() {
                        entries.push((key, value));
                    }
                }
            }
        }
        Ok(entries)
    }

    fn anchor(&mut self, id: usize, node: &Node, size: Size, depth: usize) -> Result<(), Problem> {
        if id != 0 {
            // The copy is paid for like an alias, or nested anchors would keep the file once for each level.
            self.size.nodes += size.nodes;
            self.grow(size.bytes, node.place)?;
            self.anchors.insert(id, Anchored { node: node.clone(), size, depth });
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize, place: Place) -> Result<(), Problem> {
        self.size.nodes += 1;
        self.size.bytes += bytes;
        let Bounds { nodes, scalar_bytes, .. } = self.bounds;
        if self.size.nodes > nodes || self.size.bytes > scalar_bytes {
            let message =
                format!("more than {nodes} values or {scalar_bytes} bytes, counting what aliases repeat");
            return Err(Problem::new(place, message));
        }
        Ok(())
    }

    fn check_tag(&mut self, tag: Option<&Tag>, span: &Span) -> Result<(), Problem> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema() && tag.original() != "!" => {
                let message = format!("the tag `{}` means nothing here", tag.original());
                Err(Problem::new(self.place(&span.tag_span().unwrap_or(*span)), message))
            }
            _ => Ok(()),
        }
    }

    fn syntax_error(&self, error: &ScanError) -> Problem {
        let place = self.mark(error.marker(), 1);
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return too_deep(place);
        }
        if *error.kind() == ErrorKind::UnknownAnchor {
            return Problem::new(place, "an alias to an anchor that is not defined before it");
        }
        let problem = Problem::new(place, format!("not valid YAML: {}", error.kind()));
        let line = self.lines.get(error.marker().line().saturating_sub(1)).copied().unwrap_or_default();
        match syntax_help(error.kind(), line) {
            Some(help) => problem.help(help),
            None => problem,
        }
    }

    fn mark(&self, marker: &Marker, length: usize) -> Place {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        // The parser reports the end of the file one line after its last.
        let last = self.lines.len().max(1);
        let (line, column) = match marker.line() {
            line if line > last => (last, self.lines.last().map_or(0, |line| line.chars().count())),
            line => (line.max(1), marker.col()),
        };
        Place { line: number(line), column: number(column).saturating_add(1), length: number(length.max(1)) }
    }

    /// Where a span begins; it ends with its first line.
    fn place(&self, span: &Span) -> Place {
        let length = if span.start.line() == span.end.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            let line = span
                .start
                .line()
                .checked_sub(1)
                .and_then(|at| self.lines.get(at))
                .copied()
                .unwrap_or_default();
            line.trim_end().chars().count().saturating_sub(span.start.col())
        };
        self.mark(&span.start, length)
    }

    /// Where the text begins, if it stands in the file as it is in the tree: not folded, nothing escaped.
    fn text_column(&self, text: &str, style: ScalarStyle, span: &Span) -> Option<u32> {
        let quote = match style {
            ScalarStyle::Plain => 0,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
            _ => return None,
        };
        let start = span.byte_range()?.start.checked_add(quote)?;
        let same = !text.contains('\n') && self.text.get(start..)?.starts_with(text);
        let column = span.start.col().checked_add(quote)?.checked_add(1)?;
        same.then(|| u32::try_from(column).ok()).flatten()
    }
}

fn too_deep(place: Place) -> Problem {
    Problem::new(place, format!("nested deeper than {MAX_DEPTH} levels"))
}
