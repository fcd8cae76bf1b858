//! Words that others chose, made fit for a terminal: they must not move its cursor or change its colours.

/// `text` on one line: line breaks become `; `, other control characters U+FFFD.
pub(super) fn clean(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_line_breaks_do_not_reach_the_terminal() {
        for (text, expected) in [
            ("plain — é", "plain — é"),
            ("two\n  lines\r\n", "two; lines"),
            ("\u{1b}[2Jgone\u{7}", "\u{fffd}[2Jgone\u{fffd}"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }
}
