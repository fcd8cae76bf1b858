//! Below the verdict: what was done when it was known.

use super::super::clean::clean;
use super::super::paint::Paint;
use super::super::{Finished, HookReport};
use crate::action::Captured;
use crate::time::span;

/// Lines shown of what a program that failed has written; all of it is in the export.
const SHOWN_LINES: usize = 10;

pub(super) fn lines(finished: &Finished, paint: Paint) -> Vec<String> {
    finished.hooks.iter().flat_map(|hook| of(hook, paint)).collect()
}

fn of(hook: &HookReport, paint: Paint) -> Vec<String> {
    let (list, what) = (hook.list.as_str(), clean(&hook.what));
    let Some(error) = &hook.outcome.error else {
        let took = span(std::time::Duration::from_millis(hook.outcome.took.as_millis() as u64));
        return vec![format!("  {} hooks.{list}: {what}, done in {took}", paint.good('✓'))];
    };
    let mut lines = vec![format!("  {} hooks.{list}: {what}: {}", paint.doubtful('!'), clean(error))];
    if let Some(output) = &hook.outcome.output {
        lines.extend(last_lines("stdout", &output.stdout));
        lines.extend(last_lines("stderr", &output.stderr));
    }
    lines
}

/// Where the reason stands, most often.
fn last_lines<'a>(stream: &'a str, captured: &'a Captured) -> impl Iterator<Item = String> + 'a {
    let count = captured.text.lines().count();
    let shown = captured.text.lines().skip(count.saturating_sub(SHOWN_LINES));
    shown.map(move |line| format!("      {stream}: {}", clean(line)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::action::{HookList, Outcome, Output};
    use crate::report::fixture;

    #[test]
    fn a_hook_that_failed_says_why_and_shows_its_last_words() {
        let told: String = (0..12).map(|line| format!("line {line}\n")).collect();
        let stderr = Captured { text: told, more_bytes: 0 };
        let output = Some(Output { stdout: Captured::default(), stderr });
        let failed = Outcome { took: Duration::ZERO, error: Some("exit status 3".to_owned()), output };
        let done = Outcome { took: Duration::from_micros(120_400), ..Outcome::default() };
        let hook = |list, what: &str, outcome| HookReport { list, what: what.to_owned(), outcome };
        let hooks = vec![
            hook(HookList::OnFailure, "exec ./page.sh", failed),
            hook(HookList::Always, "POST http://h/done", done),
        ];
        let finished = Finished { hooks, ..fixture::passed() };
        let lines = lines(&finished, Paint { colour: false });
        assert_eq!(lines[0], "  ! hooks.on_failure: exec ./page.sh: exit status 3");
        assert_eq!((lines[1].as_str(), lines.len()), ("      stderr: line 2", 12));
        assert_eq!(lines[11], "  ✓ hooks.always: POST http://h/done, done in 120ms");
    }
}
