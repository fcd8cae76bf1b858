//! A panic is a fault of ours: it ends the load, and is told.

use futures_util::future::LocalBoxFuture;

use super::*;
use crate::flow::{Ended, Flow, Step, Vu};

#[derive(Debug)]
struct Panics;

impl Step for Panics {
    fn run<'a>(&'a self, _vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async { panic!("as a bug of ours would") })
    }
}

/// On threads, whose end is what tells of a panic.
#[tokio::test]
async fn an_iteration_that_panics_takes_its_worker_down_and_ends_the_load() {
    let keys = "executor: constant-arrival-rate, rate: 100, duration: 1d, pre_allocated_vus: 2";
    let mut plan = scenario(keys, "1ms");
    let compiled = Arc::get_mut(&mut plan).and_then(|plan| Arc::get_mut(&mut plan.scenarios[0])).unwrap();
    compiled.flow = Flow::new(vec![Box::new(Panics)]);
    let options = LoadOptions { workers: 2, timing: Timing::Precise };
    let mut load = Load::start(Arc::clone(&plan), Clock::start(), options).unwrap();
    let mut totals = Totals::new(Arc::clone(&plan.registry));
    while load.panicked() == 0 {
        load.collect(&mut totals).await;
        tokio::task::yield_now().await;
    }
    load.done().await;
}
