//! Virtual users: how many there are, what they are called, and what they remember.

use super::*;

const METRICS: &str =
    "metrics: {vus_seen: {type: trend}, vus_squared: {type: trend}, iterations_seen: {type: trend}}";
const RECORDS: &str = "{record: {vus_seen: vu, vus_squared: vu * vu, iterations_seen: iteration}}";

#[tokio::test(start_paused = true)]
async fn numbers_are_unique_from_one_on_and_iterations_are_counted_per_user() {
    let plan = plan_with(
        METRICS,
        &format!(
            "  s: {{executor: constant-vus, vus: 5, duration: 1s, flow: [{{sleep: 250ms}}, {RECORDS}]}}"
        ),
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        // Each of 1 to 5 four times; sums and sums of squares leave no other choice.
        let numbers = ran.custom("vus_seen");
        assert_eq!(
            (numbers.count(), numbers.min(), numbers.max()),
            (20, Some(1.0), Some(5.0)),
            "{workers} workers"
        );
        assert_eq!(numbers.sum(), 4.0 * 15.0, "{workers} workers");
        assert_eq!(ran.custom("vus_squared").sum(), 4.0 * 55.0, "{workers} workers");
        let iterations = ran.custom("iterations_seen");
        assert_eq!((iterations.max(), iterations.sum()), (Some(3.0), 5.0 * 6.0), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_are_unique_over_scenarios() {
    let flow = format!("flow: [{RECORDS}, {{sleep: 2s}}]");
    let plan = plan_with(
        METRICS,
        &format!(
            "  a: {{executor: constant-vus, vus: 3, duration: 1s, {flow}}}\n  \
               b: {{executor: constant-arrival-rate, rate: 1, duration: 2s, pre_allocated_vus: 4, {flow}}}"
        ),
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        // Three users of `a`, and for three arrivals of `b` (the third at 2 s may meet the first user again).
        let of_a = ran.count_of(metric::ITERATIONS, "a");
        assert_eq!((of_a, ran.count_of(metric::ITERATIONS, "b")), (3, 3), "{workers} workers");
        assert!(ran.custom("vus_seen").max() <= Some(7.0), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn users_are_made_when_all_others_are_at_work_up_to_the_limit() {
    let users = |pre, max, iteration| {
        let keys = format!(
            "executor: constant-arrival-rate, rate: 10, duration: 3s, pre_allocated_vus: {pre}, max_vus: {max}"
        );
        scenario(&keys, iteration)
    };
    for (pre, max, iteration, expected) in [
        // 350 ms at 10/s keep four users at work.
        (2, 9, "350ms", 4),
        (1, 9, "350ms", 4),
        (6, 9, "350ms", 6),
        (2, 3, "350ms", 3),
        (1, 1, "350ms", 1),
        (1, 9, "50ms", 1),
    ] {
        for workers in WORKERS {
            let ran = drive(&users(pre, max, iteration), workers, async |running| {
                running.until(secs(0.05)).await;
                let before = running.load.pools()[0];
                assert_eq!((before.allocated, before.max), (pre, max), "{workers} workers");
            })
            .await;
            let what = format!("{pre}-{max} users, {iteration} each, {workers} workers");
            assert_eq!(ran.pools[0].allocated, expected, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_pool_shows_who_is_at_work() {
    let plan =
        scenario("executor: constant-arrival-rate, rate: 10, duration: 1s, pre_allocated_vus: 8", "350ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            for (at, busy) in [(0.01, 1), (0.11, 2), (0.31, 4), (0.36, 3), (0.71, 4), (1.32, 1)] {
                running.until(secs(at)).await;
                let pool = running.load.pools()[0];
                assert_eq!((pool.busy, pool.done), (busy, false), "at {at} s, {workers} workers");
            }
        })
        .await;
        assert!(ran.pools[0].done);
    }
}

#[tokio::test(start_paused = true)]
async fn an_iteration_forgets_what_the_one_before_set() {
    let plan = plan_with(
        "metrics: {fresh: {type: rate}}",
        "  s: {executor: constant-vus, vus: 2, duration: 1s, flow: [{if: {when: iteration == 0, then: [{set: {kept: '1'}}]}}, \
           {record: {fresh: kept is undefined}}, {sleep: 250ms}]}",
    );
    let ran = run(&plan, 1).await;
    let fresh = ran.totals.catalog().find("fresh").unwrap();
    assert_eq!(ran.totals.rate(&Selector::all(fresh)), (6, 8), "all but the first of each of two users");
}
