//! What a daemon allows a run to ask for, against what a plan asks for. Pure.

use std::time::Duration;

use super::{Plan, Scenario};
use crate::config::DaemonLimits;
use crate::time::span;

/// When a scenario may be under way at the most, since load begins.
#[derive(Debug, Clone, Copy)]
struct Reaches {
    from: Duration,
    /// Of iterations that start.
    starts_until: Duration,
    /// Of iterations that run.
    runs_until: Duration,
}

impl Plan {
    /// Each limit that the plan is above, in words with both numbers; empty when it is within all.
    ///
    /// Scenarios that may run at the same time are added up at the moment at which that is most; each counts with its
    /// highest number of users and its highest rate. Of closed models, whose rate nobody knows, only users count.
    pub fn limits_exceeded(&self, limits: &DaemonLimits) -> Vec<String> {
        let mut exceeded = Vec::new();
        let vus = self.peak(|reaches| (reaches.from, reaches.runs_until), users);
        if vus > limits.max_vus as f64 {
            exceeded.push(format!(
                "{vus} users at a time are asked for, and {} are allowed (limits.max_vus)",
                limits.max_vus
            ));
        }
        let rate = self.peak(|reaches| (reaches.from, reaches.starts_until), rate);
        if rate > limits.max_rate {
            let rate = (rate * 100.0).ceil() / 100.0;
            exceeded.push(format!(
                "{rate} iterations/s are asked for, and {} are allowed (limits.max_rate)",
                limits.max_rate
            ));
        }
        let longest = self.longest();
        if longest > limits.max_duration {
            exceeded.push(format!(
                "the load may last {} with its graceful stops, and {} are allowed (limits.max_duration)",
                span(longest),
                span(limits.max_duration)
            ));
        }
        exceeded
    }

    /// How long load may be sent: to the last iteration that a graceful stop still lets run, or that the drain cuts off.
    pub fn longest(&self) -> Duration {
        let runs = |id| self.reaches(id).runs_until;
        let longest = (0..self.scenarios.len()).map(runs).max().unwrap_or_default();
        longest.min(self.latest_end() + self.drain)
    }

    /// The most that scenarios may come to together.
    fn peak(&self, reach: impl Fn(Reaches) -> (Duration, Duration), of: impl Fn(&Scenario) -> f64) -> f64 {
        let reaches: Vec<(Duration, Duration)> =
            (0..self.scenarios.len()).map(|id| reach(self.reaches(id))).collect();
        // It is reached where one begins.
        let at = |moment: Duration| {
            let active = |id: usize| {
                let (from, until) = reaches[id];
                if from <= moment && moment <= until { of(&self.scenarios[id]) } else { 0.0 }
            };
            self.roots().map(|root| self.most(root, &active)).sum::<f64>()
        };
        reaches.iter().map(|(from, _)| at(*from)).fold(0.0, f64::max)
    }

    /// The most of a scenario and those that wait for its end, which never run beside it.
    fn most(&self, id: usize, active: &impl Fn(usize) -> f64) -> f64 {
        let waiting = self.waiting_for(id).map(|after| self.most(after, active)).sum::<f64>();
        active(id).max(waiting)
    }

    fn roots(&self) -> impl Iterator<Item = usize> {
        (0..self.scenarios.len()).filter(|id| self.scenarios[*id].start_after.is_none())
    }

    fn waiting_for(&self, id: usize) -> impl Iterator<Item = usize> {
        let waits = move |after: &usize| {
            self.scenarios[*after].start_after.is_some_and(|before| before.index() == id)
        };
        (0..self.scenarios.len()).filter(waits)
    }

    fn reaches(&self, id: usize) -> Reaches {
        let scenario = &self.scenarios[id];
        let before = scenario.start_after.map(|before| self.reaches(before.index()));
        let start_time = Duration::from(scenario.start_time);
        // The one before may end as soon as it has begun, or with all of its graceful stop.
        let from = before.map_or(Duration::ZERO, |before| before.from) + start_time;
        let latest = before.map_or(Duration::ZERO, |before| before.runs_until) + start_time;
        let starts_until = latest + Duration::from(scenario.executor.duration());
        Reaches { from, starts_until, runs_until: starts_until + scenario.graceful_stop }
    }
}

fn users(scenario: &Scenario) -> f64 {
    scenario.executor.model().max_vus() as f64
}

fn rate(scenario: &Scenario) -> f64 {
    scenario.executor.arrivals_per_sec()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{LoadOptions, load};
    use crate::plan::compile;

    /// A plan with these scenarios, each without a graceful stop unless it has one.
    fn plan(scenarios: &[&str]) -> Plan {
        let listed: String = scenarios
            .iter()
            .enumerate()
            .map(|(at, keys)| {
                let stop = if keys.contains("graceful_stop") { "" } else { "graceful_stop: 0s, " };
                format!("  s{at}: {{{stop}{keys}, flow: [{{sleep: 1s}}]}}\n")
            })
            .collect();
        let text = format!("name: a\nscenarios:\n{listed}");
        let loaded = load("plan.yml", &text, &LoadOptions::default()).unwrap_or_else(|e| panic!("{e}"));
        compile(&loaded, Path::new("")).unwrap_or_else(|e| panic!("{e}"))
    }

    fn vus(vus: u64, start: &str, duration: &str) -> String {
        format!("executor: constant-vus, vus: {vus}, start_time: {start}, duration: {duration}")
    }

    fn check(scenarios: &[&str], expected_vus: f64, expected_rate: f64, expected_secs: u64) {
        let plan = plan(scenarios);
        let vus = plan.peak(|reaches| (reaches.from, reaches.runs_until), users);
        let rate = plan.peak(|reaches| (reaches.from, reaches.starts_until), rate);
        let found = (vus, rate, plan.longest());
        assert_eq!(found, (expected_vus, expected_rate, Duration::from_secs(expected_secs)), "{scenarios:?}");
    }

    #[test]
    fn only_scenarios_that_may_overlap_are_added_up() {
        let (early, late) = (vus(10, "0s", "10s"), vus(20, "11s", "10s"));
        check(&[&early, &late], 20.0, 0.0, 21);
        let touching = vus(20, "10s", "10s");
        check(&[&early, &touching], 30.0, 0.0, 20);
        let (middle, within) = (vus(5, "5s", "10s"), vus(7, "6s", "1s"));
        check(&[&early, &middle, &within, &late], 25.0, 0.0, 21);
        // In its graceful stop the first one still has its users.
        let stopping = format!("{early}, graceful_stop: 5s");
        check(&[&stopping, &late], 30.0, 0.0, 21);
    }

    #[test]
    fn scenarios_that_wait_for_each_other_are_not_added_up() {
        let first = "executor: shared-iterations, vus: 4, iterations: 8, max_duration: 60s";
        let second = "executor: constant-vus, vus: 6, duration: 10s, start_after: s0";
        let third = "executor: constant-vus, vus: 3, duration: 10s, start_after: s0";
        let beside = vus(1, "0s", "5s");
        check(&[first, second], 6.0, 0.0, 70);
        check(&[first, second, third], 9.0, 0.0, 70);
        check(&[first, second, third, &beside], 10.0, 0.0, 70);
        check(&[first, "executor: constant-vus, vus: 2, duration: 10s, start_after: s0"], 4.0, 0.0, 70);
    }

    #[test]
    fn rates_are_the_highest_of_each_and_end_before_the_graceful_stop() {
        let constant = "executor: constant-arrival-rate, rate: 600, time_unit: 1m, duration: 10s, pre_allocated_vus: 3, max_vus: 5, graceful_stop: 30s";
        let ramping = "executor: ramping-arrival-rate, start_rate: 1, pre_allocated_vus: 2, stages: [{duration: 5s, target: 40}, {duration: 5s, target: 0}]";
        check(&[constant], 5.0, 10.0, 40);
        check(&[constant, ramping], 7.0, 50.0, 40);
        check(&[constant, &format!("{ramping}, start_time: 11s")], 7.0, 40.0, 40);
    }

    #[test]
    fn what_is_above_a_limit_is_told_with_both_numbers() {
        let many = vus(21, "0s", "2m");
        let rate = "executor: constant-arrival-rate, rate: 100.5, duration: 1s, pre_allocated_vus: 1";
        let plan = plan(&[&many, rate]);
        let limits = |max_vus, max_rate, secs| DaemonLimits {
            max_vus,
            max_rate,
            max_duration: Duration::from_secs(secs),
            ..DaemonLimits::default()
        };
        assert_eq!(plan.limits_exceeded(&limits(22, 100.5, 120)), Vec::<String>::new());
        assert_eq!(
            plan.limits_exceeded(&limits(21, 100.0, 119)),
            [
                "22 users at a time are asked for, and 21 are allowed (limits.max_vus)",
                "100.5 iterations/s are asked for, and 100 are allowed (limits.max_rate)",
                "the load may last 2m with its graceful stops, and 1m59s are allowed (limits.max_duration)",
            ]
        );
    }
}
