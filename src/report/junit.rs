//! `--junit`: a test case per threshold and per reason for doubt, for CI systems that read JUnit's XML.
//!
//! The report says what the verdict says: failed is a failure, inconclusive and stopped are errors. Checks
//! are no test cases: as in k6 they decide nothing, unless a threshold asks for their rate.

use std::time::SystemTime;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Finished;
use super::summary::{finding, verdict_lines};
use crate::rules::{Gate, Outcome};
use crate::verdict::Verdict;

/// # Errors
/// Never for what a run can hold; the serialiser's signature allows for it.
pub fn junit(finished: &Finished) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(finished.test.as_str());
    suite.set_time(finished.elapsed);
    suite.set_timestamp(time(finished.started_at));
    suite.add_property(("testid", finished.testid.as_str()));
    suite.add_property(("verdict", finished.verdict.label()));
    suite.add_test_case(ran_to_its_end(finished));
    suite.add_test_cases(finished.gates.iter().map(|gate| threshold(gate, finished)));
    suite.add_test_cases(finished.doubts.iter().map(|doubt| {
        let status = failed(NonSuccessKind::Error, "doubt", &doubt.to_string());
        case(finished, "doubts", &doubt.subject(), status)
    }));
    suite.set_system_out(verdict_lines(finished).join("\n"));
    let mut report = Report::new("loadgate");
    report.set_time(finished.elapsed);
    report.set_timestamp(time(finished.started_at));
    report.add_test_suite(suite);
    report.to_string()
}

/// There in every report: one without a test case counts as broken to many readers.
fn ran_to_its_end(finished: &Finished) -> TestCase {
    let status = match finished.verdict {
        Verdict::Stopped | Verdict::PreflightFailed => {
            let lines = verdict_lines(finished);
            let why = lines.first().map_or("", String::as_str);
            failed(NonSuccessKind::Error, finished.verdict.label(), why)
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = case(finished, "run", "the run reached its end", status);
    case.set_time(finished.elapsed);
    case
}

fn threshold(gate: &Gate, finished: &Finished) -> TestCase {
    let found = finding(gate, finished);
    let status = match gate.outcome {
        Outcome::Held => TestCaseStatus::success(),
        Outcome::Crossed => failed(NonSuccessKind::Failure, "threshold", &found),
        Outcome::NoData(_) => failed(NonSuccessKind::Error, "no_data", &found),
    };
    let mut case = case(finished, "thresholds", &format!("{} {}", gate.subject, gate.threshold), status);
    case.set_system_out(found);
    case
}

fn case(finished: &Finished, class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("{}.{class}", finished.test));
    case
}

fn failed(kind: NonSuccessKind, of: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(of).set_message(message);
    status
}

fn time(at: SystemTime) -> chrono::DateTime<chrono::Utc> {
    at.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::verdict::Doubt;

    #[test]
    fn the_report_of_a_failed_run() {
        let report = junit(&fixture::failed()).unwrap();
        fixture::golden().bind(|| insta::assert_snapshot!("junit_failed", report));
    }

    /// (tests, failures, errors)
    fn counts(finished: &Finished) -> [u64; 3] {
        let report = junit(finished).unwrap();
        ["tests", "failures", "errors"].map(|count| {
            let start = report.find(&format!("{count}=\"")).unwrap() + count.len() + 2;
            report[start..].split('"').next().unwrap().parse().unwrap()
        })
    }

    #[test]
    fn the_report_says_what_the_verdict_says() {
        assert_eq!(counts(&fixture::passed()), [6, 0, 0]);
        let [_, failures, _] = counts(&fixture::failed());
        assert_eq!(failures, 2, "the two thresholds that were crossed");
        let [_, failures, errors] = counts(&fixture::inconclusive());
        assert!(failures == 0 && errors > 0);
        let refused = Finished {
            verdict: Verdict::PreflightFailed,
            gates: Vec::new(),
            doubts: Vec::new(),
            ended_by: Some("connection refused".to_owned()),
            ..fixture::passed()
        };
        assert_eq!(counts(&refused), [1, 0, 1]);
        let undemanding = Finished { gates: Vec::new(), ..fixture::passed() };
        assert_eq!(counts(&undemanding), [1, 0, 0]);
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "</testcase>\u{0}\u{1b}[2J\"'&]]>";
        let doubts = vec![Doubt::Internal(hostile.to_owned())];
        let report = junit(&Finished { doubts, test: hostile.to_owned(), ..fixture::passed() }).unwrap();
        assert!(!report.contains(['\u{0}', '\u{1b}']), "{report}");
        assert_eq!(report.matches("</testcase>").count(), 6, "{report}");
        assert!(report.contains("&lt;/testcase&gt;&quot;"), "{report}");
    }
}
