//! When faults are done and undone.

use std::time::Duration;

use crate::time::Elapsed;

/// What the plan says of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub at: Elapsed,
    /// Whether there is something to do: without it the fault is over when it begins.
    pub has_do: bool,
    pub has_undo: bool,
    /// `None`: to the end of the load where it is undone, else until it is done.
    pub lasts: Option<Duration>,
}

/// Something to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Do,
    Undo,
}

/// Where a fault is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Waiting,
    Doing,
    /// It is there.
    Active {
        since: Elapsed,
    },
    Undoing {
        /// `None` when it could not be done.
        since: Option<Elapsed>,
    },
    /// It is gone: the target may recover.
    Cleared {
        since: Elapsed,
        at: Elapsed,
    },
    /// It could not be done; what there was of it is undone.
    Failed,
    /// It could not be undone.
    Stuck,
}

/// All faults of a run. It is told the time and what came of each deed, and says what to do.
#[derive(Debug, Default)]
pub struct Timeline {
    faults: Vec<(Schedule, Stage)>,
    over: bool,
}

impl Timeline {
    pub fn new(schedules: impl IntoIterator<Item = Schedule>) -> Self {
        let faults = schedules.into_iter().map(|schedule| (schedule, Stage::Waiting)).collect();
        Timeline { faults, over: false }
    }

    pub fn stage(&self, fault: usize) -> Stage {
        self.faults[fault].1
    }

    /// When [`due`](Self::due) has to be asked next; `None`: not before something is done.
    pub fn next(&self) -> Option<Elapsed> {
        let next = |(schedule, stage): &(Schedule, Stage)| match stage {
            Stage::Waiting if !self.over => Some(schedule.at),
            Stage::Active { since } => schedule.end(*since),
            _ => None,
        };
        self.faults.iter().filter_map(next).min()
    }

    /// What is to be done now; each is said once.
    pub fn due(&mut self, now: Elapsed) -> Vec<(usize, Deed)> {
        let mut due = Vec::new();
        for (at, (schedule, stage)) in self.faults.iter_mut().enumerate() {
            match *stage {
                Stage::Waiting if !self.over && schedule.at <= now => {
                    if schedule.has_do {
                        *stage = Stage::Doing;
                        due.push((at, Deed::Do));
                    } else {
                        *stage = Stage::Cleared { since: now, at: now };
                    }
                }
                Stage::Active { since } => {
                    let ends = schedule.end(since).is_some_and(|end| end <= now);
                    if (ends || self.over) && schedule.has_undo {
                        *stage = Stage::Undoing { since: Some(since) };
                        due.push((at, Deed::Undo));
                    } else if ends {
                        *stage = Stage::Cleared { since, at: now };
                    }
                }
                _ => {}
            }
        }
        due
    }

    /// A deed is over. What it leads to is said by [`due`](Self::due), except for the undoing of what could not be done,
    /// which is answered: whoever fails half-way may have broken something.
    pub fn done(&mut self, fault: usize, deed: Deed, succeeded: bool, now: Elapsed) -> Option<Deed> {
        let (schedule, stage) = &mut self.faults[fault];
        *stage = match (deed, *stage) {
            (Deed::Do, Stage::Doing) if succeeded => Stage::Active { since: now },
            (Deed::Do, Stage::Doing) if schedule.has_undo => {
                *stage = Stage::Undoing { since: None };
                return Some(Deed::Undo);
            }
            (Deed::Do, Stage::Doing) => Stage::Failed,
            (Deed::Undo, Stage::Undoing { .. }) if !succeeded => Stage::Stuck,
            (Deed::Undo, Stage::Undoing { since: Some(since) }) => Stage::Cleared { since, at: now },
            (Deed::Undo, Stage::Undoing { since: None }) => Stage::Failed,
            (_, other) => other,
        };
        None
    }

    /// The load is over: nothing is begun any more, and what is there is undone now.
    pub fn end(&mut self) {
        self.over = true;
    }
}

impl Schedule {
    /// When it ends by itself or is to be undone.
    fn end(&self, since: Elapsed) -> Option<Elapsed> {
        match self.lasts {
            Some(lasts) => Some(since + lasts),
            None if self.has_undo => None,
            None => Some(since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Elapsed {
        Duration::from_secs(secs).into()
    }

    fn fault(begins: u64, has_undo: bool, lasts: Option<u64>) -> Schedule {
        Schedule { at: at(begins), has_do: true, has_undo, lasts: lasts.map(Duration::from_secs) }
    }

    #[test]
    fn a_fault_is_done_when_it_is_due_and_undone_when_its_time_is_over() {
        let mut timeline = Timeline::new([fault(10, true, Some(5)), fault(12, true, None)]);
        assert_eq!((timeline.next(), timeline.due(at(9))), (Some(at(10)), vec![]));
        assert_eq!(timeline.due(at(10)), [(0, Deed::Do)]);
        assert_eq!(timeline.due(at(10)), [], "once");
        assert_eq!(timeline.done(0, Deed::Do, true, at(11)), None);
        assert_eq!(timeline.next(), Some(at(12)));
        assert_eq!(timeline.due(at(12)), [(1, Deed::Do)]);
        assert_eq!(timeline.next(), Some(at(16)), "it lasts from when it was there");
        timeline.done(1, Deed::Do, true, at(13));
        assert_eq!(timeline.due(at(16)), [(0, Deed::Undo)]);
        timeline.done(0, Deed::Undo, true, at(17));
        assert_eq!(timeline.stage(0), Stage::Cleared { since: at(11), at: at(17) });
        assert_eq!((timeline.next(), timeline.due(at(99))), (None, vec![]), "the second lasts to the end");
        timeline.end();
        assert_eq!(timeline.due(at(100)), [(1, Deed::Undo)]);
    }

    #[test]
    fn what_could_not_be_done_is_undone_at_once_and_never_counts_as_a_fault() {
        let mut timeline = Timeline::new([fault(0, true, Some(60)), fault(0, false, None)]);
        assert_eq!(timeline.due(at(0)).len(), 2);
        assert_eq!(timeline.done(0, Deed::Do, false, at(1)), Some(Deed::Undo));
        assert_eq!(timeline.done(1, Deed::Do, false, at(1)), None);
        timeline.done(0, Deed::Undo, true, at(2));
        assert_eq!([timeline.stage(0), timeline.stage(1)], [Stage::Failed, Stage::Failed]);
    }

    #[test]
    fn what_could_not_be_undone_stays_so() {
        let mut timeline = Timeline::new([fault(0, true, Some(1))]);
        timeline.due(at(0));
        timeline.done(0, Deed::Do, true, at(0));
        assert_eq!(timeline.due(at(1)), [(0, Deed::Undo)]);
        timeline.done(0, Deed::Undo, false, at(2));
        timeline.end();
        assert_eq!((timeline.stage(0), timeline.due(at(9))), (Stage::Stuck, vec![]));
    }

    #[test]
    fn without_undo_a_fault_ends_when_it_is_done_or_after_its_time() {
        let mut timeline = Timeline::new([fault(1, false, None), fault(1, false, Some(4))]);
        timeline.due(at(1));
        timeline.done(0, Deed::Do, true, at(2));
        timeline.done(1, Deed::Do, true, at(2));
        assert_eq!(timeline.due(at(2)), []);
        assert_eq!(timeline.stage(0), Stage::Cleared { since: at(2), at: at(2) });
        assert_eq!(timeline.next(), Some(at(6)));
        timeline.due(at(6));
        assert_eq!(timeline.stage(1), Stage::Cleared { since: at(2), at: at(6) });
    }

    #[test]
    fn after_the_end_nothing_is_begun() {
        let mut timeline = Timeline::new([fault(1, true, Some(1)), fault(5, true, Some(1))]);
        timeline.due(at(1));
        timeline.end();
        assert_eq!((timeline.next(), timeline.due(at(9))), (None, vec![]), "the first is still being done");
        timeline.done(0, Deed::Do, true, at(9));
        assert_eq!(timeline.due(at(9)), [(0, Deed::Undo)]);
        assert_eq!(timeline.stage(1), Stage::Waiting);
    }

    #[test]
    fn what_only_measures_is_over_when_it_begins() {
        let mut timeline =
            Timeline::new([Schedule { has_do: false, has_undo: false, ..fault(3, false, None) }]);
        assert_eq!(timeline.due(at(3)), []);
        assert_eq!(timeline.stage(0), Stage::Cleared { since: at(3), at: at(3) });
    }
}
