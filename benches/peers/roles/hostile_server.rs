//! Servers that mean harm, or are broken: each as generous with bytes as the client lets it be.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;

use clap::ValueEnum;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::serving;
use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Harm {
    /// A body without an end.
    EndlessBody,
    /// 8 MiB of body, again and again.
    LargeBody,
    /// JSON of 2 MiB that is nothing but small arrays: parsed it is many times that.
    DenseJson,
    /// Header lines without an end.
    EndlessHead,
    /// A few KiB that unpack to a GiB.
    Bomb,
    /// A hundred cookies of 4 KiB, other ones each time.
    Cookies,
    /// A byte of the head each 50 ms.
    Drip,
    /// Redirects to ever new places.
    Redirects,
    /// Closes with what it was sent unread, which resets.
    Reset,
    /// No HTTP at all.
    Garbage,
    /// WebSocket messages of 64 KiB, as fast as they are taken.
    Flood,
    /// A WebSocket frame of 16 MiB that says so.
    HugeFrame,
    /// A WebSocket message in fragments that does not end.
    Fragments,
}

impl Harm {
    /// Whether it is a WebSocket that does the harm.
    pub(crate) fn is_socket(self) -> bool {
        matches!(self, Self::Flood | Self::HugeFrame | Self::Fragments)
    }
}

pub(super) fn run(harm: Harm) -> Result<()> {
    let count = Rc::new(Cell::new(0_u64));
    let payload: Rc<[u8]> = payload(harm)?.into();
    serving::until_told(|listener| serve(listener, harm, Rc::clone(&payload), Rc::clone(&count)))?;
    println!("{}", json!({"count": count.get()}));
    Ok(())
}

async fn serve(listener: TcpListener, harm: Harm, payload: Rc<[u8]>, count: Rc<Cell<u64>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (payload, count) = (Rc::clone(&payload), Rc::clone(&count));
        tokio::task::spawn_local(async move {
            // A client that hangs up has done the right thing.
            let _ = answer(stream, harm, &payload, &count).await;
        });
    }
}

/// What is sent, once or over and over.
fn payload(harm: Harm) -> Result<Vec<u8>> {
    Ok(match harm {
        Harm::EndlessBody => chunk(&[b'x'; 64 << 10]),
        Harm::LargeBody => vec![b'x'; 8 << 20],
        Harm::DenseJson => {
            let mut json = vec![b'['];
            json.extend(b"[],".repeat((2 << 20) / 3));
            json.extend(b"0]");
            json
        }
        Harm::EndlessHead => b"x-more: of the same\r\n".repeat(1000),
        Harm::Bomb => {
            let mut packed = GzEncoder::new(Vec::new(), Compression::best());
            for _ in 0..1024 {
                packed.write_all(&vec![b' '; 1 << 20])?;
            }
            packed.finish()?
        }
        Harm::Flood => frame(0x82, &[b'x'; 64 << 10]),
        Harm::HugeFrame => [&[0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0][..], &[b'x'; 64 << 10]].concat(),
        // The first fragment; `answer` sends continuations after it.
        Harm::Fragments => frame(0x00, &[b'x'; 32 << 10]),
        Harm::Garbage => (0..4096).map(|_| fastrand::u8(..)).collect(),
        Harm::Cookies | Harm::Drip | Harm::Redirects | Harm::Reset => Vec::new(),
    })
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// An unmasked frame of at most 64 KiB.
fn frame(first: u8, bytes: &[u8]) -> Vec<u8> {
    [&[first, 127][..], &(bytes.len() as u64).to_be_bytes(), bytes].concat()
}

async fn answer(mut stream: TcpStream, harm: Harm, payload: &[u8], count: &Cell<u64>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if harm == Harm::Reset {
        stream.readable().await?;
        count.set(count.get() + 1);
        return Ok(());
    }
    let mut number = 0_u64;
    loop {
        let Some(head) = head(&mut stream).await? else { return Ok(()) };
        count.set(count.get() + 1);
        number += 1;
        match harm {
            Harm::EndlessBody => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
                over_and_over(&mut stream, payload).await?;
            }
            Harm::LargeBody | Harm::DenseJson | Harm::Bomb => {
                let encoding = if harm == Harm::Bomb { "content-encoding: gzip\r\n" } else { "" };
                let head = format!("HTTP/1.1 200 OK\r\n{encoding}content-length: {}\r\n\r\n", payload.len());
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(payload).await?;
            }
            Harm::EndlessHead => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
                over_and_over(&mut stream, payload).await?;
            }
            Harm::Cookies => {
                let mut head = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_owned();
                for cookie in 0..15 {
                    let name = format!("c{number}x{cookie}x{}", fastrand::u32(..));
                    head += &format!("set-cookie: {name}={}\r\n", "x".repeat(3900));
                }
                stream.write_all((head + "\r\n").as_bytes()).await?;
            }
            Harm::Drip => {
                for byte in b"HTTP/1.1 200 OK\r\nx-drip: ".iter().chain(std::iter::repeat(&b'x')) {
                    stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Harm::Redirects => {
                let to = fastrand::u64(..);
                let head = format!("HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /{to}\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
            }
            Harm::Garbage => {
                stream.write_all(payload).await?;
                return Ok(());
            }
            Harm::Flood | Harm::HugeFrame | Harm::Fragments => {
                upgrade(&mut stream, &head).await?;
                if harm == Harm::Fragments {
                    stream.write_all(&frame(0x02, b"begin")).await?;
                }
                if harm == Harm::HugeFrame {
                    stream.write_all(payload).await?;
                }
                over_and_over(&mut stream, payload).await?;
            }
            Harm::Reset => return Ok(()),
        }
    }
}

async fn over_and_over(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(payload).await?;
        // A write that never waits must not starve the other connections.
        tokio::task::yield_now().await;
    }
}

async fn upgrade(stream: &mut TcpStream, head: &str) -> io::Result<()> {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

/// A request's head; requests here have no body. `None` when the client hung up.
async fn head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}
