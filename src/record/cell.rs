//! What is kept of one series.

use std::sync::Arc;

use super::Distribution;
use crate::metric::{Kind, Unit};
use crate::time::Elapsed;

#[derive(Debug, Clone)]
pub enum Cell {
    Counter(f64),
    Rate {
        nonzero: u64,
        zero: u64,
    },
    /// A value that was set (the newest wins), and what was added and taken away.
    Gauge {
        set: Option<(Elapsed, f64)>,
        added: f64,
        min: f64,
        max: f64,
    },
    Trend(Box<Distribution>),
}

impl Cell {
    pub fn new(kind: Kind, unit: Unit, bounds: &Arc<[f64]>) -> Self {
        match kind {
            Kind::Counter => Cell::Counter(0.0),
            Kind::Rate => Cell::Rate { nonzero: 0, zero: 0 },
            Kind::Gauge => Cell::Gauge { set: None, added: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY },
            Kind::Trend => Cell::Trend(Box::new(Distribution::new(unit, Arc::clone(bounds)))),
        }
    }

    /// Adds what `other` holds. Cells of different kinds are never of one series.
    pub fn merge(&mut self, other: &Cell) {
        match (self, other) {
            (Cell::Counter(mine), Cell::Counter(theirs)) => *mine += theirs,
            (Cell::Rate { nonzero, zero }, Cell::Rate { nonzero: their_nonzero, zero: their_zero }) => {
                *nonzero += their_nonzero;
                *zero += their_zero;
            }
            (
                Cell::Gauge { set, added, min, max },
                Cell::Gauge { set: their_set, added: their_added, min: their_min, max: their_max },
            ) => {
                let newer = their_set.filter(|theirs| set.is_none_or(|mine| theirs.0 >= mine.0));
                *set = newer.or(*set);
                *added += their_added;
                *min = min.min(*their_min);
                *max = max.max(*their_max);
            }
            (Cell::Trend(mine), Cell::Trend(theirs)) => mine.merge(theirs),
            (mine, theirs) => debug_assert!(false, "cells of two kinds in one series: {mine:?} {theirs:?}"),
        }
    }

    /// Adds what `other` holds and empties it.
    pub fn absorb(&mut self, other: &mut Cell) {
        self.merge(other);
        other.clear();
    }

    fn clear(&mut self) {
        match self {
            Cell::Counter(total) => *total = 0.0,
            Cell::Rate { nonzero, zero } => (*nonzero, *zero) = (0, 0),
            Cell::Gauge { set, added, min, max } => {
                (*set, *added, *min, *max) = (None, 0.0, f64::INFINITY, f64::NEG_INFINITY);
            }
            Cell::Trend(distribution) => distribution.clear(),
        }
    }
}
