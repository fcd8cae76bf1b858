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

    /// When an instant of tokio's timers is; zero before the run began.
    pub fn elapsed(&self, instant: tokio::time::Instant) -> Elapsed {
        Elapsed::from(instant.saturating_duration_since(self.origin))
    }

    /// [`wall`](Self::wall) in milliseconds since the Unix epoch, as Prometheus has it.
    pub fn unix_ms(&self, elapsed: Elapsed) -> i64 {
        let since = self.wall(elapsed).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// The wall clock when the run began plus monotonic time, so that a clock that is set back
    /// while the run lasts cannot reorder what we write.
    pub fn wall(&self, elapsed: Elapsed) -> SystemTime {
        self.wall_origin + Duration::from(elapsed)
    }
}

/// A duration as a plan writes it: `500ms`, `8s`, `1m30s`, `5m`, `1h`.
pub fn span(duration: Duration) -> String {
    let (minutes, rest) =
        (duration.as_secs() / 60, Duration::new(duration.as_secs() % 60, duration.subsec_nanos()));
    let mut text = String::new();
    for (count, unit) in [(minutes / 60, 'h'), (minutes % 60, 'm')] {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    match (text.is_empty(), rest.is_zero()) {
        (true, true) => "0s".to_owned(),
        (false, true) => text,
        (_, false) => text + &format!("{rest:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_a_plan() {
        for (millis, expected) in [
            (0, "0s"),
            (500, "500ms"),
            (8_000, "8s"),
            (1_500, "1.5s"),
            (60_000, "1m"),
            (90_000, "1m30s"),
            (90_500, "1m30.5s"),
            (300_000, "5m"),
            (3_600_000, "1h"),
            (3_605_000, "1h5s"),
            (90_061_000, "25h1m1s"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), expected);
        }
    }
}
