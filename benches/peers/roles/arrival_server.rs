//! The schedule as the server sees it: when each request arrived, against when a perfect client would have sent it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use serde_json::json;

use super::http_server::{self, Requests};
use super::serving;
use crate::Result;

/// Arrivals there is room for from the start; growing would copy while requests wait.
const ROOM: usize = 1 << 20;

#[derive(Debug)]
struct Arrivals(RefCell<Vec<Instant>>);

impl Requests for Arrivals {
    fn arrived(&self, at: Instant) -> Option<Instant> {
        self.0.borrow_mut().push(at);
        None
    }
}

pub(super) fn run(rate: u32) -> Result<()> {
    let arrivals = Rc::new(Arrivals(RefCell::new(Vec::with_capacity(ROOM))));
    serving::until_told(|listener| http_server::serve(listener, Rc::clone(&arrivals)))?;
    let arrivals = arrivals.0.borrow();
    let micros: Vec<f64> = match arrivals.first() {
        Some(first) => arrivals.iter().map(|at| at.duration_since(*first).as_secs_f64() * 1e6).collect(),
        None => Vec::new(),
    };
    let whole = lateness(&micros, rate);
    let by_second: Vec<f64> =
        micros.chunks(rate as usize).flat_map(|second| lateness(second, rate)).collect();
    let (p50, p90) = percentiles(whole);
    let (p50_per_sec, p90_per_sec) = percentiles(by_second);
    println!(
        "{}",
        json!({
            "count": micros.len(),
            "p50_us": p50, "p90_us": p90,
            "p50_us_per_sec": p50_per_sec, "p90_us_per_sec": p90_per_sec,
        })
    );
    Ok(())
}

/// How late arrival i was against t0 + i/rate, where t0 is as early as the earliest arrival allows: no arrival is early,
/// and one late start does not make all others look good.
fn lateness(arrivals_micros: &[f64], rate: u32) -> Vec<f64> {
    let step = 1e6 / f64::from(rate);
    let offsets: Vec<f64> = arrivals_micros.iter().enumerate().map(|(i, at)| at - i as f64 * step).collect();
    let t0 = offsets.iter().copied().fold(f64::INFINITY, f64::min);
    offsets.into_iter().map(|offset| offset - t0).collect()
}

fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    (serving::nearest_rank(&values, 0.5), serving::nearest_rank(&values, 0.9))
}
