//! What a Prometheus beside a run does: GETs `/metrics` of the client once per second.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Scraper {
    stop: Sender<()>,
    thread: JoinHandle<Scrapes>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scrapes {
    pub(crate) answered: u32,
    pub(crate) last_bytes: usize,
}

impl Scraper {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut scrapes = Scrapes::default();
            // A dropped sender ends it too.
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if let Ok(page) = scrape(address) {
                    scrapes.answered += 1;
                    scrapes.last_bytes = page.len();
                }
            }
            scrapes
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> Scrapes {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// The head and the page of an answer with status 200.
pub(crate) fn scrape(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(answer) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}
