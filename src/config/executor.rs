//! k6's executors, with k6's keys and defaults: when iterations begin.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::fields::{Choice, Element, Fields, Reader, Value};
use super::node::{Kind, Node};
use super::schema::Schemas;
use super::value::{AtLeast, Count, Rate, RateOrNone};
use crate::executor::{Burst, Stage};

#[derive(Debug, Clone, PartialEq)]
pub enum ExecutorConfig {
    SharedIterations {
        /// Default 1.
        vus: u64,
        /// Of all VUs together, at least as many as VUs; default 1.
        iterations: u64,
        /// Default 10 m.
        max_duration: Duration,
    },
    PerVuIterations {
        /// Default 1.
        vus: u64,
        /// Of each VU; default 1.
        iterations: u64,
        /// Default 10 m.
        max_duration: Duration,
    },
    ConstantVus {
        /// Default 1.
        vus: u64,
        duration: Duration,
    },
    RampingVus {
        /// Default 1.
        start_vus: u64,
        stages: Vec<Stage<u64>>,
        /// Default 30 s.
        graceful_ramp_down: Duration,
    },
    ConstantArrivalRate {
        /// Iterations per `time_unit`; above 0, may be fractional.
        rate: f64,
        /// Default 1 s.
        time_unit: Duration,
        duration: Duration,
        burst: Option<Burst>,
        pre_allocated_vus: u64,
        /// Default `pre_allocated_vus`.
        max_vus: u64,
    },
    RampingArrivalRate {
        /// Iterations per `time_unit`; default 0.
        start_rate: f64,
        /// Default 1 s.
        time_unit: Duration,
        stages: Vec<Stage<f64>>,
        pre_allocated_vus: u64,
        /// Default `pre_allocated_vus`.
        max_vus: u64,
    },
}

/// At most a million VUs: some 14 GiB of idle WebSockets.
type Vus = Count<1, 1_000_000>;

/// At most a million million iterations.
type Iterations = Count<1, 1_000_000_000_000>;

pub(crate) const EXECUTORS: [Choice<ExecutorConfig>; 6] = [
    Choice {
        name: "shared-iterations",
        help: "a number of iterations shared by the VUs",
        fields: shared_iterations,
    },
    Choice {
        name: "per-vu-iterations",
        help: "a number of iterations for each VU",
        fields: per_vu_iterations,
    },
    Choice {
        name: "constant-vus",
        help: "a number of VUs, each iterating as fast as it can",
        fields: constant_vus,
    },
    Choice { name: "ramping-vus", help: "a number of VUs that changes over time", fields: ramping_vus },
    Choice {
        name: "constant-arrival-rate",
        help: "iterations at a fixed rate, whatever the target does",
        fields: constant_arrival_rate,
    },
    Choice {
        name: "ramping-arrival-rate",
        help: "iterations at a rate that changes over time",
        fields: ramping_arrival_rate,
    },
];

fn shared_iterations(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let (vus, iterations, max_duration) = iterations(f, "How many iterations all VUs make together");
    if let (Some(vus), Some(iterations)) = (vus, iterations)
        && iterations < vus
    {
        let help = format!("expected at least one for each of the {vus} VUs, or fewer `vus`");
        f.problem("iterations", "there are fewer `iterations` than VUs to share them", help);
    }
    Some(ExecutorConfig::SharedIterations { vus: vus?, iterations: iterations?, max_duration: max_duration? })
}

fn per_vu_iterations(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let (vus, iterations, max_duration) = iterations(f, "How many iterations each VU makes");
    Some(ExecutorConfig::PerVuIterations { vus: vus?, iterations: iterations?, max_duration: max_duration? })
}

fn iterations(f: &mut Fields<'_>, help: &'static str) -> (Option<u64>, Option<u64>, Option<Duration>) {
    let vus = f.or::<Vus>("vus", "Virtual users", "1");
    let iterations = f.or::<Iterations>("iterations", help, "1");
    let end = "When no new iteration begins although some are left";
    let max_duration = f.or::<AtLeast<1000>>("max_duration", end, "10m");
    (vus.map(|vus| vus.0), iterations.map(|iterations| iterations.0), max_duration.map(|end| end.0))
}

fn constant_vus(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let vus = f.or::<Vus>("vus", "Virtual users", "1");
    let duration = f.required::<AtLeast<1000>>("duration", "How long new iterations begin");
    Some(ExecutorConfig::ConstantVus { vus: vus?.0, duration: duration?.0 })
}

fn constant_arrival_rate(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let rate = f.required::<Rate>("rate", "Iterations begun in each `time_unit`; may be fractional");
    let time_unit = f.or::<AtLeast<1>>("time_unit", "What `rate` counts in", "1s");
    let duration = f.required::<AtLeast<1000>>("duration", "How long new iterations begin");
    let burst = f.optional::<Burst>("burst", "From time to time a multiple of `rate`; k6 has none");
    let (pre_allocated_vus, max_vus) = arrival_vus(f);
    Some(ExecutorConfig::ConstantArrivalRate {
        rate: rate?.0,
        time_unit: time_unit?.0,
        duration: duration?.0,
        burst: burst?,
        pre_allocated_vus: pre_allocated_vus?,
        max_vus: max_vus?,
    })
}

impl Element for Burst {
    const NAME: &'static str = "burst";
    const HELP: &'static str = "From time to time a multiple of `rate`; the first after one `period`";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let ratio = f.or::<Rate>("ratio", "How many times `rate`", "10");
        let period = f.or::<AtLeast<1>>("period", "From the beginning of one to that of the next", "30s");
        let length = f.or::<AtLeast<1>>("length", "How long each lasts", "5s");
        let (ratio, period, length) = (ratio?.0, period?.0, length?.0);
        if length >= period {
            let help = "expected less than `period`; for a higher rate throughout raise `rate`";
            f.problem("length", "a burst that never ends", help.to_owned());
        }
        Some(Burst { ratio, period, length })
    }
}

fn arrival_vus(f: &mut Fields<'_>) -> (Option<u64>, Option<u64>) {
    let pre_allocated =
        f.required::<Vus>("pre_allocated_vus", "VUs made before the scenario begins").map(|vus| vus.0);
    let max = f.optional::<Vus>("max_vus", "The most VUs; default `pre_allocated_vus`");
    let max = max.and_then(|max| max.map(|vus| vus.0).or(pre_allocated));
    if let (Some(pre_allocated), Some(max)) = (pre_allocated, max)
        && max < pre_allocated
    {
        let help = format!("expected at least `pre_allocated_vus`, which is {pre_allocated}");
        f.problem("max_vus", "`max_vus` is below `pre_allocated_vus`", help);
    }
    (pre_allocated, max)
}

fn ramping_vus(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let start = f.or::<StageVus>("start_vus", "VUs at the start", "1");
    let stages = f.required::<Stages<StageVus>>("stages", "How the number of VUs changes");
    let graceful_ramp_down =
        f.or::<Duration>("graceful_ramp_down", "How long an iteration of a VU that ends may go on", "30s");
    let (start_vus, stages) = (start?.0, stages?.0);
    if start_vus == 0 && stages.iter().all(|stage| stage.target.0 == 0) {
        let help = "expected a `target` above 0, or `start_vus` above 0";
        f.problem("stages", "there is never a VU", help.to_owned());
    }
    let stages = stages.into_iter().map(|stage| Stage { duration: stage.duration, target: stage.target.0 });
    Some(ExecutorConfig::RampingVus {
        start_vus,
        stages: stages.collect(),
        graceful_ramp_down: graceful_ramp_down?,
    })
}

fn ramping_arrival_rate(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let start = f.or::<RateOrNone>("start_rate", "Iterations begun in each `time_unit` at the start", "0");
    let time_unit = f.or::<AtLeast<1>>("time_unit", "What rates count in", "1s");
    let stages = f.required::<Stages<RateOrNone>>("stages", "How the rate changes");
    let (pre_allocated_vus, max_vus) = arrival_vus(f);
    let (start_rate, stages) = (start?.0, stages?.0);
    if start_rate == 0.0 && stages.iter().all(|stage| stage.target.0 == 0.0) {
        let help = "expected a `target` above 0, or `start_rate` above 0";
        f.problem("stages", "no iteration ever begins", help.to_owned());
    }
    let stages = stages.into_iter().map(|stage| Stage { duration: stage.duration, target: stage.target.0 });
    Some(ExecutorConfig::RampingArrivalRate {
        start_rate,
        time_unit: time_unit?.0,
        stages: stages.collect(),
        pre_allocated_vus: pre_allocated_vus?,
        max_vus: max_vus?,
    })
}

type StageVus = Count<0, 1_000_000>;

/// At least one stage.
struct Stages<T>(Vec<Stage<T>>);

impl<T: StageTarget> Value for Stages<T> {
    fn expected() -> String {
        "a list of at least one stage such as `{duration: 30s, target: 10}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if !matches!(&node.kind, Kind::Seq(stages) if !stages.is_empty()) {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        Vec::read(node, reader).map(Stages)
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let mut schema = Vec::<Stage<T>>::schema(schemas);
        if let Some(object) = schema.as_object_mut() {
            object.insert("minItems".to_owned(), json!(1));
        }
        schema
    }
}

/// What a stage leads to.
trait StageTarget: Value {
    const NAME: &'static str;
    const HELP: &'static str;
}

impl StageTarget for StageVus {
    const NAME: &'static str = "stage_of_vus";
    const HELP: &'static str = "The number of VUs at its end";
}

impl StageTarget for RateOrNone {
    const NAME: &'static str = "stage_of_rates";
    const HELP: &'static str = "Iterations begun in each `time_unit` at its end; may be fractional";
}

impl<T: StageTarget> Element for Stage<T> {
    const NAME: &'static str = T::NAME;
    const HELP: &'static str = "A line from where the stage before ended to a target";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let duration = f.required::<Duration>("duration", "How long it takes; 0s is a jump");
        let target = f.required::<T>("target", T::HELP);
        Some(Stage { duration: duration?, target: target? })
    }
}
