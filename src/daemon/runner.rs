//! One run of the daemon, from the queue to its verdict, on a thread of its own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::accept::compiled;
use super::audience::LogSink;
use super::recorder::Recorder;
use super::writer::{Entry, Writer};
use super::{Active, Inner, now_ms};
use crate::plan::Plan;
use crate::report::{Finished, TrendStat, json_summary};
use crate::run::{Control, RunOptions, execute};
use crate::scheduler::LoadOptions;
use crate::store::{Ending, RunId, RunRecord, RunState, StoreError, fault_point};

/// Of a plan that is no longer valid, as in k6.
const INVALID_PLAN: u8 = 104;
/// Our own fault.
const INTERNAL: u8 = 1;

impl Inner {
    /// Takes the run out of the queue. From here on it is never begun again.
    ///
    /// # Errors
    /// When it is not begun: the disk did not take note of it, or there is no thread.
    pub(super) fn begin(self: &Arc<Self>, run: &RunRecord) -> io::Result<()> {
        fault_point("before-begin");
        let (stop, stopped) = oneshot::channel();
        let (control, controlled) = Control::new(self.settings().scale_limits());
        // Before the disk knows: who stops the run then finds it either here or in the queue.
        self.lock_active().insert(run.id.clone(), Active { stop: Some(stop), control, progress: None });
        if let Err(error) = self.runs.enter(&run.id, RunState::Preflight, now_ms()) {
            self.lock_active().remove(&run.id);
            // Stopped while it was on its way out of the queue: then it is over.
            return if matches!(error, StoreError::Ended { .. }) {
                Ok(())
            } else {
                Err(io::Error::other(error))
            };
        }
        fault_point("after-begin");
        self.announce();
        let (inner, id) = (Arc::clone(self), run.id.clone());
        let thread = std::thread::Builder::new().name("run".to_owned()).spawn(move || {
            let ran = catch_unwind(AssertUnwindSafe(|| inner.perform(&id, stopped, controlled)));
            let ending = ran.unwrap_or_else(|_| Ending {
                verdict: "inconclusive".to_owned(),
                exit_code: INTERNAL,
                ended_by: Some("the run's thread panicked: please report it, with stderr".to_owned()),
                summary: serde_json::Value::Null,
                at_ms: now_ms(),
            });
            inner.seal(&id, ending);
        });
        if let Err(error) = thread {
            self.seal(&run.id, failed(INTERNAL, format!("failed to start a thread: {error}")));
        }
        Ok(())
    }

    fn perform(
        self: &Arc<Self>,
        id: &RunId,
        stopped: oneshot::Receiver<String>,
        controlled: crate::run::Controlled,
    ) -> Ending {
        let submission = match self.runs.submission(id) {
            Ok(submission) => submission,
            Err(error) => return failed(INTERNAL, format!("failed to read what was submitted: {error}")),
        };
        let settings = self.settings();
        let plan = match compiled(&settings, &submission) {
            Ok(plan) => Arc::new(plan),
            Err(problems) => return failed(INVALID_PLAN, problems),
        };
        let writer = match Writer::start(
            id.clone(),
            Arc::clone(&self.runs),
            Arc::clone(&self.series),
            self.told(id),
        ) {
            Ok(writer) => writer,
            Err(error) => return failed(INTERNAL, format!("failed to start a thread: {error}")),
        };
        let (pen, shown) = (writer.pen.clone(), Arc::clone(&plan));
        let sink: LogSink = Arc::new(move |line| {
            let line = shown.redactor.redact(line);
            pen.note(now_ms(), Entry::Log(line.clone()));
            line
        });
        let log = self.audience.log(id, sink);
        let mut recorder = Recorder::new(id.clone(), Arc::clone(self), writer.pen.clone());
        let ran = {
            let _log = tracing::dispatcher::set_default(&log);
            self.audience.begin(id, &plan);
            let options = self.options(id, &submission, controlled);
            self.run_to_its_end(&plan, options, &mut recorder, stopped)
        };
        self.audience.end(id);
        self.retire_later(id, plan.retain_series);
        // One moment for both: asked at its end, a run has its last values.
        let ended_ms = now_ms();
        recorder.keep_last_series(ended_ms);
        drop((recorder, log));
        writer.close();
        match ran {
            Ok(finished) => {
                let ending = ending(&finished, ended_ms);
                self.audience.finished(id, finished);
                ending
            }
            Err(error) => failed(INTERNAL, format!("failed to start the load: {error}")),
        }
    }

    fn run_to_its_end(
        &self,
        plan: &Arc<Plan>,
        options: RunOptions,
        recorder: &mut Recorder,
        stopped: oneshot::Receiver<String>,
    ) -> io::Result<Finished> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = async {
            match stopped.await {
                Ok(why) => why,
                // Nobody can stop it any more.
                Err(_) => std::future::pending().await,
            }
        };
        runtime.block_on(execute(Arc::clone(plan), options, recorder, stop))
    }

    fn options(
        self: &Arc<Self>,
        id: &RunId,
        submission: &crate::store::Submission,
        controlled: crate::run::Controlled,
    ) -> RunOptions {
        let settings = self.settings();
        RunOptions {
            testid: id.0.clone(),
            tags: submission.tags.clone(),
            load: LoadOptions::default(),
            store: Arc::clone(&self.series),
            external_url: self.external_url.clone(),
            prometheus: settings.judge(),
            standing: Some(Arc::clone(&settings.standing)),
            control: Some(controlled),
            actions: self.action_options(id),
            written: None,
        }
    }

    /// The last word on a run. A disk that does not take it is asked again until it does: the run is over all the same.
    fn seal(self: &Arc<Self>, id: &RunId, ending: Ending) {
        fault_point("before-finish");
        tracing::info!(testid = id.0, verdict = ending.verdict, exit_code = ending.exit_code, "finished");
        self.lock_active().remove(id);
        match self.runs.finish(id, &ending) {
            Ok(_) => {
                fault_point("after-finish");
                // What programs wrote is in the summary, without secrets.
                let _there_was_none = std::fs::remove_dir_all(self.action_folder(id));
                self.announce();
                // Who looks at /metrics now sees the last verdict of the test, and not that of the run before.
                self.show_own();
            }
            Err(error) => {
                tracing::error!(testid = id.0, "failed to write the verdict, and goes on trying: {error}");
                self.keep_trying(id.clone(), ending);
            }
        }
        self.work.notify_one();
    }
}

fn ending(finished: &Finished, at_ms: i64) -> Ending {
    Ending {
        verdict: finished.verdict.label().to_owned(),
        exit_code: finished.exit_code(),
        ended_by: finished.ended_by.clone(),
        summary: json_summary(finished, &TrendStat::EXPORTED),
        at_ms,
    }
}

/// No load was sent.
fn failed(exit_code: u8, why: String) -> Ending {
    Ending {
        verdict: "inconclusive".to_owned(),
        exit_code,
        ended_by: Some(why),
        summary: serde_json::Value::Null,
        at_ms: now_ms(),
    }
}
