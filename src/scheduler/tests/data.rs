//! Rows of `data`: one for each iteration, over all workers and VUs, to the end of the table.

use super::*;

const METRICS: &str = "metrics: {seen: {type: trend}, again: {type: trend}}";

/// Ten rows, 0 to 9; each iteration records its row twice, half a second apart.
fn plan_of(table: &str, executor: &str) -> Arc<Plan> {
    plan_with(
        &format!("{METRICS}\ndata: {{n: {{list: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], {table}}}}}"),
        &format!(
            "  s: {{{executor}, flow: [{{record: {{seen: data.n}}}}, {{sleep: 500ms}}, {{record: {{again: data.n}}}}]}}"
        ),
    )
}

const CLOSED: &str = "executor: constant-vus, vus: 3, duration: 1h";
const OPEN: &str = "executor: constant-arrival-rate, rate: 4, duration: 1h, pre_allocated_vus: 3";

#[tokio::test(start_paused = true)]
async fn a_table_that_stops_ends_its_scenario_with_each_row_taken_once() {
    for executor in [CLOSED, OPEN] {
        for workers in WORKERS {
            let ran = run(&plan_of("pick: unique", executor), workers).await;
            assert_eq!(ran.fates(), [10, 0, 0], "{workers} workers, {executor}");
            for metric in ["seen", "again"] {
                let rows = ran.custom(metric);
                assert_eq!(
                    (rows.count(), rows.sum(), rows.max()),
                    (10, 45.0, Some(9.0)),
                    "{workers} workers"
                );
            }
            assert!(ran.elapsed < secs(10.0), "the run went on for {:?}", ran.elapsed);
            let (notes, _) = ran.totals.notes();
            let notes: Vec<_> = notes.iter().map(|note| (note.text.as_str(), note.count)).collect();
            assert_eq!(notes, [("`s` began no further iteration: `data.n` has no row left", 1)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn iterations_that_run_when_a_table_stops_its_scenario_have_its_graceful_stop() {
    // Nine users: no arrival has to be dropped.
    for executor in [CLOSED, &OPEN.replace("vus: 3", "vus: 9")] {
        let scenario = format!(
            "  s: {{{executor}, graceful_stop: 5s, flow: [{{sleep: 1s}}, {{if: {{when: data.n == 0, then: [{{sleep: 30m}}]}}}}]}}"
        );
        for workers in WORKERS {
            let plan = plan_with("data: {n: {list: [0, 1, 2, 3, 4], pick: unique}}", &scenario);
            let ran = run(&plan, workers).await;
            assert_eq!(ran.fates(), [4, 1, 0], "{workers} workers, {executor}");
            assert!(ran.elapsed < secs(10.0), "{executor} went on for {:?}", ran.elapsed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_in_sequence_begin_anew_after_the_last() {
    for workers in WORKERS {
        let short = CLOSED.replace("1h", "5s");
        let ran = run(&plan_of("pick: sequential", &short), workers).await;
        // 3 users × 10 iterations: each row three times.
        let rows = ran.custom("seen");
        assert_eq!((rows.count(), rows.sum()), (30, 3.0 * 45.0), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_mentions_no_spent_table_goes_on() {
    let plan = plan_with(
        &format!("{METRICS}\ndata: {{n: {{list: [1, 2], on_end: stop}}}}"),
        "  a: {executor: constant-vus, duration: 5s, flow: [{record: {seen: data.n}}, {sleep: 1s}]}\n  \
           b: {executor: constant-vus, duration: 5s, flow: [{sleep: 1s}]}",
    );
    let ran = run(&plan, 2).await;
    assert_eq!([ran.count_of(metric::ITERATIONS, "a"), ran.count_of(metric::ITERATIONS, "b")], [2, 5]);
}
