//! Threads that give way to the load: whoever asks much, the workers come first.

/// Ten levels of Linux' niceness leave a thread about a tenth of its weight beside a worker of the load.
const NICENESS: i32 = 10;
const LAST_NICENESS: i32 = 19;

/// Of this thread, and of those that it starts from now on. Where it cannot be set the work is done all the same.
pub fn lower_priority() {
    let _as_it_was = niceness().and_then(|own| {
        let lower = (own + NICENESS).min(LAST_NICENESS);
        rustix::process::setpriority_process(Some(rustix::thread::gettid()), lower)
    });
}

/// This thread's: on Linux niceness belongs to a thread.
pub(super) fn niceness() -> rustix::io::Result<i32> {
    rustix::process::getpriority_process(Some(rustix::thread::gettid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_gives_way_takes_along_those_it_starts_and_no_other() {
        let own = niceness().unwrap();
        let started = std::thread::spawn(|| {
            lower_priority();
            (niceness().unwrap(), std::thread::spawn(|| niceness().unwrap()).join().unwrap())
        });
        let lower = (own + 10).min(19);
        assert_eq!(started.join().unwrap(), (lower, lower));
        assert_eq!(niceness().unwrap(), own);
    }
}
