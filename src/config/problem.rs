//! What is wrong with a file, and how it is shown: place, source line, caret, what was expected.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::Place;

/// Past so many problems of one file nobody reads on: they are counted, but not shown, and nothing is suggested.
pub(crate) const ENOUGH_PROBLEMS: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// `None` for what is not in the file, such as a flag.
    pub place: Option<Place>,
    /// What is wrong; lower case, no full stop.
    pub message: String,
    /// Stands behind the caret: what was expected, or what to do.
    pub help: Option<String>,
}

impl Problem {
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Problem { place: Some(place), message: message.into(), help: None }
    }

    pub fn without_place(message: impl Into<String>) -> Self {
        Problem { place: None, message: message.into(), help: None }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A file as it was given to us.
pub struct Source {
    file: String,
    text: String,
    /// Values from outside the file that no message may show.
    secrets: Vec<String>,
}

impl fmt::Debug for Source {
    /// Without the text, which is long, and without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Source {
    /// `secrets` are replaced by `***` wherever a message would show them.
    pub fn new(file: impl Into<String>, text: impl Into<String>, mut secrets: Vec<String>) -> Self {
        // The longest first: one may hold another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Source { file: file.into(), text: text.into(), secrets }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    fn line(&self, number: u32) -> Option<&str> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.text.lines().nth(at)
    }

    /// `text` with each secret replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// All that is wrong with one file, in the order of the file.
#[derive(Debug, Clone)]
pub struct Problems {
    pub source: Arc<Source>,
    pub list: Vec<Problem>,
    /// Of files that this one names.
    pub elsewhere: Vec<Problems>,
}

impl Problems {
    /// Sorts by place, keeps one of several equal problems (an alias repeats them) and hides secrets.
    pub fn new(source: Arc<Source>, mut list: Vec<Problem>) -> Self {
        for problem in &mut list {
            problem.message = source.redact(&problem.message);
            problem.help = problem.help.as_deref().map(|help| source.redact(help));
        }
        let mut seen = HashSet::new();
        list.retain(|problem| seen.insert(problem.clone()));
        list.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
        Problems { source, list, elsewhere: Vec::new() }
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// With those of files that this one names.
    #[must_use]
    pub fn and(self, elsewhere: Vec<Problems>) -> Self {
        Problems { elsewhere, ..self }
    }

    /// Shows the list as what is doubtful, though nothing is refused for it.
    pub fn as_warnings(&self) -> impl fmt::Display {
        Warnings(self)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, severity: &str) -> fmt::Result {
        for problem in self.list.iter().take(ENOUGH_PROBLEMS) {
            render(f, &self.source, severity, problem)?;
        }
        if self.list.len() > ENOUGH_PROBLEMS {
            writeln!(f, "… and {} more\n", self.list.len() - ENOUGH_PROBLEMS)?;
        }
        if !self.list.is_empty() || self.elsewhere.is_empty() {
            let plural = if self.list.len() == 1 { "" } else { "s" };
            writeln!(f, "{} {severity}{plural} in {}", self.list.len(), clean(&self.source.file))?;
        }
        self.elsewhere.iter().try_for_each(|problems| problems.write(f, severity))
    }
}

struct Warnings<'a>(&'a Problems);

impl fmt::Display for Warnings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, "warning")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "error")
    }
}

fn render(f: &mut fmt::Formatter<'_>, source: &Source, severity: &str, problem: &Problem) -> fmt::Result {
    let file = clean(&source.file);
    let help = problem.help.as_deref().map(clean);
    writeln!(f, "{severity}: {}", clean(&problem.message))?;
    let Some(place) = problem.place else {
        if let Some(help) = help {
            writeln!(f, "  = {help}")?;
        }
        return writeln!(f);
    };
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    writeln!(f, "{gutter}--> {file}:{}:{}", place.line, place.column)?;
    let window = Window::new(source.line(place.line).unwrap_or_default(), place);
    writeln!(f, "{gutter} |")?;
    writeln!(f, "{}", format!("{number} | {}", window.text).trim_end())?;
    let caret = format!("{gutter} | {}{}", " ".repeat(window.indent), "^".repeat(window.carets));
    writeln!(f, "{}\n", format!("{caret} {}", help.unwrap_or_default()).trim_end())
}

/// The part of a line that is shown, so that a line of a megabyte does not fill the screen.
struct Window {
    text: String,
    indent: usize,
    carets: usize,
}

impl Window {
    const BEFORE: usize = 80;
    const LONGEST: usize = 160;

    fn new(line: &str, place: Place) -> Self {
        let start = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
        let length = usize::try_from(place.length).unwrap_or(1).max(1);
        let skipped = start.saturating_sub(Self::BEFORE);
        let mut rest = line.chars().skip(skipped);
        let mut text: String = rest.by_ref().take(Self::LONGEST).collect();
        let shown = text.chars().count();
        if rest.next().is_some() {
            text.push('…');
        }
        let lead = if skipped > 0 { "…" } else { "" };
        let indent = start - skipped;
        // At least one caret, also for what is missing at the end of a line.
        let carets = length.min(shown.saturating_sub(indent)).max(1);
        Window { text: format!("{lead}{}", clean(&text)), indent: indent + lead.chars().count(), carets }
    }
}

/// A hostile file must not speak to the terminal: each control character becomes one visible character.
fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, list: Vec<Problem>) -> String {
        Problems::new(Arc::new(Source::new("plan.yml", text, vec!["hunter2".to_owned()])), list).to_string()
    }

    #[test]
    fn a_problem_shows_its_line_with_a_caret_and_help() {
        let place = Place { line: 2, column: 3, length: 3 };
        let text = shown(
            "a:\n  rte: 50\n",
            vec![Problem::new(place, "unknown key `rte`").help("did you mean `rate`?")],
        );
        let expected = "error: unknown key `rte`\n --> plan.yml:2:3\n  |\n2 |   rte: 50\n  |   ^^^ did you mean `rate`?\n\n1 error in plan.yml\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn problems_come_in_the_order_of_the_file_and_once() {
        let at = |line| Problem::new(Place { line, column: 1, length: 1 }, format!("line {line}"));
        let text = shown("a\nb\n", vec![at(2), at(1), at(2), Problem::without_place("no place")]);
        let headlines: Vec<&str> = text.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(headlines, ["error: no place", "error: line 1", "error: line 2"]);
        assert!(text.ends_with("3 errors in plan.yml\n"));
    }

    #[test]
    fn secrets_and_control_characters_are_not_printed() {
        let place = Place { line: 1, column: 1, length: 1 };
        let text = shown("a: \u{1b}[31m\n", vec![Problem::new(place, "bad `hunter2`").help("not hunter2")]);
        assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_around_its_place() {
        let line = format!("{}HERE{}", "x".repeat(5000), "y".repeat(5000));
        let text = shown(&line, vec![Problem::new(Place { line: 1, column: 5001, length: 4 }, "bad")]);
        let lines: Vec<&str> = text.lines().collect();
        let column = |line: &str, what: char| line.chars().position(|character| character == what);
        assert!(lines.iter().all(|line| line.chars().count() < 200), "{text}");
        assert_eq!(column(lines[3], 'H'), column(lines[4], '^'));
    }
}
