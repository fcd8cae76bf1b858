//! `ramping-vus` and `ramping-arrival-rate`: users and rates that change.

use super::*;

/// (completed, interrupted), and when the last worker ended.
async fn check(keys: &str, iteration: &str, expected: [u64; 2], ended_secs: f64) {
    let plan = scenario(keys, iteration);
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let what = format!("{keys}, {iteration} each, {workers} workers");
        assert_eq!(ran.fates(), [expected[0], expected[1], 0], "{what}");
        let ended = secs(ended_secs);
        // A timer may ring a millisecond late, and workers look every 10 ms whether others still iterate.
        assert!(
            (ended..=ended + secs(0.012)).contains(&ran.elapsed),
            "{what}: ended after {:?}",
            ran.elapsed
        );
        assert!(ran.pools.iter().all(|pool| pool.done && pool.busy == 0), "{what}: {:?}", ran.pools);
    }
}

fn users(start: u64, stages: &str, rest: &str) -> String {
    format!("executor: ramping-vus, start_vus: {start}, stages: [{stages}]{rest}")
}

#[tokio::test(start_paused = true)]
async fn users_come_and_go_one_by_one_and_the_last_to_come_goes_first() {
    let plan = scenario(
        &users(1, "{duration: 4s, target: 5}, {duration: 2s, target: 5}, {duration: 5s, target: 0}", ""),
        "100ms",
    );
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            for (at, busy) in [
                (0.05, 1),
                (0.95, 1),
                (1.05, 2),
                (2.05, 3),
                (3.05, 4),
                (4.05, 5),
                (6.95, 5),
                // A user that goes finishes its iteration first.
                (7.15, 4),
                (8.15, 3),
                (9.15, 2),
                (10.15, 1),
            ] {
                running.until(secs(at)).await;
                let pool = running.load.pools()[0];
                assert_eq!(
                    (pool.busy, pool.allocated, pool.max),
                    (busy, 5, 5),
                    "at {at} s, {workers} workers"
                );
            }
        })
        .await;
        // 10 + 20 + 30 + 40 in the first four seconds, 100 in the plateau, 50 + 40 + 30 + 20 + 10 on the way down.
        let [completed, interrupted, dropped] = ran.fates();
        assert_eq!((interrupted, dropped), (0, 0));
        assert!((345..=355).contains(&completed), "{completed} iterations, {workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_jump_is_at_once() {
    // Five users for the first second, one for the next two; each starts at 0, 400 and 800 ms.
    let stages = "{duration: 0s, target: 5}, {duration: 1s, target: 5}, {duration: 0s, target: 1}, {duration: 2s, target: 1}";
    check(&users(0, stages, ""), "400ms", [5 * 3 + 5, 0], 3.2).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_ramped_down_may_finish_within_graceful_ramp_down() {
    let stages = "{duration: 1s, target: 2}, {duration: 0s, target: 1}, {duration: 9s, target: 1}";
    let down = |graceful_ramp_down| {
        users(2, stages, &format!(", graceful_stop: 0s, graceful_ramp_down: {graceful_ramp_down}"))
    };
    // The second user's iteration of 3 s began at 0; the first user is cut off by the graceful stop of 0 s at 10 s.
    check(&down("2s"), "3s", [3 + 1, 1], 10.0).await;
    check(&down("1s"), "3s", [3, 1 + 1], 10.0).await;
    check(&down("0s"), "3s", [3, 1 + 1], 10.0).await;
}

#[tokio::test(start_paused = true)]
async fn the_graceful_stop_cuts_a_graceful_ramp_down_short() {
    let stages = "{duration: 1s, target: 2}, {duration: 0s, target: 0}";
    let down = |stop| users(2, stages, &format!(", graceful_stop: {stop}, graceful_ramp_down: 5s"));
    check(&down("2s"), "10s", [0, 2], 3.0).await;
    check(&down("8s"), "10s", [0, 2], 6.0).await;
    check(&down("8s"), "4s", [2, 0], 4.0).await;
    // Who is still wanted at the end has the graceful stop alone.
    let to_the_end = "executor: ramping-vus, stages: [{duration: 1s, target: 1}], graceful_ramp_down: 1s";
    check(&format!("{to_the_end}, graceful_stop: 8s"), "4s", [1, 0], 4.0).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_wanted_again_in_time_goes_on() {
    // Wanted until 1 s and again from 3 s on; an iteration takes 4 s.
    let stages = "{duration: 1s, target: 1}, {duration: 0s, target: 0}, {duration: 2s, target: 0}, \
                  {duration: 0s, target: 1}, {duration: 2s, target: 1}";
    let again = |down| users(1, stages, &format!(", graceful_ramp_down: {down}"));
    check(&again("2s"), "4s", [2, 0], 8.0).await;
    // Cut off after 2 s; its next iteration begins at 3 s.
    check(&again("1s"), "4s", [1, 1], 7.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_user_that_comes_back_is_the_same_one() {
    let plan = plan_with(
        "metrics: {vus_seen: {type: trend}, iterations_seen: {type: trend}}",
        "  s: {executor: ramping-vus, start_vus: 1, stages: [{duration: 1s, target: 1}, {duration: 0s, target: 0}, \
           {duration: 1s, target: 0}, {duration: 0s, target: 1}, {duration: 1s, target: 1}], \
           flow: [{record: {vus_seen: vu, iterations_seen: iteration}}, {sleep: 500ms}]}",
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let (vus, iterations) = (ran.custom("vus_seen"), ran.custom("iterations_seen"));
        assert_eq!((vus.count(), vus.min(), vus.max()), (4, Some(1.0), Some(1.0)), "{workers} workers");
        assert_eq!((iterations.max(), iterations.sum()), (Some(3.0), 6.0), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_interrupts_those_at_work_and_forgets_those_to_come() {
    let plan = scenario(&users(0, "{duration: 10s, target: 10}", ""), "1h");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(4.5)).await;
            running.load.abort();
        })
        .await;
        assert_eq!((ran.fates(), ran.pools[0].busy), ([0, 4, 0], 0), "{workers} workers");
    }
}

fn rate(start: u64, stages: &str, rest: &str) -> String {
    format!(
        "executor: ramping-arrival-rate, start_rate: {start}, stages: [{stages}], pre_allocated_vus: 50{rest}"
    )
}

#[tokio::test(start_paused = true)]
async fn a_ramping_rate_makes_the_area_under_it() {
    // 25 + 50 + 25.
    let hill = "{duration: 5s, target: 10}, {duration: 5s, target: 10}, {duration: 5s, target: 0}";
    check(&rate(0, hill, ""), "100ms", [100, 0], 15.1).await;
    // 4.9 s at 2/s are 9.8, the rest of which the next stage completes; 10.2 more make 20.
    let remainders = "{duration: 4900ms, target: 2}, {duration: 5100ms, target: 2}";
    check(&rate(2, remainders, ""), "100ms", [20, 0], 10.1).await;
    let jumps = "{duration: 1s, target: 0}, {duration: 0s, target: 4}, {duration: 1s, target: 4}, {duration: 0s, target: 1}, {duration: 2s, target: 1}";
    check(&rate(0, jumps, ""), "100ms", [6, 0], 4.1).await;
    check(&rate(60, "{duration: 4s, target: 120}", ", time_unit: 1m"), "100ms", [6, 0], 4.1).await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_of_a_ramping_rate_leaves_what_was_due() {
    let plan = scenario(&rate(0, "{duration: 10s, target: 10}", ""), "1h");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(2.1)).await;
            running.load.abort();
            tokio::time::advance(secs(2.0)).await;
        })
        .await;
        // Half a rate of 1/s² by the square of time: 2 after 2.1 s, 8 after 4.1 s.
        assert_eq!((ran.fates(), ran.dropped(DropReason::Aborted)), ([0, 2, 6], 6), "{workers} workers");
    }
}
