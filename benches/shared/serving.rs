//! One thread, one runtime, one port on loopback, until standard input ends.

use std::io::Read as _;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::oneshot;

use crate::Result;

/// More than any case opens at once.
const BACKLOG: u32 = 4096;

pub(super) fn runtime() -> Result<LocalRuntime> {
    Ok(Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?)
}

/// Prints the address, then serves until standard input ends. What `serve` spawns must be local.
pub(super) fn until_told<F: Future<Output = ()>>(serve: impl FnOnce(TcpListener) -> F) -> Result<()> {
    runtime()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        println!("{}", listener.local_addr()?);
        tokio::select! {
            () = serve(listener) => {}
            _ = input_ended() => {}
        }
        Ok(())
    })
}

/// Standard input ends when the conductor says so, and when it dies.
fn input_ended() -> oneshot::Receiver<()> {
    let (ended, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        // Whatever goes wrong with it, it has ended.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    receiver
}

/// The value at rank ceil(p × n) of sorted values; 0 of none.
pub(super) fn nearest_rank(sorted: &[f64], p: f64) -> f64 {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}
