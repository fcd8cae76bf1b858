//! Steps that steer: sleep, group, repeat, if, choose.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Ended, Flow, Step, Vu};
use crate::ids::SeriesId;
use crate::template::Expression;
use crate::time::Elapsed;

/// Think time, uniform between the two.
#[derive(Debug)]
pub struct Sleep {
    pub min: Duration,
    pub max: Duration,
}

/// Steps that are timed together.
#[derive(Debug)]
pub struct Group {
    pub series: SeriesId,
    pub flow: Flow,
}

/// Ends with the first of its ends that is reached.
#[derive(Debug)]
pub struct Repeat {
    pub times: u64,
    /// Asked before each round.
    pub condition: Option<Expression>,
    /// Rounds begin before this has passed; paced ones are due before it has.
    pub lasting: Duration,
    /// `None`: a round begins when the last is done.
    pub pace: Option<Pace>,
    pub flow: Flow,
}

/// Rounds at fixed times.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub every: Duration,
    /// Takes how late each round began.
    pub lag: SeriesId,
}

impl Pace {
    /// When the round is due: a function of its number, so that no lateness adds up. The first is due at once.
    fn due(&self, started: Elapsed, round: u64) -> Elapsed {
        let every = u64::try_from(self.every.as_nanos()).unwrap_or(u64::MAX);
        started + Duration::from_nanos(every.saturating_mul(round))
    }
}

/// One of several flows, drawn anew each time.
#[derive(Debug)]
pub struct Choose {
    /// Each with the sum of the weights up to its own.
    choices: Vec<(f64, Flow)>,
}

#[derive(Debug)]
pub struct If {
    pub when: Expression,
    pub then: Flow,
    pub otherwise: Flow,
}

impl Step for Sleep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            let duration = Duration::from_nanos(fastrand::u64(nanos(self.min)..=nanos(self.max)));
            vu.wait_until(tokio::time::Instant::now() + duration).await;
            Ok(())
        })
    }
}

impl Step for Group {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let started = vu.now();
            let ended = self.flow.run(vu).await;
            let duration = vu.now().since(started);
            vu.worker.shard.borrow_mut().time(self.series, duration);
            ended
        })
    }
}

impl Step for Repeat {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let started = vu.now();
            for round in 0..self.times {
                let due = self.pace.map_or_else(|| vu.now(), |pace| pace.due(started, round));
                if due.since(started) >= self.lasting {
                    break;
                }
                if let Some(condition) = &self.condition
                    && !condition.is_true(&vu.scope())?
                {
                    break;
                }
                if let Some(pace) = self.pace {
                    pace.wait(vu, due).await;
                }
                self.flow.run(vu).await?;
                // A body without a wait must not keep the worker from its other users.
                tokio::task::coop::consume_budget().await;
            }
            if self.pace.is_some() {
                // What comes after the rounds was not due when the last of them was.
                vu.take_due();
            }
            Ok(())
        })
    }
}

impl Pace {
    async fn wait(&self, vu: &mut Vu, due: Elapsed) {
        let mut now = vu.now();
        if now < due {
            vu.wait_until(vu.worker.clock.instant(due)).await;
            now = vu.now();
        }
        vu.worker.shard.borrow_mut().time(self.lag, now.since(due));
        vu.set_due(due);
    }
}

impl Choose {
    /// Each flow with its weight, which is above 0 and finite.
    pub fn new(choices: impl Iterator<Item = (f64, Flow)>) -> Self {
        let mut sum = 0.0;
        let choices = choices.map(|(weight, flow)| {
            sum += weight;
            (sum, flow)
        });
        Choose { choices: choices.collect() }
    }

    /// The flow in whose part of the weights a number from 0 to below 1 falls.
    fn at(&self, drawn: f64) -> Option<&Flow> {
        let (sum, last) = self.choices.last()?;
        let drawn = drawn * sum;
        let chosen = self.choices.iter().find(|(upto, _)| drawn < *upto);
        // Rounding may take it to the sum itself.
        Some(chosen.map_or(last, |(_, flow)| flow))
    }
}

impl Step for Choose {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            match self.at(fastrand::f64()) {
                Some(flow) => flow.run(vu).await,
                None => Ok(()),
            }
        })
    }
}

impl Step for If {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let holds = self.when.is_true(&vu.scope())?;
            if holds { self.then.run(vu).await } else { self.otherwise.run(vu).await }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Checks;

    #[test]
    fn a_flow_is_chosen_as_often_as_its_weight_says() {
        // Told apart by their number of steps.
        let flow = |steps: usize| {
            Flow::new((0..steps).map(|_| Box::new(Checks::default()) as Box<dyn Step>).collect())
        };
        let choose = Choose::new([(6.0, flow(1)), (3.0, flow(2)), (1.0, flow(3))].into_iter());
        for (drawn, steps) in [(0.0, 1), (0.59, 1), (0.6, 2), (0.89, 2), (0.9, 3), (0.999, 3), (1.0, 3)] {
            assert_eq!(choose.at(drawn).map(|flow| flow.0.len()), Some(steps), "{drawn}");
        }
    }

    #[test]
    fn due_times_are_multiples_and_do_not_overflow() {
        let pace = Pace { every: Duration::from_millis(10), lag: SeriesId(0) };
        let started = Elapsed::from(Duration::from_secs(1));
        let due = |round| pace.due(started, round).as_nanos();
        assert_eq!([due(0), due(1), due(1_000)], [1_000_000_000, 1_010_000_000, 11_000_000_000]);
        assert_eq!(pace.due(started, u64::MAX), Elapsed::MAX);
    }
}
