//! When scenarios begin and end: by plan, and as it turns out. Pure.

use std::sync::Arc;
use std::time::Duration;

use super::{Plan, Scenario};
use crate::config::{PlanConfig, Problem};
use crate::ids::ScenarioId;

/// What is known of a scenario while the run lasts; times are since load began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Course {
    /// When it began, if it has.
    pub begun: Option<Duration>,
    /// When it ended, graceful stop included, if it has.
    pub ended: Option<Duration>,
}

/// When a scenario begins, and when its last iteration may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub start: Duration,
    pub end: Duration,
}

impl Plan {
    /// Of each scenario: as it was, and as is to be expected of what has not happened by `elapsed`.
    pub fn expected(&self, courses: &[Course], elapsed: Duration) -> Vec<Span> {
        (0..self.scenarios.len()).map(|id| expected(&self.scenarios, id, courses, elapsed)).collect()
    }

    /// When the last scenario ends by plan, without any graceful stop.
    pub fn planned(&self) -> Duration {
        planned(&self.scenarios)
    }

    /// When the last scenario ends, without its graceful stop, if those that others wait for take all of theirs.
    pub fn latest_end(&self) -> Duration {
        let end = |id| latest_start(&self.scenarios, id) + duration(&self.scenarios[id]);
        (0..self.scenarios.len()).map(end).max().unwrap_or_default()
    }
}

/// There must be no circle, here and below: [`check`] refuses it.
fn expected(scenarios: &[Arc<Scenario>], id: usize, courses: &[Course], elapsed: Duration) -> Span {
    let course = |id: usize| courses.get(id).copied().unwrap_or_default();
    let start = course(id).begun.unwrap_or_else(|| {
        let end = |before: ScenarioId| match (course(before.index()), before.index()) {
            (Course { ended: Some(ended), .. }, _) => ended,
            // In its graceful stop it may end at any moment.
            (Course { begun: Some(_), .. }, before) => {
                expected(scenarios, before, courses, elapsed).end.max(elapsed)
            }
            (_, before) => expected(scenarios, before, courses, elapsed).end,
        };
        scenarios[id].start_after.map(end).unwrap_or_default() + Duration::from(scenarios[id].start_time)
    });
    let end = start + duration(&scenarios[id]);
    Span { start, end: course(id).ended.map_or(end, |ended| ended.min(end)) }
}

pub(super) fn planned(scenarios: &[Arc<Scenario>]) -> Duration {
    let end = |id| expected(scenarios, id, &[], Duration::ZERO).end;
    (0..scenarios.len()).map(end).max().unwrap_or_default()
}

fn latest_start(scenarios: &[Arc<Scenario>], id: usize) -> Duration {
    let end = |before: ScenarioId| {
        let predecessor = &scenarios[before.index()];
        latest_start(scenarios, before.index()) + duration(predecessor) + predecessor.graceful_stop
    };
    scenarios[id].start_after.map(end).unwrap_or_default() + Duration::from(scenarios[id].start_time)
}

fn duration(scenario: &Scenario) -> Duration {
    scenario.executor.duration().into()
}

/// Scenarios that wait for each other would never begin, and a warmup as long as the load would leave nothing to judge.
pub(super) fn check(plan: &PlanConfig, scenarios: &[Arc<Scenario>], problems: &mut Vec<Problem>) {
    let circles: Vec<Vec<usize>> = (0..scenarios.len()).filter_map(|id| circle(scenarios, id)).collect();
    for circle in &circles {
        let name = |id: &usize| format!("`{}`", plan.scenarios[*id].name.value);
        let waits: Vec<String> = circle[1..].iter().map(name).collect();
        let (first, which) = (name(&circle[0]), waits.join(", which waits for "));
        let message = format!("{first} waits for {which}: none of them would ever begin");
        let message = if circle.len() == 2 { format!("{first} waits for its own end") } else { message };
        if let Some(start_after) = &plan.scenarios[circle[0]].start_after {
            problems.push(Problem::new(start_after.place, message));
        }
    }
    let warmup = plan.warmup.value;
    if circles.is_empty() && !warmup.is_zero() && warmup >= planned(scenarios) {
        let message = "the warmup is as long as the whole load: nothing would be judged";
        let help = format!("load is sent for {:?}", planned(scenarios));
        problems.push(Problem::new(plan.warmup.place, message).help(help));
    }
}

/// From `id` over those that it waits for back to itself; each circle only from its first scenario.
fn circle(scenarios: &[Arc<Scenario>], id: usize) -> Option<Vec<usize>> {
    let mut path = vec![id];
    for _ in scenarios {
        let next = scenarios[*path.last()?].start_after?.index();
        path.push(next);
        if next == id {
            return (path.iter().min() == Some(&id)).then_some(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{LoadOptions, load};
    use crate::plan::compile;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// `c` waits for `b`, which waits for `a`; each lasts 10 s and may take 5 s more.
    fn chain() -> Plan {
        let scenario = |name: &str, more: &str| {
            format!(
                "  {name}: {{executor: constant-vus, duration: 10s, graceful_stop: 5s, {more}flow: [{{sleep: 1s}}]}}\n"
            )
        };
        let text = format!(
            "name: chain\nscenarios:\n{}{}{}",
            scenario("c", "start_after: b, "),
            scenario("a", ""),
            scenario("b", "start_after: a, start_time: 2s, ")
        );
        let loaded = load("chain.yml", &text, &LoadOptions::default()).unwrap_or_else(|e| panic!("{e}"));
        compile(&loaded, Path::new("")).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn by_plan_a_scenario_begins_when_the_one_before_ends_without_its_graceful_stop() {
        let plan = chain();
        let spans = plan.expected(&[], Duration::ZERO);
        let starts: Vec<u64> = spans.iter().map(|span| span.start.as_secs()).collect();
        assert_eq!((starts, plan.planned()), (vec![22, 0, 12], secs(32)));
        assert_eq!(plan.latest_end(), secs(42), "two graceful stops of 5 s may come before it");
    }

    #[test]
    fn what_is_expected_follows_what_has_happened() {
        let plan = chain();
        let starts = |a: Course, elapsed| {
            let spans = plan.expected(&[Course::default(), a, Course::default()], secs(elapsed));
            spans.iter().map(|span| span.start.as_secs()).collect::<Vec<_>>()
        };
        let begun = Course { begun: Some(Duration::ZERO), ended: None };
        assert_eq!(starts(begun, 5), [22, 0, 12]);
        assert_eq!(starts(begun, 13), [25, 0, 15], "a is in its graceful stop");
        assert_eq!(starts(Course { ended: Some(secs(4)), ..begun }, 5), [16, 0, 6], "a ended early");
    }
}
