//! `hooks`, compiled, and what of a plan may not be executed everywhere.

use std::sync::Arc;

use super::Action;
use super::action::Owner;
use super::procedure::Procedures;
use super::text;
use crate::config::{ActionConfig, At, Loaded, PlanConfig, Problem, Problems};
use crate::template::Names;

/// What is done when the verdict is known, in this order.
#[derive(Debug, Default)]
pub struct Hooks {
    /// Unless the verdict is passed.
    pub on_failure: Vec<Action>,
    pub always: Vec<Action>,
}

pub(super) fn compile(plan: &PlanConfig, names: &Names, procedures: &mut Procedures<'_>) -> Hooks {
    let mut names = names.clone();
    [text::TESTID, text::VERDICT, text::EXIT_CODE].iter().for_each(|name| names.add(name));
    let mut list = |kind: &str, hooks: &[At<ActionConfig>]| -> Vec<Action> {
        let compile = |(at, hook)| {
            let (name, key) = ("hook", format!("{kind}-{at}"));
            procedures.action(hook, &Owner { name, key: &key, names: &names })
        };
        hooks.iter().enumerate().map(compile).collect()
    };
    Hooks {
        on_failure: list("on_failure", &plan.hooks.on_failure),
        always: list("always", &plan.hooks.always),
    }
}

/// What to say where programs are not allowed; `None` for a plan without any.
pub(super) fn programs(loaded: &Loaded) -> Option<Problems> {
    let plan = &loaded.config;
    let faults = plan.chaos.iter().flat_map(|fault| fault.act.iter().chain(&fault.undo));
    let actions = plan.hooks.on_failure.iter().chain(&plan.hooks.always).chain(faults);
    let programs = actions.filter(|action| matches!(action.value, ActionConfig::Exec(_)));
    let refused = |action: &At<ActionConfig>| {
        Problem::new(action.place, "programs are not allowed here").help(
            "the plan would run this on the machine that sends the load: allow it with `--allow-exec` \
             (LOADGATE_ALLOW_EXEC=true), or do it over `http`",
        )
    };
    let problems: Vec<Problem> = programs.map(refused).collect();
    (!problems.is_empty()).then(|| Problems::new(Arc::clone(&loaded.source), problems))
}
