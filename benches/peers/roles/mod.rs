//! This program in other processes: the servers, the bare clients and the stall probe. A role prints JSON on its standard
//! output and nothing else; a server first prints where it listens.

mod arrival_server;
mod bare_amqp;
mod bare_chat;
mod bare_grpc;
mod bare_http;
mod bare_nats;
mod bare_open;
mod bare_sockets;
mod chat_server;
mod delay_server;
mod echo_server;
mod grpc_server;
mod hostile_server;
mod http_server;
#[path = "../../shared/probe_role.rs"]
mod probe;
mod publishing;
#[path = "../../shared/serving.rs"]
mod serving;
mod stall_server;
mod timer;
mod turns;

use std::net::SocketAddr;

use clap::Parser;

use crate::Result;

pub(crate) use hostile_server::Harm;

#[derive(Debug, Parser)]
#[command(name = "role")]
pub(crate) enum Role {
    /// Notes when each request arrived and compares that with a perfect schedule.
    ArrivalServer {
        #[arg(long)]
        rate: u32,
    },
    /// Answers each chat message with five chunks and a last word.
    ChatServer {
        /// Between two chunks.
        #[arg(long, default_value_t = 0)]
        gap_ms: u64,
    },
    /// Sends each text message back.
    EchoServer,
    /// Answers each call with the same message.
    GrpcServer,
    /// Does harm.
    HostileServer {
        #[arg(long, value_enum)]
        harm: Harm,
    },
    /// Stands still for a while in each period.
    StallServer {
        #[arg(long)]
        period_ms: u64,
        #[arg(long)]
        stall_ms: u64,
    },
    /// Holds each request for a known time.
    DelayServer,
    BareHttp {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        connections: u32,
        #[arg(long)]
        secs: f64,
    },
    BareGrpc {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        connections: u32,
        #[arg(long)]
        secs: f64,
    },
    BareAmqp {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        publishers: u32,
        /// As many as go without it.
        #[arg(long)]
        rate: Option<u32>,
        #[arg(long)]
        secs: f64,
    },
    BareNats {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        publishers: u32,
        /// As many as go without it.
        #[arg(long)]
        rate: Option<u32>,
        #[arg(long)]
        secs: f64,
    },
    BareOpen {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        connections: u32,
        #[arg(long)]
        rate: u32,
        #[arg(long)]
        secs: f64,
    },
    BareChat {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        users: u32,
        #[arg(long)]
        messages: u32,
    },
    BareSockets {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        connections: u32,
        /// Messages on each connection; 0 only waits.
        #[arg(long)]
        per_sec: u32,
        #[arg(long)]
        secs: f64,
    },
    /// Notes when this core stood still.
    Probe {
        #[arg(long)]
        threshold_ms: u64,
    },
}

impl Role {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::ArrivalServer { rate } => arrival_server::run(rate),
            Self::ChatServer { gap_ms } => chat_server::run(gap_ms),
            Self::EchoServer => echo_server::run(),
            Self::GrpcServer => grpc_server::run(),
            Self::HostileServer { harm } => hostile_server::run(harm),
            Self::StallServer { period_ms, stall_ms } => stall_server::run(period_ms, stall_ms),
            Self::DelayServer => delay_server::run(),
            Self::BareHttp { target, connections, secs } => bare_http::run(target, connections, secs),
            Self::BareGrpc { target, connections, secs } => bare_grpc::run(target, connections, secs),
            Self::BareAmqp { target, publishers, rate, secs } => {
                publishing::run::<bare_amqp::Amqp>(target, publishers, rate, secs)
            }
            Self::BareNats { target, publishers, rate, secs } => {
                publishing::run::<bare_nats::Nats>(target, publishers, rate, secs)
            }
            Self::BareOpen { target, connections, rate, secs } => {
                bare_open::run(target, connections, rate, secs)
            }
            Self::BareChat { target, users, messages } => bare_chat::run(target, users, messages),
            Self::BareSockets { target, connections, per_sec, secs } => {
                bare_sockets::run(target, connections, per_sec, secs)
            }
            Self::Probe { threshold_ms } => probe::run(threshold_ms),
        }
    }
}
