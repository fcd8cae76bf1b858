//! How many iterations there are, and when.

use super::*;

async fn check(keys: &str, iteration: &str, expected: u64) {
    let plan = scenario(keys, iteration);
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        assert_eq!(ran.fates(), [expected, 0, 0], "{keys}, {iteration} each, {workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrival_rate_makes_as_many_iterations_as_in_k6() {
    // Seen in k6 1.1: 50/s for 8 s is 401, as the first is due at 0 and the last at the very end.
    let rate = |rest: &str| format!("executor: constant-arrival-rate, pre_allocated_vus: 20, {rest}");
    check(&rate("rate: 50, duration: 8s"), "100ms", 401).await;
    check(&rate("rate: 3, duration: 10s"), "100ms", 31).await;
    check(&rate("rate: 1, time_unit: 2s, duration: 10s"), "100ms", 6).await;
    check(&rate("rate: 7, time_unit: 3s, duration: 9s"), "100ms", 22).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_may_be_fractional() {
    let rate = |rest: &str| format!("executor: constant-arrival-rate, pre_allocated_vus: 20, {rest}");
    check(&rate("rate: 0.5, duration: 10s"), "100ms", 6).await;
    check(&rate("rate: 3.3, duration: 10s"), "100ms", 34).await;
    check(&rate("rate: 99.9, duration: 10s"), "100ms", 1000).await;
}

#[tokio::test(start_paused = true)]
async fn constant_users_iterate_until_no_iteration_may_start() {
    let users = |vus| format!("executor: constant-vus, vus: {vus}, duration: 1s");
    // Starts at 0, 300, 600 and 900 ms; the last one ends after the duration, within the graceful stop.
    check(&users(3), "300ms", 12).await;
    // What would start exactly at the end does not.
    check(&users(3), "250ms", 12).await;
    check(&users(10), "5s", 10).await;
}

#[tokio::test(start_paused = true)]
async fn scenarios_run_beside_each_other_from_their_start_times() {
    let plan = plan(
        "  early: {executor: constant-arrival-rate, rate: 10, duration: 2s, pre_allocated_vus: 5, flow: [{sleep: 100ms}]}\n  \
           late: {executor: constant-arrival-rate, rate: 5, duration: 1s, start_time: 3s, pre_allocated_vus: 5, flow: [{sleep: 100ms}]}\n  \
           users: {executor: constant-vus, vus: 2, duration: 1s, start_time: 1500ms, flow: [{sleep: 400ms}]}",
    );
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            for (until, expected) in
                [(1.45, [14, 0, 0]), (2.95, [21, 0, 6]), (3.05, [21, 0, 6]), (3.15, [21, 1, 6])]
            {
                running.until(secs(until)).await;
                let mut found = [0; 3];
                for (count, name) in found.iter_mut().zip(["early", "late", "users"]) {
                    *count = running.count(metric::ITERATIONS, name).await;
                }
                assert_eq!(found, expected, "after {until} s, {workers} workers");
            }
        })
        .await;
        let of = |name| ran.count_of(metric::ITERATIONS, name);
        assert_eq!([of("early"), of("late"), of("users")], [21, 6, 6], "{workers} workers");
        assert!(ran.pools.iter().all(|pool| pool.done && pool.busy == 0), "{:?}", ran.pools);
        // The last arrival is due at 4 s; workers look every 10 ms whether others still iterate.
        assert!((secs(4.1)..=secs(4.12)).contains(&ran.elapsed), "{:?}", ran.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrival_starts_when_it_is_due_and_never_queues() {
    let plan =
        scenario("executor: constant-arrival-rate, rate: 100, duration: 5s, pre_allocated_vus: 40", "300ms");
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        assert_eq!(ran.fates(), [501, 0, 0]);
        let lag = ran.trend(metric::ITERATION_LAG).unwrap();
        assert_eq!((lag.count(), lag.max()), (501, Some(0.0)), "{workers} workers");
        for metric in [metric::ITERATION_DURATION, metric::ITERATION_RESPONSE_TIME] {
            let times = ran.trend(metric).unwrap();
            assert_eq!(
                (times.count(), times.min(), times.max()),
                (501, Some(3e8), Some(3e8)),
                "{workers} workers"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrival_that_starts_late_counts_from_when_it_was_due() {
    let plan =
        scenario("executor: constant-arrival-rate, rate: 10, duration: 1s, pre_allocated_vus: 20", "300ms");
    let ran = drive(&plan, 1, async |running| {
        running.until(secs(0.05)).await;
        // The machine stalls for half a second: arrivals 1 to 5 start together at 550 ms.
        tokio::time::advance(secs(0.5)).await;
    })
    .await;
    assert_eq!(ran.fates(), [11, 0, 0]);
    let lag = ran.trend(metric::ITERATION_LAG).unwrap();
    assert_eq!((lag.max(), lag.sum()), (Some(4.5e8), (450.0 + 350.0 + 250.0 + 150.0 + 50.0) * 1e6));
    let (felt, took) =
        (ran.trend(metric::ITERATION_RESPONSE_TIME).unwrap(), ran.trend(metric::ITERATION_DURATION).unwrap());
    assert_eq!((took.min(), felt.max()), (Some(3e8), Some(7.5e8)));
    assert_eq!(felt.sum() - took.sum(), lag.sum());
}
