//! Steps of whatever protocol that publish or receive the events of a ledger, compiled.

use std::time::Duration;

use super::Steps;
use crate::config::{At, Problem};
use crate::flow::{PublishedEvents, ReceivedEvents};
use crate::labels::Labels;
use crate::metric;

impl Steps<'_> {
    /// For a step of any protocol that publishes events.
    pub(super) fn published(&mut self, ledger: &At<String>, labels: &Labels) -> Option<PublishedEvents> {
        self.refuse_ledger_outside_the_load(ledger)?;
        let labels = labels.with("ledger", &ledger.value);
        let published = self.registry.intern(metric::EVENTS_PUBLISHED, &labels);
        Some(PublishedEvents { ledger: self.files.ledgers.publish(ledger), published })
    }

    /// For a step of any protocol that receives events; `shared`: among all that name the same source.
    pub(super) fn received(
        &mut self,
        ledger: &At<String>,
        shared: bool,
        wait: Duration,
        labels: &Labels,
    ) -> Option<ReceivedEvents> {
        self.refuse_ledger_outside_the_load(ledger)?;
        let labels = labels.with("ledger", &ledger.value);
        let series = |id| self.registry.intern(id, &labels);
        Some(ReceivedEvents {
            ledger: self.files.ledgers.receive(ledger, shared),
            shared,
            wait,
            received: series(metric::EVENTS_RECEIVED),
            duplicated: series(metric::EVENTS_DUPLICATED),
            reordered: series(metric::EVENTS_REORDERED),
            latency: series(metric::EVENT_LATENCY),
        })
    }

    fn refuse_ledger_outside_the_load(&mut self, ledger: &At<String>) -> Option<()> {
        let Some(procedure) = self.procedure else { return Some(()) };
        let message = format!("a `ledger` in `{procedure}`");
        let help = "events are of the load: publish and receive them in a scenario's flow";
        self.problems.push(Problem::new(ledger.place, message).help(help));
        None
    }
}
