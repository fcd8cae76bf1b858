//! Scenarios: executors, and flows compiled twice so that of answers is kept only what a step reads.

use std::sync::Arc;

use super::Scenario;
use super::data::Data;
use super::files::Files;
use super::steps::{Reads, Steps};
use crate::config::{ExecutorConfig, PlanConfig, Problem, ScenarioConfig};
use crate::data::Feed;
use crate::executor::{
    ConstantArrivalRate, ConstantVus, Executor, PerVuIterations, RampingArrivalRate, RampingVus, Segment,
    SharedIterations,
};
use crate::flow::ScenarioSeries;
use crate::ids::ScenarioId;
use crate::labels::Labels;
use crate::record::Registry;
use crate::template::Value;

/// What flows are compiled from, beside themselves.
pub(super) struct Sources<'a> {
    pub(super) plan: &'a PlanConfig,
    pub(super) registry: &'a Registry,
    pub(super) data: &'a Data,
    pub(super) files: Files,
}

pub(super) fn compile(
    at: usize,
    config: &ScenarioConfig,
    from: &mut Sources<'_>,
    next_step: &mut u32,
    problems: &mut Vec<Problem>,
) -> Scenario {
    let Sources { plan, registry, data, files } = from;
    let tags = config.tags.iter().map(|(name, value)| (name.value.as_str(), value.value.as_str()));
    let labels = Labels::new(tags).with("scenario", &config.name.value);
    let series = ScenarioSeries::new(registry, &labels);
    let vars = vars(config, plan, problems);
    let start_after = predecessor(config, plan, problems);
    let defaults = &plan.defaults;
    let mut pass = |kept: Reads, next_id: &mut u32, problems: &mut Vec<Problem>| {
        let (names, labels, group) = (data.names.clone(), labels.clone(), String::new());
        let (exchanged, reads, procedure) = (false, Reads::default(), None);
        let mut steps = Steps {
            registry,
            defaults,
            problems,
            files: &mut *files,
            next_id,
            names,
            labels,
            group,
            session: None,
            exchanged,
            reads,
            kept,
            procedure,
        };
        (steps.flow(&config.flow), steps.reads)
    };
    let (first_step, known_problems) = (*next_step, problems.len());
    let (mut flow, reads) = pass(Reads::default(), next_step, problems);
    if reads.exchange.anything && problems.len() == known_problems {
        *next_step = first_step;
        (flow, _) = pass(reads.clone(), next_step, problems);
    }
    let feed = Feed::new(&data.tables, |table| reads.tables.contains(table));
    Scenario {
        id: ScenarioId(at as u16),
        name: Arc::from(config.name.value.as_str()),
        executor: Arc::from(executor(&config.executor)),
        start_time: config.start_time.into(),
        start_after,
        graceful_stop: config.graceful_stop,
        flow,
        feed,
        series,
        vars,
    }
}

/// The plan's variables with those of the scenario. Only what the plan declares can be overridden, so that a
/// mistyped name is an error and not a variable that nothing reads.
fn vars(config: &ScenarioConfig, plan: &PlanConfig, problems: &mut Vec<Problem>) -> Value {
    let mut values = plan.vars.clone();
    for (name, value) in &config.vars {
        match values.iter_mut().find(|(known, _)| *known == name.value) {
            Some((_, overridden)) => overridden.clone_from(value),
            None => {
                let message = format!("`{}` is not declared under the plan's `vars`", name.value);
                let declared: Vec<&str> = plan.vars.iter().map(|(name, _)| name.as_str()).collect();
                let help = match declared.as_slice() {
                    [] => "declare it there, with the value that it has in other scenarios".to_owned(),
                    declared => format!("a scenario overrides one of {}", declared.join(", ")),
                };
                problems.push(Problem::new(name.place, message).help(help));
            }
        }
    }
    template_values(&values)
}

/// A map. JSON has nothing that a template's value could not hold.
pub(super) fn template_values(values: &[(String, serde_json::Value)]) -> Value {
    // Not by `collect`: of pairs it would make a list of lists.
    let map: serde_json::Map<_, _> = values.iter().cloned().collect();
    serde_json::from_value(map.into()).unwrap_or(Value::UNDEFINED)
}

fn predecessor(
    config: &ScenarioConfig,
    plan: &PlanConfig,
    problems: &mut Vec<Problem>,
) -> Option<ScenarioId> {
    let name = config.start_after.as_ref()?;
    let found = plan.scenarios.iter().position(|scenario| scenario.name.value == name.value);
    if found.is_none() {
        let others = plan.scenarios.iter().filter(|other| other.name.value != config.name.value);
        let others: Vec<&str> = others.map(|other| other.name.value.as_str()).collect();
        let help = match others.as_slice() {
            [] => "it is the only scenario".to_owned(),
            others => format!("expected one of {}", others.join(", ")),
        };
        problems.push(Problem::new(name.place, format!("there is no scenario `{}`", name.value)).help(help));
    }
    found.map(|at| ScenarioId(at as u16))
}

fn executor(config: &ExecutorConfig) -> Box<dyn Executor> {
    match *config {
        ExecutorConfig::SharedIterations { vus, iterations, max_duration } => {
            Box::new(SharedIterations { vus, iterations, max_duration })
        }
        ExecutorConfig::PerVuIterations { vus, iterations, max_duration } => {
            Box::new(PerVuIterations { vus, iterations, max_duration })
        }
        ExecutorConfig::ConstantVus { vus, duration } => Box::new(ConstantVus { vus, duration }),
        ExecutorConfig::RampingVus { start_vus, ref stages, graceful_ramp_down } => Box::new(RampingVus {
            start_vus,
            stages: stages.clone(),
            graceful_ramp_down,
            segment: Segment::WHOLE,
        }),
        ExecutorConfig::ConstantArrivalRate {
            rate,
            time_unit,
            duration,
            burst,
            pre_allocated_vus,
            max_vus,
        } => {
            let segment = Segment::WHOLE;
            Box::new(ConstantArrivalRate {
                rate,
                time_unit,
                duration,
                burst,
                pre_allocated_vus,
                max_vus,
                segment,
            })
        }
        ExecutorConfig::RampingArrivalRate {
            start_rate,
            time_unit,
            ref stages,
            pre_allocated_vus,
            max_vus,
        } => Box::new(RampingArrivalRate::new(start_rate, time_unit, stages, pre_allocated_vus, max_vus)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{LoadOptions, load};
    use crate::plan::compile;

    fn check(step: &str, later: &str, kept: [bool; 3]) {
        let text = format!(
            "name: kept\nscenarios: {{s: {{executor: constant-vus, duration: 1s, flow: [{{http: {{url: 'http://h/{{{{ vu }}}}', {step}}}}}, {later}]}}}}\n"
        );
        let loaded = load("kept.yml", &text, &LoadOptions::default()).unwrap();
        let plan = compile(&loaded, Path::new(".")).unwrap();
        let flow = format!("{:?}", plan.scenarios[0].flow);
        let found =
            ["keep_body", "keep_headers", "observed"].map(|what| flow.contains(&format!("{what}: true")));
        assert_eq!(found, kept, "{step} {later}: {flow}");
    }

    #[test]
    fn of_an_answer_is_kept_only_what_a_step_reads() {
        check("", "{sleep: 1s}", [false, false, false]);
        check(
            "headers: {x: '{{ uuid() }}'}, checks: {a: vars == none}",
            "{sleep: 1s}",
            [false, false, false],
        );
        check("checks: {ok: status == 200}", "{sleep: 1s}", [false, false, true]);
        check("capture: {tag: headers.etag}", "{sleep: 1s}", [false, true, true]);
        check("checks: {ok: json.ok}", "{sleep: 1s}", [true, false, true]);
        check("", "{log: '{{ headers.etag }}'}", [false, true, true]);
        check("", "{check: {ok: json.ok}}", [true, false, true]);
    }
}
