//! The step `websocket` and the steps inside its flow, compiled.

use http::HeaderValue;

use super::Steps;
use crate::config::{
    CloseConfig, ListenConfig, MessageConfig, PingConfig, Problem, ReceiveConfig, SendConfig, WebsocketConfig,
};
use crate::flow::{Close, Listen, Message, Ping, Receive, Send, SessionSeries, WebsocketStep};

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
        let flow = self.flow(&websocket.flow);
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
        let template = match &send.message {
            MessageConfig::Json(document) => self.json(document),
            MessageConfig::Text(text) => self.template(text),
        }?;
        Some(Send(match template.constant() {
            Some(constant) => Message::Constant(constant.into()),
            None => Message::Template(template),
        }))
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
        Some(Listen {
            when,
            until,
            lasting: listen.lasting,
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
        Some(Receive {
            until,
            timeout: receive.timeout.unwrap_or(self.defaults.timeout),
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
