//! What a `grpc` step sends and to which method: known when the plan is loaded, or once the server has described it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value as Json;

use crate::flow::{Ended, Vu};
use crate::protocol::grpc::{DescriptorPool, MessageError, Method, MethodError, framed};
use crate::sample::ErrorCode;
use crate::template::Template;

/// A method and the messages for it.
#[derive(Debug)]
pub struct Contract {
    /// `package.Service/Method`
    pub method: String,
    /// Sent in this order.
    pub messages: Vec<GrpcMessage>,
    /// What steps of a flow send to it.
    pub sends: Vec<Json>,
    pub gzip: bool,
    pub max_send_bytes: usize,
    known: OnceLock<Method>,
}

/// A message in proto3's JSON mapping.
#[derive(Debug)]
pub struct GrpcMessage {
    pub document: Json,
    pub template: Template,
    /// Of a constant one, once the method is known.
    encoded: OnceLock<Bytes>,
}

/// Why method and messages do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    #[error(transparent)]
    Method(#[from] MethodError),
    /// The number of the message, of those with which the call begins, from 0.
    #[error("{1}")]
    Message(usize, MessageError),
    /// One that a step of the flow sends.
    #[error("{0}")]
    Send(MessageError),
}

impl ContractError {
    pub fn help(&self) -> Option<&str> {
        match self {
            ContractError::Method(error) => error.help.as_deref(),
            ContractError::Message(_, error) | ContractError::Send(error) => error.help.as_deref(),
        }
    }
}

impl GrpcMessage {
    pub fn new(document: Json, template: Template) -> Self {
        GrpcMessage { document, template, encoded: OnceLock::new() }
    }
}

impl Contract {
    pub fn new(method: String, messages: Vec<GrpcMessage>, gzip: bool, max_send_bytes: usize) -> Self {
        Contract { method, messages, sends: Vec::new(), gzip, max_send_bytes, known: OnceLock::new() }
    }

    /// Finds the method, checks the messages and encodes those that are constant.
    ///
    /// # Errors
    /// When there is no such method, or a message is none of its.
    pub fn settle(&self, pool: &DescriptorPool) -> Result<(), ContractError> {
        let method = Method::find(pool, &self.method)?;
        for (at, message) in self.messages.iter().enumerate() {
            let wrong = |error| ContractError::Message(at, error);
            if at > 0 && !method.is_client_streaming() {
                let message = format!("`{}` takes one message", self.method);
                return Err(wrong(MessageError { message, help: None }));
            }
            method.check_names(&message.document).map_err(wrong)?;
            let Some(constant) = message.template.constant() else { continue };
            let encoded = method.encode(constant).map_err(wrong)?;
            let frame = framed(&encoded, self.gzip, self.max_send_bytes).map_err(|_| {
                let text = format!("it has {} bytes, more than `max_send_size`", encoded.len());
                wrong(MessageError { message: text, help: None })
            })?;
            let _ = message.encoded.set(frame);
        }
        for document in &self.sends {
            method.check_names(document).map_err(ContractError::Send)?;
        }
        // Set last: whoever sees the method sees the messages.
        let _ = self.known.set(method);
        Ok(())
    }

    pub fn known(&self) -> Option<&Method> {
        self.known.get()
    }

    /// The service's name.
    pub fn service(&self) -> &str {
        crate::protocol::grpc::split(&self.method).map_or(self.method.as_str(), |(service, _)| service)
    }

    /// Why it is not known is said by whoever describes it; such a call is not made.
    pub(super) fn method(&self) -> Result<&Method, Ended> {
        self.known.get().ok_or_else(|| Ended::Error(format!("`{}` was not described", self.method)))
    }

    /// The messages of one call, framed. The outer error ends the iteration, the inner one the call.
    pub(super) fn frames(&self, method: &Method, vu: &Vu) -> Result<Result<Vec<Bytes>, ErrorCode>, Ended> {
        let mut frames = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            if let Some(frame) = message.encoded.get() {
                frames.push(frame.clone());
                continue;
            }
            let json = message.template.render(&vu.scope())?;
            match self.frame(method, &json)? {
                Ok(frame) => frames.push(frame),
                Err(code) => return Ok(Err(code)),
            }
        }
        if frames.is_empty() && !method.is_client_streaming() {
            // One in which each field has its default value.
            frames.push(Bytes::from_static(&[0; 5]));
        }
        Ok(Ok(frames))
    }

    pub(in crate::flow) fn frame(
        &self,
        method: &Method,
        json: &str,
    ) -> Result<Result<Bytes, ErrorCode>, Ended> {
        let encoded = method.encode_filled_in(json).map_err(|error| Ended::Error(error.to_string()))?;
        Ok(framed(&encoded, self.gzip, self.max_send_bytes))
    }
}
