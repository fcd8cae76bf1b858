//! Steps that steer: sleep, group, repeat, if.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Ended, Flow, Step, Vu};
use crate::ids::SeriesId;
use crate::template::Expression;

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

#[derive(Debug)]
pub struct Repeat {
    pub until: Until,
    pub flow: Flow,
}

#[derive(Debug)]
pub enum Until {
    Times(u64),
    While(Expression),
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
            match &mut vu.session {
                // Somebody has to answer pings and stamp what arrives meanwhile.
                Some(session) => session.idle(duration).await,
                None => tokio::time::sleep(duration).await,
            }
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
            let mut round = 0;
            loop {
                let again = match &self.until {
                    Until::Times(times) => round < *times,
                    Until::While(condition) => condition.is_true(&vu.scope())?,
                };
                if !again {
                    return Ok(());
                }
                self.flow.run(vu).await?;
                round += 1;
                // A body without a wait must not keep the worker from its other users.
                tokio::task::coop::consume_budget().await;
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
