//! A server that stands still: in each period, from its middle on, its only thread sleeps. Requests wait in the kernel, as
//! they do behind a long garbage collection.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::http_server::{self, Requests};
use super::serving;
use crate::Result;

#[derive(Debug)]
struct Stalling {
    period: Duration,
    stall: Duration,
    count: Cell<u64>,
}

impl Requests for Stalling {
    /// The periods begin with the first request.
    fn arrived(&self, at: Instant) -> Option<Instant> {
        if self.count.replace(self.count.get() + 1) == 0 {
            let (period, stall) = (self.period, self.stall);
            tokio::task::spawn_local(async move {
                let mut next = at + period / 2;
                loop {
                    tokio::time::sleep_until(next.into()).await;
                    std::thread::sleep(stall.saturating_sub(next.elapsed()));
                    next += period;
                }
            });
        }
        None
    }
}

pub(super) fn run(period_ms: u64, stall_ms: u64) -> Result<()> {
    let requests = Rc::new(Stalling {
        period: Duration::from_millis(period_ms),
        stall: Duration::from_millis(stall_ms),
        count: Cell::new(0),
    });
    serving::until_told(|listener| http_server::serve(listener, Rc::clone(&requests)))?;
    println!("{}", json!({"count": requests.count.get()}));
    Ok(())
}
