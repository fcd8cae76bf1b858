//! What is done when the verdict is known: `hooks`. Whatever becomes of them, the verdict stays.

use super::Run;
use super::actions::Deputy;
use super::stop::Stop;
use crate::action::{Entry, HookList, Outcome};
use crate::plan::{Action, Plan};
use crate::report::{Finished, HookReport};
use crate::verdict::Verdict;

impl Run {
    /// What is done when all is said.
    pub(super) async fn epilogue(
        &self,
        finished: Finished,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> Finished {
        let hooks = self.hooks(&finished, stop).await;
        Finished { hooks, ..finished }
    }

    /// `on_failure`, if it is due, then `always`. The first signal that comes while they are done ends them.
    async fn hooks(
        &self,
        finished: &Finished,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> Vec<HookReport> {
        let verdict = (finished.verdict.label().to_owned(), finished.exit_code());
        let deputy = Deputy::new(&self.plan, &self.options, Some(verdict));
        let due = due(&self.plan, finished.verdict != Verdict::Passed);
        let mut reports = Vec::new();
        for (list, at, hook) in due {
            let outcome = tokio::select! {
                outcome = perform(&deputy, list, at, hook) => outcome,
                signal = stop.signal() => Outcome::failed(format!("{signal} came before it was done")),
            };
            reports.push(report(list, hook, outcome));
        }
        reports
    }
}

/// In their order.
pub(super) fn due(plan: &Plan, failed: bool) -> impl Iterator<Item = (HookList, usize, &Action)> {
    let on_failure = plan.hooks.on_failure.iter().enumerate().filter(move |_| failed);
    let on_failure = on_failure.map(|(at, hook)| (HookList::OnFailure, at, hook));
    let always = plan.hooks.always.iter().enumerate().map(|(at, hook)| (HookList::Always, at, hook));
    on_failure.chain(always)
}

/// Journaled, where there is a journal.
pub(super) async fn perform(deputy: &Deputy, list: HookList, at: usize, hook: &Action) -> Outcome {
    let (verdict, exit_code) = deputy.verdict.clone().unwrap_or_default();
    let entry = Entry::Hook { list, at, verdict, exit_code };
    let key = entry.key();
    let journal = deputy.options.journal.as_ref();
    if let Some(Err(error)) = journal.map(|journal| journal.begin(&key, &entry)) {
        return Outcome::failed(format!("it was not begun, for the journal cannot be written: {error}"));
    }
    let outcome = deputy.act(hook, &key).await;
    if let Some(Err(error)) = journal.map(|journal| journal.end(&key, &outcome)) {
        tracing::warn!(
            testid = deputy.testid,
            "{}: failed to write to the journal that it is done: {error}",
            hook.what
        );
    }
    outcome
}

/// Logged as well: whoever reads only the log finds the program's words there.
pub(super) fn report(list: HookList, hook: &Action, outcome: Outcome) -> HookReport {
    let took = outcome.took;
    let name = list.as_str();
    match &outcome.error {
        None => tracing::info!("hooks.{name}: {} done in {took:.1?}", hook.what),
        Some(error) => tracing::warn!("hooks.{name}: {} failed: {error}", hook.what),
    }
    for (stream, captured) in
        outcome.output.iter().flat_map(|output| [("stdout", &output.stdout), ("stderr", &output.stderr)])
    {
        captured.text.lines().for_each(|line| tracing::debug!("hooks.{name}: {stream}: {line}"));
    }
    HookReport { list, what: hook.what.clone(), outcome }
}
