//! The command line: `cargo bench --bench peers -- [http|grpc|nats|amqp|open|chat|stream|idle|truth|hostile|counts|seeds|all]`.

use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::conduct::Options;
use crate::{Result, cases, conduct};

/// Of a round that was disturbed, unless told otherwise.
pub(crate) const REPEATS: u32 = 3;

/// Measures loadgate beside nginx's clients wrk, k6, oha and bare loops. Ends with 0 when every target is reached, with 2
/// when one is missed.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench peers --")]
pub(crate) struct Cli {
    #[arg(value_enum, default_value_t = Case::All)]
    case: Case,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    Http,
    Grpc,
    Nats,
    Amqp,
    Open,
    Chat,
    Stream,
    Idle,
    Truth,
    Hostile,
    Counts,
    Seeds,
    All,
}

impl Cli {
    /// Whether every target that could be measured was reached.
    pub(crate) fn run(self) -> Result<bool> {
        let bench = Bench::start(&self.options)?;
        println!("{}", bench.machine);
        for client in bench.missing() {
            println!("{client} is not installed: skipped. To measure it: {}", client.install());
        }
        let all: [(Case, conduct::Case); 12] = [
            (Case::Http, cases::http::run),
            (Case::Grpc, cases::grpc::run),
            (Case::Nats, cases::nats::run),
            (Case::Amqp, cases::amqp::run),
            (Case::Open, cases::open::run),
            (Case::Chat, cases::chat::run),
            (Case::Stream, cases::stream::run),
            (Case::Idle, cases::idle::run),
            (Case::Truth, cases::truth::run),
            (Case::Hostile, cases::hostile::run),
            (Case::Counts, cases::counts::run),
            (Case::Seeds, cases::seeds::run),
        ];
        let chosen = all.into_iter().filter(|(case, _)| self.case == Case::All || self.case == *case);
        conduct::conduct(&bench, &self.options, chosen.map(|(_, run)| run))
    }
}
