//! Load time: the run's clock without its pauses. Schedules are kept in it, and so are graceful stops and ramps: a pause
//! puts off all that is still to come by as much as it lasts, and nothing is due in it. Pure.

use std::time::Duration;

use crate::time::Elapsed;

/// How load time follows from the run's clock, as it stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadTime {
    /// All pauses that are over.
    paused: Duration,
    /// Since when it is paused, if it is.
    since: Option<Elapsed>,
}

impl LoadTime {
    /// Load time at `now`; while the run is paused, when that began.
    pub fn at(self, now: Elapsed) -> Elapsed {
        let now = self.since.map_or(now, |since| since.min(now));
        now.since(self.paused.into()).into()
    }

    /// When the run's clock shows `moment` of load time: if that is still to come, and no pause comes before it.
    pub fn moment(self, moment: Elapsed) -> Elapsed {
        moment + self.paused
    }

    pub fn is_paused(self) -> bool {
        self.since.is_some()
    }

    /// How long the run has been paused by `now`, all pauses together.
    pub fn paused(self, now: Elapsed) -> Duration {
        self.paused + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Stands still from `now` on. A pause that lasts goes on.
    pub(super) fn pause(&mut self, now: Elapsed) {
        self.since.get_or_insert(now);
    }

    /// Goes on.
    pub(super) fn resume(&mut self, now: Elapsed) {
        *self = LoadTime { paused: self.paused(now), since: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Elapsed {
        Duration::from_secs(secs).into()
    }

    #[test]
    fn it_stands_still_in_a_pause_and_goes_on_where_it_stood() {
        let mut time = LoadTime::default();
        // (the run's clock, what happens then, load time, paused so far, when second 20 of load time is)
        type Change = fn(&mut LoadTime, Elapsed);
        let nothing: Change = |_, _| ();
        let cases: [(u64, Change, u64, u64, u64); 9] = [
            (0, nothing, 0, 0, 20),
            (5, LoadTime::pause, 5, 0, 20),
            (8, nothing, 5, 3, 20),
            (9, LoadTime::pause, 5, 4, 20),
            (11, LoadTime::resume, 5, 6, 26),
            (12, nothing, 6, 6, 26),
            (13, LoadTime::resume, 7, 6, 26),
            (14, LoadTime::pause, 8, 6, 26),
            (3614, LoadTime::resume, 8, 3606, 3626),
        ];
        for (now, change, load, paused, twentieth) in cases {
            change(&mut time, secs(now));
            let found = (time.at(secs(now)), time.paused(secs(now)), time.moment(secs(20)));
            assert_eq!(found, (secs(load), secs(paused).into(), secs(twentieth)), "after {now} s");
        }
    }

    #[test]
    fn a_clock_that_was_read_before_the_pause_is_not_put_forward() {
        let mut time = LoadTime::default();
        time.pause(secs(5));
        assert_eq!(time.at(secs(4)), secs(4));
    }
}
