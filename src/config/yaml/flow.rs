//! Flow style, `{…}` and `[…]`, is where YAML most often means something else than its writer.

use granit_parser::ErrorKind;

use crate::config::node::{Kind, Node};

pub(super) const QUOTE_IN_FLOW: &str = "in flow style quote whatever holds `${`, `{{`, `[` or a comma";

/// What to do about an error of syntax. Within flow style the parser's own words seldom help: it saw a `{` where a
/// text was meant.
pub(super) fn syntax_help(kind: &ErrorKind, line: &str) -> Option<&'static str> {
    match kind {
        ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => Some("indent by spaces"),
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::ExpectedNodeContent
        | ErrorKind::FlowMappingValueAdjacentCollection
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd => Some(QUOTE_IN_FLOW),
        _ => (line.contains("${") || line.contains("{{")).then_some(QUOTE_IN_FLOW),
    }
}

/// Says how flow style is quoted, where a value in flow style was not what it should be.
pub(crate) fn flow_help(node: &Node) -> Option<&'static str> {
    let unbalanced =
        |text: &str, open: char, close: char| text.matches(open).count() != text.matches(close).count();
    let torn = match &node.kind {
        Kind::Scalar(scalar) => {
            node.is_null()
                || unbalanced(&scalar.text, '(', ')')
                || unbalanced(&scalar.text, '"', '"')
                || scalar.text == "$"
        }
        Kind::Seq(items) => !items.is_empty(),
        Kind::Map(entries) => !entries.is_empty(),
        Kind::Broken => false,
    };
    (node.flow && torn).then_some(QUOTE_IN_FLOW)
}
