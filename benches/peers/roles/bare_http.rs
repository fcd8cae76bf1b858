//! hyper's connection API in a closed loop, recording nothing: what a client on loadgate's foundations costs at the least.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::serving;
use crate::{Failure, Result};

pub(super) fn run(target: SocketAddr, connections: u32, secs: f64) -> Result<()> {
    let sent = Rc::new(Cell::new(0_u64));
    let stopped = Rc::new(Cell::new(false));
    serving::runtime()?.block_on(async {
        let mut loops = JoinSet::new();
        for _ in 0..connections {
            let (sent, stopped) = (Rc::clone(&sent), Rc::clone(&stopped));
            loops.spawn_local(async move {
                let mut sender = connect(target).await?;
                while !stopped.get() {
                    get(&mut sender, target).await?;
                    sent.set(sent.get() + 1);
                }
                Ok::<(), Failure>(())
            });
        }
        tokio::time::sleep(Duration::from_secs_f64(secs)).await;
        stopped.set(true);
        while let Some(ended) = loops.join_next().await {
            ended??;
        }
        Ok::<(), Failure>(())
    })?;
    println!("{}", json!({"exchanges": sent.get()}));
    Ok(())
}

pub(super) type Sender = SendRequest<Empty<Bytes>>;

/// The connection's own task is spawned locally.
pub(super) async fn connect(target: SocketAddr) -> Result<Sender> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    Ok(sender)
}

/// Reads the answer to its end.
pub(super) async fn get(sender: &mut Sender, target: SocketAddr) -> Result<()> {
    sender.ready().await?;
    let request = Request::get("/").header("host", target.to_string()).body(Empty::new())?;
    let mut body = sender.send_request(request).await?.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}
