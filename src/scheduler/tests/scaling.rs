//! Another number of users, or another rate, while the load runs.

use super::*;
use crate::executor::ScaleTo;
use crate::ids::ScenarioId;

/// With more workers than users at first.
const WORKERS: [usize; 5] = [1, 2, 3, 5, 8];

impl Running {
    async fn scale(&mut self, to: ScaleTo) {
        let id = ScenarioId(0);
        let scaled = self.load.scaled(id, to).unwrap();
        self.load.rescale(id, Arc::from(scaled)).await;
    }
}

/// `changes` are seconds and what the one scenario is scaled to then.
async fn scaled(plan: &Arc<Plan>, workers: usize, changes: &[(f64, ScaleTo)]) -> Ran {
    drive(plan, workers, async |running| {
        for (at, to) in changes {
            running.until(secs(*at)).await;
            running.scale(*to).await;
        }
    })
    .await
}

async fn check(keys: &str, iteration: &str, changes: &[(f64, ScaleTo)], expected: u64) {
    let plan = scenario(keys, iteration);
    for workers in WORKERS {
        let ran = scaled(&plan, workers, changes).await;
        let what = format!("{keys}, {iteration} each, {changes:?}, {workers} workers");
        assert_eq!(ran.fates(), [expected, 0, 0], "{what}");
        let lag = ran.trend(metric::ITERATION_LAG);
        // The timer's millisecond, where nothing is due at a whole one.
        assert!(lag.is_none_or(|lag| lag.max() < Some(1e6)), "{what}");
        assert!(ran.pools.iter().all(|pool| pool.done && pool.busy == 0), "{what}: {:?}", ran.pools);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_another_from_that_moment_on() {
    use ScaleTo::Rate;
    let rate = |rest: &str| format!("executor: constant-arrival-rate, pre_allocated_vus: 60, {rest}");
    let ten = rate("rate: 10, duration: 4s");
    check(&ten, "100ms", &[], 41).await;
    // 21 by 2 s; then at 2.075 s and every 50 ms.
    check(&ten, "100ms", &[(2.05, Rate(20.0))], 60).await;
    // The rest of the wait takes ten times as long: at 2.55 and 3.55 s.
    check(&ten, "100ms", &[(2.05, Rate(1.0))], 23).await;
    check(&ten, "100ms", &[(1.05, Rate(1000.0)), (1.1, Rate(10.0))], 11 + 50 + 29).await;
    // The last of the plan's was at 7 s.
    check(&rate("rate: 1, time_unit: 7s, duration: 10s"), "100ms", &[(8.0, Rate(70.0))], 22).await;
    // Of the plan's time unit.
    check(&rate("rate: 60, time_unit: 1m, duration: 4s"), "100ms", &[(2.0, Rate(120.0))], 7).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_arrival_after_a_change_is_due_when_its_share_of_the_wait_is_over() {
    let keys = "executor: constant-arrival-rate, rate: 1, duration: 10s, pre_allocated_vus: 9";
    let plan = scenario(keys, "100ms");
    for workers in WORKERS {
        drive(&plan, workers, async |running| {
            // Three quarters of the wait are over; a quarter of 2 s is left.
            running.until(secs(3.75)).await;
            running.scale(ScaleTo::Rate(0.5)).await;
            for (at, count) in [(4.34, 4), (4.36, 5), (6.34, 5), (6.36, 6)] {
                running.until(secs(at)).await;
                assert_eq!(running.count(metric::ITERATIONS, "s").await, count, "{at} s, {workers} workers");
            }
        })
        .await;
    }
}

/// What users do who are as many as `vus`, each at work for `iteration` ms: (started, dropped).
fn simulated(due_ms: &[u64], vus: usize, iteration: u64) -> [u64; 2] {
    let (mut busy_until, mut started) = (vec![0; vus], 0);
    for due in due_ms {
        if let Some(until) = busy_until.iter_mut().find(|until| **until <= *due) {
            *until = due + iteration;
            started += 1;
        }
    }
    [started, due_ms.len() as u64 - started]
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_needs_more_users_than_there_may_be_drops_what_they_cannot_do() {
    let keys = "executor: constant-arrival-rate, rate: 10, duration: 4s, pre_allocated_vus: 1, max_vus: 4";
    let plan = scenario(keys, "330ms");
    let due: Vec<u64> = (0..=1000).step_by(100).chain((1_040..=4_000).step_by(40)).collect();
    let [started, dropped] = simulated(&due, 4, 330);
    assert!(dropped > 0);
    for workers in WORKERS {
        let ran = scaled(&plan, workers, &[(1.0, ScaleTo::Rate(25.0))]).await;
        assert_eq!(ran.fates(), [started, 0, dropped], "{workers} workers");
        assert_eq!(ran.dropped(DropReason::NoIdleVu), dropped, "{workers} workers");
        assert_eq!(ran.pools[0].allocated, 4, "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn users_come_at_once_and_go_when_their_iteration_is_done() {
    use ScaleTo::Vus;
    let users = |vus| format!("executor: constant-vus, vus: {vus}, duration: 2s");
    check(&users(3), "400ms", &[], 15).await;
    // Two more at 1.05, 1.45 and 1.85 s.
    check(&users(3), "400ms", &[(1.05, Vus(5))], 21).await;
    // Two fewer after 1.2 s: three iterations each.
    check(&users(3), "400ms", &[(1.05, Vus(1))], 11).await;
    // Wanted again before they have gone: nothing has happened.
    check(&users(3), "400ms", &[(1.05, Vus(1)), (1.1, Vus(3))], 15).await;
    // Wanted again after they have gone: two more iterations each, at 1.25 and 1.65 s.
    check(&users(3), "400ms", &[(1.05, Vus(1)), (1.25, Vus(3))], 15).await;
    check(&users(3), "400ms", &[(1.05, Vus(1)), (1.85, Vus(3))], 13).await;
    // Workers that had no user have some.
    check(&users(1), "400ms", &[(1.05, Vus(20))], 5 + 19 * 3).await;
    check(&users(20), "400ms", &[(1.05, Vus(2)), (1.3, Vus(4))], 60 + 4 + 4).await;
}

#[tokio::test(start_paused = true)]
async fn the_pool_shows_how_many_users_there_are() {
    let plan = scenario("executor: constant-vus, vus: 3, duration: 4s", "400ms");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            for (at, to, shown) in [
                (0.05, 3, [3, 3, 3]),
                (1.05, 7, [7, 7, 7]),
                // They are at their iteration for 350 ms more.
                (2.1, 2, [7, 7, 2]),
                (2.7, 2, [2, 2, 2]),
                (3.0, 5, [5, 5, 5]),
            ] {
                running.until(secs(at)).await;
                if to != running.load.pools()[0].max {
                    running.scale(ScaleTo::Vus(to)).await;
                }
                running.until(secs(at + 0.01)).await;
                let pool = running.load.pools()[0];
                assert_eq!([pool.busy, pool.allocated, pool.max], shown, "{at} s, {workers} workers");
            }
        })
        .await;
        assert_eq!(ran.pools[0].allocated, 5, "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_that_comes_is_a_new_one() {
    let plan = plan_with(
        "metrics: {vus_seen: {type: trend}}",
        "  s: {executor: constant-vus, vus: 2, duration: 3s, flow: [{record: {vus_seen: vu}}, {sleep: 1s}]}",
    );
    for workers in WORKERS {
        let ran = scaled(&plan, workers, &[(0.5, ScaleTo::Vus(1)), (1.5, ScaleTo::Vus(2))]).await;
        let seen = ran.custom("vus_seen");
        // The one that stays three times, the one that went once, the one that came at 1.5 s twice.
        assert_eq!((seen.count(), seen.max()), (6, Some(3.0)), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_has_not_begun_begins_as_it_was_scaled() {
    for (keys, to, expected) in [
        ("executor: constant-vus, vus: 1", ScaleTo::Vus(6), 24),
        ("executor: constant-arrival-rate, rate: 1, pre_allocated_vus: 9", ScaleTo::Rate(10.0), 11),
    ] {
        let plan = scenario(&format!("{keys}, duration: 1s, start_time: 3s"), "250ms");
        for workers in WORKERS {
            let ran = scaled(&plan, workers, &[(1.0, to)]).await;
            assert_eq!(ran.fates(), [expected, 0, 0], "{keys}, {workers} workers");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_scaled_in_a_pause_is_so_after_it() {
    for (keys, to, expected) in [
        // 11 before it; then at 1.075 s of load time and every 50 ms until 2 s.
        ("executor: constant-arrival-rate, rate: 10, pre_allocated_vus: 9", ScaleTo::Rate(20.0), 11 + 19),
        // 0, 400 and 800 ms; then 1.05, 1.45 and 1.85 s of load time.
        ("executor: constant-vus, vus: 2", ScaleTo::Vus(5), 2 * 3 + 5 * 3),
        ("executor: constant-vus, vus: 5", ScaleTo::Vus(1), 5 * 3 + 3),
    ] {
        let plan = scenario(&format!("{keys}, duration: 2s"), "400ms");
        for workers in WORKERS {
            let ran = drive(&plan, workers, async |running| {
                running.until(secs(1.05)).await;
                running.load.pause().await;
                running.until(secs(5.0)).await;
                let before = running.count(metric::ITERATIONS, "s").await;
                running.scale(to).await;
                running.until(secs(9.0)).await;
                assert_eq!(running.count(metric::ITERATIONS, "s").await, before, "{keys}, {workers} workers");
                let pool = running.load.pools()[0];
                assert_eq!((pool.busy, pool.max), (0, if let ScaleTo::Vus(vus) = to { vus } else { 9 }));
                running.load.resume().await;
            })
            .await;
            assert_eq!(ran.fates(), [expected, 0, 0], "{keys}, {workers} workers");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_does_not_depend_on_the_workers() {
    let changes = [(0.33, 45.0), (0.9, 8.0), (1.27, 33.3), (2.6, 90.0), (3.1, 12.5)];
    let rates = changes.map(|(at, rate)| (at, ScaleTo::Rate(rate)));
    let vus = changes.map(|(at, vus)| (at, ScaleTo::Vus(vus as u64)));
    let rate = "executor: constant-arrival-rate, rate: 20, duration: 4s, pre_allocated_vus: 2, max_vus: 5";
    for (keys, changes) in [(rate, rates), ("executor: constant-vus, vus: 7, duration: 4s", vus)] {
        let plan = scenario(keys, "130ms");
        let mut one = None;
        for workers in WORKERS {
            let ran = drive(&plan, workers, async |running| {
                for (at, to) in changes {
                    // Second by second of load time, with a pause before each.
                    let at = secs(at) + running.load.paused();
                    running.until(at).await;
                    running.load.pause().await;
                    running.until(at + secs(0.77)).await;
                    running.load.resume().await;
                    running.scale(to).await;
                }
            })
            .await;
            let fates = ran.fates();
            assert_eq!(*one.get_or_insert(fates), fates, "{keys}, {workers} workers");
            assert!(fates[0] > 100, "{fates:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_scaled_says_why() {
    let plan = plan(
        "  users: {executor: constant-vus, vus: 1, duration: 1s, flow: [{sleep: 250ms}]}\n  \
           ramp: {executor: ramping-vus, stages: [{duration: 2s, target: 3}], flow: [{sleep: 250ms}]}\n  \
           rate: {executor: ramping-arrival-rate, pre_allocated_vus: 3, stages: [{duration: 2s, target: 3}], flow: [{sleep: 250ms}]}\n  \
           shared: {executor: shared-iterations, iterations: 4, flow: [{sleep: 250ms}]}\n  \
           each: {executor: per-vu-iterations, iterations: 4, flow: [{sleep: 250ms}]}",
    );
    drive(&plan, 2, async |running| {
        running.until(secs(0.5)).await;
        let why = |id, to| running.load.scaled(ScenarioId(id), to).unwrap_err();
        for id in 1..5 {
            assert_eq!(
                why(id, ScaleTo::Vus(5)),
                "only a constant-vus or constant-arrival-rate scenario can be"
            );
        }
        assert_eq!(why(0, ScaleTo::Rate(5.0)), "it is a constant-vus: give a number of VUs, not a rate");
        running.until(secs(1.0)).await;
        assert_eq!(
            running.load.scaled(ScenarioId(0), ScaleTo::Vus(5)).unwrap_err(),
            "it begins no iteration any more"
        );
    })
    .await;
}
