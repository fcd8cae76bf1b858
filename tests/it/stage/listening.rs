//! Where a server of Prometheus' family listens: it says so on stderr.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Child;

/// Once it does.
pub(super) fn listening(child: &mut Child, name: &str) -> SocketAddr {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut before = String::new();
    let address = lines.find_map(|line| {
        before.push_str(&line);
        line.split_once("\"Listening on\" address=")?.1.parse().ok()
    });
    let address = address.unwrap_or_else(|| panic!("{name} did not start: {before}"));
    // Read on, or it would wait for us.
    std::thread::spawn(move || lines.count());
    address
}
