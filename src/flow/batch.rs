//! The step `batch`: requests at the same time, over several connections of one VU.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use super::http::{Errand, HttpStep};
use super::websocket::attending;
use super::{Ended, Step, Vu};
use crate::protocol::http::{Client, Reply};
use crate::protocol::{Origin, Target};
use crate::sample::Exchange;

/// Requests begun in order, as many at a time as the two limits allow. All are filled in before the first is
/// sent; checks, captures and records follow when all are answered, in the order of the plan.
#[derive(Debug)]
pub struct Batch {
    /// At least one.
    pub parallel: usize,
    /// Of one host and port; at least one.
    pub per_host: usize,
    pub steps: Vec<HttpStep>,
}

/// The connections of a VU's batches, kept from one to the next: as many lanes as ever were busy at once.
#[derive(Debug, Default)]
pub(super) struct Lanes(Vec<Lane>);

/// Makes one exchange at a time.
#[derive(Debug, Default)]
struct Lane {
    client: Client,
    /// Where its last request went.
    origin: Option<Arc<Origin>>,
}

struct Waiting<'a> {
    place: usize,
    errand: Errand<'a>,
}

impl Step for Batch {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(attending(vu, async move |vu| {
            let mut waiting = VecDeque::with_capacity(self.steps.len());
            for (place, step) in self.steps.iter().enumerate() {
                waiting.push_back(Waiting { place, errand: step.prepare(vu)? });
            }
            let mut answers: Vec<Option<(Exchange, Reply)>> = Vec::new();
            answers.resize_with(self.steps.len(), || None);
            self.send(vu, waiting, &mut answers).await;
            // Each is looked into, also when one before it ends the iteration.
            let mut ended = Ok(());
            for (step, answer) in self.steps.iter().zip(answers) {
                if let Some((exchange, reply)) = answer {
                    ended = ended.and(step.observe(vu, exchange, reply));
                }
            }
            ended
        }))
    }
}

impl Batch {
    async fn send(
        &self,
        vu: &mut Vu,
        mut waiting: VecDeque<Waiting<'_>>,
        answers: &mut [Option<(Exchange, Reply)>],
    ) {
        let (around, _, lanes) = vu.surroundings();
        let mut busy: Vec<Option<Arc<Origin>>> = Vec::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < self.parallel
                && let Some(next) = self.take_next(&mut waiting, &busy)
            {
                let origin = next.errand.target().map(Target::origin).map(Arc::clone);
                let mut lane = lanes.take(origin.as_ref());
                lane.origin.clone_from(&origin);
                busy.push(origin);
                under_way.push(async move {
                    let Waiting { place, errand } = next;
                    let answer = self.steps[place].perform(around, &mut lane.client, errand).await;
                    (place, lane, answer)
                });
            }
            let Some((place, lane, answer)) = under_way.next().await else { return };
            if let Some(done) = busy.iter().position(|origin| *origin == lane.origin) {
                busy.swap_remove(done);
            }
            lanes.0.push(lane);
            answers[place] = Some(answer);
        }
    }

    /// The first request whose host has room.
    fn take_next<'w>(
        &self,
        waiting: &mut VecDeque<Waiting<'w>>,
        busy: &[Option<Arc<Origin>>],
    ) -> Option<Waiting<'w>> {
        let has_room = |waiting: &Waiting<'_>| match waiting.errand.target().map(Target::origin) {
            Some(origin) => busy.iter().filter(|busy| busy.as_ref() == Some(origin)).count() < self.per_host,
            None => true,
        };
        let place = waiting.iter().position(has_room)?;
        waiting.remove(place)
    }
}

impl Lanes {
    /// One that has been there before, else one that has not been anywhere longest, else a new one.
    fn take(&mut self, origin: Option<&Arc<Origin>>) -> Lane {
        let same = |lane: &Lane| lane.origin.is_some() && lane.origin.as_ref() == origin;
        match self.0.iter().rposition(same) {
            Some(place) => self.0.remove(place),
            None if self.0.is_empty() => Lane::default(),
            None => self.0.remove(0),
        }
    }
}
