//! A run is wanted: what it would execute is read, checked against what is allowed, and put on disk before it is promised.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::settings::Settings;
use super::{Inner, now_ms};
use super::{PlanSource, Refusal, Submit, Submitted};
use crate::config::LoadOptions;
use crate::plan::{Packed, Plan, pack};
use crate::store::{
    Accepted, Idempotency, Meta, RunId, RunState, StoreError, Submission, Trigger, fault_point,
};

/// What is wanted, by whom.
pub(super) struct Wanted {
    pub(super) submission: Submission,
    /// The plan's path, for people.
    pub(super) path: String,
    pub(super) trigger: Trigger,
    pub(super) key: Option<Key>,
}

/// What makes a repeated request known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The client's.
    pub(super) key: String,
    /// Of the whole request: another one under the same key is a mistake.
    pub(super) digest: Vec<u8>,
}

impl Key {
    fn borrowed(&self) -> Idempotency<'_> {
        Idempotency { key: &self.key, digest: &self.digest }
    }
}

impl Inner {
    /// Blocks while plan and disk are read.
    pub(super) fn submit(self: &Arc<Self>, request: Submit) -> Result<Submitted, Refusal> {
        let key = request.idempotency_key.clone().map(|key| Key { key, digest: digest(&request) });
        if let Some(known) = self.known(key.as_ref())? {
            return Ok(Submitted { run: known, created: false });
        }
        let settings = self.settings();
        let Submit { plan, profile, env, tags, .. } = request;
        let (submission, path) = match plan {
            PlanSource::Given(bundle) => {
                let path = bundle.plan.clone();
                (Submission { bundle, profile, env, tags }, path)
            }
            PlanSource::Named(name) => {
                let plans = settings.plans();
                let path = plans.get(&name).ok_or_else(|| {
                    let names: Vec<&str> = plans.keys().map(String::as_str).collect();
                    Refusal::Invalid(format!("there is no plan `{name}`; there are: {}", names.join(", ")))
                })?;
                let Packed { bundle, env, .. } = packed(&settings, path, profile.clone(), env)?;
                (Submission { bundle, profile, env, tags }, path.display().to_string())
            }
        };
        self.accept(Wanted { submission, path, trigger: Trigger::Api, key })
    }

    fn known(&self, key: Option<&Key>) -> Result<Option<crate::store::RunRecord>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        match self.runs.submitted(key.borrowed())? {
            Some(Accepted::Known(run)) => Ok(Some(run)),
            Some(Accepted::KeyConflict(run)) => Err(conflict(&run.id)),
            Some(Accepted::Created(_)) | None => Ok(None),
        }
    }

    pub(super) fn accept(self: &Arc<Self>, wanted: Wanted) -> Result<Submitted, Refusal> {
        let settings = self.settings();
        let Wanted { submission, path, trigger, key } = wanted;
        for (name, _) in &submission.tags {
            crate::config::check_tag_name(name).map_err(Refusal::Invalid)?;
        }
        let plan = compiled(&settings, &submission).map_err(Refusal::Invalid)?;
        let exceeded = plan.limits_exceeded(&settings.config.limits);
        if !exceeded.is_empty() {
            return Err(Refusal::Forbidden(exceeded.join("; ")));
        }
        if let Some(programs) = plan.programs.as_ref().filter(|_| !settings.config.allow_exec) {
            return Err(Refusal::Forbidden(programs.to_string()));
        }
        let queued = self.runs.count(RunState::Queued)?;
        if queued >= settings.config.limits.max_queued {
            return Err(Refusal::Unavailable(format!(
                "{queued} runs wait already, and no more may (limits.max_queued): stop one, or come back later"
            )));
        }
        let meta = Meta {
            test: plan.name.to_string(),
            plan: path,
            profile: submission.profile.clone(),
            tags: submission.tags.clone(),
            trigger,
        };
        fault_point("before-accept");
        let key = key.as_ref().map(Key::borrowed);
        let accepted = self.runs.accept(&submission, &meta, key, &new_id(), now_ms());
        fault_point("after-accept");
        match accepted? {
            Accepted::Created(run) => {
                tracing::info!(testid = run.id.0, test = run.test, "accepted");
                self.announce();
                self.work.notify_one();
                Ok(Submitted { run, created: true })
            }
            Accepted::Known(run) => Ok(Submitted { run, created: false }),
            Accepted::KeyConflict(run) => Err(conflict(&run.id)),
        }
    }
}

/// The plan with all files that it names, as they are now.
pub(super) fn packed(
    settings: &Settings,
    path: &Path,
    profile: Option<String>,
    env: Vec<(String, String)>,
) -> Result<Packed, Refusal> {
    let environment = |name: &str| exposed(settings, name);
    let options = LoadOptions { env_flags: env, profile, environment: &environment };
    pack(path, &options).map_err(|error| Refusal::Invalid(error.to_string()))
}

/// # Errors
/// All that is wrong with it, with places.
pub(super) fn compiled(settings: &Settings, submission: &Submission) -> Result<Plan, String> {
    let environment = |name: &str| exposed(settings, name);
    let options = LoadOptions {
        env_flags: submission.env.clone(),
        profile: submission.profile.clone(),
        environment: &environment,
    };
    submission.bundle.compile(&options, &settings.reach).map_err(|error| error.to_string())
}

/// The daemon's environment, as far as plans may see it.
fn exposed(settings: &Settings, name: &str) -> Option<String> {
    let may = settings.config.expose_env.iter().any(|exposed| exposed == name);
    may.then(|| std::env::var(name).ok()).flatten()
}

/// Of everything that makes one request another.
fn digest(request: &Submit) -> Vec<u8> {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    match &request.plan {
        PlanSource::Named(name) => {
            add(b"named");
            add(name.as_bytes());
        }
        PlanSource::Given(bundle) => {
            add(b"given");
            add(bundle.plan.as_bytes());
            for (path, bytes) in &bundle.files {
                add(path.as_bytes());
                add(bytes);
            }
        }
    }
    add(b"profile");
    add(request.profile.as_deref().unwrap_or_default().as_bytes());
    for (kind, pairs) in [("env", &request.env), ("tags", &request.tags)] {
        add(kind.as_bytes());
        for (name, value) in pairs {
            add(name.as_bytes());
            add(value.as_bytes());
        }
    }
    digest.finalize().to_vec()
}

/// Sortable by time, also those of one moment, and unlike the id of a run that another machine starts then.
fn new_id() -> RunId {
    RunId(format!("{:012x}-{:04x}", now_ms(), fastrand::u16(..)))
}

fn conflict(id: &RunId) -> Refusal {
    Refusal::Conflict(format!("the idempotency key belongs to another request, which became run {id}"))
}

pub(super) fn unavailable(error: &StoreError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Submit {
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        Submit {
            plan: PlanSource::Named("health".to_owned()),
            profile: Some("smoke".to_owned()),
            env: pair("VUS", "5"),
            tags: pair("team", "a"),
            idempotency_key: Some("k".to_owned()),
        }
    }

    #[test]
    fn a_request_is_another_when_anything_of_it_is() {
        let same = Submit { idempotency_key: Some("other".to_owned()), ..request() };
        assert_eq!(digest(&same), digest(&request()), "the key is no part of it");
        for other in [
            Submit { plan: PlanSource::Named("chat".to_owned()), ..request() },
            Submit { profile: None, ..request() },
            Submit { env: Vec::new(), ..request() },
            Submit { env: request().tags, tags: request().env, ..request() },
        ] {
            assert_ne!(digest(&other), digest(&request()), "{other:?}");
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let first = new_id();
        let later = RunId(format!("{:012x}-0000", now_ms() + 1));
        assert!(first < later);
    }
}
