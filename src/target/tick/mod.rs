//! The loop the plans watch: ticks at a fixed rate on a thread of its own, and what became of them.
//!
//! A thread, not a task: with a task, requests would delay the ticks, and the gauge would say something
//! about the runtime. As it is, ticks suffer from what takes the processor away, and from faults.

mod history;
mod hz;
mod pacer;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

pub(super) use self::history::{BOUNDS_SECS, History};
pub use self::hz::Hz;

use self::pacer::Pacer;
use super::fault::ActiveFaults;

/// How the loop is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Ticking(Hz),
    Stalled,
}

/// The running loop; it ends, within a tick, when this is dropped.
pub(super) struct Ticker {
    history: Arc<History>,
    /// Never sent to: that it is gone is the signal.
    _alive: Sender<()>,
}

impl Ticker {
    /// Starts the loop.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn start(nominal: Hz, faults: Arc<ActiveFaults>) -> io::Result<Self> {
        let (alive, stop) = channel();
        let begun = Instant::now();
        let history = Arc::new(History::new(begun, nominal));
        let recorded = Arc::clone(&history);
        thread::Builder::new()
            .name("target-loop".to_owned())
            .spawn(move || run(begun, nominal, &faults, &recorded, &stop))?;
        Ok(Self { history, _alive: alive })
    }

    pub(super) fn history(&self) -> Arc<History> {
        Arc::clone(&self.history)
    }
}

fn run(begun: Instant, nominal: Hz, faults: &ActiveFaults, history: &History, stop: &Receiver<()>) {
    let mut pacer = Pacer::new(begun, nominal);
    loop {
        let wait = pacer.due().saturating_duration_since(Instant::now());
        if stop.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let now = Instant::now();
        match faults.pace(nominal, now) {
            Pace::Ticking(hz) => {
                history.record(now);
                pacer.ticked(hz, now);
            }
            Pace::Stalled => pacer.restart(now),
        }
    }
}
