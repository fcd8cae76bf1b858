//! A scenario that waits for another's end.

use super::*;

fn chained(more: &str) -> Arc<Plan> {
    plan(&format!(
        "  a: {{executor: constant-vus, vus: 3, duration: 1s, graceful_stop: 5s, flow: [{{sleep: 300ms}}]}}\n  \
           b: {{start_after: a, {more}executor: constant-vus, vus: 5, duration: 1s, flow: [{{sleep: 250ms}}]}}"
    ))
}

#[tokio::test(start_paused = true)]
async fn it_begins_when_the_last_iteration_of_the_other_has_ended_on_all_workers() {
    for workers in WORKERS {
        for (more, offset) in [("", 0.0), ("start_time: 500ms, ", 0.5)] {
            let ran = run(&chained(more), workers).await;
            // The fourth iterations of `a` begin at 0.9 s; its end is noticed within 10 ms.
            let ended = ran.pools[0].ended.map(Duration::from).unwrap();
            assert!((secs(1.2)..=secs(1.22)).contains(&ended), "{workers} workers: {ended:?}");
            assert_eq!(ran.pools[1].begun.map(Duration::from), Some(ended + secs(offset)));
            let counts = [("a", 12), ("b", 20)];
            for (name, expected) in counts {
                assert_eq!(ran.count_of(metric::ITERATIONS, name), expected, "{name}, {workers} workers");
            }
            assert_eq!(ran.count(metric::DROPPED_ITERATIONS), 0, "{workers} workers");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_that_is_cut_off_ends_the_other_too() {
    let plan = plan(
        "  a: {executor: constant-vus, duration: 1s, graceful_stop: 2s, flow: [{sleep: 1h}]}\n  \
           b: {start_after: a, executor: constant-vus, duration: 1s, flow: [{sleep: 250ms}]}",
    );
    for workers in WORKERS {
        let ran = run(&plan, workers).await;
        assert_eq!(ran.fates(), [4, 1, 0], "{workers} workers");
        let begun = ran.pools[1].begun.map(Duration::from).unwrap();
        assert!((secs(3.0)..=secs(3.02)).contains(&begun), "{workers} workers: {begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_begins_nothing() {
    for workers in WORKERS {
        let ran = drive(&chained(""), workers, async |running| {
            running.until(secs(0.5)).await;
            running.load.abort();
        })
        .await;
        assert_eq!(ran.count_of(metric::INTERRUPTED_ITERATIONS, "a"), 3, "{workers} workers");
        assert_eq!((ran.pools[1].begun, ran.count_of(metric::DROPPED_ITERATIONS, "b")), (None, 0));
    }
}
