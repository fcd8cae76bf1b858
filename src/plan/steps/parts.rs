//! What steps have in common: checks, records and captures, compiled.

use std::ops::BitOr;
use std::sync::Arc;

use super::Steps;
use crate::config::{At, CheckConfig, Named, Problem, RecordConfig};
use crate::flow::{Check, Checks, Record, RecordValue, Recorded, Records, Set};
use crate::metric;
use crate::template::{ExchangeReads, Expression, Names};

impl Steps<'_> {
    /// The step `check`: over what earlier steps exchanged.
    pub(super) fn check(&mut self, checks: &[CheckConfig]) -> Checks {
        let compiled: Vec<_> =
            checks.iter().map(|check| (check, self.expression(&check.expression))).collect();
        Checks(compiled.into_iter().filter_map(|(check, it)| Some(self.named_check(check, it?))).collect())
    }

    /// The step `record`: over what earlier steps exchanged.
    pub(super) fn record(&mut self, records: &[RecordConfig]) -> Records {
        let mut compiled = Vec::new();
        for config in records {
            let recorded = self.recorded(&config.metric);
            let value = config.value.as_ref().map(|value| self.expression(value));
            let when = config.when.as_ref().map(|when| self.expression(when));
            let own_time = false;
            compiled.extend(self.one_record(config, recorded, value, when, own_time));
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
        self.own(records, true)
    }

    /// Over each message, which has no time of its own.
    pub(super) fn own_values(&mut self, records: &[RecordConfig]) -> Records {
        self.own(records, false)
    }

    fn own(&mut self, records: &[RecordConfig], own_time: bool) -> Records {
        let mut compiled = Vec::new();
        for config in records {
            let recorded = self.recorded(&config.metric);
            let value = config.value.as_ref().map(|value| self.own_expression(value));
            let when = config.when.as_ref().map(|when| self.own_expression(when));
            compiled.extend(self.one_record(config, recorded, value, when, own_time));
        }
        Records(compiled)
    }

    /// `own_time`: whether there is an exchange whose time can be the value.
    fn one_record(
        &mut self,
        RecordConfig { metric, .. }: &RecordConfig,
        recorded: Option<Recorded>,
        value: Option<Option<Expression>>,
        when: Option<Option<Expression>>,
        own_time: bool,
    ) -> Option<Record> {
        let when = match when {
            Some(when) => Some(when?),
            None => None,
        };
        let recorded = recorded?;
        let value = match value {
            Some(value) => RecordValue::Expression(value?),
            None if recorded.unit == metric::Unit::Time && own_time => RecordValue::Time,
            None if recorded.kind == metric::Kind::Counter && when.is_some() => RecordValue::One,
            None if own_time && when.is_none() => {
                let message = format!("`{}` does not hold times", metric.value);
                let help = "declare it as {type: trend, time: true}, or write `metric: expression`";
                self.problems.push(Problem::new(metric.place, message).help(help));
                return None;
            }
            None => {
                let message = format!("`{}` is given no `value`", metric.value);
                let help = "only a counter, or the time of an exchange, can do without";
                self.problems.push(Problem::new(metric.place, message).help(help));
                return None;
            }
        };
        Some(Record { recorded, when, value })
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
        if let Some(procedure) = self.procedure {
            let message = format!("a step of `{procedure}` cannot record");
            let help = "metrics are of the load: record in a scenario's flow";
            self.problems.push(Problem::new(name.place, message).help(help));
            return None;
        }
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

/// What a step reads of its own exchange.
pub(super) fn reads(checks: &Checks, records: &Records, capture: &Set) -> ExchangeReads {
    let values = records.0.iter().filter_map(|record| match &record.value {
        RecordValue::Expression(expression) => Some(expression),
        RecordValue::Time | RecordValue::One => None,
    });
    let expressions = values
        .chain(records.0.iter().filter_map(|record| record.when.as_ref()))
        .chain(checks.0.iter().map(|check| &check.expression))
        .chain(capture.0.iter().map(|(_, expression)| expression));
    expressions.map(Expression::reads).fold(ExchangeReads::default(), BitOr::bitor)
}
