//! A mistake of ours must not hang the run, nor pass for an iteration that was merely interrupted.

use futures_util::future::LocalBoxFuture;

use super::*;
use crate::flow::{Ended, Flow, Step, Vu};

#[derive(Debug)]
struct Panics;

impl Step for Panics {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            tokio::time::sleep(secs(0.3)).await;
            assert!(vu.id != 2, "a mistake, made by this test");
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_that_panics_is_counted_and_the_others_go_on() {
    for workers in WORKERS {
        let mut plan = scenario("executor: constant-vus, vus: 3, duration: 1s", "1s");
        let scenario = Arc::get_mut(&mut plan).and_then(|plan| Arc::get_mut(&mut plan.scenarios[0])).unwrap();
        scenario.flow = Flow::new(vec![Box::new(Panics)]);
        let mut panics = 0;
        let ran = drive(&plan, workers, async |running| {
            running.load.done().await;
            panics = running.load.panics();
        })
        .await;
        assert_eq!((panics, ran.fates()), (1, [8, 1, 0]), "{workers} workers");
        assert_eq!(ran.pools[0].busy, 0, "{workers} workers");
    }
}
