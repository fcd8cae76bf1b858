//! The steps of a flow, one file per kind.

mod exchange;
mod flow;
mod http;
mod websocket;

pub use exchange::{BodyConfig, CheckConfig, Named, RecordConfig, StatusRange};
pub use flow::{GroupConfig, IfConfig, LoopConfig, RepeatConfig, SleepConfig};
pub use http::HttpConfig;
pub use websocket::{CloseConfig, MessageConfig, PingConfig, ReceiveConfig, SendConfig, WebsocketConfig};

use super::At;

#[derive(Debug, Clone)]
pub enum StepConfig {
    Http(Box<HttpConfig>),
    Websocket(Box<WebsocketConfig>),
    /// These four only inside a `websocket` flow.
    Send(SendConfig),
    Receive(ReceiveConfig),
    Ping(PingConfig),
    Close(CloseConfig),
    Sleep(SleepConfig),
    Group(GroupConfig),
    Repeat(RepeatConfig),
    If(IfConfig),
    /// name: expression
    Check(Vec<CheckConfig>),
    /// metric: expression
    Record(Vec<Named>),
    /// variable: expression
    Set(Vec<Named>),
    /// A template.
    Log(At<String>),
}
