//! A run that another thread watches, tick by tick, while it does something to its servers.

use std::sync::{Arc, mpsc};
use std::thread;

use loadgate::family::Family;
use loadgate::report::Progress;
use loadgate::run::{Listener, execute};
use tokio::sync::oneshot;

use super::run::{Ran, Samples, compiled, options};

/// What the other thread sees of the run.
pub(crate) struct Watch {
    ticks: mpsc::Receiver<Samples>,
    last: Samples,
    stop: Option<oneshot::Sender<String>>,
}

struct Teller {
    seen: Vec<Samples>,
    tell: mpsc::Sender<Samples>,
}

impl Listener for Teller {
    fn progress(&mut self, _progress: &Progress) {}

    fn families(&mut self, families: Vec<Family>) {
        let samples = Samples::of(&families);
        // Nobody listens any more once all is done.
        let _ = self.tell.send(samples.clone());
        self.seen.push(samples);
    }
}

impl Watch {
    /// Waits for the next tick, which shows what counts.
    fn tick(&mut self, what: &str) -> &Samples {
        match self.ticks.recv() {
            Ok(samples) => self.last = samples,
            Err(_) => panic!("the run ended before {what}; it had counted:\n{}", self.last.counts()),
        }
        &self.last
    }

    /// Waits until a counter is at `least`; what it is then.
    pub(crate) fn until(&mut self, what: &str, counter: &str, least: u64) -> u64 {
        loop {
            let count = self.tick(what).count(counter, &[]);
            if count >= least {
                return count;
            }
        }
    }

    /// Waits for a tick in which the counter stands still; what it is.
    pub(crate) fn until_still(&mut self, what: &str, counter: &str) -> u64 {
        let mut before = self.tick(what).count(counter, &[]);
        loop {
            let now = self.tick(what).count(counter, &[]);
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// Ends the run, as a user does.
    pub(crate) fn stop(&mut self) {
        // It may have ended.
        let _ = self.stop.take().map(|stop| stop.send("seen enough".to_owned()));
    }
}

impl Samples {
    /// Counters that are not 0, a line each: what a failed test tells of.
    fn counts(&self) -> String {
        let counted = |(name, labels, value): &(String, _, f64)| {
            (name.ends_with("_total") && *value > 0.0).then(|| format!("{name}{labels:?} {value}\n"))
        };
        self.0.iter().filter_map(counted).collect()
    }
}

/// Runs a plan while `deed` is done beside it.
pub(crate) fn watched<T: Send>(plan: &str, deed: impl FnOnce(&mut Watch) -> T + Send) -> (Ran, T) {
    let plan = Arc::new(compiled(plan).unwrap_or_else(|problems| panic!("{problems}\n{plan}")));
    let (tell, ticks) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let mut teller = Teller { seen: Vec::new(), tell };
    thread::scope(|scope| {
        let mut watch = Watch { ticks, last: Samples(Vec::new()), stop: Some(stop) };
        let deed = scope.spawn(move || {
            let done = deed(&mut watch);
            // What is gone has failed, and the run need not go on.
            (done, watch)
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stop = async { stopped.await.unwrap_or_else(|_| "nobody watches any more".to_owned()) };
        let finished = runtime.block_on(execute(plan, options(), &mut teller, stop)).unwrap();
        let last = teller.seen.pop().unwrap();
        let ran = Ran { finished, last, earlier: std::mem::take(&mut teller.seen) };
        // No more ticks: who still waits for one is told.
        drop(teller);
        let (done, _) = deed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (ran, done)
    })
}
