//! A server whose latency is known: it holds each request for a drawn time and reports the percentiles of the time it really
//! held them, so that the clock of its own runtime is no error.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::http_server::{self, Requests};
use super::serving;
use crate::Result;

/// Golden-ratio steps through (0, 1): as even as draws can be, and the same in each run.
const STEP: f64 = 0.618_033_988_749_894_9;
const LEAST_MS: f64 = 2.0;
const MEAN_MS: f64 = 30.0;
const MOST_MS: f64 = 400.0;

#[derive(Debug, Default)]
struct Delays {
    drawn: Cell<u32>,
    held_ms: RefCell<Vec<f64>>,
}

impl Requests for Delays {
    fn arrived(&self, at: Instant) -> Option<Instant> {
        let n = self.drawn.replace(self.drawn.get() + 1);
        let u = (f64::from(n) * STEP).fract();
        // Exponential: dense where most requests are, a long tail for the percentiles, no gap that a rank could fall into.
        let ms = (LEAST_MS - MEAN_MS * (1.0 - u).ln()).min(MOST_MS);
        Some(at + Duration::from_secs_f64(ms / 1000.0))
    }

    fn answered(&self, arrived: Instant) {
        self.held_ms.borrow_mut().push(arrived.elapsed().as_secs_f64() * 1000.0);
    }
}

pub(super) fn run() -> Result<()> {
    let delays = Rc::new(Delays::default());
    serving::until_told(|listener| http_server::serve(listener, Rc::clone(&delays)))?;
    let mut held = delays.held_ms.take();
    held.sort_by(f64::total_cmp);
    let at = |p| serving::nearest_rank(&held, p);
    println!(
        "{}",
        json!({
            "count": held.len(),
            "avg": held.iter().sum::<f64>() / held.len().max(1) as f64,
            "med": at(0.5),
            "p(90)": at(0.9), "p(95)": at(0.95), "p(99)": at(0.99),
        })
    );
    Ok(())
}
