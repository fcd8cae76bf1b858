//! What the API asks of a daemon: a trait, so that its routes can be tested without one.

use serde_json::Value as Json;

use crate::daemon::{
    Daemon, Event, PlanView, Refusal, RunFilter, RunSeries, Scale, ScheduleView, Submit, Submitted,
};
use crate::store::{RunId, RunRecord};

type Answer<T> = Result<T, Refusal>;

/// The methods of [`Daemon`], which says what each does.
pub trait Runs: Clone + Send + Sync + 'static {
    fn submit(&self, request: Submit) -> impl Future<Output = Answer<Submitted>> + Send;
    fn rerun(&self, id: &RunId, key: Option<String>) -> impl Future<Output = Answer<Submitted>> + Send;
    fn run(&self, id: &RunId) -> impl Future<Output = Answer<RunRecord>> + Send;
    fn runs(&self, filter: RunFilter) -> impl Future<Output = Answer<Vec<RunRecord>>> + Send;
    fn stop(&self, id: &RunId, why: String) -> impl Future<Output = Answer<RunRecord>> + Send;
    fn pause(&self, id: &RunId) -> impl Future<Output = Answer<RunRecord>> + Send;
    fn resume(&self, id: &RunId) -> impl Future<Output = Answer<RunRecord>> + Send;
    fn scale(&self, id: &RunId, scale: Scale) -> impl Future<Output = Answer<RunRecord>> + Send;
    fn delete(&self, id: &RunId) -> impl Future<Output = Answer<()>> + Send;
    fn events(
        &self,
        id: &RunId,
        after: Option<u64>,
    ) -> impl Future<Output = Answer<(Vec<Event>, bool)>> + Send;
    fn changed(&self, seen: u64) -> impl Future<Output = u64> + Send;
    fn progress(&self, id: &RunId) -> Option<Json>;
    fn log(&self, id: &RunId) -> impl Future<Output = Answer<String>> + Send;
    fn series(&self, id: &RunId) -> impl Future<Output = Answer<RunSeries>> + Send;
    fn compare(&self, a: &RunId, b: &RunId) -> impl Future<Output = Answer<Json>> + Send;
    fn plans(&self) -> impl Future<Output = Vec<PlanView>> + Send;
    fn schedules(&self) -> impl Future<Output = Vec<ScheduleView>> + Send;
    fn reload(&self) -> impl Future<Output = Answer<()>> + Send;
}

impl Runs for Daemon {
    async fn submit(&self, request: Submit) -> Answer<Submitted> {
        Daemon::submit(self, request).await
    }

    async fn rerun(&self, id: &RunId, key: Option<String>) -> Answer<Submitted> {
        Daemon::rerun(self, id, key).await
    }

    async fn run(&self, id: &RunId) -> Answer<RunRecord> {
        Daemon::run(self, id).await
    }

    async fn runs(&self, filter: RunFilter) -> Answer<Vec<RunRecord>> {
        Daemon::runs(self, filter).await
    }

    async fn stop(&self, id: &RunId, why: String) -> Answer<RunRecord> {
        Daemon::stop(self, id, why).await
    }

    async fn pause(&self, id: &RunId) -> Answer<RunRecord> {
        Daemon::pause(self, id).await
    }

    async fn resume(&self, id: &RunId) -> Answer<RunRecord> {
        Daemon::resume(self, id).await
    }

    async fn scale(&self, id: &RunId, scale: Scale) -> Answer<RunRecord> {
        Daemon::scale(self, id, scale).await
    }

    async fn delete(&self, id: &RunId) -> Answer<()> {
        Daemon::delete(self, id).await
    }

    async fn events(&self, id: &RunId, after: Option<u64>) -> Answer<(Vec<Event>, bool)> {
        Daemon::events(self, id, after).await
    }

    async fn changed(&self, seen: u64) -> u64 {
        Daemon::changed(self, seen).await
    }

    fn progress(&self, id: &RunId) -> Option<Json> {
        Daemon::progress(self, id)
    }

    async fn log(&self, id: &RunId) -> Answer<String> {
        Daemon::log(self, id).await
    }

    async fn series(&self, id: &RunId) -> Answer<RunSeries> {
        Daemon::series(self, id).await
    }

    async fn compare(&self, a: &RunId, b: &RunId) -> Answer<Json> {
        Daemon::compare(self, a, b).await
    }

    async fn plans(&self) -> Vec<PlanView> {
        Daemon::plans(self).await
    }

    async fn schedules(&self) -> Vec<ScheduleView> {
        Daemon::schedules(self).await
    }

    async fn reload(&self) -> Answer<()> {
        Daemon::reload(self).await
    }
}
