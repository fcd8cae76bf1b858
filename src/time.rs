//! Time since the run began: the only clock the engine knows.
//!
//! It rests on tokio's clock, so a test that pauses it runs the engine in virtual time.

use std::ops::Add;
use std::time::{Duration, SystemTime};

/// Time since the run began, in nanoseconds (584 years fit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Elapsed(u64);

impl Elapsed {
    pub const ZERO: Elapsed = Elapsed(0);
    pub const MAX: Elapsed = Elapsed(u64::MAX);

    pub const fn from_nanos(nanos: u64) -> Self {
        Elapsed(nanos)
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Elapsed) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<Duration> for Elapsed {
    fn from(duration: Duration) -> Self {
        Elapsed(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Elapsed> for Duration {
    fn from(elapsed: Elapsed) -> Self {
        Duration::from_nanos(elapsed.0)
    }
}

impl Add<Duration> for Elapsed {
    type Output = Elapsed;

    fn add(self, duration: Duration) -> Elapsed {
        Elapsed(self.0.saturating_add(Elapsed::from(duration).0))
    }
}

/// Reads the time since the run began; every thread of a run holds a copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: tokio::time::Instant,
    wall_origin: SystemTime,
}

impl Clock {
    /// A clock whose zero is now.
    pub fn start() -> Self {
        Clock { origin: tokio::time::Instant::now(), wall_origin: SystemTime::now() }
    }

    pub fn now(&self) -> Elapsed {
        Elapsed::from(self.origin.elapsed())
    }

    /// The instant at which `elapsed` is reached, for tokio's timers.
    pub fn instant(&self, elapsed: Elapsed) -> tokio::time::Instant {
        self.origin + Duration::from(elapsed)
    }

    /// The wall clock when the run began plus monotonic time, so that a clock that is set back
    /// while the run lasts cannot reorder what we write.
    pub fn wall(&self, elapsed: Elapsed) -> SystemTime {
        self.wall_origin + Duration::from(elapsed)
    }
}
