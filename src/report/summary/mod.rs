//! The end-of-test summary: k6's layout, then what k6 does not say, and at the end the verdict.

mod alerts;
mod causes;
mod checks;
mod closing;
mod faults;
mod finding;
mod generator;
mod hooks;
mod objectives;
mod sections;
mod table;
mod target;
mod thresholds;
mod verdict;
mod verifications;

pub(super) use finding::finding;
pub use verdict::lines as verdict_lines;

use finding::mark;

use super::paint::Paint;
use super::{Finished, TrendStat};
use table::Table;

#[derive(Debug, Clone, PartialEq)]
pub struct SummaryOptions {
    /// What is shown of each trend, in this order.
    pub trend_stats: Vec<TrendStat>,
    /// Whether to write ANSI colours. The summary asks neither the terminal nor `NO_COLOR`.
    pub colour: bool,
}

impl Default for SummaryOptions {
    fn default() -> Self {
        SummaryOptions { trend_stats: TrendStat::DEFAULT.to_vec(), colour: false }
    }
}

/// The whole summary, for stdout. The order of its lines depends on names only, never on time.
pub fn text(finished: &Finished, options: &SummaryOptions) -> String {
    let paint = Paint { colour: options.colour };
    let mut out = String::new();
    for (title, body) in [
        ("THRESHOLDS", thresholds::blocks(finished, paint)),
        ("OBJECTIVES", objectives::blocks(finished, paint)),
        ("RULES", alerts::blocks(finished, paint)),
        ("VERIFICATIONS", verifications::blocks(finished, paint)),
        ("FAULTS", faults::blocks(finished, paint)),
        ("TOTAL RESULTS", results(finished, options, paint)),
    ] {
        if !body.is_empty() {
            out.push_str(&format!("\n  █ {}\n\n", paint.title(title)));
            body.iter().for_each(|line| push_line(&mut out, "    ", line));
        }
    }
    out.push('\n');
    closing::lines(finished, paint).iter().for_each(|line| push_line(&mut out, "", line));
    out.push('\n');
    verdict::painted(finished, paint).iter().for_each(|line| push_line(&mut out, "", line));
    hooks::lines(finished, paint).iter().for_each(|line| push_line(&mut out, "", line));
    out
}

/// Checks, the metrics by section, the target, the generator and the notes; all rows in one alignment.
fn results(finished: &Finished, options: &SummaryOptions, paint: Paint) -> Vec<String> {
    let metrics = finished.observed();
    let mut table = Table::default();
    checks::add(&mut table, finished, &metrics, paint);
    sections::add(&mut table, finished, &metrics, options, paint);
    target::add(&mut table, finished, paint);
    generator::add(&mut table, finished, &metrics, options, paint);
    table.lines(paint)
}

fn push_line(out: &mut String, indent: &str, line: &str) {
    if !line.is_empty() {
        out.push_str(indent);
        out.push_str(line);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_summary_of_a_passed_run() {
        let shown = text(&fixture::passed(), &SummaryOptions::default());
        fixture::golden().bind(|| insta::assert_snapshot!("summary_passed", shown));
    }

    #[test]
    fn the_summary_of_a_failed_run() {
        let shown = text(&fixture::failed(), &SummaryOptions::default());
        fixture::golden().bind(|| insta::assert_snapshot!("summary_failed", shown));
    }

    #[test]
    fn the_summary_of_a_run_with_objectives_and_rules() {
        let shown = text(&fixture::with_rules(), &SummaryOptions::default());
        fixture::golden().bind(|| insta::assert_snapshot!("summary_rules", shown));
    }

    #[test]
    fn the_summary_of_an_inconclusive_run() {
        let shown = text(&fixture::inconclusive(), &SummaryOptions::default());
        fixture::golden().bind(|| insta::assert_snapshot!("summary_inconclusive", shown));
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured =
            text(&fixture::failed(), &SummaryOptions { colour: true, ..SummaryOptions::default() });
        let plain = text(&fixture::failed(), &SummaryOptions::default());
        assert!(coloured.contains("\u{1b}[31mFAILED (exit 99)\u{1b}[0m"));
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }

    #[test]
    fn the_statistics_of_trends_are_those_asked_for() {
        let trend_stats = TrendStat::list("max,count,p(99.9)").unwrap();
        let shown = text(&fixture::passed(), &SummaryOptions { trend_stats, colour: false });
        let row = shown.lines().find(|line| line.trim_start().starts_with("http_req_duration.")).unwrap();
        assert!(row.ends_with(": max=29.5ms  count=287 p(99.9)=29.5ms"), "{row}");
    }

    #[test]
    fn a_run_that_was_paused_says_so() {
        let finished = Finished { paused: std::time::Duration::from_millis(72_500), ..fixture::passed() };
        let shown = text(&finished, &SummaryOptions::default());
        assert!(shown.contains("paused for 01m12.5s, in which no iteration began"), "{shown}");
        assert!(!text(&fixture::passed(), &SummaryOptions::default()).contains("paused"));
    }

    #[test]
    fn a_scenario_that_was_cut_short_is_marked() {
        let mut finished = Finished { ended_by: Some("SIGINT".to_owned()), ..fixture::passed() };
        finished.elapsed /= 4;
        finished.scenarios[0].interrupted = 3;
        let shown = text(&finished, &SummaryOptions::default());
        let expected = "steady ✗ [  25% ] 00/10 VUs  287 complete and 3 interrupted iterations  (71.75 iterations/s for 4s)";
        assert!(shown.contains(expected), "{shown}");
    }
}
