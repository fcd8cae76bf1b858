//! `preflight`, `setup` and `teardown`, compiled: flows with a registry of their own.

use std::sync::Arc;
use std::time::Duration;

use super::files::Files;
use super::protos::Services;
use super::steps::{Reads, Steps};
use super::{Procedure, ProcedureStep};
use crate::config::{At, Defaults, Problem, Redactor, StepConfig};
use crate::flow::{Flow, ScenarioSeries};
use crate::labels::Labels;
use crate::metric::Catalog;
use crate::record::Registry;
use crate::template::{ExchangeReads, Names};

/// What servers are asked before there is load: what the services look like of which no file says it.
pub(super) fn descriptions(services: &Services, redactor: &Redactor) -> impl Iterator<Item = ProcedureStep> {
    services.described.iter().map(|((url, service), describe)| ProcedureStep {
        what: redactor.redact(&format!("reflection of `{service}` at {url}")),
        exchange: true,
        flow: Flow::new(vec![Box::new(Arc::clone(describe))]),
        wait_for: Duration::ZERO,
    })
}

/// Most series that a procedure keeps apart; it is one user's.
const SERIES_LIMIT: usize = 200;

/// What procedures are compiled from, beside themselves.
pub(super) struct Procedures<'a> {
    pub(super) defaults: &'a Defaults,
    pub(super) files: &'a mut Files,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Procedures<'_> {
    /// `names` are those in reach before its first step; answers also with those after its last.
    pub(super) fn compile(
        &mut self,
        name: &'static str,
        steps: &[At<StepConfig>],
        timeout: Option<Duration>,
        names: &Names,
    ) -> (Procedure, Names) {
        let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &[], SERIES_LIMIT));
        let labels = Labels::new([("scenario", name)]);
        let series = ScenarioSeries::new(&registry, &labels);
        let mut next_id = 0;
        let mut compiler = Steps {
            registry: &registry,
            defaults: self.defaults,
            problems: self.problems,
            files: self.files,
            next_id: &mut next_id,
            names: names.clone(),
            labels,
            group: String::new(),
            session: None,
            exchanged: false,
            reads: Reads::default(),
            // Its steps are compiled one by one, and each is done once.
            kept: Reads {
                exchange: ExchangeReads { anything: true, headers: true, body: true },
                ..Reads::default()
            },
            procedure: Some(name),
        };
        let mut compiled = Vec::new();
        for step in steps {
            let flow = compiler.flow(std::slice::from_ref(step));
            let (what, wait_for) = (step.value.describe(step.place), step.value.wait_for());
            let exchange = matches!(
                step.value,
                StepConfig::Http(_)
                    | StepConfig::Websocket(_)
                    | StepConfig::Nats(_)
                    | StepConfig::Amqp(_)
                    | StepConfig::Grpc(_)
            );
            compiled.push(ProcedureStep { what, exchange, flow, wait_for });
        }
        let names = compiler.names;
        (Procedure { name, registry, series, steps: compiled, timeout }, names)
    }
}
