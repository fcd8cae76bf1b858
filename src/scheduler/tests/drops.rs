//! Arrivals for which no user is idle.

use super::*;

struct Case {
    rate: f64,
    secs: u64,
    iteration: u64,
    pre_allocated: u64,
    max: u64,
}

impl Case {
    fn plan(&self) -> Arc<Plan> {
        let Case { rate, secs, iteration, pre_allocated, max } = self;
        scenario(
            &format!(
                "executor: constant-arrival-rate, rate: {rate}, duration: {secs}s, \
                 pre_allocated_vus: {pre_allocated}, max_vus: {max}"
            ),
            &format!("{iteration}ms"),
        )
    }

    /// (started, dropped) by a model of one pool: an arrival is dropped when all users are at work.
    fn expected(&self) -> (u64, u64) {
        let (mut free_at, mut started, mut dropped) = (vec![0; self.max as usize], 0, 0);
        let mut index = 0;
        loop {
            let due_micros = (f64::from(index) * 1e6 / self.rate).round() as u64;
            if due_micros > self.secs * 1_000_000 {
                return (started, dropped);
            }
            match free_at.iter_mut().find(|free_at| **free_at <= due_micros) {
                Some(free_at) => (*free_at, started) = (due_micros + self.iteration * 1_000, started + 1),
                None => dropped += 1,
            }
            index += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_arrival_is_dropped_exactly_when_all_users_are_at_work() {
    // Five users, each busy for 950 ms: of ten arrivals a second five start.
    // 0 to 400 ms start, 500 to 900 do not; 1000 to 1400 start, 1500 to 1900 do not; 2000 starts.
    let case = Case { rate: 10.0, secs: 2, iteration: 950, pre_allocated: 5, max: 5 };
    assert_eq!(case.expected(), (11, 10));
    for workers in WORKERS {
        let ran = run(&case.plan(), workers).await;
        assert_eq!(ran.fates(), [11, 0, 10], "{workers} workers");
        assert_eq!(ran.dropped(DropReason::NoIdleVu), 10, "{workers} workers");
    }
}

/// No iteration ends in the very moment in which an arrival is due: who comes first then is open.
#[tokio::test(start_paused = true)]
async fn drops_do_not_depend_on_the_number_of_workers() {
    for case in [
        Case { rate: 10.0, secs: 10, iteration: 1_050, pre_allocated: 1, max: 5 },
        Case { rate: 10.0, secs: 10, iteration: 55, pre_allocated: 1, max: 1 },
        Case { rate: 10.0, secs: 10, iteration: 150, pre_allocated: 1, max: 1 },
        Case { rate: 50.0, secs: 5, iteration: 333, pre_allocated: 3, max: 7 },
        Case { rate: 100.0, secs: 5, iteration: 75, pre_allocated: 8, max: 8 },
        Case { rate: 200.0, secs: 3, iteration: 1_001, pre_allocated: 100, max: 150 },
        Case { rate: 1.0, secs: 20, iteration: 2_500, pre_allocated: 2, max: 2 },
        Case { rate: 4.0, secs: 9, iteration: 9_999, pre_allocated: 3, max: 3 },
    ] {
        let (plan, (started, dropped)) = (case.plan(), case.expected());
        for workers in WORKERS {
            let ran = run(&plan, workers).await;
            let what =
                format!("{} ms at {}/s on {} users, {workers} workers", case.iteration, case.rate, case.max);
            assert_eq!(ran.fates(), [started, 0, dropped], "{what}");
            assert_eq!(ran.dropped(DropReason::NoIdleVu), dropped, "{what}");
            assert_eq!(ran.trend(metric::ITERATION_LAG).unwrap().max(), Some(0.0), "nothing queues: {what}");
        }
    }
}

/// The timer ticks each millisecond: five are due at once.
#[tokio::test(start_paused = true)]
async fn a_user_who_does_not_have_to_wait_is_free_for_the_next_that_is_due_at_once() {
    let plan = plan(
        "  s: {executor: constant-arrival-rate, rate: 5000, duration: 1s, pre_allocated_vus: 1, flow: [{set: {x: '1'}}]}",
    );
    assert_eq!(run(&plan, 1).await.fates(), [5_001, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn scenarios_do_not_take_users_from_each_other() {
    let plan = plan(
        "  starved: {executor: constant-arrival-rate, rate: 10, duration: 2s, pre_allocated_vus: 1, flow: [{sleep: 5s}]}\n  \
           fed: {executor: constant-arrival-rate, rate: 10, duration: 2s, pre_allocated_vus: 9, flow: [{sleep: 50ms}]}",
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        let fates = |name| [metric::ITERATIONS, metric::DROPPED_ITERATIONS].map(|id| ran.count_of(id, name));
        assert_eq!((fates("starved"), fates("fed")), ([1, 20], [21, 0]), "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pacer_that_wakes_after_the_end_drops_all_that_is_left_at_once() {
    let keys = "executor: constant-arrival-rate, rate: 1000000000, duration: 1h, start_time: 1s, pre_allocated_vus: 1";
    let plan = scenario(keys, "1s");
    for workers in WORKERS {
        let ran = drive(&plan, workers, async |running| {
            running.until(secs(0.5)).await;
            tokio::time::advance(secs(7_200.0)).await;
        })
        .await;
        assert_eq!(ran.fates(), [0, 0, 3_600_000_000_001], "{workers} workers");
        assert_eq!(ran.dropped(DropReason::PacerLate), 3_600_000_000_001, "{workers} workers");
    }
}
