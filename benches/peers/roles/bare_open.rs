//! An open loop with one timerfd for all arrivals: the precision that this machine allows, and its price.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use super::bare_http::{Sender, connect, get};
use super::serving;
use super::timer::Timer;
use crate::Result;

/// Above it a wake-up for each arrival would fill the core: arrivals are then sent in bunches, each late by a tick at most.
const MOST_PRECISE_PER_SEC: u32 = 10_000;
/// A minute: nothing here takes longer, and a histogram that saturates must know its bound.
const LONGEST_MICROS: u64 = 60_000_000;
const TICK: Duration = Duration::from_millis(1);

struct Load {
    target: SocketAddr,
    /// Connections with nothing under way.
    idle: RefCell<Vec<Sender>>,
    busy: Cell<u32>,
    done: Cell<u64>,
    errors: Cell<u64>,
    dropped: Cell<u64>,
    /// From the due time, in microseconds.
    response: RefCell<Histogram<u64>>,
}

pub(super) fn run(target: SocketAddr, connections: u32, rate: u32, secs: f64) -> Result<()> {
    serving::runtime()?.block_on(async {
        let mut idle = Vec::new();
        for _ in 0..connections {
            idle.push(connect(target).await?);
        }
        let load = Rc::new(Load {
            target,
            idle: RefCell::new(idle),
            busy: Cell::new(0),
            done: Cell::new(0),
            errors: Cell::new(0),
            dropped: Cell::new(0),
            response: RefCell::new(Histogram::new_with_max(LONGEST_MICROS, 3)?),
        });
        pace(&load, rate, (f64::from(rate) * secs) as u64).await?;
        while load.busy.get() > 0 {
            tokio::time::sleep(TICK).await;
        }
        load.print();
        Ok(())
    })
}

async fn pace(load: &Rc<Load>, rate: u32, arrivals: u64) -> Result<()> {
    let timer = Timer::new()?;
    let start = Instant::now();
    let due = |i: u64| start + Duration::from_nanos((i as f64 * 1e9 / f64::from(rate)) as u64);
    let mut next = 0;
    while next < arrivals {
        let now = Instant::now();
        while next < arrivals && due(next) <= now {
            load.send(due(next));
            next += 1;
        }
        let wake = if rate > MOST_PRECISE_PER_SEC { due(next).max(now + TICK) } else { due(next) };
        timer.sleep_until(wake).await?;
    }
    Ok(())
}

impl Load {
    fn send(self: &Rc<Self>, due: Instant) {
        let Some(mut sender) = self.idle.borrow_mut().pop() else {
            self.dropped.set(self.dropped.get() + 1);
            return;
        };
        self.busy.set(self.busy.get() + 1);
        let load = Rc::clone(self);
        tokio::task::spawn_local(async move {
            match get(&mut sender, load.target).await {
                Ok(()) => {
                    load.response.borrow_mut().saturating_record(due.elapsed().as_micros() as u64);
                    load.done.set(load.done.get() + 1);
                    load.idle.borrow_mut().push(sender);
                }
                Err(_) => load.errors.set(load.errors.get() + 1),
            }
            load.busy.set(load.busy.get() - 1);
        });
    }

    fn print(&self) {
        let response = self.response.borrow();
        let at = |quantile| response.value_at_quantile(quantile) as f64 / 1000.0;
        let percentiles = json!({
            "avg": response.mean() / 1000.0, "med": at(0.5),
            "p(90)": at(0.9), "p(95)": at(0.95), "p(99)": at(0.99),
        });
        println!(
            "{}",
            json!({
                "exchanges": self.done.get(), "dropped": self.dropped.get(), "errors": self.errors.get(),
                "response": percentiles,
            })
        );
    }
}
