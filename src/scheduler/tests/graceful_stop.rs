//! The end of a scenario: who may still finish, and who is cut off.

use super::*;

/// (completed, interrupted), and when the last worker ended.
async fn check(keys: &str, iteration: &str, expected: [u64; 2], ended_secs: f64) {
    let plan = scenario(keys, iteration);
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let what = format!("{keys}, {iteration} each, {workers} workers");
        assert_eq!(ran.fates(), [expected[0], expected[1], 0], "{what}");
        // Of what was interrupted there are no times, as in k6.
        for metric in [metric::ITERATION_DURATION, metric::ITERATION_RESPONSE_TIME] {
            assert_eq!(ran.trend(metric).map_or(0, |times| times.count()), expected[0], "{what}");
        }
        let ended = secs(ended_secs);
        // Workers look every 10 ms whether others still iterate.
        assert!(
            (ended..=ended + secs(0.012)).contains(&ran.elapsed),
            "{what}: ended after {:?}",
            ran.elapsed
        );
        assert!(ran.pools.iter().all(|pool| pool.done && pool.busy == 0), "{what}: {:?}", ran.pools);
    }
}

#[tokio::test(start_paused = true)]
async fn iterations_of_constant_users_may_finish_within_it() {
    let users = |stop| format!("executor: constant-vus, vus: 2, duration: 1s, graceful_stop: {stop}");
    check(&users("1s"), "800ms", [4, 0], 1.6).await;
    check(&users("30s"), "20s", [2, 0], 20.0).await;
}

#[tokio::test(start_paused = true)]
async fn iterations_of_constant_users_that_take_longer_are_interrupted() {
    let users = |stop| format!("executor: constant-vus, vus: 2, duration: 1s, graceful_stop: {stop}");
    check(&users("500ms"), "800ms", [2, 2], 1.5).await;
    check(&users("0s"), "800ms", [2, 2], 1.0).await;
    check(&users("0s"), "1h", [0, 2], 1.0).await;
}

#[tokio::test(start_paused = true)]
async fn iterations_of_an_arrival_rate_may_finish_within_it_or_are_interrupted() {
    let rate = |stop| {
        format!(
            "executor: constant-arrival-rate, rate: 2, duration: 1s, pre_allocated_vus: 9, graceful_stop: {stop}"
        )
    };
    // Arrivals at 0, 500 and 1000 ms.
    check(&rate("1s"), "900ms", [3, 0], 1.9).await;
    check(&rate("500ms"), "900ms", [2, 1], 1.5).await;
    check(&rate("100ms"), "900ms", [1, 2], 1.1).await;
}

#[tokio::test(start_paused = true)]
async fn no_arrival_is_lost_when_there_is_no_graceful_stop() {
    let rate = |rate, vus| {
        format!(
            "executor: constant-arrival-rate, rate: {rate}, duration: 1s, pre_allocated_vus: {vus}, graceful_stop: 0s"
        )
    };
    // The last is due in the moment in which all is cut off.
    check(&rate(2, 9), "300ms", [2, 1], 1.0).await;
    // One user, who lives on one worker: the others hand their arrivals over.
    check(&rate(2, 1), "300ms", [2, 1], 1.0).await;
    check(&rate(3, 1), "300ms", [3, 1], 1.0).await;
}

#[tokio::test(start_paused = true)]
async fn an_arrival_that_is_handed_over_while_others_are_cut_off_does_not_begin() {
    // Of three users two are on the first worker, and one of those is idle when the last arrival is due on the
    // second: in the moment in which all is cut off. Who comes first then is left to chance.
    for _ in 0..20 {
        let plan = plan_with(
            "data: {n: {list: [long, long, short, long], pick: unique}}",
            "  s: {executor: constant-arrival-rate, rate: 3, duration: 1s, pre_allocated_vus: 3, graceful_stop: 0s,
          flow: [{sleep: 100ms}, {if: {when: data.n == \"long\", then: [{sleep: 1h}]}}]}",
        );
        let ran = run(&plan, 2).await;
        assert_eq!(ran.fates(), [1, 3, 0]);
        assert!(ran.elapsed < secs(1.1), "ended after {:?}", ran.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn each_scenario_has_its_own() {
    let plan = plan(
        "  short: {executor: constant-vus, vus: 1, duration: 1s, graceful_stop: 0s, flow: [{sleep: 5s}]}\n  \
           long: {executor: constant-vus, vus: 1, duration: 1s, graceful_stop: 10s, flow: [{sleep: 5s}]}",
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let fates =
            |name| [metric::ITERATIONS, metric::INTERRUPTED_ITERATIONS].map(|id| ran.count_of(id, name));
        assert_eq!((fates("short"), fates("long")), ([0, 1], [1, 0]), "{workers} workers");
    }
}
