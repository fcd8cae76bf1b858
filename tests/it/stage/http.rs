//! An HTTP/1.1 server that answers as it is told, byte for byte, and remembers what it was asked.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Service;

type Answer = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;
type Handler = Arc<dyn Fn(Asked) -> Answer + Send + Sync>;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// The whole head, names in lower case.
    pub(crate) head: String,
    /// What is not UTF-8 in it is replaced.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
    /// How many requests came before it.
    pub(crate) number: u64,
}

#[derive(Debug, Default)]
struct Ledger {
    asked: Mutex<Vec<Asked>>,
    requests: AtomicU64,
    answered: AtomicU64,
    connections: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

pub(crate) struct HttpServer {
    service: Service,
    ledger: Arc<Ledger>,
}

/// An answer with a body.
pub(crate) fn reply(status: u16, body: &str) -> Vec<u8> {
    reply_with(status, "", body)
}

/// `headers` are whole lines, each with its line end.
pub(crate) fn reply_with(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(header, _)| *header == name).map(|(_, value)| value).next()
    }
}

impl HttpServer {
    /// An empty answer of the handler closes the connection.
    pub(crate) fn start<A>(handler: impl Fn(Asked) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Vec<u8>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |asked| Box::pin(handler(asked)));
        let ledger = Arc::new(Ledger::default());
        let shared = Arc::clone(&ledger);
        let service = Service::start(move |listener, stop| async move {
            tokio::select! {
                _dropped = stop => {}
                () = accept(listener, shared, handler) => {}
            }
        });
        HttpServer { service, ledger }
    }

    pub(crate) fn url(&self) -> String {
        self.service.http()
    }

    pub(crate) fn ws(&self) -> String {
        self.service.ws()
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.service.address
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.ledger.asked.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.ledger.requests.load(Ordering::SeqCst)
    }

    /// Requests to which a whole answer was written.
    pub(crate) fn answered(&self) -> u64 {
        self.ledger.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.ledger.connections.load(Ordering::SeqCst)
    }

    /// (received, sent)
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.ledger.bytes_in.load(Ordering::SeqCst), self.ledger.bytes_out.load(Ordering::SeqCst))
    }
}

async fn accept(listener: TcpListener, ledger: Arc<Ledger>, handler: Handler) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        ledger.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(converse(stream, Arc::clone(&ledger), Arc::clone(&handler)));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(mut stream: TcpStream, ledger: Arc<Ledger>, handler: Handler) {
    while let Some(mut asked) = read(&mut stream, &ledger).await {
        asked.number = ledger.requests.fetch_add(1, Ordering::SeqCst);
        ledger.asked.lock().unwrap().push(asked.clone());
        let answer = handler(asked).await;
        if answer.is_empty() || stream.write_all(&answer).await.is_err() {
            return;
        }
        ledger.bytes_out.fetch_add(answer.len() as u64, Ordering::SeqCst);
        ledger.answered.fetch_add(1, Ordering::SeqCst);
    }
}

async fn read(stream: &mut TcpStream, ledger: &Ledger) -> Option<Asked> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
            let mut words = first.split(' ');
            let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
            let lower = rest.lines().map(|line| match line.split_once(": ") {
                Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
                None => format!("{line}\n"),
            });
            let head = format!("{first}\n{}", lower.collect::<String>());
            let mut asked = Asked { method, path, head, body: String::new(), bytes: Vec::new(), number: 0 };
            let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
            while bytes.len() < end + 4 + length {
                let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
                ledger.bytes_in.fetch_add(count as u64, Ordering::SeqCst);
                bytes.extend_from_slice(&buffer[..count]);
            }
            asked.bytes = bytes.split_off(end + 4);
            asked.body = String::from_utf8_lossy(&asked.bytes).into_owned();
            return Some(asked);
        }
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        ledger.bytes_in.fetch_add(count as u64, Ordering::SeqCst);
        bytes.extend_from_slice(&buffer[..count]);
    }
}
