//! A scalar over several lines: where each piece of its text stands in the file.

use granit_parser::{ScalarStyle, Span};

use crate::config::node::TextLine;

/// The lines of a text, if it stands in the file as it is in the tree but for indentation and for how lines are joined:
/// nothing escaped. Empty for a text on one line, and where it cannot be said.
pub(super) fn text_lines(text: &str, style: ScalarStyle, span: &Span, lines: &[&str]) -> Vec<TextLine> {
    let trimmed = match style {
        ScalarStyle::Literal => false,
        ScalarStyle::Folded | ScalarStyle::Plain => true,
        _ => return Vec::new(),
    };
    let Some(first) = span.start.line().checked_sub(1) else { return Vec::new() };
    let indent = span.start.col();
    let mut found = Vec::new();
    let mut at = 0;
    for (index, line) in lines.iter().enumerate().skip(first) {
        let rest = &text[at..];
        if rest.trim_end_matches('\n').is_empty() {
            break;
        }
        let start = match style {
            // The lines that continue a plain text may stand anywhere.
            ScalarStyle::Plain if index > first => line.len() - line.trim_start().len(),
            _ => line.char_indices().nth(indent).map_or(line.len(), |(start, _)| start),
        };
        let content = if trimmed { line[start..].trim_end() } else { &line[start..] };
        // What follows a plain text on its last line is a comment, or the end of a collection.
        let content = if rest.starts_with(content) { content } else { rest };
        if !line[start..].starts_with(content) {
            return Vec::new();
        }
        let column = line[..start].chars().count() + 1;
        let (Ok(line), Ok(column)) = (u32::try_from(index + 1), u32::try_from(column)) else {
            return Vec::new();
        };
        found.push(TextLine { offset: at, line, column });
        at += content.len();
        if text[at..].starts_with(['\n', ' ']) {
            at += 1;
        } else if !content.is_empty() && at < text.len() {
            return Vec::new();
        }
    }
    let whole = text[at.min(text.len())..].trim_end_matches('\n').is_empty();
    if whole && found.len() > 1 { found } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use crate::config::yaml::read;

    /// For each character that is asked for, its line and column.
    fn places(yaml: &str, characters: &str) -> Vec<(u32, u32)> {
        let root = read(yaml, &mut Vec::new()).unwrap();
        let node = root.get("a").unwrap();
        let text = &node.scalar().unwrap().text;
        let place = |character| node.place_within(text.find(character).unwrap(), 1);
        characters.chars().map(place).map(|place| (place.line, place.column)).collect()
    }

    #[test]
    fn the_characters_of_blocks_and_of_plain_texts_over_lines_have_their_places() {
        for (yaml, characters, expected) in [
            ("a: |\n  one\n    two\n\n  x\nb: c\n", "owx", vec![(2, 3), (3, 6), (5, 3)]),
            ("a: >-\n  one\n  two\n\n  x\n", "owx", vec![(2, 3), (3, 4), (5, 3)]),
            ("a: one\n   two\n     x\nb: c\n", "owx", vec![(1, 4), (2, 5), (3, 6)]),
            ("a: one\n two # three\n", "ow", vec![(1, 4), (2, 3)]),
            ("a: |2\n    one\n   x\n", "ox", vec![(2, 5), (3, 4)]),
            ("a: |\n  ä\n  öx\n", "äx", vec![(2, 3), (3, 4)]),
            // Where lines are escaped nothing is said but where the text begins.
            ("a: \"o\\n\n  x\"\n", "ox", vec![(1, 4), (1, 4)]),
        ] {
            assert_eq!(places(yaml, characters), expected, "{yaml}");
        }
    }
}
