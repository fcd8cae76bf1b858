//! A daemon in memory, behind the API that a real one has: runs go as far as a test lets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use loadgate::api::{Access, Runs, Sources, serve_daemon};
use loadgate::config::PlanOutline;
use loadgate::daemon::{
    Event, PlanSource, PlanView, Refusal, RunFilter, RunSeries, Scale, ScaleTo, ScheduleView, Submit,
    Submitted,
};
use loadgate::labels::Labels;
use loadgate::promql::Point;
use loadgate::store::{RunId, RunRecord, RunState, Trigger};
use loadgate::tsdb::Store;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Service;

type Answer<T> = Result<T, Refusal>;

/// So that streams take several pages.
const EVENTS_PER_PAGE: usize = 3;
/// 2026-11-21T03:16:35Z
const EPOCH_MS: i64 = 1_795_230_995_000;

#[derive(Clone)]
pub(crate) struct FakeDaemon {
    world: Arc<Mutex<World>>,
    changes: watch::Sender<u64>,
    /// A run ends as soon as it is accepted.
    ends_at_once: bool,
}

#[derive(Default)]
struct World {
    runs: BTreeMap<RunId, Entry>,
    keys: BTreeMap<String, (String, RunId)>,
    submitted: Vec<Submit>,
    scaled: Vec<Scale>,
    next: u32,
}

struct Entry {
    record: RunRecord,
    events: Vec<Event>,
    log: String,
}

impl Entry {
    fn tell(&mut self, kind: &str, data: Value) {
        let seq = self.events.len() as u64 + 1;
        let at_ms = EPOCH_MS + i64::try_from(seq).unwrap();
        self.events.push(Event { seq, at_ms, kind: kind.to_owned(), data });
    }
}

impl FakeDaemon {
    /// Runs stay queued until they are told otherwise.
    pub(crate) fn new() -> Self {
        FakeDaemon { world: Arc::default(), changes: watch::Sender::new(1), ends_at_once: false }
    }

    pub(crate) fn that_ends_runs_at_once() -> Self {
        FakeDaemon { ends_at_once: true, ..FakeDaemon::new() }
    }

    /// Serves the API.
    pub(crate) fn serve(&self, access: Access) -> Service {
        let runs = self.clone();
        Service::start(move |listener, stop| async move {
            let sources = Arc::new(Sources::new(Arc::default()));
            sources.exporter.publish(Vec::new());
            let stopped = async {
                let _dropped = stop.await;
            };
            serve_daemon(listener, sources, runs, access, stopped).await;
        })
    }

    pub(crate) fn serve_on_loopback(&self) -> Service {
        self.serve(Access::on_loopback(["localhost"]))
    }

    /// What was asked for, in order.
    pub(crate) fn submitted(&self) -> Vec<Submit> {
        self.world().submitted.clone()
    }

    pub(crate) fn scaled(&self) -> Vec<Scale> {
        self.world().scaled.clone()
    }

    /// A run of a plan of ours.
    pub(crate) fn queue(&self) -> RunId {
        let named = PlanSource::Named("health".to_owned());
        let request =
            Submit { plan: named, profile: None, env: Vec::new(), tags: Vec::new(), idempotency_key: None };
        self.accept(&request, Trigger::Api).id
    }

    pub(crate) fn to(&self, id: &RunId, state: RunState) {
        self.change(id, |entry| entry.record.state = state);
        let name = format!("{state:?}").to_lowercase();
        self.tell(id, "state", json!({"state": name}));
    }

    pub(crate) fn tell(&self, id: &RunId, kind: &str, data: Value) {
        self.change(id, |entry| entry.tell(kind, data));
    }

    pub(crate) fn finish(&self, id: &RunId, verdict: &str, exit_code: u8) {
        self.change(id, |entry| {
            entry.record.state = RunState::Finished;
            entry.record.ended_ms = Some(EPOCH_MS + 60_000);
            entry.record.verdict = Some(verdict.to_owned());
            entry.record.exit_code = Some(exit_code);
            entry.record.summary = Some(json!({
                "version": 1, "testid": id.0, "test": "health", "verdict": verdict, "exit_code": exit_code,
                "ended_by": null,
                "gates": [{"metric": "checks", "threshold": "rate>0.99", "outcome": "held"}],
                "doubts": [], "metrics": {}, "checks": [],
            }));
            // At once: who sees that it has ended has seen its last event.
            entry.tell("finished", json!({"verdict": verdict, "exit_code": exit_code}));
        });
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn change(&self, id: &RunId, change: impl FnOnce(&mut Entry)) {
        change(self.world().runs.get_mut(id).unwrap());
        self.changes.send_modify(|count| *count += 1);
    }

    fn accept(&self, request: &Submit, trigger: Trigger) -> RunRecord {
        let mut world = self.world();
        world.next += 1;
        let id = RunId(format!("run-{:04}", world.next));
        let (test, plan) = match &request.plan {
            PlanSource::Named(name) => (name.clone(), format!("config/plans/{name}.yml")),
            PlanSource::Given(bundle) => ("given".to_owned(), bundle.plan.clone()),
        };
        let record = RunRecord {
            id: id.clone(),
            test,
            plan,
            profile: request.profile.clone(),
            tags: request.tags.clone(),
            trigger,
            state: RunState::Queued,
            submitted_ms: EPOCH_MS + i64::from(world.next),
            started_ms: None,
            ended_ms: None,
            verdict: None,
            exit_code: None,
            ended_by: None,
            summary: None,
        };
        let entry =
            Entry { record: record.clone(), events: Vec::new(), log: "load began\nload ended\n".to_owned() };
        world.runs.insert(id.clone(), entry);
        drop(world);
        self.to(&id, RunState::Queued);
        if self.ends_at_once {
            self.finish(&id, "passed", 0);
        }
        self.world().runs.get(&id).unwrap().record.clone()
    }

    fn once(
        &self,
        key: Option<&String>,
        what: String,
        make: impl FnOnce() -> RunRecord,
    ) -> Answer<Submitted> {
        let known = key.and_then(|key| self.world().keys.get(key).cloned());
        if let Some((then, id)) = known {
            if then != what {
                return Err(Refusal::Conflict("this Idempotency-Key came with another request".to_owned()));
            }
            return Ok(Submitted { run: self.find(&id)?, created: false });
        }
        let run = make();
        if let Some(key) = key {
            self.world().keys.insert(key.clone(), (what, run.id.clone()));
        }
        Ok(Submitted { run, created: true })
    }

    fn find(&self, id: &RunId) -> Answer<RunRecord> {
        let found = self.world().runs.get(id).map(|entry| entry.record.clone());
        found.ok_or_else(|| Refusal::NoSuchRun(id.clone()))
    }

    /// From one of some states to another.
    fn turn(&self, id: &RunId, from: &[RunState], to: RunState) -> Answer<RunRecord> {
        let state = self.find(id)?.state;
        if !from.contains(&state) {
            return Err(Refusal::Conflict(format!("the run {id} is {state:?}")));
        }
        self.to(id, to);
        self.find(id)
    }
}

fn has_ended(state: RunState) -> bool {
    matches!(state, RunState::Finished | RunState::Interrupted)
}

impl Runs for FakeDaemon {
    async fn submit(&self, request: Submit) -> Answer<Submitted> {
        self.world().submitted.push(request.clone());
        match &request.plan {
            PlanSource::Named(name) if !matches!(name.as_str(), "health" | "chat-streaming") => {
                return Err(Refusal::Invalid(format!("there is no plan `{name}`; did you mean `health`?")));
            }
            PlanSource::Given(bundle) if bundle.files[&bundle.plan].starts_with(b"# broken") => {
                return Err(Refusal::Invalid(format!("{}:1:1: expected a plan", bundle.plan)));
            }
            _ => {}
        }
        let what = format!("{request:?}");
        self.once(request.idempotency_key.as_ref(), what, || self.accept(&request, Trigger::Api))
    }

    async fn rerun(&self, id: &RunId, key: Option<String>) -> Answer<Submitted> {
        let old = self.find(id)?;
        let named = PlanSource::Named(old.test);
        let request = Submit {
            plan: named,
            profile: old.profile,
            env: Vec::new(),
            tags: old.tags,
            idempotency_key: None,
        };
        self.once(key.as_ref(), format!("rerun {id}"), || self.accept(&request, Trigger::Rerun(id.clone())))
    }

    async fn run(&self, id: &RunId) -> Answer<RunRecord> {
        self.find(id)
    }

    async fn runs(&self, filter: RunFilter) -> Answer<Vec<RunRecord>> {
        let world = self.world();
        let newest_first = world.runs.values().rev().map(|entry| &entry.record);
        let wanted = newest_first.filter(|run| {
            (filter.states.is_empty() || filter.states.contains(&run.state))
                && filter.test.as_ref().is_none_or(|test| *test == run.test)
                && filter.before.as_ref().is_none_or(|before| run.id < *before)
        });
        Ok(wanted.take(filter.limit).cloned().collect())
    }

    async fn stop(&self, id: &RunId, _why: String) -> Answer<RunRecord> {
        let run = self.find(id)?;
        if has_ended(run.state) {
            return Err(Refusal::Conflict(format!("the run {id} has ended")));
        }
        self.finish(id, "stopped", 105);
        self.find(id)
    }

    async fn pause(&self, id: &RunId) -> Answer<RunRecord> {
        self.turn(id, &[RunState::Running], RunState::Paused)
    }

    async fn resume(&self, id: &RunId) -> Answer<RunRecord> {
        self.turn(id, &[RunState::Paused], RunState::Running)
    }

    async fn scale(&self, id: &RunId, scale: Scale) -> Answer<RunRecord> {
        if let ScaleTo::Vus(vus) = scale.to
            && vus > 20_000
        {
            return Err(Refusal::Forbidden(format!("{vus} VUs are more than limits.max_vus (20000)")));
        }
        let run = self.turn(id, &[RunState::Running], RunState::Running)?;
        self.world().scaled.push(scale);
        Ok(run)
    }

    async fn delete(&self, id: &RunId) -> Answer<()> {
        let run = self.find(id)?;
        if !has_ended(run.state) {
            return Err(Refusal::Conflict(format!("the run {id} is active: stop it first")));
        }
        self.world().runs.remove(id);
        Ok(())
    }

    async fn events(&self, id: &RunId, after: Option<u64>) -> Answer<(Vec<Event>, bool)> {
        let world = self.world();
        let entry = world.runs.get(id).ok_or_else(|| Refusal::NoSuchRun(id.clone()))?;
        let later = entry.events.iter().filter(|event| event.seq > after.unwrap_or(0));
        Ok((later.take(EVENTS_PER_PAGE).cloned().collect(), has_ended(entry.record.state)))
    }

    async fn changed(&self, seen: u64) -> u64 {
        let mut changes = self.changes.subscribe();
        let count = changes.wait_for(|count| *count != seen).await;
        count.map_or(seen, |count| *count)
    }

    fn progress(&self, id: &RunId) -> Option<Value> {
        let world = self.world();
        let newest = world.runs.get(id)?.events.iter().rev().find(|event| event.kind == "progress")?;
        Some(newest.data.clone())
    }

    async fn log(&self, id: &RunId) -> Answer<String> {
        let world = self.world();
        world.runs.get(id).map(|entry| entry.log.clone()).ok_or_else(|| Refusal::NoSuchRun(id.clone()))
    }

    /// One series, a minute long, at 5 s steps: the seconds since its beginning.
    async fn series(&self, id: &RunId) -> Answer<RunSeries> {
        self.find(id)?;
        let store = Store::new(1 << 20);
        let labels = Labels::new([("__name__", "k6_vus"), ("testid", id.0.as_str())]);
        for second in (0..=60).step_by(5) {
            store.append(&labels, Point { at_ms: EPOCH_MS + second * 1_000, value: second as f64 });
        }
        let (from_ms, to_ms) = (EPOCH_MS, EPOCH_MS + 60_000);
        Ok(RunSeries {
            store: Arc::new(store),
            from_ms,
            to_ms,
            interval: Duration::from_secs(5),
            report: Arc::default(),
        })
    }

    async fn compare(&self, a: &RunId, b: &RunId) -> Answer<Value> {
        for id in [a, b] {
            if self.find(id)?.summary.is_none() {
                return Err(Refusal::Conflict(format!("the run {id} has no results")));
            }
        }
        Ok(json!({"a": a.0, "b": b.0, "sentences": ["http_req_duration p(95) got worse by 20 %"]}))
    }

    async fn plans(&self) -> Vec<PlanView> {
        vec![PlanView {
            name: "health".to_owned(),
            path: "config/plans/health.yml".to_owned(),
            outline: PlanOutline { profiles: vec!["load".to_owned()], ..PlanOutline::default() },
            problem: None,
        }]
    }

    async fn schedules(&self) -> Vec<ScheduleView> {
        vec![ScheduleView {
            name: "nightly".to_owned(),
            plan: "health".to_owned(),
            profile: None,
            cron: "0 3 * * *".to_owned(),
            timezone: "UTC".to_owned(),
            next_ms: Some(EPOCH_MS),
        }]
    }

    async fn reload(&self) -> Answer<()> {
        Err(Refusal::Invalid("config/loadgate.yml:3:1: unknown key `liste`".to_owned()))
    }
}
