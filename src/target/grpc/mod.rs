//! gRPC on a port of its own: `kernel.v1.Kernel`, `ai.v1.AI` (see `kernel.proto` and `ai.proto`) and reflection, v1 and
//! v1alpha. Served by tonic, which the engine's own client shares nothing with but h2.

mod calls;
mod messages;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use prost::Message;
use protox::Compiler;
use protox::file::{File, FileResolver};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::Backend;
use calls::{Echo, Execute, Generate, Upload};

const KERNEL: &str = "kernel.v1.Kernel";
const AI: &str = "ai.v1.AI";
const SOURCES: [(&str, &str); 2] =
    [("kernel.proto", include_str!("kernel.proto")), ("ai.proto", include_str!("ai.proto"))];

/// What is counted of calls.
pub(super) struct Calls {
    executed: AtomicI64,
    /// By method and status.
    ended: Mutex<BTreeMap<(&'static str, i32), u64>>,
}

impl Default for Calls {
    /// All at zero, and there from the start.
    fn default() -> Self {
        let zeros = calls::METHODS.into_iter().map(|method| ((method, Code::Ok as i32), 0)).collect();
        Calls { executed: AtomicI64::new(0), ended: Mutex::new(zeros) }
    }
}

impl Calls {
    fn next(&self) -> i64 {
        self.executed.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn count(&self, method: &'static str, code: Code) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.entry((method, code as i32)).or_default() += 1;
    }

    /// Method, status and how often.
    pub(super) fn ended(&self) -> Vec<(&'static str, i32, u64)> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().map(|((method, code), count)| (*method, *code, *count)).collect()
    }
}

/// Serves until `shutdown`; calls under way are cut off with the runtime's tasks.
pub(super) async fn serve(
    listener: TcpListener,
    backend: Arc<Backend>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let set = descriptors().map_err(io::Error::other)?;
    let reflection =
        || tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(&set);
    let v1 = reflection().build_v1().map_err(io::Error::other)?;
    let v1alpha = reflection().build_v1alpha().map_err(io::Error::other)?;
    Server::builder()
        .add_service(v1)
        .add_service(v1alpha)
        .add_service(Kernel(Arc::clone(&backend)))
        .add_service(Ai(backend))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), shutdown)
        .await
        .map_err(io::Error::other)
}

/// What reflection tells.
fn descriptors() -> Result<Vec<u8>, protox::Error> {
    let mut compiler = Compiler::with_file_resolver(Sources);
    for (name, _) in SOURCES {
        compiler.open_file(name)?;
    }
    Ok(compiler.file_descriptor_set().encode_to_vec())
}

struct Sources;

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match SOURCES.iter().find(|(known, _)| *known == name) {
            Some((_, source)) => File::from_source(name, source),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

#[derive(Clone)]
struct Kernel(Arc<Backend>);

#[derive(Clone)]
struct Ai(Arc<Backend>);

impl NamedService for Kernel {
    const NAME: &'static str = KERNEL;
}

impl NamedService for Ai {
    const NAME: &'static str = AI;
}

type Answered = BoxFuture<http::Response<Body>, Infallible>;

impl Service<http::Request<Body>> for Kernel {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answered {
        let backend = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/kernel.v1.Kernel/Execute" => grpc().unary(Execute(backend), request).await,
                "/kernel.v1.Kernel/Upload" => grpc().client_streaming(Upload(backend), request).await,
                "/kernel.v1.Kernel/Echo" => grpc().streaming(Echo(backend), request).await,
                path => unknown(path),
            })
        })
    }
}

impl Service<http::Request<Body>> for Ai {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answered {
        let backend = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/ai.v1.AI/Generate" => grpc().server_streaming(Generate(backend), request).await,
                path => unknown(path),
            })
        })
    }
}

/// Answers are compressed where the request was: a client that can do the one can do the other.
fn grpc<T, U>() -> Grpc<ProstCodec<U, T>>
where
    T: Message + Default + Send + 'static,
    U: Message + Default + Send + 'static,
{
    Grpc::new(ProstCodec::default()).accept_compressed(CompressionEncoding::Gzip)
}

fn unknown(path: &str) -> http::Response<Body> {
    Status::unimplemented(format!("no such method: {path}")).into_http()
}
