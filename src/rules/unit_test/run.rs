//! Runs the tests of a file over the rules that it names, as promtool does it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::memory::Memory;
use super::{AlertCase, AlertsDiffer, FailureKind, Firing, SamplesDiffer, Test, TestFailure, TestFile};
use crate::labels::Labels;
use crate::promql::notation::StepValue;
use crate::promql::{EvalError, Options, Point, Query, Value};
use crate::rules::file::{GroupSpec, RuleFile};
use crate::rules::group::{ActiveAlert, AlertState, Context, Group, Storage};

impl TestFile {
    /// Everything that is not as it should be; empty when all tests pass. A rule file that is given twice counts once.
    pub fn run(&self, rule_files: &[RuleFile]) -> Vec<TestFailure> {
        let groups = self.ordered_groups(rule_files);
        let tests = self.tests.iter().enumerate();
        tests.flat_map(|(index, test)| TestRun::new(self, test, index, &groups).run()).collect()
    }

    /// In the order of `group_eval_order`; groups that it does not name go with the first, as in promtool.
    fn ordered_groups(&self, rule_files: &[RuleFile]) -> Vec<Arc<GroupSpec>> {
        let mut seen = Vec::new();
        let once = rule_files.iter().filter(|file| {
            let new = !seen.contains(&&file.path);
            seen.push(&file.path);
            new
        });
        let mut groups: Vec<Arc<GroupSpec>> =
            once.flat_map(|file| &file.groups).cloned().map(Arc::new).collect();
        let order: HashMap<&str, usize> =
            self.group_eval_order.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        groups.sort_by_key(|group| order.get(group.name.as_str()).copied().unwrap_or_default());
        groups
    }
}

struct TestRun<'a> {
    file: &'a TestFile,
    test: &'a Test,
    name: String,
    groups: Vec<Group>,
    memory: Memory,
    options: Options,
    failures: Vec<TestFailure>,
}

impl<'a> TestRun<'a> {
    fn new(file: &'a TestFile, test: &'a Test, index: usize, groups: &[Arc<GroupSpec>]) -> Self {
        let name = match &test.name {
            Some(name) => format!("`{name}`"),
            None => (index + 1).to_string(),
        };
        TestRun {
            file,
            test,
            name,
            groups: groups
                .iter()
                .map(|group| Group::new(Arc::clone(group), file.evaluation_interval))
                .collect(),
            memory: Memory::default(),
            options: Options { subquery_step: file.evaluation_interval, ..Options::default() },
            failures: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<TestFailure> {
        let times = self.test.alerts.iter().map(|case| case.at);
        let last = times.chain(self.test.queries.iter().map(|case| case.at)).max().unwrap_or_default();
        let mut loaded = BTreeMap::new();
        let mut since_start = Duration::ZERO;
        while since_start <= last {
            self.load(since_start, &mut loaded);
            if !self.evaluate_groups(since_start) {
                return self.failures;
            }
            let next = since_start + self.file.evaluation_interval;
            let mut due: Vec<&AlertCase> =
                self.test.alerts.iter().filter(|case| (since_start..next).contains(&case.at)).collect();
            due.sort_by_key(|case| case.at);
            for case in due {
                self.check_alerts(case);
            }
            since_start = next;
        }
        self.check_queries();
        self.failures
    }

    /// Appends the values of the series up to now; `loaded` is how many of each are there.
    fn load(&mut self, since_start: Duration, loaded: &mut BTreeMap<&'a Labels, usize>) {
        let step_ms = whole_ms(self.test.interval);
        for (labels, values) in &self.test.series {
            let next = loaded.entry(labels).or_default();
            while let Some(value) = values.get(*next) {
                let at_ms = i64::try_from(*next).unwrap_or(i64::MAX).saturating_mul(step_ms);
                if at_ms > whole_ms(since_start) {
                    break;
                }
                *next += 1;
                let StepValue::Point(value) = *value else { continue };
                let point = Point { at_ms: self.test.start_ms + at_ms, value };
                if let Err(error) = self.memory.append(labels, point) {
                    let kind = FailureKind::Rule { name: labels.to_string(), message: error.to_string() };
                    self.fail(self.test.line, since_start, kind);
                }
            }
        }
    }

    /// Whether the test can go on.
    fn evaluate_groups(&mut self, since_start: Duration) -> bool {
        let context = Context {
            options: &self.options,
            external_labels: &self.test.external_labels,
            external_url: &self.test.external_url,
            stopwatch: &|| Duration::ZERO,
        };
        let at_ms = self.test.start_ms + whole_ms(since_start);
        let mut failed = Vec::new();
        for group in &mut self.groups {
            let evaluation = group.evaluate(&self.memory, at_ms, &context);
            for failure in evaluation.failures {
                let name =
                    group.spec().rules.get(failure.rule).map(|rule| rule.name.clone()).unwrap_or_default();
                failed.push(FailureKind::Rule { name, message: failure.message });
            }
        }
        let ok = failed.is_empty();
        for kind in failed {
            self.fail(self.test.line, since_start, kind);
        }
        ok
    }

    fn check_alerts(&mut self, case: &AlertCase) {
        let now_ms = self.groups.iter().filter_map(Group::last_evaluation_ms).max().unwrap_or_default();
        let mut firing = Vec::new();
        let mut pending = Vec::new();
        for group in &self.groups {
            let rules = group.spec().rules.iter().zip(group.rules());
            for (_, rule) in rules.filter(|(spec, _)| spec.is_alert() && spec.name == case.name) {
                for alert in rule.active_alerts() {
                    match alert.state {
                        AlertState::Firing => firing.push(shown(alert)),
                        _ => {
                            let since_ms = u64::try_from(now_ms - alert.active_at_ms).unwrap_or_default();
                            pending.push((shown(alert).labels, Duration::from_millis(since_ms)));
                        }
                    }
                }
            }
        }
        if let Some(differ) = AlertsDiffer::compare(&case.name, case.expected.clone(), firing, pending) {
            self.fail(case.line, case.at, FailureKind::Alerts(differ));
        }
    }

    fn check_queries(&mut self) {
        for case in &self.test.queries {
            let at_ms = self.test.start_ms + whole_ms(case.at);
            let expr = case.query.text().to_owned();
            let kind = match self.samples(&case.query, at_ms) {
                Err(message) => Some(FailureKind::Query { expr, message }),
                Ok(got) => {
                    let expected = case.expected.clone();
                    SamplesDiffer::compare(&expr, expected, got, self.file.fuzzy_compare)
                        .map(FailureKind::Samples)
                }
            };
            if let Some(kind) = kind {
                self.fail(case.line, case.at, kind);
            }
        }
    }

    fn samples(&self, query: &Query, at_ms: i64) -> Result<Vec<(Labels, f64)>, String> {
        let answer = query
            .instant(&self.memory, at_ms, &self.options)
            .map_err(|error: EvalError| error.to_string())?;
        match answer.value {
            Value::Vector(samples) => {
                Ok(samples.into_iter().map(|sample| (sample.labels, sample.point.value)).collect())
            }
            Value::Scalar(point) => Ok(vec![(Labels::empty(), point.value)]),
            Value::String { .. } | Value::Matrix(_) => {
                Err("rule result is not a vector or scalar".to_owned())
            }
        }
    }

    fn fail(&mut self, line: u32, at: Duration, kind: FailureKind) {
        self.failures.push(TestFailure { line, test: self.name.clone(), at, kind });
    }
}

fn shown(alert: &ActiveAlert) -> Firing {
    let labels = alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Firing { labels, annotations: alert.annotations.clone() }
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 8)
}
