//! Small integers made when the plan is compiled; they index dense arrays on the hot path.

/// A scenario's position in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScenarioId(pub u16);

/// A step that makes exchanges (an `http` or `websocket` step), counted through the whole plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

/// A metric of the [`Catalog`](crate::metric::Catalog): the built-in ones first, then the plan's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(pub u16);

/// One metric with one label set, as interned by the [`Registry`](crate::record::Registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

impl ScenarioId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl StepId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl MetricId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl SeriesId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
