//! Scenarios: executors, and flows compiled twice so that bodies are kept only where a step reads them.

use std::sync::Arc;

use super::Scenario;
use super::data::Data;
use super::steps::{Reads, Steps};
use crate::config::{Defaults, ExecutorConfig, Problem, ScenarioConfig};
use crate::data::Feed;
use crate::executor::{
    ConstantArrivalRate, ConstantVus, Executor, PerVuIterations, RampingArrivalRate, RampingVus, Segment,
    SharedIterations,
};
use crate::flow::ScenarioSeries;
use crate::ids::ScenarioId;
use crate::labels::Labels;
use crate::record::Registry;

pub(super) fn compile(
    at: usize,
    config: &ScenarioConfig,
    registry: &Registry,
    defaults: &Defaults,
    data: &Data,
    next_step: &mut u32,
    problems: &mut Vec<Problem>,
) -> Scenario {
    let tags = config.tags.iter().map(|(name, value)| (name.value.as_str(), value.value.as_str()));
    let labels = Labels::new(tags).with("scenario", &config.name.value);
    let series = ScenarioSeries::new(registry, &labels);
    let pass = |kept: Reads, next_id: &mut u32, problems: &mut Vec<Problem>| {
        let (names, labels, group) = (data.names.clone(), labels.clone(), String::new());
        let (exchanged, reads) = (false, Reads::default());
        let mut steps =
            Steps { registry, defaults, problems, next_id, names, labels, group, exchanged, reads, kept };
        (steps.flow(&config.flow), steps.reads)
    };
    let (first_step, known_problems) = (*next_step, problems.len());
    let (mut flow, reads) = pass(Reads::default(), next_step, problems);
    if (reads.anything || reads.body) && problems.len() == known_problems {
        *next_step = first_step;
        (flow, _) = pass(reads.clone(), next_step, problems);
    }
    let feed = Feed::new(&data.tables, |table| reads.tables.contains(table));
    Scenario {
        id: ScenarioId(at as u16),
        name: Arc::from(config.name.value.as_str()),
        executor: Arc::from(executor(&config.executor)),
        start_time: config.start_time.into(),
        graceful_stop: config.graceful_stop,
        flow,
        feed,
        series,
    }
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
        ExecutorConfig::ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus } => {
            let segment = Segment::WHOLE;
            Box::new(ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus, segment })
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
