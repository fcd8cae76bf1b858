//! HTTP exchanges against real servers and against servers written byte by byte, most of them ill-behaved.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as its test does")]

mod connections;
mod encoding;
mod guard;
mod hostile;
mod http2;
mod http2_hostile;
mod nginx;
mod proxy;
mod requests;
pub(crate) mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use loadgate::budget::{Budget, DEFAULT_BYTES};
use loadgate::protocol::http::{Client, Reply, Request};
use loadgate::protocol::tls::{ClientIdentity, TlsOptions, client_config};
use loadgate::protocol::{AllowedTarget, Dialer, Guard, HostOverride, KeepAlive, Proxies, Settings, Target};
use loadgate::sample::{ErrorCode, Exchange};
use loadgate::time::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// Long enough for any machine; where a test expects it to pass, it sets a shorter one.
const PATIENCE: Duration = Duration::from_secs(30);

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

pub(crate) fn settings(tls: &TlsOptions) -> Settings {
    Settings {
        tls: client_config(tls).unwrap(),
        hosts: Vec::new(),
        proxies: Proxies::default(),
        guard: Guard::of_everything(),
        keep_alive: KeepAlive::Vu,
        budget: Budget::new(DEFAULT_BYTES),
    }
}

pub(crate) fn dialer() -> Dialer {
    // Any CA will do for plain connections, and the system's take long to read.
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    Dialer::new(Arc::new(settings(&insecure)), Clock::start())
}

/// Serves each connection by `handler`, which is told how many came before.
pub(crate) async fn serve<F, Done>(handler: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) -> Done + Send + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(handler(number, stream));
        }
    });
    address
}

/// Reads a request's head, to the empty line; empty at the end of the stream.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8(head).unwrap()
}

/// A server that answers each request on each connection with the same bytes, then waits for the next one.
async fn answering(response: impl Into<Bytes>) -> SocketAddr {
    let response = response.into();
    serve(move |_, mut stream| {
        let response = response.clone();
        async move {
            while !read_head(&mut stream).await.is_empty() {
                if stream.write_all(&response).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// A server that answers the first request with these bytes and closes.
async fn answering_once(response: impl Into<Bytes>) -> SocketAddr {
    let response = response.into();
    serve(move |_, mut stream| {
        let response = response.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(&response).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn target(address: SocketAddr) -> Target {
    Target::parse(&format!("http://{address}/path?x=1")).unwrap()
}

async fn get_kept(client: &mut Client, target: &Target) -> (Exchange, Reply) {
    let headers = HeaderMap::new();
    let request =
        Request { keep_body: true, keep_headers: true, timeout: PATIENCE, ..Request::get(target, &headers) };
    client.exchange(&dialer(), request).await
}

async fn get(target: &Target, timeout: Duration) -> Exchange {
    let headers = HeaderMap::new();
    let request = Request { timeout, ..Request::get(target, &headers) };
    Client::new().exchange(&dialer(), request).await.0
}

async fn check_failure(address: SocketAddr, status: u16, code: ErrorCode) {
    let exchange = get(&target(address), PATIENCE).await;
    assert_eq!((exchange.status, exchange.error), (status, Some(code)));
    assert_eq!(
        exchange.finished.since(exchange.started),
        exchange.phases.blocked + exchange.phases.duration()
    );
}
