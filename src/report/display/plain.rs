//! Progress for logs: a block of lines now and then, and one at each change of phase.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use super::super::{Phase, Progress, Waiting};
use super::{Layout, headline, line, target_line};

pub(super) struct Plain {
    out: Box<dyn Write + Send>,
    every: Duration,
    phase: Option<Phase>,
    /// When the next block is due, in time under load.
    next: Duration,
    /// What was waited for when it was told last.
    waiting: Option<Waiting>,
}

impl Plain {
    pub(super) fn new(out: Box<dyn Write + Send>, every: Duration) -> Self {
        Plain { out, every, phase: None, next: every, waiting: None }
    }

    pub(super) fn every(&mut self, every: Duration) {
        (self.every, self.next) = (every, every);
    }

    pub(super) fn update(&mut self, progress: &Progress) {
        let due = progress.elapsed >= self.next && progress.phase.has_load();
        if due {
            // Counted from this block: one that comes late is not made up for by a burst.
            self.next = progress.elapsed.saturating_add(self.every);
        }
        let new_phase = self.phase.replace(progress.phase) != Some(progress.phase);
        if due || new_phase && progress.phase == Phase::Finished {
            self.block(progress);
        } else if new_phase || self.is_news(progress.waiting.as_ref()) {
            self.waiting.clone_from(&progress.waiting);
            self.write(&headline(progress));
        }
    }

    /// Something else is waited for, or for another reason, or for longer by as much as lies between two blocks.
    fn is_news(&self, waiting: Option<&Waiting>) -> bool {
        let Some(waiting) = waiting else { return false };
        self.waiting.as_ref().is_none_or(|told| {
            let since = waiting.waited.saturating_sub(told.waited);
            (&told.what, &told.why) != (&waiting.what, &waiting.why) || since >= self.every
        })
    }

    fn block(&mut self, progress: &Progress) {
        let name_width =
            progress.scenarios.iter().map(|scenario| scenario.name.chars().count()).max().unwrap_or(0);
        let layout = Layout { name_width, bar: false };
        let mut lines = vec![headline(progress)];
        let scenarios = progress.scenarios.iter();
        lines.extend(scenarios.map(|scenario| line(scenario, progress.phase, progress.elapsed, layout)));
        lines.extend(target_line(&progress.probes));
        self.write(&lines.join("\n"));
    }

    /// In one write, so that lines of others do not come between. Errors are ignored: whoever
    /// listened may be gone, and the run goes on.
    pub(super) fn write(&mut self, text: &str) {
        let _ = self.out.write_all(format!("{text}\n").as_bytes());
        let _ = self.out.flush();
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain")
            .field("every", &self.every)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::report::{ProgressProbe, ScenarioProgress};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn at(phase: Phase, secs: u64) -> Progress {
        Progress {
            phase,
            elapsed: Duration::from_secs(secs),
            planned: Duration::from_secs(8),
            scenarios: vec![ScenarioProgress {
                name: "chat".to_owned(),
                duration: Duration::from_secs(8),
                active_vus: 1,
                allocated_vus: 1,
                completed: secs,
                iterations_per_sec: 1.0,
                ..ScenarioProgress::default()
            }],
            probes: vec![ProgressProbe {
                name: "hz".to_owned(),
                last: Some(99.8),
                ..ProgressProbe::default()
            }],
            ..Progress::default()
        }
    }

    #[test]
    fn what_is_waited_for_is_told_when_it_changes_and_now_and_then() {
        let written = Written::default();
        let mut plain = Plain::new(Box::new(written.clone()), Duration::from_secs(5));
        for (why, secs) in
            [("refused", 1), ("refused", 2), ("status 503", 3), ("status 503", 7), ("status 503", 8)]
        {
            let (what, why) = ("GET http://h/".to_owned(), why.to_owned());
            let (waited, at_most) = (Duration::from_secs(secs), Duration::from_secs(30));
            let waiting = Some(Waiting { what, why, waited, at_most });
            plain.update(&Progress { waiting, ..Progress::default() });
        }
        let expected = "\
preflight: waiting for GET http://h/: refused (1s of 30s)
preflight: waiting for GET http://h/: status 503 (3s of 30s)
preflight: waiting for GET http://h/: status 503 (8s of 30s)
";
        assert_eq!(String::from_utf8(written.0.lock().unwrap().clone()).unwrap(), expected);
    }

    #[test]
    fn a_block_comes_every_so_often_and_at_the_end_and_a_line_at_each_change_of_phase() {
        let written = Written::default();
        let mut plain = Plain::new(Box::new(written.clone()), Duration::from_secs(5));
        plain.update(&at(Phase::Preflight, 0));
        plain.update(&at(Phase::Preflight, 0));
        (0..8).for_each(|secs| plain.update(&at(Phase::Running, secs)));
        plain.update(&at(Phase::Draining, 8));
        plain.update(&at(Phase::Finished, 9));
        plain.update(&at(Phase::Finished, 9));
        let expected = "\
preflight: no load is sent yet
running (00.0s/8s), 1/1 VUs, 0 complete and 0 interrupted iterations
running (05.0s/8s), 1/1 VUs, 5 complete and 0 interrupted iterations
chat   [  62% ] 1/1 VUs  05.0s/8s  1.0 iters/s
target: hz 99.8
draining (08.0s/8s), 1/1 VUs, 8 complete and 0 interrupted iterations
finished (09.0s/8s), 1/1 VUs, 9 complete and 0 interrupted iterations
chat ✓ [ 100% ] 1/1 VUs  8s  1.0 iters/s
target: hz 99.8
";
        assert_eq!(String::from_utf8(written.0.lock().unwrap().clone()).unwrap(), expected);
    }

    #[test]
    fn a_broken_pipe_does_not_end_the_run() {
        let mut plain = Plain::new(Box::new(Broken), Duration::from_secs(1));
        plain.update(&at(Phase::Running, 3));
        plain.write("still here");
    }
}
