//! `--junit`: a test case per gate and per reason for doubt, for CI systems that read JUnit's XML.
//!
//! The report says what the verdict says: failed is a failure, inconclusive and stopped are errors. An objective that is
//! degraded passes and says so; an alert that could say nothing about the run is skipped. Checks
//! are no test cases: as in k6 they decide nothing, unless a threshold asks for their rate.

use std::time::SystemTime;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Finished;
use super::summary::{finding, verdict_lines};
use crate::rules::{AlertOutcome, Effect, Evaluator, Gate, Outcome, VerificationOutcome};
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
    suite.add_test_cases(finished.gates.iter().map(|gate| of_gate(gate, finished)));
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

fn of_gate(gate: &Gate, finished: &Finished) -> TestCase {
    let mut found = finding(gate, finished);
    let status = match gate.effect() {
        Effect::Nothing if gate.alert().is_some_and(|alert| alert.says_nothing()) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(found.as_str());
            status
        }
        Effect::Nothing => TestCaseStatus::success(),
        Effect::Degrades => {
            found = format!("degraded: {found}");
            TestCaseStatus::success()
        }
        Effect::Inconclusive => failed(NonSuccessKind::Error, kind(gate), &found),
        Effect::Fails => failed(NonSuccessKind::Failure, kind(gate), &found),
    };
    let (class, name) = match gate {
        Gate::Threshold(threshold) if threshold.objective.is_some() => ("slo", gate.name()),
        Gate::Threshold(_) => ("thresholds", gate.name()),
        Gate::Alert(alert) => match alert.evaluator {
            Evaluator::Embedded => ("rules", format!("{} {}", alert.group, alert.alert)),
            Evaluator::Prometheus(_) => ("prometheus", format!("{} {}", alert.group, alert.alert)),
        },
        Gate::Verification(verification) => ("verify", verification.name.clone()),
        Gate::Recovery(recovery) => ("recovery", recovery.fault.clone()),
    };
    let mut case = case(finished, class, &name, status);
    case.set_system_out(found);
    case
}

/// The type of a failure or an error.
fn kind(gate: &Gate) -> &'static str {
    match gate {
        Gate::Threshold(gate) => match gate.outcome {
            Outcome::NoData(_) => "no_data",
            Outcome::Held | Outcome::Crossed => "threshold",
        },
        Gate::Alert(gate) => match gate.outcome {
            AlertOutcome::Fired { .. } => "alert",
            ref other => other.as_str(),
        },
        Gate::Verification(gate) => match gate.outcome {
            VerificationOutcome::Failed { .. } => "verification",
            ref other => other.as_str(),
        },
        Gate::Recovery(_) => "recovery",
    }
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

    #[test]
    fn the_report_of_objectives_and_alerts() {
        let report = junit(&fixture::with_rules()).unwrap();
        fixture::golden().bind(|| insta::assert_snapshot!("junit_rules", report));
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
