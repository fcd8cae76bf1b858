//! Colours, or none.

use std::fmt::Display;

use console::Style;

#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    pub(super) fn good(self, text: impl Display) -> String {
        self.apply(Style::new().green(), text)
    }

    pub(super) fn bad(self, text: impl Display) -> String {
        self.apply(Style::new().red(), text)
    }

    pub(super) fn doubtful(self, text: impl Display) -> String {
        self.apply(Style::new().yellow(), text)
    }

    pub(super) fn value(self, text: impl Display) -> String {
        self.apply(Style::new().cyan(), text)
    }

    pub(super) fn faint(self, text: impl Display) -> String {
        self.apply(Style::new().dim(), text)
    }

    pub(super) fn title(self, text: impl Display) -> String {
        self.apply(Style::new().bold(), text)
    }

    /// Whoever asked has looked at the terminal and at `NO_COLOR`; it is not asked again here.
    fn apply(self, style: Style, text: impl Display) -> String {
        style.force_styling(self.colour).apply_to(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_written_only_when_asked_for() {
        assert_eq!(Paint { colour: false }.bad("✗"), "✗");
        assert_eq!(Paint { colour: true }.bad("✗"), "\u{1b}[31m✗\u{1b}[0m");
    }
}
