//! Asks a server for the descriptors of a service: server reflection, v1 and v1alpha
//! (<https://github.com/grpc/grpc/blob/master/doc/server-reflection.md>), which differ in their name only.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;
use prost_reflect::DescriptorPool;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::{FileDescriptorProto, FileDescriptorSet};
use tokio::time::Instant;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::channel::{Call, Client, MAX_RECEIVE_BYTES, MAX_SEND_BYTES};
use super::framing::framed;
use super::status::Status;
use super::talk::Talk;
use crate::protocol::dial::Dialer;
use crate::protocol::target::Target;
use crate::sample::ErrorCode;
use crate::template::did_you_mean;

const SERVICES: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
const NOT_FOUND: i32 = 5;
/// A service that needs more files than this is none that anybody wrote.
const MAX_FILES: usize = 2_000;
const MAX_BYTES: usize = 32 << 20;

/// Why a server did not describe a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReflectError {
    #[error("{} (error code {})", .0.describe(), .0.number())]
    Call(ErrorCode),
    #[error("the server has no reflection service; give `proto` or `descriptors`")]
    None,
    #[error("the server knows no service `{name}`{help}")]
    Unknown { name: String, help: String },
    #[error("the server's descriptors are wrong: {0}")]
    Wrong(String),
}

/// What the server knows of `service` and all that its messages are made of.
///
/// # Errors
/// When it cannot be asked, has no reflection or does not know the service.
pub async fn reflect(
    client: &mut Client,
    dialer: &Dialer,
    target: &Target,
    headers: &HeaderMap,
    service: &str,
    timeout: Duration,
) -> Result<DescriptorPool, ReflectError> {
    let deadline = Instant::now() + timeout;
    for path in SERVICES {
        let path = PathAndQuery::from_static(path);
        let call = Call {
            target,
            path: &path,
            headers,
            messages: &[],
            timeout: deadline.saturating_duration_since(Instant::now()),
            keep_alive: None,
            max_receive_bytes: MAX_RECEIVE_BYTES,
            due: None,
        };
        let opened = client.open(dialer, call).await;
        let talk = opened
            .map_err(|answer| ReflectError::Call(answer.exchange.error.unwrap_or(ErrorCode::GENERIC)))?;
        let mut asked = Asked { talk, deadline };
        let found = asked.pool(service).await;
        if found.is_ok() {
            asked.talk.finish().await;
        }
        let answer = client.take_back(dialer, asked.talk);
        match found {
            Err(ReflectError::Call(ErrorCode::GRPC_STREAM_ENDED))
                if answer.status == Status::UNIMPLEMENTED => {}
            // Some end the stream with what others answer.
            Err(ReflectError::Call(ErrorCode::GRPC_STREAM_ENDED)) if answer.status == Status::NOT_FOUND => {
                let Ok(talk) = client.open(dialer, call).await else { return Err(unknown(service, &[])) };
                return Err(Asked { talk, deadline }.unknown(service).await);
            }
            Err(ReflectError::Call(ErrorCode::GRPC_STREAM_ENDED)) => {
                return Err(ReflectError::Call(
                    answer.exchange.error.unwrap_or(ErrorCode::GRPC_STREAM_ENDED),
                ));
            }
            found => return found,
        }
    }
    Err(ReflectError::None)
}

struct Asked {
    talk: Talk,
    deadline: Instant,
}

impl Asked {
    async fn pool(&mut self, service: &str) -> Result<DescriptorPool, ReflectError> {
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        let mut wanted = VecDeque::from([MessageRequest::FileContainingSymbol(service.to_owned())]);
        while let Some(request) = wanted.pop_front() {
            let name = match &request {
                MessageRequest::FileByFilename(name) if files.contains_key(name) => continue,
                MessageRequest::FileByFilename(name) => Some(name.clone()),
                _ => None,
            };
            let found = match self.ask(request).await? {
                MessageResponse::FileDescriptorResponse(found) => found.file_descriptor_proto,
                MessageResponse::ErrorResponse(error) if error.error_code == NOT_FOUND && name.is_none() => {
                    return Err(self.unknown(service).await);
                }
                MessageResponse::ErrorResponse(error) => {
                    let what = name.unwrap_or_else(|| service.to_owned());
                    return Err(ReflectError::Wrong(format!("`{what}`: {}", error.error_message)));
                }
                _ => return Err(wrong("another answer than was asked for")),
            };
            for file in found {
                bytes += file.len();
                let file = FileDescriptorProto::decode(Bytes::from(file))
                    .map_err(|error| wrong(&error.to_string()))?;
                let dependencies = file.dependency.iter().cloned().map(MessageRequest::FileByFilename);
                wanted.extend(dependencies);
                files.insert(file.name().to_owned(), file);
            }
            if files.len() > MAX_FILES || wanted.len() > MAX_FILES || bytes > MAX_BYTES {
                return Err(wrong("there are too many of them"));
            }
        }
        let set = FileDescriptorSet { file: files.into_values().collect() };
        DescriptorPool::from_file_descriptor_set(set).map_err(|error| wrong(&error.to_string()))
    }

    async fn ask(&mut self, request: MessageRequest) -> Result<MessageResponse, ReflectError> {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
        let frame = framed(&request.encode_to_vec(), false, MAX_SEND_BYTES).map_err(ReflectError::Call)?;
        self.talk.send(frame).await.map_err(ReflectError::Call)?;
        let received = self.talk.next(self.deadline).await.map_err(ReflectError::Call)?;
        let response = ServerReflectionResponse::decode(received.message)
            .map_err(|_| ReflectError::Call(ErrorCode::GRPC_BAD_MESSAGE))?;
        response.message_response.ok_or_else(|| wrong("an empty answer"))
    }

    async fn unknown(&mut self, service: &str) -> ReflectError {
        let known = match self.ask(MessageRequest::ListServices(String::new())).await {
            Ok(MessageResponse::ListServicesResponse(list)) => list.service,
            _ => Vec::new(),
        };
        let known: Vec<&str> = known.iter().map(|service| service.name.as_str()).collect();
        unknown(service, &known)
    }
}

fn unknown(service: &str, known: &[&str]) -> ReflectError {
    let list = || (!known.is_empty()).then(|| format!("it has {}", known.join(", ")));
    let help = did_you_mean(service, known.iter().copied()).or_else(list);
    ReflectError::Unknown {
        name: service.to_owned(),
        help: help.map(|help| format!("; {help}")).unwrap_or_default(),
    }
}

fn wrong(what: &str) -> ReflectError {
    ReflectError::Wrong(what.to_owned())
}
