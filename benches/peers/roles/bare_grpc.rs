//! tonic's client in a closed loop, recording nothing: what a unary call costs with the crate that everybody takes.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::serving;
use crate::{Failure, Result};

#[derive(Clone, PartialEq, prost::Message)]
struct Words {
    #[prost(string, tag = "1")]
    text: String,
}

pub(super) fn run(target: SocketAddr, connections: u32, secs: f64) -> Result<()> {
    let sent = Rc::new(Cell::new(0_u64));
    let stopped = Rc::new(Cell::new(false));
    serving::runtime()?.block_on(async {
        let mut loops = JoinSet::new();
        for _ in 0..connections {
            let (sent, stopped) = (Rc::clone(&sent), Rc::clone(&stopped));
            loops.spawn_local(async move {
                let channel = Endpoint::from_shared(format!("http://{target}"))?.connect().await?;
                let mut client = Grpc::new(channel);
                while !stopped.get() {
                    say(&mut client).await?;
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

async fn say(client: &mut Grpc<Channel>) -> Result<()> {
    client.ready().await?;
    let request = Request::new(Words { text: "hello from 1".to_owned() });
    let path = PathAndQuery::from_static("/bench.v1.Bench/Say");
    let answer: tonic::Response<Words> = client.unary(request, path, ProstCodec::default()).await?;
    if answer.get_ref().text.is_empty() { Err("an empty answer".into()) } else { Ok(()) }
}
