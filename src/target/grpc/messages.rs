//! The messages of `kernel.proto` and `ai.proto`: a handful, so that nobody needs a compiler for them.

use std::collections::HashMap;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecuteRequest {
    #[prost(string, tag = "1")]
    pub(super) prompt: String,
    #[prost(map = "string, string", tag = "2")]
    pub(super) labels: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecuteResponse {
    #[prost(string, tag = "1")]
    pub(super) text: String,
    #[prost(int64, tag = "2")]
    pub(super) sequence: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Chunk {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UploadSummary {
    #[prost(int64, tag = "1")]
    pub(super) chunks: i64,
    #[prost(int64, tag = "2")]
    pub(super) bytes: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EchoMessage {
    #[prost(int64, tag = "1")]
    pub(super) sequence: i64,
    #[prost(string, tag = "2")]
    pub(super) text: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GenerateRequest {
    #[prost(string, tag = "1")]
    pub(super) prompt: String,
    #[prost(int32, tag = "2")]
    pub(super) max_tokens: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Token {
    #[prost(int32, tag = "1")]
    pub(super) index: i32,
    #[prost(string, tag = "2")]
    pub(super) text: String,
    #[prost(bool, tag = "3")]
    pub(super) done: bool,
}
