//! The step `grpc`, compiled.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{HOST, HeaderValue};
use serde_json::Value as Json;

use super::super::protos;
use super::Steps;
use super::ledger::carrying;
use super::parts::reads;
use crate::config::{At, GrpcConfig, MessageConfig, Problem, SchemaConfig, SendConfig, StepConfig};
use crate::flow::{Contract, ContractError, Describe, GrpcMessage, GrpcStep, Headers, SessionSeries};
use crate::metric;
use crate::protocol::grpc::{Pings, request_headers, split};

impl Steps<'_> {
    pub(super) fn grpc(&mut self, grpc: &GrpcConfig) -> Option<GrpcStep> {
        let id = self.new_id();
        let method = &grpc.method.value;
        let name = grpc.name.as_ref().map_or(method, |name| &name.value);
        let (service, short) = split(method)?;
        let labels =
            self.tagged(&grpc.tags).with("name", name).with("service", service).with("method", short);
        let url = self.url(&grpc.url, &["grpc", "grpcs", "http", "https"]);
        let headers = self.metadata(grpc);
        let messages: Vec<_> = grpc
            .messages
            .iter()
            .map(|document| Some(GrpcMessage::new(document.value.clone(), self.json(document)?)))
            .collect();
        let checks = self.own_checks(&grpc.checks);
        let record = self.own_records(&grpc.record);
        let capture = self.own_capture(&grpc.capture);
        self.exchanged = true;
        let messages = messages.into_iter().collect::<Option<Vec<_>>>()?;
        let mut contract = Contract::new(method.clone(), messages, grpc.gzip, grpc.max_send_bytes);
        contract.sends = grpc.flow.as_deref().map(sent).unwrap_or_default();
        let contract = Arc::new(contract);
        let timeout = grpc.timeout.unwrap_or(self.defaults.timeout);
        let describe = self.settled(grpc, &contract, service, &headers.constant)?;
        let outer =
            std::mem::replace(&mut self.labels, labels.without("name").without("service").without("method"));
        let flow = grpc.flow.as_ref().map(|flow| self.flow_of(name.clone(), flow));
        self.labels = outer;
        let reads = reads(&checks, &record, &capture) | self.kept.exchange;
        self.registry.intern(metric::GRPC_REQ_FAILED, &labels);
        Some(GrpcStep {
            id,
            url: url?,
            contract,
            describe,
            headers,
            timeout,
            expected: grpc.expected_statuses.clone(),
            keep_alive: grpc.keep_alive.map(|after| Pings { after, timeout: grpc.keep_alive_timeout }),
            max_receive_bytes: grpc.max_receive_bytes,
            series: SessionSeries::of_grpc(self.registry, &labels, grpc.flow.is_some()),
            labels,
            keep_body: reads.body,
            keep_headers: reads.headers,
            observed: reads.anything,
            checks,
            capture,
            record,
            flow,
        })
    }

    /// What every call has, what the plan adds, and what the server is called.
    fn metadata(&mut self, grpc: &GrpcConfig) -> Headers {
        let mut headers =
            Headers { constant: request_headers(&self.defaults.user_agent, grpc.gzip), ..Headers::default() };
        let own = self.headers(&grpc.metadata, None);
        let agent = http::header::USER_AGENT;
        headers.constant.extend(own.constant.into_iter().filter(|(name, _)| *name != Some(agent.clone())));
        headers.templates = own.templates;
        if let Some(authority) = &grpc.authority
            && let Some(template) = self.template(authority)
        {
            match template.constant().map(HeaderValue::from_str) {
                Some(Ok(value)) => drop(headers.constant.insert(HOST, value)),
                Some(Err(_)) => {
                    let message = format!("`{}` is no authority", authority.value);
                    self.problems.push(Problem::new(authority.place, message));
                }
                None => headers.templates.push((HOST, template)),
            }
        }
        headers
    }

    /// By files at once, else by whoever asks the server. Nothing where something is wrong, which was said.
    fn settled(
        &mut self,
        grpc: &GrpcConfig,
        contract: &Arc<Contract>,
        service: &str,
        headers: &HeaderMap,
    ) -> Option<Option<Arc<Describe>>> {
        if matches!(grpc.schema, SchemaConfig::Reflection) {
            let timeout = grpc.timeout.unwrap_or(self.defaults.timeout);
            let compiled = self.url(&grpc.url, &["grpc", "grpcs", "http", "https"]);
            let describe = self.files.services.describe(&grpc.url.value, service, || {
                Some(Describe::new(compiled?, service, headers.clone(), timeout))
            })?;
            describe.serve(Arc::clone(contract));
            return Some(Some(describe));
        }
        let pool = protos::pool(&grpc.schema, self.files, self.problems)?;
        let Err(error) = contract.settle(&pool) else { return Some(None) };
        let place = match &error {
            ContractError::Method(_) => grpc.method.place,
            ContractError::Message(at, _) => grpc.messages.get(*at).map_or(grpc.method.place, |it| it.place),
            ContractError::Send(_) => grpc.method.place,
        };
        let problem = Problem::new(place, error.to_string());
        self.problems.push(match error.help() {
            Some(help) => problem.help(help.to_owned()),
            None => problem,
        });
        None
    }
}

/// What the steps of a flow send.
fn sent(flow: &[At<StepConfig>]) -> Vec<Json> {
    let mut all = Vec::new();
    for step in flow {
        match &step.value {
            StepConfig::Send(SendConfig { message: MessageConfig::Json(document), ledger }) => {
                all.push(carrying(document, ledger.as_ref()).value.clone());
            }
            StepConfig::Group(group) => all.extend(sent(&group.flow)),
            StepConfig::Repeat(repeat) => all.extend(sent(&repeat.flow)),
            StepConfig::If(branch) => {
                all.extend([&branch.then, &branch.otherwise].into_iter().flat_map(|it| sent(it)))
            }
            StepConfig::Choose(choices) => all.extend(choices.iter().flat_map(|choice| sent(&choice.flow))),
            _ => {}
        }
    }
    all
}
