//! Checks, records, captures and what else evaluates expressions over the last exchange.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Ended, Step, Vu};
use crate::ids::SeriesId;
use crate::metric::{Kind, Unit};
use crate::template::{Expression, Template};

/// One check. One that cannot be evaluated has failed.
#[derive(Debug)]
pub struct Check {
    pub name: String,
    pub expression: Expression,
    pub series: SeriesId,
}

/// The step `check`, and the `checks` of exchanges.
#[derive(Debug, Default)]
pub struct Checks(pub Vec<Check>);

impl Checks {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As in k6 a failed check does not end the iteration.
    pub(super) fn run_on(&self, vu: &Vu) {
        for check in &self.0 {
            let held = check.expression.is_true(&vu.scope()).unwrap_or_else(|error| {
                vu.note(&format!("check `{}` failed: {error}", check.name));
                false
            });
            vu.worker.shard.borrow_mut().rate(check.series, held);
        }
    }
}

/// A value for a custom metric.
#[derive(Debug)]
pub struct Record {
    pub recorded: Recorded,
    /// Recorded only where this holds; one that cannot be evaluated does not.
    pub when: Option<Expression>,
    pub value: RecordValue,
}

/// The metric it goes to.
#[derive(Debug, Clone, Copy)]
pub struct Recorded {
    pub series: SeriesId,
    pub kind: Kind,
    pub unit: Unit,
}

#[derive(Debug)]
pub enum RecordValue {
    /// The exchange's own time.
    Time,
    /// What one more event adds to a counter.
    One,
    Expression(Expression),
}

/// The step `record`, and the `record` of exchanges.
#[derive(Debug, Default)]
pub struct Records(pub Vec<Record>);

impl Records {
    /// `time` is what `record: NAME` takes.
    pub(super) fn run_on(&self, vu: &Vu, time: Duration) -> Result<(), Ended> {
        for record in self.0.iter().filter(|record| record.is_wanted(vu)) {
            record.write(vu, time)?;
        }
        Ok(())
    }

    /// For an exchange that failed. What takes the time is recorded, so that slow failures stay in the
    /// percentiles, and what asks for such exchanges by its `when`.
    pub(super) fn run_on_failure(&self, vu: &Vu, time: Duration) {
        let about_failures =
            |record: &&Record| record.when.is_some() || matches!(record.value, RecordValue::Time);
        for record in self.0.iter().filter(about_failures).filter(|record| record.is_wanted(vu)) {
            if let Err(ended) = record.write(vu, time) {
                vu.note(&format!("a `record` failed: {ended}"));
            }
        }
    }
}

impl Record {
    fn is_wanted(&self, vu: &Vu) -> bool {
        self.when.as_ref().is_none_or(|when| {
            when.is_true(&vu.scope()).unwrap_or_else(|error| {
                vu.note(&format!("a `when` of `record` failed: {error}"));
                false
            })
        })
    }

    fn write(&self, vu: &Vu, time: Duration) -> Result<(), Ended> {
        let value = match &self.value {
            RecordValue::Time => time.as_nanos() as f64,
            RecordValue::One => 1.0,
            // Numbers in a plan are milliseconds, as k6 has it.
            RecordValue::Expression(expression) => {
                self.recorded.unit.recorded(expression.number(&vu.scope())?)
            }
        };
        self.recorded.write(vu, value);
        Ok(())
    }
}

impl Recorded {
    fn write(&self, vu: &Vu, value: f64) {
        if self.kind == Kind::Counter && value < 0.0 {
            // Exported, a counter that falls reads as a restart.
            return vu.note("a counter was given a negative value, which is not counted");
        }
        let mut shard = vu.worker.shard.borrow_mut();
        match self.kind {
            Kind::Counter => shard.count_f64(self.series, value),
            Kind::Gauge => shard.gauge(self.series, vu.now(), value),
            Kind::Rate => shard.rate(self.series, value != 0.0),
            Kind::Trend => shard.trend(self.series, value),
        }
    }
}

/// The step `set`, and the `capture` of exchanges: values that later steps of the iteration see.
#[derive(Debug, Default)]
pub struct Set(pub Vec<(Arc<str>, Expression)>);

impl Set {
    pub(super) fn run_on(&self, vu: &mut Vu) -> Result<(), Ended> {
        for (name, expression) in &self.0 {
            let value = expression.eval(&vu.scope())?;
            let purse = vu.worker.dialer.purse();
            vu.locals.capture(name, value, purse)?;
        }
        Ok(())
    }
}

/// The step `log`: a line for the person who watches.
#[derive(Debug)]
pub struct Log(pub Template);

impl Step for Checks {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            self.run_on(vu);
            Ok(())
        })
    }
}

impl Step for Records {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move { self.run_on(vu, Duration::ZERO) })
    }
}

impl Step for Set {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move { self.run_on(vu) })
    }
}

impl Step for Log {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let text = vu.render(&self.0)?;
            tracing::info!(vu = vu.id, iteration = vu.iteration, "{text}");
            Ok(())
        })
    }
}
