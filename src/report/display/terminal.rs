//! Progress on a terminal: lines that are drawn again in place.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::Progress;
use super::{Layout, headline, line, target_line};

#[derive(Debug)]
pub(super) struct Terminal {
    lines: MultiProgress,
    headline: ProgressBar,
    scenarios: Vec<ProgressBar>,
    /// Made with the first probe, so that there is no empty line without probes.
    target: Option<ProgressBar>,
    name_width: usize,
}

impl Terminal {
    pub(super) fn new(scenarios: &[String]) -> Self {
        Terminal::drawn_on(ProgressDrawTarget::stderr(), scenarios)
    }

    fn drawn_on(target: ProgressDrawTarget, scenarios: &[String]) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let headline = add_line(&lines);
        let name_width = scenarios.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let scenarios = scenarios.iter().map(|_| add_line(&lines)).collect();
        Terminal { lines, headline, scenarios, target: None, name_width }
    }

    pub(super) fn update(&mut self, progress: &Progress) {
        self.headline.set_message(headline(progress));
        if !progress.phase.has_load() {
            return;
        }
        let layout = Layout { name_width: self.name_width, bar: true };
        for (drawn, scenario) in self.scenarios.iter().zip(&progress.scenarios) {
            drawn.set_message(line(scenario, progress.phase, progress.elapsed, layout));
        }
        if let Some(text) = target_line(&progress.probes) {
            self.target.get_or_insert_with(|| add_line(&self.lines)).set_message(text);
        }
    }

    /// Errors are ignored, as everywhere here.
    pub(super) fn message(&self, text: &str) {
        let _ = self.lines.println(text);
    }

    pub(super) fn finish(self) {
        for drawn in [&self.headline].into_iter().chain(&self.scenarios).chain(&self.target) {
            drawn.finish_and_clear();
        }
        let _ = self.lines.clear();
    }
}

/// A line that shows its message, cut off at the terminal's width.
fn add_line(lines: &MultiProgress) -> ProgressBar {
    let drawn = lines.add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        drawn.set_style(style);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use indicatif::InMemoryTerm;

    use super::*;
    use crate::report::{Phase, ProgressProbe, ScenarioProgress};

    #[test]
    fn the_terminal_shows_the_newest_snapshot_and_is_clean_afterwards() {
        let screen = InMemoryTerm::new(10, 80);
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let mut terminal = Terminal::drawn_on(target, &["chat".to_owned()]);
        let progress = Progress {
            phase: Phase::Running,
            elapsed: Duration::from_secs(4),
            planned: Duration::from_secs(8),
            scenarios: vec![ScenarioProgress {
                name: "chat".to_owned(),
                duration: Duration::from_secs(8),
                active_vus: 1,
                allocated_vus: 1,
                ..ScenarioProgress::default()
            }],
            probes: vec![ProgressProbe { name: "hz".to_owned(), ..ProgressProbe::default() }],
            ..Progress::default()
        };
        terminal.update(&progress);
        terminal.message("a word above");
        let expected = "a word above
running (04.0s/8s), 1/1 VUs, 0 complete and 0 interrupted iterations
chat   [=========>----------]  50% 1/1 VUs  04.0s/8s  0.0 iters/s
target: hz no data";
        let shown: Vec<String> = screen.contents().lines().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(shown.join("\n"), expected);
        terminal.finish();
        assert_eq!(screen.contents().trim_end(), "a word above");
    }
}
