//! The step `websocket` and the steps inside its flow, compiled.

use std::time::Duration;

use http::HeaderValue;

use super::Steps;
use super::ledger::{carries, carrying, json_carries};
use crate::config::{
    At, CloseConfig, ListenConfig, MessageConfig, PingConfig, Problem, ReceiveConfig, SendConfig, StepConfig,
    WebsocketConfig,
};
use crate::flow::{Close, Flow, Listen, Message, Ping, Receive, Send, SessionSeries, WebsocketStep};
use crate::labels::Labels;

impl Steps<'_> {
    pub(super) fn websocket(&mut self, websocket: &WebsocketConfig) -> Option<WebsocketStep> {
        let id = self.new_id();
        let name = websocket
            .name
            .as_ref()
            .map_or_else(|| self.name_of(&websocket.url.value), |name| name.value.clone());
        let labels = self.tagged(&websocket.tags).with("name", &name);
        let url = self.url(&websocket.url, &["ws", "wss"]);
        let headers = self.headers(&websocket.headers, None);
        let subprotocols = websocket
            .subprotocols
            .iter()
            .filter_map(|name| HeaderValue::from_str(&name.value).ok())
            .collect();
        let checks = self.own_checks(&websocket.checks);
        let series = SessionSeries::of_websocket(self.registry, &labels);
        self.exchanged = true;
        let outer = std::mem::replace(&mut self.labels, labels.without("name"));
        let flow = self.flow_of(name, &websocket.flow);
        self.labels = outer;
        if let Some(procedure) = self.procedure.filter(|_| websocket.keep_open) {
            let message = format!("`keep_open` in `{procedure}`, which has no next iteration");
            self.problems.push(Problem::new(websocket.url.place, message).help("leave `keep_open` out"));
        }
        let connect_timeout = websocket.connect_timeout.unwrap_or(self.defaults.timeout);
        Some(WebsocketStep {
            id,
            url: url?,
            headers,
            subprotocols,
            connect_timeout,
            keep_open: websocket.keep_open,
            labels,
            series,
            checks,
            flow,
        })
    }

    pub(super) fn send(&mut self, send: &SendConfig) -> Option<Send> {
        let events = match &send.ledger {
            Some(ledger) => Some(self.announced(ledger, &self.session_labels())?),
            None => None,
        };
        let template = match &send.message {
            MessageConfig::Json(document) => self.json(&carrying(document, send.ledger.as_ref())),
            MessageConfig::Text(text) => self.template(text),
        }?;
        self.refuse_without_token(send);
        let message = match template.constant() {
            Some(constant) => Message::Constant(constant.into()),
            None => Message::Template(template),
        };
        Some(Send { message, events })
    }

    /// There are no headers that could hold it.
    fn refuse_without_token(&mut self, send: &SendConfig) {
        let Some(ledger) = &send.ledger else { return };
        let holds = match &send.message {
            MessageConfig::Json(document) => document.value.is_object() || json_carries(&document.value),
            MessageConfig::Text(text) => carries(&text.value),
        };
        if !holds {
            let message = "a message with a `ledger` and no place for the event's token";
            let help = "send a JSON object, or write `loadgateevent: {{ loadgateevent }}` into the message";
            self.problems.push(Problem::new(ledger.place, message).help(help));
        }
    }

    /// Of what happens in a session's flow, with the session's name.
    fn session_labels(&self) -> Labels {
        match &self.session {
            Some(name) => self.labels.with("name", name),
            None => self.labels.clone(),
        }
    }

    /// The flow of a session of this name.
    pub(super) fn flow_of(&mut self, session: String, steps: &[At<StepConfig>]) -> Flow {
        let outer = self.session.replace(session);
        let flow = self.flow(steps);
        self.session = outer;
        flow
    }

    pub(super) fn listen(&mut self, listen: &ListenConfig) -> Option<Listen> {
        let until = match &listen.until {
            Some(until) => Some(self.own_expression(until)?),
            None => None,
        };
        let when = match &listen.when {
            Some(when) => Some(self.own_expression(when)?),
            None => None,
        };
        let labels = self.session_labels();
        let events = listen.ledger.as_ref().and_then(|it| self.received(it, false, listen.wait, &labels));
        Some(Listen {
            when,
            until,
            lasting: listen.lasting,
            events,
            checks: self.own_checks(&listen.checks),
            record: self.own_values(&listen.record),
            capture: self.own_capture(&listen.capture),
        })
    }

    pub(super) fn receive(&mut self, receive: &ReceiveConfig) -> Option<Receive> {
        let until = match &receive.until {
            Some(until) => Some(self.own_expression(until)?),
            None => None,
        };
        let labels = self.session_labels();
        let none = Duration::ZERO;
        let events = receive.ledger.as_ref().and_then(|it| self.received(it, false, none, &labels));
        Some(Receive {
            until,
            timeout: receive.timeout.unwrap_or(self.defaults.timeout),
            events,
            checks: self.own_checks(&receive.checks),
            record: self.own_records(&receive.record),
            capture: self.own_capture(&receive.capture),
        })
    }

    pub(super) fn ping(&self, ping: &PingConfig) -> Ping {
        Ping { timeout: ping.timeout.unwrap_or(self.defaults.timeout) }
    }

    pub(super) fn close(&self, close: &CloseConfig) -> Close {
        let (code, reason) = (close.code, close.reason.clone().unwrap_or_default());
        Close { code, reason, timeout: self.defaults.timeout }
    }
}
