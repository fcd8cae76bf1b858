//! The moments at which an expression is evaluated.

use crate::promql::plan::{At, Shift};

/// `from_ms`, `from_ms + step_ms`, …: so many steps, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::promql) struct Grid {
    pub(in crate::promql) from_ms: i64,
    pub(in crate::promql) step_ms: i64,
    pub(in crate::promql) steps: usize,
}

/// Where a selector looks at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaze {
    /// Always at one moment.
    Fixed(i64),
    /// Back by so much; forward if negative.
    Back(i64),
}

impl Grid {
    pub(in crate::promql) fn instant(at_ms: i64) -> Self {
        Grid { from_ms: at_ms, step_ms: 1, steps: 1 }
    }

    /// None if there is no moment in it, or more than can be counted.
    pub(in crate::promql) fn new(from_ms: i64, to_ms: i64, step_ms: i64) -> Option<Self> {
        if step_ms <= 0 || to_ms < from_ms {
            return None;
        }
        let steps = usize::try_from(to_ms.checked_sub(from_ms)? / step_ms).ok()?.checked_add(1)?;
        Some(Grid { from_ms, step_ms, steps })
    }

    pub(in crate::promql) fn at(&self, step: usize) -> i64 {
        self.from_ms + i64::try_from(step).unwrap_or(i64::MAX) * self.step_ms
    }

    pub(super) fn first(&self) -> Self {
        Grid { steps: 1, ..*self }
    }

    fn last_ms(&self) -> i64 {
        self.at(self.steps - 1)
    }

    /// `time()` at each step.
    pub(super) fn seconds(&self) -> Vec<f64> {
        (0..self.steps).map(|step| seconds(self.at(step))).collect()
    }

    /// The moments that are looked at, first and last.
    pub(super) fn seen(&self, gaze: Gaze) -> (i64, i64) {
        match gaze {
            Gaze::Fixed(at_ms) => (at_ms, at_ms),
            Gaze::Back(by_ms) => (self.from_ms - by_ms, self.last_ms() - by_ms),
        }
    }
}

impl Gaze {
    pub(super) fn new(shift: &Shift, start_ms: i64, end_ms: i64) -> Self {
        match shift.at {
            None => Gaze::Back(shift.offset_ms),
            Some(At::Moment(at_ms)) => Gaze::Fixed(at_ms - shift.offset_ms),
            Some(At::Start) => Gaze::Fixed(start_ms - shift.offset_ms),
            Some(At::End) => Gaze::Fixed(end_ms - shift.offset_ms),
        }
    }

    pub(super) fn from(self, at_ms: i64) -> i64 {
        match self {
            Gaze::Fixed(fixed_ms) => fixed_ms,
            Gaze::Back(by_ms) => at_ms - by_ms,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus does the same, and times are below 2^53 ms")]
pub(super) fn seconds(at_ms: i64) -> f64 {
    at_ms as f64 / 1000.0
}
