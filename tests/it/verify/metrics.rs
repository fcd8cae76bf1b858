//! PromQL over the run's own series.

use loadgate::rules::VerificationOutcome;
use loadgate::verdict::Verdict;

use super::{outcomes, plan, run, written};

#[test]
fn the_runs_own_series_answer_and_none_is_no_answer() {
    let ask = |name: &str, query: &str, rest: &str| {
        format!("- metrics: {{name: {name}, query: '{query}', {rest}}}\n")
    };
    let verify = [
        ask("one", "sum(k6_iterations_total)", "equals: 1"),
        ask("few", "sum(k6_iterations_total)", "at_least: 2"),
        ask("scalar", "vector(2) * 21", "equals: 42"),
        ask("several", "loadgate_run_state", "equals: 1"),
        ask(
            "rows",
            "loadgate_run_state",
            "checks: {states: rows | length > 4, labels: 'rows[0].labels.state is string'}",
        ),
        ask("typo", "sum(k6_iteration_total)", "equals: 1"),
        ask("filtered", "k6_iterations_total > 5", "equals: 6"),
    ];
    let ran = run(&plan(&verify.concat()));
    let found = outcomes(&ran);
    assert_eq!(found[..3], ["one: held 1", "few: failed 1, wanted at least 2", "scalar: held 42"]);
    assert!(found[3].starts_with("several: unknown 8 series where one value is needed"), "{found:?}");
    assert_eq!(found[4], "rows: held 8 series");
    assert_eq!(found[5], "typo: no_data k6_iteration_total");
    assert!(found[6].starts_with("filtered: unknown the query gives nothing at this moment"), "{found:?}");
    let gate = ran.finished.gates.iter().filter_map(|gate| gate.verification()).nth(5).unwrap();
    let VerificationOutcome::NoData(no_data) = &gate.outcome else { panic!("{gate:?}") };
    assert_eq!(no_data.nearest[0], "k6_iterations_total");
    assert!(written(&ran).contains(r#""nearest":["k6_iterations_total""#));
    assert_eq!(ran.finished.verdict, Verdict::Failed);
}
