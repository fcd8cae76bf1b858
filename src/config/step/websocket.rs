//! The step `websocket` and the steps inside its flow.

use std::time::Duration;

use super::super::At;
use super::{CheckConfig, Named, RecordConfig, StepConfig};

#[derive(Debug, Clone)]
pub struct WebsocketConfig {
    /// `ws://` or `wss://`; a template.
    pub url: At<String>,
    /// Default: the URL's path before templating.
    pub name: Option<At<String>>,
    pub headers: Vec<(At<String>, At<String>)>,
    pub subprotocols: Vec<At<String>>,
    /// DNS, TCP, TLS and upgrade together (default `defaults.timeout`).
    pub connect_timeout: Option<Duration>,
    pub tags: Vec<(At<String>, At<String>)>,
    /// Over the handshake's `status` and `headers`.
    pub checks: Vec<CheckConfig>,
    pub flow: Vec<At<StepConfig>>,
}

#[derive(Debug, Clone)]
pub enum MessageConfig {
    /// Strings in it are templates.
    Json(At<serde_json::Value>),
    /// A template, sent as a text message.
    Text(At<String>),
}

#[derive(Debug, Clone)]
pub struct SendConfig {
    pub message: MessageConfig,
}

#[derive(Debug, Clone)]
pub struct ReceiveConfig {
    /// Over each message's `body` and `json`; default: the first message ends it.
    pub until: Option<At<String>>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
}

/// Sends a ping and waits for its pong.
#[derive(Debug, Clone)]
pub struct PingConfig {
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct CloseConfig {
    /// Default 1000.
    pub code: u16,
    pub reason: Option<String>,
}
