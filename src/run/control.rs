//! Control of a run while it lasts: a handle for whoever is asked to pause, resume or scale it, and the end of it that
//! the run holds. Ending a run early is no part of it: that is the `stop` of [`execute`](super::execute).

use tokio::sync::{mpsc, oneshot, watch};

use crate::executor::ScaleTo;
use crate::report::Phase;

/// Requests that wait for the run at the same time; whoever comes then waits to be heard.
const WAITING: usize = 8;

/// The most that scaling may come to, of all scenarios together. What the plan asks for is always allowed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ScaleLimits {
    /// `None`: as many as the plan asks for.
    pub max_vus: Option<u64>,
    /// Iterations a second of arrival rates; `None`: no limit but that of the scenario's VUs.
    pub max_rate: Option<f64>,
}

/// A handle on a run; clones are of the same run. Answers say why something cannot be done, for people.
#[derive(Debug, Clone)]
pub struct Control {
    requests: mpsc::Sender<Request>,
    phase: watch::Receiver<Option<Phase>>,
}

/// The run's end of a [`Control`], for [`RunOptions`](super::RunOptions).
#[derive(Debug)]
pub struct Controlled {
    requests: mpsc::Receiver<Request>,
    phase: watch::Sender<Option<Phase>>,
    pub(super) limits: ScaleLimits,
}

/// The next request, if anybody may make one.
pub(super) async fn next(control: &mut Option<Controlled>) -> Request {
    match control.as_mut() {
        Some(control) => control.request().await,
        None => std::future::pending().await,
    }
}

/// What somebody wants, and where the answer goes.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) wish: Wish,
    pub(super) answer: oneshot::Sender<Result<(), String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    Pause,
    Resume,
    Scale { scenario: Option<String>, to: ScaleTo },
}

impl Control {
    /// Both ends.
    pub fn new(limits: ScaleLimits) -> (Control, Controlled) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (told, phase) = watch::channel(None);
        (Control { requests: sender, phase }, Controlled { requests: receiver, phase: told, limits })
    }

    /// From when it returns no iteration begins, and the schedule stands still; iterations that run go on to their end.
    /// A pause has no limit: it lasts until somebody resumes or stops the run.
    ///
    /// # Errors
    /// When no load is sent yet or any more, or the run is paused already.
    pub async fn pause(&self) -> Result<(), String> {
        self.ask(Wish::Pause).await
    }

    /// The schedule goes on where it stood. What would have been due during the pause is due later, not at once.
    ///
    /// # Errors
    /// When the run is not paused.
    pub async fn resume(&self) -> Result<(), String> {
        self.ask(Wish::Resume).await
    }

    /// From when it returns a `constant-vus` scenario has another number of VUs, or a `constant-arrival-rate` another
    /// rate. VUs that are too many finish their iteration. `scenario` may be left out where the plan has only one.
    ///
    /// # Errors
    /// When no load is sent yet or any more, the plan has no such scenario, its executor has no such number, or the
    /// number is above the limits.
    pub async fn scale(&self, scenario: Option<&str>, to: ScaleTo) -> Result<(), String> {
        self.ask(Wish::Scale { scenario: scenario.map(str::to_owned), to }).await
    }

    /// The run takes requests only while it sends load.
    async fn ask(&self, wish: Wish) -> Result<(), String> {
        let phase = *self.phase.borrow();
        let refused = match phase {
            None => Some("the run has not begun yet"),
            Some(Phase::Preflight | Phase::Setup) => {
                Some("the run sends no load yet: try again when it is running")
            }
            Some(Phase::Running | Phase::Paused | Phase::Draining) => None,
            Some(Phase::Verifying | Phase::Teardown | Phase::Finished) => Some(OVER),
        };
        if let Some(why) = refused {
            return Err(why.to_owned());
        }
        let (answer, answered) = oneshot::channel();
        let over = || OVER.to_owned();
        self.requests.send(Request { wish, answer }).await.map_err(|_closed| over())?;
        answered.await.map_err(|_dropped| over())?
    }
}

const OVER: &str = "the load of the run is over";

impl Controlled {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(Some(phase));
    }

    /// The next request.
    async fn request(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            // Nobody holds the other end any more.
            None => std::future::pending().await,
        }
    }

    /// From here on nothing is done any more; whoever waits for an answer is told so.
    pub(super) fn close(&mut self) {
        self.requests.close();
        while self.requests.try_recv().is_ok() {}
    }
}
