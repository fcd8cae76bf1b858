//! What each method does, and what the faults do to it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tonic::codegen::BoxFuture;
use tonic::server::{ClientStreamingService, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Code, Request, Response, Status, Streaming};

use super::super::Backend;
use super::messages::{
    Chunk, EchoMessage, ExecuteRequest, ExecuteResponse, GenerateRequest, Token, UploadSummary,
};

const EXECUTE: &str = "kernel.v1.Kernel/Execute";
const UPLOAD: &str = "kernel.v1.Kernel/Upload";
const ECHO: &str = "kernel.v1.Kernel/Echo";
const GENERATE: &str = "ai.v1.AI/Generate";

pub(super) const METHODS: [&str; 4] = [EXECUTE, UPLOAD, ECHO, GENERATE];

const DEFAULT_TOKENS: i32 = 20;
const MOST_TOKENS: i32 = 10_000;
/// Between two tokens: 50 a second.
const TOKEN_GAP: Duration = Duration::from_millis(20);
const WORDS: [&str; 5] = ["the ", "loop ", "is ", "holding ", "its rate. "];

pub(super) struct Execute(pub(super) Arc<Backend>);
pub(super) struct Upload(pub(super) Arc<Backend>);
pub(super) struct Echo(pub(super) Arc<Backend>);
pub(super) struct Generate(pub(super) Arc<Backend>);

/// Messages of a reply as they come.
pub(super) type Reply<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Holds a call back, or fails it, as the faults say.
async fn admit(backend: &Backend) -> Result<(), Status> {
    backend.faults.delay().await;
    match backend.faults.fails_this_request() {
        true => Err(Status::internal("the fault `errors` chose this call")),
        false => Ok(()),
    }
}

fn counted<T>(backend: &Backend, method: &'static str, ended: Result<T, Status>) -> Result<T, Status> {
    backend.calls.count(method, ended.as_ref().map_or_else(Status::code, |_| Code::Ok));
    ended
}

impl UnaryService<ExecuteRequest> for Execute {
    type Response = ExecuteResponse;
    type Future = BoxFuture<Response<ExecuteResponse>, Status>;

    fn call(&mut self, request: Request<ExecuteRequest>) -> Self::Future {
        let backend = Arc::clone(&self.0);
        Box::pin(async move {
            let admitted = admit(&backend).await;
            let answered = admitted.map(|()| {
                let text = request.into_inner().prompt.to_uppercase();
                Response::new(ExecuteResponse { text, sequence: backend.calls.next() })
            });
            counted(&backend, EXECUTE, answered)
        })
    }
}

impl ClientStreamingService<Chunk> for Upload {
    type Response = UploadSummary;
    type Future = BoxFuture<Response<UploadSummary>, Status>;

    fn call(&mut self, request: Request<Streaming<Chunk>>) -> Self::Future {
        let backend = Arc::clone(&self.0);
        Box::pin(async move {
            let summed = async {
                admit(&backend).await?;
                let mut chunks = request.into_inner();
                let mut summary = UploadSummary::default();
                while let Some(chunk) = chunks.message().await? {
                    summary.chunks += 1;
                    summary.bytes += chunk.data.len() as i64;
                }
                Ok(Response::new(summary))
            };
            let ended = summed.await;
            counted(&backend, UPLOAD, ended)
        })
    }
}

impl StreamingService<EchoMessage> for Echo {
    type Response = EchoMessage;
    type ResponseStream = Reply<EchoMessage>;
    type Future = BoxFuture<Response<Reply<EchoMessage>>, Status>;

    fn call(&mut self, request: Request<Streaming<EchoMessage>>) -> Self::Future {
        let backend = Arc::clone(&self.0);
        Box::pin(async move {
            let admitted = admit(&backend).await;
            let incoming = counted(&backend, ECHO, admitted.map(|()| request.into_inner()))?;
            let echoed = stream::unfold((incoming, backend), |(mut incoming, backend)| async move {
                let message = incoming.message().await.transpose()?;
                backend.faults.wait_out_stall().await;
                Some((message, (incoming, backend)))
            });
            Ok(Response::new(Box::pin(echoed) as Reply<EchoMessage>))
        })
    }
}

impl ServerStreamingService<GenerateRequest> for Generate {
    type Response = Token;
    type ResponseStream = Reply<Token>;
    type Future = BoxFuture<Response<Reply<Token>>, Status>;

    fn call(&mut self, request: Request<GenerateRequest>) -> Self::Future {
        let backend = Arc::clone(&self.0);
        Box::pin(async move {
            let tokens = async {
                admit(&backend).await?;
                match request.into_inner().max_tokens {
                    0 => Ok(DEFAULT_TOKENS),
                    tokens @ 1..=MOST_TOKENS => Ok(tokens),
                    _ => Err(Status::invalid_argument(format!("max_tokens is not in 0–{MOST_TOKENS}"))),
                }
            };
            let tokens = tokens.await;
            let tokens = counted(&backend, GENERATE, tokens)?;
            let reply = stream::unfold((0, backend), move |(index, backend)| async move {
                if index == tokens {
                    return None;
                }
                tokio::time::sleep(TOKEN_GAP).await;
                backend.faults.wait_out_stall().await;
                let text = WORDS[index as usize % WORDS.len()].to_owned();
                let token = Token { index, text, done: index + 1 == tokens };
                Some((Ok(token), (index + 1, backend)))
            });
            Ok(Response::new(Box::pin(reply) as Reply<Token>))
        })
    }
}
