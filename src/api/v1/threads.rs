//! Threads that evaluate queries and wait a while for the next: a page asks some fifty a second, and a thread for each
//! costs as much as what it does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::api::lower_priority;

/// Reserved, not used, unless an expression nests deeply.
const STACK_BYTES: usize = 32 << 20;
const WAITS: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// As many as work at a time; whoever asks bounds that. (tokio's own pool panics where no thread can be started.)
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Threads {
    /// Those that wait, the last one to have worked last: its memory is the warmest.
    idle: Arc<Mutex<Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    thread: std::thread::ThreadId,
    jobs: Sender<Job>,
}

impl Threads {
    /// Does this on one of them, with a low priority.
    ///
    /// # Errors
    /// No thread waits and none can be started.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut job: Job = Box::new(job);
        let waiting = self.idle().pop();
        if let Some(idle) = waiting {
            match idle.jobs.send(job) {
                Ok(()) => return Ok(()),
                Err(unsent) => job = unsent.0,
            }
        }
        let threads = self.clone();
        let builder = std::thread::Builder::new().name("query".to_owned()).stack_size(STACK_BYTES);
        builder.spawn(move || threads.work(job)).map(drop)
    }

    fn work(&self, first: Job) {
        lower_priority();
        let (jobs, given) = channel();
        let mut next = Some(first);
        while let Some(job) = next {
            // What panics has said why on stderr; who waits for its answer sees that there is none.
            let _panicked = catch_unwind(AssertUnwindSafe(job));
            next = self.wait(&jobs, &given);
        }
    }

    fn wait(&self, jobs: &Sender<Job>, given: &Receiver<Job>) -> Option<Job> {
        let thread = std::thread::current().id();
        self.idle().push(Idle { thread, jobs: jobs.clone() });
        if let Ok(job) = given.recv_timeout(WAITS) {
            return Some(job);
        }
        let mut idle = self.idle();
        let here = idle.iter().position(|idle| idle.thread == thread);
        match here {
            Some(at) => {
                idle.remove(at);
                None
            }
            // Somebody has just taken this one, and is about to send.
            None => {
                drop(idle);
                given.recv_timeout(WAITS).ok()
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

    use super::*;

    /// Where a job is done, once its thread waits again.
    fn done_by(threads: &Threads) -> ThreadId {
        let (send, receive) = channel();
        threads.run(move || send.send(std::thread::current().id()).unwrap()).unwrap();
        let thread = receive.recv().unwrap();
        while !threads.idle().iter().any(|idle| idle.thread == thread) {
            std::thread::yield_now();
        }
        thread
    }

    #[test]
    fn a_thread_that_waits_does_the_next_job_and_outlives_a_panic() {
        let threads = Threads::default();
        let first = done_by(&threads);
        assert_eq!(done_by(&threads), first);
        threads.run(|| panic!("a test of what a panic does")).unwrap();
        while threads.idle().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(done_by(&threads), first);
    }

    #[test]
    fn jobs_at_the_same_time_have_threads_of_their_own() {
        let threads = Threads::default();
        let (end, ended) = channel::<()>();
        let (send, receive) = channel();
        let busy = send.clone();
        threads
            .run(move || {
                busy.send(std::thread::current().id()).unwrap();
                let _ = ended.recv();
            })
            .unwrap();
        let first = receive.recv().unwrap();
        threads.run(move || send.send(std::thread::current().id()).unwrap()).unwrap();
        assert_ne!(receive.recv().unwrap(), first);
        drop(end);
    }

    #[test]
    fn who_is_gone_is_replaced() {
        let threads = Threads::default();
        let (jobs, given) = channel();
        drop(given);
        threads.idle().push(Idle { thread: std::thread::current().id(), jobs });
        assert_ne!(done_by(&threads), std::thread::current().id());
    }
}
