//! A proxy that cuts a connection in the middle of an answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::stage::Service;

#[derive(Debug, Default)]
struct Ledger {
    /// Texts in answers: right after the first of them its connection ends, once each and in this order.
    cuts: Mutex<VecDeque<String>>,
    /// Heads of requests, in order.
    asked: Mutex<Vec<String>>,
}

pub(super) struct Cutting {
    pub(super) service: Service,
    ledger: Arc<Ledger>,
}

impl Cutting {
    pub(super) fn before(upstream: SocketAddr, cuts: &[&str]) -> Self {
        let cuts = cuts.iter().map(|cut| (*cut).to_owned()).collect();
        let ledger = Arc::new(Ledger { cuts: Mutex::new(cuts), ..Ledger::default() });
        let shared = Arc::clone(&ledger);
        let service = Service::start(move |listener, stop| async move {
            tokio::select! {
                _dropped = stop => {}
                () = accept(listener, upstream, shared) => {}
            }
        });
        Cutting { service, ledger }
    }

    /// What of each request's head begins with this header, in order.
    pub(super) fn headers(&self, name: &str) -> Vec<String> {
        let asked = self.ledger.asked.lock().unwrap();
        let prefix = format!("{name}: ");
        let lines = asked.iter().flat_map(|head| head.lines());
        lines.filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    /// Cuts that were not made.
    pub(super) fn left(&self) -> usize {
        self.ledger.cuts.lock().unwrap().len()
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, ledger: Arc<Ledger>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let ledger = Arc::clone(&ledger);
        connections.spawn(async move {
            // Whoever goes away first ends both.
            let _gone = pass(client, upstream, &ledger).await;
        });
    }
}

async fn pass(client: TcpStream, upstream: SocketAddr, ledger: &Ledger) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(upstream).await?.into_split();
    let asked = async {
        let (mut head, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let length = from_client.read(&mut piece).await?;
            if length == 0 {
                return std::io::Result::Ok(());
            }
            let is_known = head.windows(4).any(|bytes| bytes == b"\r\n\r\n");
            head.extend_from_slice(&piece[..length]);
            if !is_known && let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
                ledger.asked.lock().unwrap().push(text);
            }
            to_server.write_all(&piece[..length]).await?;
        }
    };
    let answered = async {
        let (mut seen, mut sent) = (Vec::new(), 0);
        let mut piece = [0; 4096];
        loop {
            let length = from_server.read(&mut piece).await?;
            if length == 0 {
                return std::io::Result::Ok(());
            }
            seen.extend_from_slice(&piece[..length]);
            let cut = {
                let mut cuts = ledger.cuts.lock().unwrap();
                let text = cuts.front().cloned().unwrap_or_default();
                let found = seen.windows(text.len().max(1)).position(|bytes| bytes == text.as_bytes());
                found.inspect(|_| drop(cuts.pop_front())).map(|at| at + text.len())
            };
            to_client.write_all(&seen[sent..cut.unwrap_or(seen.len()).max(sent)]).await?;
            sent = seen.len();
            if cut.is_some() {
                return Ok(());
            }
        }
    };
    tokio::select! {
        asked = asked => asked,
        answered = answered => answered,
    }
}
