//! k6's executors, with k6's keys and defaults: when iterations begin.

use std::time::Duration;

use super::fields::{Choice, Element, Fields};
use super::value::{AtLeast, Count, Rate};

#[derive(Debug, Clone, PartialEq)]
pub enum ExecutorConfig {
    ConstantVus {
        /// Default 1.
        vus: u64,
        duration: Duration,
    },
    ConstantArrivalRate {
        /// Iterations per `time_unit`; above 0, may be fractional.
        rate: f64,
        /// Default 1 s.
        time_unit: Duration,
        duration: Duration,
        pre_allocated_vus: u64,
        /// Default `pre_allocated_vus`.
        max_vus: u64,
    },
}

/// At most a million VUs: some 14 GiB of idle WebSockets.
type Vus = Count<1, 1_000_000>;

pub(crate) const EXECUTORS: [Choice<ExecutorConfig>; 6] = [
    Choice {
        name: "constant-vus",
        help: "a number of VUs, each iterating as fast as it can",
        built: true,
        fields: constant_vus,
    },
    Choice {
        name: "constant-arrival-rate",
        help: "iterations at a fixed rate, whatever the target does",
        built: true,
        fields: constant_arrival_rate,
    },
    Choice {
        name: "shared-iterations",
        help: "a number of iterations shared by the VUs",
        built: false,
        fields: iterations,
    },
    Choice {
        name: "per-vu-iterations",
        help: "a number of iterations for each VU",
        built: false,
        fields: iterations,
    },
    Choice {
        name: "ramping-vus",
        help: "a number of VUs that changes over time",
        built: false,
        fields: ramping_vus,
    },
    Choice {
        name: "ramping-arrival-rate",
        help: "iterations at a rate that changes over time",
        built: false,
        fields: ramping_arrival_rate,
    },
];

fn constant_vus(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let vus = f.or::<Vus>("vus", "Virtual users", "1");
    let duration = f.required::<AtLeast<1000>>("duration", "How long new iterations begin");
    Some(ExecutorConfig::ConstantVus { vus: vus?.0, duration: duration?.0 })
}

fn constant_arrival_rate(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    let rate = f.required::<Rate>("rate", "Iterations begun in each `time_unit`; may be fractional");
    let time_unit = f.or::<AtLeast<1>>("time_unit", "What `rate` counts in", "1s");
    let duration = f.required::<AtLeast<1000>>("duration", "How long new iterations begin");
    let (pre_allocated_vus, max_vus) = arrival_vus(f);
    Some(ExecutorConfig::ConstantArrivalRate {
        rate: rate?.0,
        time_unit: time_unit?.0,
        duration: duration?.0,
        pre_allocated_vus: pre_allocated_vus?,
        max_vus: max_vus?,
    })
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

fn iterations(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    f.or::<Vus>("vus", "Virtual users", "1");
    f.or::<Count<1, 1_000_000_000_000>>("iterations", "How many iterations", "1");
    f.or::<AtLeast<1000>>("max_duration", "When no new iteration begins although some are left", "10m");
    None
}

fn ramping_vus(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    f.or::<Count<0, 1_000_000>>("start_vus", "VUs at the start", "1");
    f.required::<Vec<Stage>>("stages", "How the number of VUs changes");
    f.or::<Duration>("graceful_ramp_down", "How long an iteration of a VU that ends may go on", "30s");
    None
}

fn ramping_arrival_rate(f: &mut Fields<'_>) -> Option<ExecutorConfig> {
    f.or::<Count<0, 1_000_000_000>>("start_rate", "Iterations begun in each `time_unit` at the start", "0");
    f.or::<AtLeast<1>>("time_unit", "What rates count in", "1s");
    f.required::<Vec<Stage>>("stages", "How the rate changes");
    arrival_vus(f);
    None
}

/// A line from where the stage before ended to a target.
struct Stage;

impl Element for Stage {
    const NAME: &'static str = "stage";
    const HELP: &'static str = "A line from where the stage before ended to a target";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let duration = f.required::<Duration>("duration", "How long it takes; 0s is a jump");
        let target = f.required::<Count<0, 1_000_000_000>>("target", "The number or rate at its end");
        duration.and(target).map(|_| Stage)
    }
}
