//! `shared-iterations` and `per-vu-iterations`: a number of iterations, and a time within which they begin.

use super::*;

/// [completed, interrupted, dropped], and when the last worker ended.
async fn check(keys: &str, iteration: &str, expected: [u64; 3], ended_secs: f64) {
    let plan = scenario(keys, iteration);
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let what = format!("{keys}, {iteration} each, {workers} workers");
        assert_eq!(ran.fates(), expected, "{what}");
        assert_eq!(ran.dropped(DropReason::MaxDuration), expected[2], "{what}");
        let ended = secs(ended_secs);
        assert!(
            (ended..=ended + secs(0.012)).contains(&ran.elapsed),
            "{what}: ended after {:?}",
            ran.elapsed
        );
        assert!(ran.pools.iter().all(|pool| pool.done && pool.busy == 0), "{what}: {:?}", ran.pools);
    }
}

#[tokio::test(start_paused = true)]
async fn shared_iterations_are_as_many_as_asked_for_and_then_it_ends() {
    let shared =
        |vus, iterations| format!("executor: shared-iterations, vus: {vus}, iterations: {iterations}");
    check("executor: shared-iterations", "100ms", [1, 0, 0], 0.1).await;
    check(&shared(3, 10), "100ms", [10, 0, 0], 0.4).await;
    check(&shared(10, 10), "100ms", [10, 0, 0], 0.1).await;
    check(&shared(7, 1000), "10ms", [1000, 0, 0], 1.43).await;
}

#[tokio::test(start_paused = true)]
async fn iterations_of_each_user_are_as_many_as_asked_for_and_then_it_ends() {
    let each = |vus, iterations| format!("executor: per-vu-iterations, vus: {vus}, iterations: {iterations}");
    check("executor: per-vu-iterations", "100ms", [1, 0, 0], 0.1).await;
    check(&each(3, 10), "100ms", [30, 0, 0], 1.0).await;
    check(&each(10, 1), "100ms", [10, 0, 0], 0.1).await;
}

#[tokio::test(start_paused = true)]
async fn what_has_not_begun_by_max_duration_is_dropped() {
    let rest = "max_duration: 1s, graceful_stop: 1s";
    // Each of two users begins at 0, 300, 600 and 900 ms.
    check(&format!("executor: shared-iterations, vus: 2, iterations: 50, {rest}"), "300ms", [8, 0, 42], 1.2)
        .await;
    check(&format!("executor: per-vu-iterations, vus: 2, iterations: 25, {rest}"), "300ms", [8, 0, 42], 1.2)
        .await;
    // What was begun and is cut off is interrupted, not dropped.
    check(&format!("executor: shared-iterations, vus: 2, iterations: 50, {rest}"), "5s", [0, 2, 48], 2.0)
        .await;
    check(&format!("executor: per-vu-iterations, vus: 2, iterations: 25, {rest}"), "5s", [0, 2, 48], 2.0)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_user_that_is_faster_takes_more_of_the_shared_iterations() {
    let plan = plan_with(
        "metrics: {vus_seen: {type: trend}}",
        "  s: {executor: shared-iterations, vus: 2, iterations: 22, flow: [{record: {vus_seen: vu}}, \
           {if: {when: vu == 1, then: [{sleep: 100ms}], else: [{sleep: 1s}]}}]}",
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let vus = ran.custom("vus_seen");
        assert_eq!((vus.count(), vus.sum()), (22, 20.0 + 2.0 * 2.0), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_interrupts_and_drops_nothing() {
    for executor in ["shared-iterations", "per-vu-iterations"] {
        let plan = scenario(&format!("executor: {executor}, vus: 2, iterations: 100"), "400ms");
        for workers in WORKERS {
            let ran = drive(&plan, workers, async |running| {
                running.until(secs(1.0)).await;
                running.load.abort();
            })
            .await;
            // As in k6: what was never begun was not lost by the generator.
            assert_eq!(ran.fates(), [4, 2, 0], "{executor}, {workers} workers");
        }
    }
}
