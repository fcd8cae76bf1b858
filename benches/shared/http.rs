//! A client of the daemon's API that shares nothing with loadgate's: a connection for each request, so that an answer ends
//! with its connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value as Json;

use crate::Result;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body of an answer that is no refusal.
    pub(crate) fn json(&self) -> Result<Json> {
        if !(200..300).contains(&self.status) {
            let said = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
            return Err(format!("status {}: {said}", self.status).into());
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    ask(address, &format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"), b"")
}

/// `headers` end in line ends.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, body: &Json) -> Result<Answer> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    ask(address, &head, body.as_bytes())
}

fn ask(address: SocketAddr, head: &str, body: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("an answer without a head")?;
    let body = answer.split_off(end + 4);
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer { status: status.ok_or("an answer without a status")?, body })
}
