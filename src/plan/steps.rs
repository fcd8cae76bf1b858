//! Steps of the file to steps that run: the list of all kinds.

use std::sync::Arc;

use http::{HeaderValue, Method};

use super::text::name_of_url;
use crate::config::{
    At, BodyConfig, CheckConfig, Defaults, HttpConfig, LoopConfig, MessageConfig, Named, Problem,
    ReceiveConfig, RecordConfig, StepConfig, WebsocketConfig,
};
use crate::flow::{
    Body, Check, Checks, Close, Flow, Group, HttpLabels, HttpStep, If, Log, Message, Ping, Receive, Record,
    RecordValue, Recorded, Records, Repeat, Send, SessionSeries, Set, Sleep, Step, Until, WebsocketStep,
};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::metric;
use crate::record::Registry;
use crate::template::Names;

/// Compiles the steps of one scenario, in order; what earlier steps capture, later ones see.
pub(super) struct Steps<'a> {
    pub(super) registry: &'a Registry,
    pub(super) defaults: &'a Defaults,
    pub(super) problems: &'a mut Vec<Problem>,
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
}

/// What steps look at of exchanges that other steps made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reads {
    pub(super) anything: bool,
    pub(super) body: bool,
}

impl Reads {
    pub(super) fn outside(&mut self, anything: bool, body: bool) {
        self.anything |= anything;
        self.body |= body;
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
            StepConfig::Websocket(websocket) => Box::new(self.websocket(websocket)?),
            StepConfig::Send(send) => Box::new(Send(self.message(&send.message)?)),
            StepConfig::Receive(receive) => Box::new(self.receive(receive)?),
            StepConfig::Ping(ping) => {
                Box::new(Ping { timeout: ping.timeout.unwrap_or(self.defaults.timeout) })
            }
            StepConfig::Close(close) => {
                let (code, reason) = (close.code, close.reason.clone().unwrap_or_default());
                Box::new(Close { code, reason, timeout: self.defaults.timeout })
            }
            StepConfig::Sleep(sleep) => Box::new(Sleep { min: sleep.min, max: sleep.max }),
            StepConfig::Group(group) => self.group(&group.name, &group.flow),
            StepConfig::Repeat(repeat) => {
                let until = match &repeat.until {
                    LoopConfig::Times(times) => Until::Times(*times),
                    LoopConfig::While(condition) => Until::While(self.expression(condition)?),
                };
                Box::new(Repeat { until, flow: self.flow(&repeat.flow) })
            }
            StepConfig::If(branch) => {
                let when = self.expression(&branch.when);
                let (then, otherwise) = (self.flow(&branch.then), self.flow(&branch.otherwise));
                Box::new(If { when: when?, then, otherwise })
            }
            StepConfig::Check(checks) => {
                let compiled = checks.iter().map(|check| (check, self.expression(&check.expression)));
                let compiled: Vec<_> = compiled.collect();
                Box::new(Checks(
                    compiled
                        .into_iter()
                        .filter_map(|(check, it)| Some(self.named_check(check, it?)))
                        .collect(),
                ))
            }
            StepConfig::Record(records) => {
                let mut compiled = Vec::new();
                for Named { name, expression } in records {
                    let (recorded, expression) = (self.recorded(name), self.expression(expression));
                    if let (Some(recorded), Some(expression)) = (recorded, expression) {
                        compiled.push(Record { recorded, value: RecordValue::Expression(expression) });
                    }
                }
                Box::new(Records(compiled))
            }
            StepConfig::Set(values) => {
                let mut compiled = Vec::new();
                for Named { name, expression } in values {
                    let expression = self.expression(expression);
                    compiled.extend(self.declared(name).zip(expression));
                }
                Box::new(Set(compiled))
            }
            StepConfig::Log(text) => Box::new(Log(self.template(text)?)),
        })
    }

    pub(super) fn http(&mut self, http: &HttpConfig) -> Option<HttpStep> {
        let id = self.new_id();
        let default_method = if http.body.is_some() { "POST" } else { "GET" };
        let method = http.method.as_ref().map_or(default_method, |method| method.value.as_str());
        let name = http.name.as_ref().map_or_else(|| name_of_url(&http.url.value), |name| name.value.clone());
        let labels = self.tagged(&http.tags).with("name", &name).with("method", method);
        let url = self.url(&http.url, ["http", "https"]);
        let headers = self.headers(&http.headers, http.body.as_ref().and_then(content_type));
        let body = self.body(http.body.as_ref());
        let checks = self.own_checks(&http.checks);
        let record = self.own_records(&http.record);
        let capture = self.own_capture(&http.capture);
        self.exchanged = true;
        let own_body = reads_body(&checks, &record, &capture);
        Some(HttpStep {
            id,
            method: Method::from_bytes(method.as_bytes()).ok()?,
            url: url?,
            headers,
            body: body?,
            timeout: http.timeout.unwrap_or(self.defaults.timeout),
            redirects: http.redirects,
            expected: http.expected_statuses.iter().map(|range| (range.from, range.to)).collect(),
            keep_body: own_body || self.kept.body || !self.defaults.discard_bodies,
            observed: !checks.is_empty()
                || !capture.is_empty()
                || record.read_exchange()
                || self.kept.anything,
            labels: HttpLabels::new(self.registry, labels),
            checks,
            capture,
            record,
        })
    }

    fn websocket(&mut self, websocket: &WebsocketConfig) -> Option<WebsocketStep> {
        let id = self.new_id();
        let name = websocket
            .name
            .as_ref()
            .map_or_else(|| name_of_url(&websocket.url.value), |name| name.value.clone());
        let labels = self.tagged(&websocket.tags).with("name", &name);
        let url = self.url(&websocket.url, ["ws", "wss"]);
        let headers = self.headers(&websocket.headers, None);
        let subprotocols = websocket
            .subprotocols
            .iter()
            .filter_map(|name| HeaderValue::from_str(&name.value).ok())
            .collect();
        let checks = self.own_checks(&websocket.checks);
        let series = SessionSeries::new(self.registry, &labels);
        self.exchanged = true;
        let outer = std::mem::replace(&mut self.labels, labels.without("name"));
        let flow = self.flow(&websocket.flow);
        self.labels = outer;
        let connect_timeout = websocket.connect_timeout.unwrap_or(self.defaults.timeout);
        Some(WebsocketStep {
            id,
            url: url?,
            headers,
            subprotocols,
            connect_timeout,
            labels,
            series,
            checks,
            flow,
        })
    }

    fn receive(&mut self, receive: &ReceiveConfig) -> Option<Receive> {
        let until = match &receive.until {
            Some(until) => Some(self.own_expression(until)?),
            None => None,
        };
        Some(Receive {
            until,
            timeout: receive.timeout.unwrap_or(self.defaults.timeout),
            checks: self.own_checks(&receive.checks),
            record: self.own_records(&receive.record),
            capture: self.own_capture(&receive.capture),
        })
    }

    fn message(&mut self, message: &MessageConfig) -> Option<Message> {
        match message {
            MessageConfig::Json(document) => self.json(document).map(Message::Json),
            MessageConfig::Text(text) => self.template(text).map(Message::Text),
        }
    }

    fn group(&mut self, name: &At<String>, steps: &[At<StepConfig>]) -> Box<dyn Step> {
        let group = format!("{}::{}", self.group, name.value);
        let outer_group = std::mem::replace(&mut self.group, group);
        let labels = self.labels.with("group", &self.group);
        let outer_labels = std::mem::replace(&mut self.labels, labels);
        let series = self.registry.intern(metric::GROUP_DURATION, &self.labels);
        let flow = self.flow(steps);
        (self.group, self.labels) = (outer_group, outer_labels);
        Box::new(Group { series, flow })
    }

    fn body(&mut self, body: Option<&BodyConfig>) -> Option<Body> {
        Some(match body {
            None => Body::None,
            Some(BodyConfig::Text(text)) => {
                let template = self.template(text)?;
                match template.constant().map(|constant| constant.as_bytes().to_vec().into()) {
                    Some(constant) => Body::Constant(constant),
                    None => Body::Text(template),
                }
            }
            Some(BodyConfig::Json(document)) => {
                let template = self.json(document)?;
                match template.constant().map(|constant| constant.as_bytes().to_vec().into()) {
                    Some(constant) => Body::Constant(constant),
                    None => Body::Json(template),
                }
            }
            Some(BodyConfig::Form(fields)) => {
                let pairs: Vec<_> =
                    fields.iter().map(|(name, value)| (self.template(name), self.template(value))).collect();
                Body::Form(pairs.into_iter().map(|(name, value)| name.zip(value)).collect::<Option<_>>()?)
            }
        })
    }

    fn own_checks(&mut self, checks: &[CheckConfig]) -> Checks {
        let compiled: Vec<_> =
            checks.iter().map(|check| (check, self.own_expression(&check.expression))).collect();
        Checks(compiled.into_iter().filter_map(|(check, it)| Some(self.named_check(check, it?))).collect())
    }

    fn named_check(&self, check: &CheckConfig, expression: crate::template::Expression) -> Check {
        let labels = self.labels.with("check", &check.name.value);
        let series = self.registry.intern(metric::CHECKS, &labels);
        Check { name: check.name.value.clone(), expression, series }
    }

    fn own_records(&mut self, records: &[RecordConfig]) -> Records {
        let mut compiled = Vec::new();
        for RecordConfig { metric, expression } in records {
            let recorded = self.recorded(metric);
            let value = match expression {
                Some(expression) => self.own_expression(expression).map(RecordValue::Expression),
                None => Some(RecordValue::Time),
            };
            if let (Some(recorded), Some(value)) = (recorded, value) {
                if matches!(value, RecordValue::Time) && recorded.unit != metric::Unit::Time {
                    let message = format!("`{}` does not hold times", metric.value);
                    let help = "declare it as {type: trend, time: true}, or write `metric: expression`";
                    self.problems.push(Problem::new(metric.place, message).help(help));
                }
                compiled.push(Record { recorded, value });
            }
        }
        Records(compiled)
    }

    fn own_capture(&mut self, capture: &[Named]) -> Set {
        let mut compiled = Vec::new();
        for Named { name, expression } in capture {
            let expression = self.own_expression(expression);
            compiled.extend(self.declared(name).zip(expression));
        }
        Set(compiled)
    }

    /// A name that later steps may use.
    fn declared(&mut self, name: &At<String>) -> Option<Arc<str>> {
        let checked = Names::check_name(&name.value);
        self.accept(checked, name)?;
        self.names.add(&name.value);
        Some(Arc::from(name.value.as_str()))
    }

    /// A custom metric that steps write into.
    fn recorded(&mut self, name: &At<String>) -> Option<Recorded> {
        let catalog = self.registry.catalog();
        let found = catalog.find(&name.value).map(|id| (id, catalog.definition(id)));
        match found.filter(|(_, definition)| definition.custom) {
            Some((id, definition)) => {
                let series = self.registry.intern(id, &self.labels);
                Some(Recorded { series, kind: definition.kind, unit: definition.unit })
            }
            None => {
                let declared: Vec<&str> = catalog
                    .iter()
                    .filter(|(_, known)| known.custom)
                    .map(|(_, known)| known.name.as_str())
                    .collect();
                let help = match declared.as_slice() {
                    [] => "declare it under `metrics`".to_owned(),
                    declared => format!("declared under `metrics`: {}", declared.join(", ")),
                };
                let message = format!("there is no custom metric `{}`", name.value);
                self.problems.push(Problem::new(name.place, message).help(help));
                None
            }
        }
    }

    fn tagged(&self, tags: &[(At<String>, At<String>)]) -> Labels {
        let tags = tags.iter().map(|(name, value)| (name.value.as_str(), value.value.as_str()));
        self.labels.merged(&Labels::new(tags))
    }

    fn new_id(&mut self) -> StepId {
        let id = StepId(*self.next_id);
        *self.next_id += 1;
        id
    }
}

fn content_type(body: &BodyConfig) -> Option<&'static str> {
    match body {
        BodyConfig::Json(_) => Some("application/json"),
        BodyConfig::Form(_) => Some("application/x-www-form-urlencoded"),
        BodyConfig::Text(_) => None,
    }
}

fn reads_body(checks: &Checks, record: &Records, capture: &Set) -> bool {
    let records = record.0.iter().any(|record| match &record.value {
        RecordValue::Expression(expression) => expression.reads_body(),
        RecordValue::Time => false,
    });
    records
        || checks.0.iter().any(|check| check.expression.reads_body())
        || capture.0.iter().any(|(_, expression)| expression.reads_body())
}
