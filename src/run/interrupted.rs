//! What is left to do of a run whose process went away in the middle: faults are undone, `hooks` that were due are done once.

use std::sync::Arc;

use super::actions::Deputy;
use super::faults::{key, mend};
use super::hooks::{due, perform, report};
use crate::action::{Entry, HookList, Journaled, Options, Outcome};
use crate::chaos::Deed;
use crate::plan::{Action, Plan};
use crate::report::HookReport;

/// The word of hooks for a run that was cut before it had a verdict.
const INTERRUPTED: &str = "interrupted";
/// Its exit code: our own fault.
const INTERRUPTED_CODE: u8 = 1;

/// What was done for a run that was cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mended {
    /// By name, and what came of undoing it. One that could not be undone stays open in the journal.
    pub faults: Vec<(String, Outcome)>,
    pub hooks: Vec<HookReport>,
}

impl Mended {
    /// A line for each thing that was done, for people.
    pub fn lines(&self) -> Vec<String> {
        let line = |what: &str, outcome: &Outcome| match &outcome.error {
            None => format!("{what}: done"),
            Some(error) => format!("{what}: failed: {error}"),
        };
        let undone = self.faults.iter().map(|(name, outcome)| line(&format!("undo fault {name}"), outcome));
        let hooks = self.hooks.iter().map(|hook| line(&format!("hook {}", hook.what), &hook.outcome));
        undone.chain(hooks).collect()
    }
}

/// Finishes what was cut: `journaled` is all that the journal of `options` holds of the run. May itself be cut and
/// called again.
///
/// Faults that were begun are undone, again if need be. Hooks that are over are not done again. A program that was begun is found by what it left: if it ended, that was it;
/// if it still runs, it is waited for; if it was cut too, it is run again. A request that was begun is sent again, with the
/// same `Idempotency-Key`. A run that had no verdict has its `always` hooks done, which are told `interrupted`.
pub async fn finish_interrupted(
    plan: Arc<Plan>,
    testid: &str,
    journaled: &[Journaled],
    options: Options,
) -> Mended {
    let verdict = journaled.iter().find_map(|note| match &note.entry {
        Entry::Hook { verdict, exit_code, .. } => Some((verdict.clone(), *exit_code)),
        Entry::Fault { .. } => None,
    });
    // Of a run without a verdict nobody can say that it failed.
    let failed = verdict.as_ref().is_some_and(|(word, code)| *code != 0 && word != INTERRUPTED);
    let verdict = verdict.unwrap_or_else(|| (INTERRUPTED.to_owned(), INTERRUPTED_CODE));
    let deputy = Deputy {
        plan: Arc::clone(&plan),
        testid: testid.to_owned(),
        options,
        http_debug: None,
        verdict: Some(verdict),
    };
    let mut mended = Mended::default();
    for note in journaled.iter().filter(|note| note.outcome.is_none()) {
        let Entry::Fault { at, name } = &note.entry else { continue };
        let Some(fault) = plan.faults.get(*at) else { continue };
        if let Some(act) = &fault.act {
            // One that still breaks something must not do so after it was mended.
            let _ = deputy.remains(act, &key(*at, Deed::Do)).await;
        }
        mended.faults.push((name.clone(), mend(&deputy, *at, fault).await));
    }
    for (list, at, hook) in due(&plan, failed) {
        let noted = journaled.iter().find(|note| is_hook(&note.entry, list, at));
        if noted.is_some_and(|note| note.outcome.is_some()) {
            continue;
        }
        let outcome = match noted {
            Some(note) => finish(&deputy, hook, list, at, &note.entry.key()).await,
            None => perform(&deputy, list, at, hook).await,
        };
        mended.hooks.push(report(list, hook, outcome));
    }
    mended
}

/// A hook that was begun.
async fn finish(deputy: &Deputy, hook: &Action, list: HookList, at: usize, key: &str) -> Outcome {
    let Some(outcome) = deputy.remains(hook, key).await else {
        return perform(deputy, list, at, hook).await;
    };
    if let Some(Err(error)) = deputy.options.journal.as_ref().map(|journal| journal.end(key, &outcome)) {
        tracing::warn!(
            testid = deputy.testid,
            "{}: failed to write to the journal that it is done: {error}",
            hook.what
        );
    }
    outcome
}

fn is_hook(entry: &Entry, list: HookList, at: usize) -> bool {
    matches!(entry, Entry::Hook { list: its, at: there, .. } if *its == list && *there == at)
}
