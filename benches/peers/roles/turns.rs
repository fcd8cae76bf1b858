//! When each of several publishers sends: one schedule for all of them, as an open model has it.

use std::time::{Duration, Instant};

use super::timer::Timer;
use crate::Result;
use crate::load::WARMING;

/// One publisher's part of the schedule: every `publishers`th event. A rate begins after a second of [`WARMING`].
pub(super) struct Turns {
    timer: Timer,
    began: Instant,
    lasting: Duration,
    /// Of all publishers together; as many as go without it.
    rate: Option<u32>,
    next: u32,
    publishers: u32,
}

impl Turns {
    /// The parts of all publishers, which begin now.
    pub(super) fn shared(publishers: u32, rate: Option<u32>, secs: f64) -> Result<Vec<Self>> {
        let (began, lasting) = (Instant::now(), Duration::from_secs_f64(secs));
        (0..publishers)
            .map(|next| Ok(Self { timer: Timer::new()?, began, lasting, rate, next, publishers }))
            .collect()
    }

    /// Waits until the next event is due, by a timer of its own as loadgate does; false when the time is over.
    pub(super) async fn next(&mut self) -> Result<bool> {
        let Some(rate) = self.rate else { return Ok(self.began.elapsed() < self.lasting) };
        let due = match self.next.checked_sub(WARMING) {
            None => Duration::from_secs_f64(f64::from(self.next) / f64::from(WARMING)),
            Some(after) => {
                let after = Duration::from_secs_f64(f64::from(after) / f64::from(rate));
                if after >= self.lasting {
                    return Ok(false);
                }
                Duration::from_secs(1) + after
            }
        };
        self.next += self.publishers;
        let due = self.began + due;
        if due > Instant::now() {
            self.timer.sleep_until(due).await?;
        }
        Ok(true)
    }
}
