//! How an action is done: the one place that knows all kinds.

use std::sync::Arc;
use std::time::Instant;

use super::RunOptions;
use super::procedure::Performance;
use crate::action::exec::{Surroundings, resume, run};
use crate::action::{Options, Outcome, signal};
use crate::flow::HttpDebug;
use crate::plan::{Action, ActionKind, EXIT_CODE, Plan, TESTID, VERDICT};
use crate::template::{Locals, Value};

/// On whose behalf actions are done, and what they may know.
#[derive(Debug, Clone)]
pub(super) struct Deputy {
    pub(super) plan: Arc<Plan>,
    pub(super) testid: String,
    pub(super) options: Options,
    pub(super) http_debug: Option<HttpDebug>,
    /// Once it is known: its word, and its exit code.
    pub(super) verdict: Option<(String, u8)>,
}

impl Deputy {
    pub(super) fn new(plan: &Arc<Plan>, options: &RunOptions, verdict: Option<(String, u8)>) -> Self {
        Deputy {
            plan: Arc::clone(plan),
            testid: options.testid.clone(),
            options: options.actions.clone(),
            http_debug: options.load.instruments.http_debug,
            verdict,
        }
    }

    /// Does it once. `key` is that of the journal.
    pub(super) async fn act(&self, action: &Action, key: &str) -> Outcome {
        let began = Instant::now();
        let outcome = match &action.kind {
            ActionKind::Exec(exec) => {
                run(exec, Surroundings { options: &self.options, env: &self.env(), key }).await
            }
            ActionKind::Http(procedure) => {
                let given = Arc::new(self.locals());
                let mut performance = Performance::begin(&self.plan, procedure, given, self.http_debug);
                let failed = performance.all().await.err();
                // What it is called says the caller.
                let told = format!("{} {}: ", procedure.name, action.what);
                let error = failed.map(|why| why.strip_prefix(&told).map_or(why.clone(), str::to_owned));
                Outcome { error, ..Outcome::default() }
            }
            ActionKind::Signal(one) => Outcome { error: signal::send(one).err(), ..Outcome::default() },
        };
        let outcome = Outcome { took: began.elapsed(), ..outcome };
        outcome.map_texts(|text| self.plan.source.redact(text))
    }

    /// What became of it when an earlier process was cut; `None`: it has to be done again.
    pub(super) async fn remains(&self, action: &Action, key: &str) -> Option<Outcome> {
        let ActionKind::Exec(exec) = &action.kind else { return None };
        let outcome = resume(exec, Surroundings { options: &self.options, env: &[], key }).await?;
        Some(outcome.map_texts(|text| self.plan.source.redact(text)))
    }

    fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![
            ("LOADGATE_TESTID".to_owned(), self.testid.clone()),
            ("LOADGATE_TEST".to_owned(), self.plan.name.to_string()),
        ];
        if let Some((verdict, exit_code)) = &self.verdict {
            env.push(("LOADGATE_VERDICT".to_owned(), verdict.clone()));
            env.push(("LOADGATE_EXIT_CODE".to_owned(), exit_code.to_string()));
        }
        env
    }

    fn locals(&self) -> Locals {
        let mut locals = Locals::new();
        locals.set(&Arc::from(TESTID), Value::from(self.testid.as_str()));
        if let Some((verdict, exit_code)) = &self.verdict {
            locals.set(&Arc::from(VERDICT), Value::from(verdict.as_str()));
            locals.set(&Arc::from(EXIT_CODE), Value::from(*exit_code));
        }
        locals
    }
}
