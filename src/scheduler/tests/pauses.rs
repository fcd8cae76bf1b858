//! A pause: nothing begins in it, nothing is lost by it, and nothing is late because of it.

use super::*;

/// With one that has no share of few users.
const WORKERS: [usize; 5] = [1, 2, 3, 5, 8];

/// Paused from 1.05 s on for 3 s: what comes of it, and when it ends.
async fn check(keys: &str, iteration: &str, expected: [u64; 3], ended_secs: f64) {
    let plan = scenario(keys, iteration);
    for workers in WORKERS {
        let what = format!("{keys}, {iteration} each, {workers} workers");
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(1.05)).await;
            running.load.pause().await;
            assert!(running.load.time().is_paused());
            // What was running has ended by then.
            running.until(secs(1.5)).await;
            let before = running.count(metric::ITERATIONS, "s").await;
            running.until(secs(4.04)).await;
            let state = running.load.pools()[0];
            assert_eq!(running.count(metric::ITERATIONS, "s").await, before, "{what}");
            assert_eq!((state.busy, state.done), (0, false), "{what}");
            assert_eq!((running.load.elapsed(), running.load.paused()), (secs(1.05), secs(2.99)), "{what}");
            running.until(secs(4.05)).await;
            running.load.resume().await;
        })
        .await;
        assert_eq!(ran.fates(), expected, "{what}");
        let lag = ran.trend(metric::ITERATION_LAG);
        // The timer's millisecond, where nothing is due at a whole one.
        assert!(lag.is_none_or(|lag| lag.max() < Some(1e6)), "a pause is no lateness of ours: {what}");
        let longest = ran.trend(metric::ITERATION_RESPONSE_TIME).unwrap().max();
        assert!(longest < Some(4.01e8), "nor is it one of the target: {what}");
        let ended = secs(ended_secs);
        // Workers look every 10 ms whether others still iterate.
        let in_time = (ended..=ended + secs(0.012)).contains(&ran.elapsed);
        assert!(in_time, "{what}: ended after {:?}", ran.elapsed);
        assert!(ran.pools.iter().all(|pool| pool.done && pool.busy == 0), "{what}: {:?}", ran.pools);
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrival_rate_goes_on_where_it_stood() {
    let rate = "executor: constant-arrival-rate, rate: 10, duration: 2s, pre_allocated_vus: 4";
    check(rate, "300ms", [21, 0, 0], 5.3).await;
    let ramp = "executor: ramping-arrival-rate, stages: [{duration: 2s, target: 10}], pre_allocated_vus: 4";
    check(ramp, "300ms", [10, 0, 0], 5.3).await;
}

#[tokio::test(start_paused = true)]
async fn users_end_their_iteration_and_begin_the_next_after_it() {
    // 0, 400 and 800 ms; then 1050, 1450 and 1850 ms of load time.
    check("executor: constant-vus, vus: 3, duration: 2s", "400ms", [18, 0, 0], 5.25).await;
    // The first from 500 ms on seven times, the second from 1 s on five times, the third from 1.5 s on twice.
    let ramp = "executor: ramping-vus, start_vus: 0, stages: [{duration: 2s, target: 4}]";
    check(ramp, "250ms", [14, 0, 0], 5.05).await;
}

#[tokio::test(start_paused = true)]
async fn a_number_of_iterations_stays_as_it_is() {
    let shared = "executor: shared-iterations, vus: 2, iterations: 10";
    // Three rounds of two, then two more.
    check(shared, "400ms", [10, 0, 0], 4.85).await;
    let each = "executor: per-vu-iterations, vus: 2, iterations: 5";
    check(each, "400ms", [10, 0, 0], 4.85).await;
    // The time they may take is put off too: at 1.05, 1.45 and 1.85 s of load time the last ones begin.
    let hurried = "executor: shared-iterations, vus: 2, iterations: 100, max_duration: 2s";
    check(hurried, "400ms", [12, 0, 88], 5.25).await;
}

#[tokio::test(start_paused = true)]
async fn its_end_is_put_off_as_often_as_it_is_paused() {
    let plan =
        scenario("executor: constant-arrival-rate, rate: 10, duration: 2s, pre_allocated_vus: 4", "100ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            for pause in 0..4 {
                let begins = 0.35 + f64::from(pause) * 3_600.2;
                running.until(secs(begins)).await;
                running.load.pause().await;
                running.until(secs(begins + 3_600.0)).await;
                running.load.resume().await;
            }
            assert_eq!(running.load.paused(), secs(14_400.0));
        })
        .await;
        assert_eq!(ran.fates(), [21, 0, 0], "{workers} workers");
        assert_eq!(ran.trend(metric::ITERATION_LAG).unwrap().max(), Some(0.0), "{workers} workers");
        assert_eq!(ran.pools[0].ended.map(Elapsed::as_secs_f64).map(f64::floor), Some(2.0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_runs_in_it_is_not_cut_off_and_what_comes_after_has_its_graceful_stop() {
    // The second begins at 800 ms and ends in the pause, after the graceful stop would have ended it; the third begins
    // after it, at 900 ms of load time, and is cut off at 1.5 s.
    let plan = scenario("executor: constant-vus, vus: 2, duration: 1s, graceful_stop: 500ms", "800ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(0.9)).await;
            running.load.pause().await;
            running.until(secs(10.9)).await;
            running.load.resume().await;
        })
        .await;
        assert_eq!(ran.fates(), [4, 2, 0], "{workers} workers");
        assert_eq!(ran.elapsed, secs(11.5), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_that_is_ramped_down_has_the_time_of_the_pause_more() {
    let keys =
        "executor: ramping-vus, start_vus: 2, stages: [{duration: 1s, target: 0}], graceful_ramp_down: 200ms";
    let plan = scenario(keys, "900ms");
    for (paused, expected) in [(false, [1, 2, 0]), (true, [2, 1, 0])] {
        for workers in WORKERS {
            let ran = drive(&plan, workers, async |running| {
                // The second is to go at 500 ms, and is cut off at 700 ms. The first begins a second iteration, which is cut
                // off at 1.2 s.
                running.until(secs(0.6)).await;
                if paused {
                    running.load.pause().await;
                }
                running.until(secs(5.0)).await;
                running.load.resume().await;
            })
            .await;
            assert_eq!(ran.fates(), expected, "{workers} workers, paused: {paused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn scenarios_that_are_still_to_come_come_later() {
    let plan = plan(
        "  first: {executor: constant-vus, vus: 2, duration: 1s, flow: [{sleep: 250ms}]}\n  \
           timed: {executor: constant-vus, vus: 2, duration: 1s, start_time: 2s, flow: [{sleep: 250ms}]}\n  \
           after: {executor: constant-vus, vus: 2, duration: 1s, start_after: first, start_time: 1s, flow: [{sleep: 250ms}]}",
    );
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(1.5)).await;
            running.load.pause().await;
            running.until(secs(11.5)).await;
            assert_eq!(running.count(metric::ITERATIONS, "first").await, 8);
            assert_eq!(running.load.pools()[1].begun, None, "{workers} workers");
            running.load.resume().await;
            running.until(secs(11.9)).await;
            assert_eq!(running.load.pools()[2].begun, None, "{workers} workers");
            running.until(secs(12.1)).await;
        })
        .await;
        assert_eq!(ran.fates(), [24, 0, 0], "{workers} workers");
        let begun = |at: usize| ran.pools[at].begun.map(Elapsed::as_secs_f64);
        assert_eq!([begun(0), begun(1), begun(2)], [Some(0.0), Some(2.0), Some(2.0)], "in load time");
        assert_eq!(ran.elapsed, secs(13.0), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_in_it_ends_the_load_at_once_and_nothing_was_due() {
    for (keys, expected) in [
        ("executor: constant-arrival-rate, rate: 10, duration: 9s, pre_allocated_vus: 9", [11, 0, 0]),
        (
            "executor: ramping-arrival-rate, start_rate: 10, stages: [{duration: 9s, target: 10}], pre_allocated_vus: 9",
            [10, 0, 0],
        ),
        ("executor: constant-vus, vus: 2, duration: 9s", [8, 0, 0]),
        ("executor: ramping-vus, start_vus: 2, stages: [{duration: 9s, target: 2}]", [8, 0, 0]),
        ("executor: shared-iterations, vus: 2, iterations: 50", [8, 0, 0]),
        ("executor: per-vu-iterations, vus: 2, iterations: 50", [8, 0, 0]),
    ] {
        let plan = scenario(keys, "300ms");
        for workers in WORKERS {
            let ran = drive(&plan, workers, async |running| {
                running.until(secs(1.05)).await;
                running.load.pause().await;
                running.until(secs(3.0)).await;
                running.load.abort();
            })
            .await;
            assert_eq!(ran.fates(), expected, "{keys}, {workers} workers");
            assert_eq!(ran.elapsed, secs(3.0), "{keys}, {workers} workers");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_due_before_it_is_started_however_late_the_worker_is() {
    let plan =
        scenario("executor: constant-arrival-rate, rate: 10, duration: 9s, pre_allocated_vus: 9", "300ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(1.05)).await;
            // No worker wakes before the pause: arrivals 11 to 15 are due and have not started.
            let mut moved_on = std::pin::pin!(tokio::time::advance(secs(0.5)));
            assert!(futures_util::poll!(moved_on.as_mut()).is_pending());
            running.load.pause().await;
            running.until(secs(3.0)).await;
            assert_eq!(running.count(metric::ITERATIONS, "s").await, 16, "{workers} workers");
            running.load.abort();
        })
        .await;
        assert_eq!(ran.fates(), [16, 0, 0], "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_paused_keeps_its_number_and_its_count_of_iterations() {
    let plan = plan_with(
        "metrics: {vus_seen: {type: trend}, iterations_seen: {type: trend}}",
        "  s: {executor: constant-vus, vus: 3, duration: 1s, \
           flow: [{sleep: 250ms}, {record: {vus_seen: vu, iterations_seen: iteration}}]}",
    );
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(0.5)).await;
            running.load.pause().await;
            running.until(secs(60.5)).await;
            running.load.resume().await;
        })
        .await;
        let (vus, iterations) = (ran.custom("vus_seen"), ran.custom("iterations_seen"));
        assert_eq!(
            (vus.count(), vus.sum(), vus.max()),
            (ran.fates()[0], 2.0 * vus.count() as f64, Some(3.0))
        );
        let most = vus.count() / 3 - 1;
        assert_eq!(iterations.max(), Some(most as f64), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn when_all_has_ended_pauses_change_nothing() {
    let plan = scenario("executor: constant-vus, vus: 1, duration: 1s", "500ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(2.0)).await;
            running.load.pause().await;
            running.load.resume().await;
        })
        .await;
        assert_eq!(ran.fates(), [2, 0, 0], "{workers} workers");
    }
}
