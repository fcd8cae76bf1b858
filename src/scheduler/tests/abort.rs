//! What an abort leaves undone is counted.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_was_running_is_interrupted() {
    let plan = scenario("executor: constant-vus, vus: 3, duration: 10s", "400ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(1.0)).await;
            running.load.abort();
        })
        .await;
        // Two iterations of each user were complete after 800 ms.
        assert_eq!(ran.fates(), [6, 3, 0], "{workers} workers");
        assert_eq!(ran.trend(metric::ITERATION_DURATION).unwrap().count(), 6);
        assert_eq!(ran.elapsed, secs(1.0));
    }
}

#[tokio::test(start_paused = true)]
async fn arrivals_that_were_due_and_had_not_started_are_dropped_as_aborted() {
    let plan =
        scenario("executor: constant-arrival-rate, rate: 10, duration: 10s, pre_allocated_vus: 20", "1s");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(1.05)).await;
            // No worker wakes before the abort: arrivals 11 to 15 are due and have not started.
            running.load.abort();
            tokio::time::advance(secs(0.5)).await;
        })
        .await;
        // Arrival 0 was complete after a second, 1 to 10 were running.
        assert_eq!(ran.fates(), [1, 10, 5], "{workers} workers");
        assert_eq!(ran.dropped(DropReason::Aborted), 5, "{workers} workers");
        assert_eq!(ran.dropped(DropReason::NoIdleVu), 0, "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrival_that_has_just_been_handed_over_is_not_forgotten() {
    // One user on one worker; the abort comes in the very moment in which arrivals are due.
    let plan =
        scenario("executor: constant-arrival-rate, rate: 10, duration: 10s, pre_allocated_vus: 1", "30ms");
    for workers in WORKERS {
        for at in [0.1, 0.2, 0.3, 0.7] {
            let ran = drive(&plan, workers, async |running| {
                running.until(secs(at)).await;
                running.load.abort();
            })
            .await;
            let [completed, interrupted, dropped] = ran.fates();
            let due = (at * 10.0).round() as u64;
            assert_eq!(completed, due, "until {at} s, {workers} workers");
            assert!(interrupted + dropped <= 1, "at {at} s, {workers} workers: {interrupted} {dropped}");
            let busy = ran.pools[0].busy;
            assert_eq!(busy, 0, "at {at} s, {workers} workers");
            assert_eq!(interrupted + dropped, 1, "arrival {due} was due at {at} s, {workers} workers");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_had_not_begun_leaves_nothing_undone() {
    let plan = plan(
        "  now: {executor: constant-vus, vus: 1, duration: 10s, flow: [{sleep: 1s}]}\n  \
           later: {executor: constant-arrival-rate, rate: 10, duration: 10s, start_time: 5s, pre_allocated_vus: 5, flow: [{sleep: 1s}]}",
    );
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(2.5)).await;
            running.load.abort();
        })
        .await;
        let of = |id| [ran.count_of(id, "now"), ran.count_of(id, "later")];
        assert_eq!(of(metric::ITERATIONS), [2, 0], "{workers} workers");
        assert_eq!(of(metric::INTERRUPTED_ITERATIONS), [1, 0], "{workers} workers");
        assert_eq!(of(metric::DROPPED_ITERATIONS), [0, 0], "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn during_the_graceful_stop_too() {
    let plan = scenario("executor: constant-vus, vus: 4, duration: 1s, graceful_stop: 1h", "10m");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(60.0)).await;
            running.load.abort();
        })
        .await;
        assert_eq!((ran.fates(), ran.elapsed), ([0, 4, 0], secs(60.0)), "{workers} workers");
    }
}

/// In real time: a clock that stands still is always caught up with.
#[tokio::test]
async fn a_rate_that_nothing_keeps_up_with_still_hears_the_abort() {
    let keys = "executor: constant-arrival-rate, rate: 1000000000, duration: 366d, pre_allocated_vus: 1";
    let plan = scenario(keys, "1d");
    let ran = drive(&plan, 2, async |running| {
        assert_eq!(running.count(metric::ITERATIONS, "s").await, 0, "a worker hands out its shard meanwhile");
        running.load.abort();
    })
    .await;
    assert_eq!(ran.count(metric::INTERRUPTED_ITERATIONS), 1);
    assert!(ran.dropped(DropReason::Aborted) > 0, "what was due and not looked at is counted in one go");
}
