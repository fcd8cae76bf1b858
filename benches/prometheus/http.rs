//! The one client that asks all servers: a connection each, HTTP/1.0, so that an answer ends with its connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Result;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A body, and how long it took from the connect to its last byte.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

/// `headers` end in line ends.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Result<Answer> {
    let started = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n")?;
    let mut answer = Vec::with_capacity(1 << 16);
    stream.read_to_end(&mut answer)?;
    let took = started.elapsed();
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("an answer without a head")?;
    let body = answer.split_off(head + 4);
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned();
    if status != "200" {
        return Err(
            format!("{path}: {status}: {}", String::from_utf8_lossy(&body[..body.len().min(200)])).into()
        );
    }
    Ok(Answer { body, took })
}

/// Asks until there is an answer.
pub(crate) fn wait_for(address: SocketAddr, path: &str) -> Result<Answer> {
    let started = Instant::now();
    loop {
        match get(address, path, "") {
            Ok(answer) => return Ok(answer),
            Err(error) if started.elapsed() > TIMEOUT => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
