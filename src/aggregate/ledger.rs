//! What was recorded since the run began, and what of it is judged: they differ when the run warms up.

use super::{Absorb, Totals};
use crate::record::Shard;

/// A sample belongs to the moment in which it was recorded, which is its end: an exchange that began
/// while the run warmed up and ended later is judged.
#[derive(Debug)]
pub struct Ledger {
    all: Totals,
    /// `None` without a warmup: then all is judged, and kept once.
    apart: Option<Totals>,
    judging: bool,
}

impl Ledger {
    /// Two empty totals alike; the second only for a run that warms up.
    pub fn new(all: Totals, apart: Option<Totals>) -> Self {
        Ledger { all, judging: apart.is_none(), apart }
    }

    /// From here on what comes in is judged.
    pub fn begin_judging(&mut self) {
        if let Some(judged) = &mut self.apart
            && !self.judging
        {
            judged.carry_levels(&self.all);
        }
        self.judging = true;
    }

    pub fn is_judging(&self) -> bool {
        self.judging
    }

    /// Since the run began: what is exported.
    pub fn all(&self) -> &Totals {
        &self.all
    }

    /// Since the warmup was over: nothing before that.
    pub fn judged(&self) -> &Totals {
        self.apart.as_ref().unwrap_or(&self.all)
    }

    /// What a person who watches sees: it agrees with what is judged, as soon as anything is.
    pub fn shown(&self) -> &Totals {
        if self.judging { self.judged() } else { &self.all }
    }

    /// (all, judged); the second only where they differ.
    pub fn into_parts(self) -> (Totals, Option<Totals>) {
        (self.all, self.apart)
    }
}

impl Absorb for Ledger {
    fn absorb(&mut self, shard: &mut Shard) {
        if let Some(judged) = self.apart.as_mut().filter(|_| self.judging) {
            judged.add(shard);
        }
        self.all.absorb(shard);
    }

    fn note_levels(&mut self) {
        if let Some(judged) = self.apart.as_mut().filter(|_| self.judging) {
            judged.note_levels();
        }
        self.all.note_levels();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aggregate::Selector;
    use crate::labels::Labels;
    use crate::metric::{self, Catalog};
    use crate::record::Registry;

    #[test]
    fn what_comes_before_judging_begins_is_counted_and_not_judged() {
        let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &[], 200));
        let id = |metric| registry.intern(metric, &Labels::empty());
        let [requests, duration, connected] =
            [metric::HTTP_REQS, metric::HTTP_REQ_DURATION, metric::WS_CONNECTED].map(id);
        let totals = || Totals::new(Arc::clone(&registry));
        let mut ledger = Ledger::new(totals(), Some(totals()));
        let mut shard = Shard::new(Arc::clone(&registry));
        let mut record = |ledger: &mut Ledger, millis: f64, opened: f64| {
            shard.count(requests, 1);
            shard.trend(duration, millis * 1e6);
            shard.add(connected, opened);
            shard.note("a note");
            ledger.absorb(&mut shard);
            ledger.note_levels();
        };
        record(&mut ledger, 900.0, 5.0);
        assert_eq!(ledger.judged().counter(&Selector::all(metric::HTTP_REQS)), 0.0);
        ledger.begin_judging();
        record(&mut ledger, 10.0, -2.0);
        record(&mut ledger, 20.0, 0.0);
        let seen = |totals: &Totals| {
            let trend = totals.trend(&Selector::all(metric::HTTP_REQ_DURATION)).unwrap();
            let counted = totals.counter(&Selector::all(metric::HTTP_REQS));
            (counted, trend.count(), trend.max(), totals.notes().0[0].count)
        };
        assert_eq!(seen(ledger.all()), (3.0, 3, Some(9e8), 3));
        assert_eq!(seen(ledger.judged()), (2.0, 2, Some(2e7), 2));
        let level = |totals: &Totals| totals.gauge(&Selector::all(metric::WS_CONNECTED)).unwrap();
        assert_eq!((level(ledger.all()), level(ledger.judged())), ((3.0, 3.0, 5.0), (3.0, 3.0, 3.0)));
    }

    #[test]
    fn without_a_warmup_all_is_judged_and_kept_once() {
        let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &[], 200));
        let ledger = Ledger::new(Totals::new(registry), None);
        assert!(ledger.is_judging() && std::ptr::eq(ledger.all(), ledger.judged()));
    }
}
