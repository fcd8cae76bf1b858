//! Steps of the file to steps that run: the list of all kinds.

mod amqp;
mod batch;
mod body;
mod bus;
mod control;
mod event;
mod grpc;
mod http;
mod ledger;
mod nats;
mod parts;
mod payload;
mod targets;
mod websocket;

use std::collections::BTreeSet;

use super::files::Files;
use crate::config::{At, Defaults, Problem, StepConfig};
use crate::flow::{Flow, Log, Sleep, Step};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::record::Registry;
use crate::template::{ExchangeReads, Names};

/// Compiles the steps of one scenario, in order; what earlier steps capture, later ones see.
pub(super) struct Steps<'a> {
    pub(super) registry: &'a Registry,
    pub(super) defaults: &'a Defaults,
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) files: &'a mut Files,
    pub(super) next_id: &'a mut u32,
    pub(super) names: Names,
    /// scenario, group and the tags.
    pub(super) labels: Labels,
    /// k6's path of groups: `::outer::inner`.
    pub(super) group: String,
    /// Whether a step before this one makes an exchange.
    pub(super) exchanged: bool,
    pub(super) reads: Reads,
    /// What is known of the whole scenario from an earlier pass.
    pub(super) kept: Reads,
    /// The name of the session whose flow this is.
    pub(super) session: Option<String>,
    /// `setup`, where the steps are those of a procedure and no part of the load.
    pub(super) procedure: Option<&'static str>,
}

/// What steps look at: of exchanges that other steps made, and of `data`.
#[derive(Debug, Clone, Default)]
pub(super) struct Reads {
    pub(super) exchange: ExchangeReads,
    pub(super) tables: BTreeSet<String>,
}

impl Reads {
    pub(super) fn tables<'t>(&mut self, tables: impl Iterator<Item = &'t str>) {
        self.tables.extend(tables.map(str::to_owned));
    }
}

impl Steps<'_> {
    pub(super) fn flow(&mut self, steps: &[At<StepConfig>]) -> Flow {
        Flow::new(steps.iter().filter_map(|step| self.step(&step.value)).collect())
    }

    /// One line per kind of step.
    fn step(&mut self, step: &StepConfig) -> Option<Box<dyn Step>> {
        Some(match step {
            StepConfig::Http(http) => Box::new(self.http(http)?),
            StepConfig::Batch(batch) => Box::new(self.batch(batch)),
            StepConfig::Websocket(websocket) => Box::new(self.websocket(websocket)?),
            StepConfig::Grpc(grpc) => Box::new(self.grpc(grpc)?),
            StepConfig::Nats(nats) => Box::new(self.nats(nats)?),
            StepConfig::Amqp(amqp) => Box::new(self.amqp(amqp)?),
            StepConfig::Send(send) => Box::new(self.send(send)?),
            StepConfig::Receive(receive) => Box::new(self.receive(receive)?),
            StepConfig::Ping(ping) => Box::new(self.ping(ping)),
            StepConfig::Close(close) => Box::new(self.close(close)),
            StepConfig::Sleep(sleep) => Box::new(Sleep { min: sleep.min, max: sleep.max }),
            StepConfig::Group(group) => Box::new(self.group(group)),
            StepConfig::Repeat(repeat) => Box::new(self.repeat(repeat)?),
            StepConfig::Listen(listen) => Box::new(self.listen(listen)?),
            StepConfig::Choose(choices) => Box::new(self.choose(choices)),
            StepConfig::If(branch) => Box::new(self.branch(branch)?),
            StepConfig::Check(checks) => Box::new(self.check(checks)),
            StepConfig::Record(records) => Box::new(self.record(records)),
            StepConfig::Set(values) => Box::new(self.set(values)),
            StepConfig::Log(text) => Box::new(Log(self.template(text)?)),
        })
    }

    pub(super) fn tagged(&self, tags: &[(At<String>, At<String>)]) -> Labels {
        let tags = tags.iter().map(|(name, value)| (name.value.as_str(), value.value.as_str()));
        self.labels.merged(&Labels::new(tags))
    }

    pub(super) fn new_id(&mut self) -> StepId {
        let id = StepId(*self.next_id);
        *self.next_id += 1;
        id
    }
}
