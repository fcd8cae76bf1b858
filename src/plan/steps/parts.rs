//! What steps have in common: checks, records and captures, compiled.

use std::sync::Arc;

use super::Steps;
use crate::config::{At, CheckConfig, Named, Problem, RecordConfig};
use crate::flow::{Check, Checks, Record, RecordValue, Recorded, Records, Set};
use crate::metric;
use crate::template::{Expression, Names};

impl Steps<'_> {
    /// The step `check`: over what earlier steps exchanged.
    pub(super) fn check(&mut self, checks: &[CheckConfig]) -> Checks {
        let compiled: Vec<_> =
            checks.iter().map(|check| (check, self.expression(&check.expression))).collect();
        Checks(compiled.into_iter().filter_map(|(check, it)| Some(self.named_check(check, it?))).collect())
    }

    /// The step `record`.
    pub(super) fn record(&mut self, records: &[Named]) -> Records {
        let mut compiled = Vec::new();
        for Named { name, expression } in records {
            let (recorded, expression) = (self.recorded(name), self.expression(expression));
            if let (Some(recorded), Some(expression)) = (recorded, expression) {
                compiled.push(Record { recorded, value: RecordValue::Expression(expression) });
            }
        }
        Records(compiled)
    }

    /// The step `set`.
    pub(super) fn set(&mut self, values: &[Named]) -> Set {
        let mut compiled = Vec::new();
        for Named { name, expression } in values {
            let expression = self.expression(expression);
            compiled.extend(self.declared(name).zip(expression));
        }
        Set(compiled)
    }

    pub(super) fn own_checks(&mut self, checks: &[CheckConfig]) -> Checks {
        let compiled: Vec<_> =
            checks.iter().map(|check| (check, self.own_expression(&check.expression))).collect();
        Checks(compiled.into_iter().filter_map(|(check, it)| Some(self.named_check(check, it?))).collect())
    }

    fn named_check(&self, check: &CheckConfig, expression: Expression) -> Check {
        let labels = self.labels.with("check", &check.name.value);
        let series = self.registry.intern(metric::CHECKS, &labels);
        Check { name: check.name.value.clone(), expression, series }
    }

    pub(super) fn own_records(&mut self, records: &[RecordConfig]) -> Records {
        let mut compiled = Vec::new();
        for RecordConfig { metric, expression } in records {
            let recorded = self.recorded(metric);
            let value = match expression {
                Some(expression) => self.own_expression(expression).map(RecordValue::Expression),
                None => Some(RecordValue::Time),
            };
            if let (Some(recorded), Some(value)) = (recorded, value) {
                if matches!(value, RecordValue::Time) && recorded.unit != metric::Unit::Time {
                    let message = format!("`{}` does not hold times", metric.value);
                    let help = "declare it as {type: trend, time: true}, or write `metric: expression`";
                    self.problems.push(Problem::new(metric.place, message).help(help));
                }
                compiled.push(Record { recorded, value });
            }
        }
        Records(compiled)
    }

    /// Metrics and expressions over the exchange that their own step makes.
    pub(super) fn own_values(&mut self, records: &[Named]) -> Records {
        let mut compiled = Vec::new();
        for Named { name, expression } in records {
            let (recorded, expression) = (self.recorded(name), self.own_expression(expression));
            if let (Some(recorded), Some(expression)) = (recorded, expression) {
                compiled.push(Record { recorded, value: RecordValue::Expression(expression) });
            }
        }
        Records(compiled)
    }

    pub(super) fn own_capture(&mut self, capture: &[Named]) -> Set {
        let mut compiled = Vec::new();
        for Named { name, expression } in capture {
            let expression = self.own_expression(expression);
            compiled.extend(self.declared(name).zip(expression));
        }
        Set(compiled)
    }

    /// A name that later steps may use.
    pub(super) fn declared(&mut self, name: &At<String>) -> Option<Arc<str>> {
        let checked = Names::check_name(&name.value);
        self.accept(checked, name)?;
        self.names.add(&name.value);
        Some(Arc::from(name.value.as_str()))
    }

    /// A custom metric that steps write into.
    fn recorded(&mut self, name: &At<String>) -> Option<Recorded> {
        let catalog = self.registry.catalog();
        let found = catalog.find(&name.value).map(|id| (id, catalog.definition(id)));
        match found.filter(|(_, definition)| definition.custom) {
            Some((id, definition)) => {
                let series = self.registry.intern(id, &self.labels);
                Some(Recorded { series, kind: definition.kind, unit: definition.unit })
            }
            None => {
                let declared: Vec<&str> = catalog
                    .iter()
                    .filter(|(_, known)| known.custom)
                    .map(|(_, known)| known.name.as_str())
                    .collect();
                let help = match declared.as_slice() {
                    [] => "declare it under `metrics`".to_owned(),
                    declared => format!("declared under `metrics`: {}", declared.join(", ")),
                };
                let message = format!("there is no custom metric `{}`", name.value);
                self.problems.push(Problem::new(name.place, message).help(help));
                None
            }
        }
    }
}

pub(super) fn reads_body(checks: &Checks, record: &Records, capture: &Set) -> bool {
    let records = record.0.iter().any(|record| match &record.value {
        RecordValue::Expression(expression) => expression.reads_body(),
        RecordValue::Time => false,
    });
    records
        || checks.0.iter().any(|check| check.expression.reads_body())
        || capture.0.iter().any(|(_, expression)| expression.reads_body())
}
