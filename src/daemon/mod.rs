//! Runs that outlive the terminal: a queue, schedules, and recovery after a crash. Knows nothing of HTTP.
//!
//! Whoever serves calls [`Daemon`]; each of its methods answers at once or after the disk, never after a run. A run is on
//! disk before it is promised, and marked as begun before anything of it is done: so it is neither lost nor done twice.

mod accept;
mod audience;
mod board;
mod control;
mod journal;
mod own;
mod progress_json;
mod recorded;
mod recorder;
mod recovery;
mod reload;
mod request;
mod runner;
mod schedule;
mod settings;
mod work;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value as Json;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use audience::{Audience, LogSink};
pub use recorded::RunSeries;
pub use request::{
    Event, PlanSource, PlanView, Refusal, RunFilter, Scale, ScaleTo, ScheduleView, Submit, Submitted,
};

use crate::config::DaemonConfig;
use crate::labels::Labels;
use crate::notify::Notices;
use crate::rules::Notice;
use crate::run::{Control, OWN_JOB};
use crate::store::{Ending, RunId, RunRecord, RunState, Runs, StoreError};
use crate::tsdb::Store;
use accept::unavailable;
use board::Board;
use settings::Settings;

/// How long runs may take to end when the daemon is told to; what is left then is interrupted.
const STOP_GRACE: Duration = Duration::from_secs(60);

/// A handle; clones are the same daemon.
#[derive(Clone)]
pub struct Daemon(Arc<Inner>);

/// What a daemon is started with.
pub struct Parts {
    pub config: DaemonConfig,
    /// Reads the configuration anew.
    pub reread: Box<dyn Fn() -> Result<DaemonConfig, String> + Send + Sync>,
    pub runs: Runs,
    /// What the query API shows.
    pub series: Arc<Store>,
    pub audience: Arc<dyn Audience>,
    /// Where it is served.
    pub address: SocketAddr,
    /// Tells Alertmanagers, where there are any and no Prometheus does.
    pub notices: Option<Notices>,
}

struct Inner {
    runs: Arc<Runs>,
    series: Arc<Store>,
    settings: RwLock<Arc<Settings>>,
    reread: Box<dyn Fn() -> Result<DaemonConfig, String> + Send + Sync>,
    audience: Arc<dyn Audience>,
    address: SocketAddr,
    external_url: String,
    board: Board,
    own: Mutex<own::Own>,
    recorded: recorded::Shelf,
    notices: Mutex<Option<Notices>>,
    active: Mutex<BTreeMap<RunId, Active>>,
    /// Verdicts that the disk did not take yet.
    unsealed: Mutex<HashMap<RunId, Ending>>,
    /// Counts what happens to runs.
    changes: watch::Sender<u64>,
    /// There may be a run to begin.
    work: Notify,
    stopping: CancellationToken,
    /// Where [`Daemon::start`] was called: what waits, waits there.
    runtime: tokio::runtime::Handle,
}

/// A run that has begun and has no verdict yet.
struct Active {
    /// `None` once it was told.
    stop: Option<oneshot::Sender<String>>,
    control: Control,
    /// The data of its newest event `progress`.
    progress: Option<Json>,
}

impl Daemon {
    /// Comes back from whatever ended it before, and then works until [`Daemon::close`]. To be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// What is wrong with rule files.
    pub fn start(parts: Parts) -> Result<Daemon, String> {
        let Parts { config, reread, runs, series, audience, address, notices } = parts;
        let settings = Settings::of(config, &series, address)?;
        let instance = address.to_string();
        series.identify(&own::own_origin(), Labels::new([("job", OWN_JOB), ("instance", instance.as_str())]));
        let inner = Arc::new(Inner {
            runs: Arc::new(runs),
            series,
            settings: RwLock::new(Arc::new(settings)),
            reread,
            audience,
            address,
            external_url: format!("http://{address}"),
            board: Board::default(),
            own: Mutex::new(own::Own::new()),
            recorded: recorded::Shelf::new(),
            notices: Mutex::new(notices),
            active: Mutex::default(),
            unsealed: Mutex::default(),
            changes: watch::Sender::new(0),
            work: Notify::new(),
            stopping: CancellationToken::new(),
            runtime: tokio::runtime::Handle::current(),
        });
        let working = Arc::clone(&inner);
        tokio::spawn(async move {
            recovery::recover(&working).await;
            work::work(working).await;
        });
        Ok(Daemon(inner))
    }

    /// Ends all runs that are under way, each with its teardown and hooks, and waits for them; what is queued stays so.
    /// Resolves Alertmanagers' alerts.
    pub async fn close(&self) {
        let inner = &self.0;
        inner.stopping.cancel();
        let ids: Vec<RunId> = inner.lock_active().keys().cloned().collect();
        for id in &ids {
            inner.tell_to_stop(id, "the daemon was told to end".to_owned());
        }
        let mut changes = inner.changes.subscribe();
        let ended = async {
            while inner.active_count() > 0 {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(STOP_GRACE, ended).await.is_err() {
            tracing::error!("runs did not end within {STOP_GRACE:?}: they are interrupted");
        }
        let notices = inner.notices.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(notices) = notices {
            notices.close().await;
        }
    }

    /// When it returns, the run is on disk.
    pub async fn submit(&self, request: Submit) -> Result<Submitted, Refusal> {
        self.blocking(|inner| inner.submit(request)).await
    }

    /// As it was submitted, with the same files and values.
    pub async fn rerun(&self, id: &RunId, idempotency_key: Option<String>) -> Result<Submitted, Refusal> {
        let id = id.clone();
        self.blocking(move |inner| inner.rerun(&id, idempotency_key)).await
    }

    pub async fn run(&self, id: &RunId) -> Result<RunRecord, Refusal> {
        let id = id.clone();
        self.blocking(move |inner| inner.record(&id)).await
    }

    /// The newest first.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRecord>, Refusal> {
        self.blocking(move |inner| inner.list(filter)).await
    }

    /// A queued run ends at once, a running one gracefully: its teardown and hooks are done. Stopping a run that was told
    /// to stop is no error.
    pub async fn stop(&self, id: &RunId, why: String) -> Result<RunRecord, Refusal> {
        let id = id.clone();
        self.blocking(move |inner| inner.stop(&id, why)).await
    }

    pub async fn pause(&self, id: &RunId) -> Result<RunRecord, Refusal> {
        let control = self.0.control(id)?;
        control.pause().await.map_err(Refusal::Conflict)?;
        self.entered(id, RunState::Paused).await
    }

    pub async fn resume(&self, id: &RunId) -> Result<RunRecord, Refusal> {
        let control = self.0.control(id)?;
        control.resume().await.map_err(Refusal::Conflict)?;
        self.entered(id, RunState::Running).await
    }

    pub async fn scale(&self, id: &RunId, scale: Scale) -> Result<RunRecord, Refusal> {
        let control = self.0.control(id)?;
        control.scale(scale.scenario.as_deref(), scale.to).await.map_err(Refusal::Conflict)?;
        self.run(id).await
    }

    /// The run has entered this state, whether the disk knows it already or not.
    async fn entered(&self, id: &RunId, state: RunState) -> Result<RunRecord, Refusal> {
        let record = self.run(id).await?;
        Ok(if record.state.has_ended() { record } else { RunRecord { state, ..record } })
    }

    pub async fn delete(&self, id: &RunId) -> Result<(), Refusal> {
        let id = id.clone();
        self.blocking(move |inner| {
            let record = inner.record(&id)?;
            if !record.state.has_ended() {
                return Err(Refusal::Conflict(format!(
                    "run {id} is {}: stop it first",
                    record.state.label()
                )));
            }
            inner.runs.delete(&id).map_err(|error| unavailable(&error))?;
            inner.recorded.forget(&id);
            Ok(())
        })
        .await
    }

    /// Those after the sequence number `after`, and whether the run has ended with the last of them; `None` from the
    /// first. Ask again after [`Daemon::changed`].
    pub async fn events(&self, id: &RunId, after: Option<u64>) -> Result<(Vec<Event>, bool), Refusal> {
        let id = id.clone();
        self.blocking(move |inner| inner.events(&id, after)).await
    }

    /// Resolves when any run has a new event or a new state since `seen`, which it answers anew.
    pub async fn changed(&self, seen: u64) -> u64 {
        let mut changes = self.0.changes.subscribe();
        let changed = changes.wait_for(|count| *count != seen).await.map(|count| *count);
        match changed {
            Ok(count) => count,
            Err(_) => std::future::pending().await,
        }
    }

    /// How far a run has come that is under way: the data of its newest event `progress`.
    pub fn progress(&self, id: &RunId) -> Option<Json> {
        self.0.lock_active().get(id)?.progress.clone()
    }

    /// What the run logged: lines of text.
    pub async fn log(&self, id: &RunId) -> Result<String, Refusal> {
        let id = id.clone();
        self.blocking(move |inner| {
            inner.record(&id)?;
            inner.runs.log(&id).map_err(|error| unavailable(&error))
        })
        .await
    }

    /// Every metric and every gate of two finished runs, with sentences on what got worse.
    pub async fn compare(&self, a: &RunId, b: &RunId) -> Result<Json, Refusal> {
        let (a, b) = (a.clone(), b.clone());
        self.blocking(move |inner| inner.compare(&a, &b)).await
    }

    pub async fn plans(&self) -> Vec<PlanView> {
        self.blocking(|inner| Ok(inner.plan_views())).await.unwrap_or_default()
    }

    pub async fn schedules(&self) -> Vec<ScheduleView> {
        self.0.schedule_views()
    }

    /// Reads the configuration again and takes it whole, or not at all.
    pub async fn reload(&self) -> Result<(), Refusal> {
        self.blocking(|inner| inner.reload()).await
    }

    /// Whether it has come back from whatever ended it before.
    pub fn is_ready(&self) -> bool {
        self.0.own().recovered
    }

    /// Work that waits for the disk, where that delays nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Inner>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.unwrap_or_else(|_| {
            Err(Refusal::Unavailable("the daemon has panicked over this: please report it".to_owned()))
        })
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").finish_non_exhaustive()
    }
}

impl Inner {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn own(&self) -> MutexGuard<'_, own::Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_active(&self) -> MutexGuard<'_, BTreeMap<RunId, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn active_count(&self) -> usize {
        self.lock_active().len()
    }

    /// Something happened to a run: who follows one may look.
    fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn notify(&self, at_ms: i64, notices: Vec<Notice>) {
        if let Some(notifier) = self.notices.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            notifier.send(at_ms, notices);
        }
    }

    fn record(&self, id: &RunId) -> Result<RunRecord, Refusal> {
        let record = self.runs.record(id).map_err(|error| unavailable(&error))?;
        let mut record = record.ok_or_else(|| Refusal::NoSuchRun(id.clone()))?;
        self.unsealed_over(&mut record);
        Ok(record)
    }
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        unavailable(&error)
    }
}
