//! A target that counts: how often each path was asked for, whatever the daemon believes.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;

/// Serves until the process ends.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<HashMap<String, u64>>>,
}

impl Counter {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let (address, seen) = (listener.local_addr()?, Arc::default());
        let counted = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                // A connection that breaks has said what it had to say.
                std::thread::spawn(move || serve(stream, &counted));
            }
        });
        Ok(Counter { address, seen })
    }

    pub(crate) fn count(&self, path: &str) -> u64 {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied().unwrap_or(0)
    }
}

/// Requests without a body.
fn serve(stream: TcpStream, seen: &Mutex<HashMap<String, u64>>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        let path = request.split(' ').nth(1)?.to_owned();
        *seen.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_default() += 1;
        while !lines.next()?.ok()?.is_empty() {}
        answers.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}
