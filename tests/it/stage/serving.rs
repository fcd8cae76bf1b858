//! The program while it serves `/metrics`.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Child;
use std::time::{Duration, Instant};

use loadgate::exposition::{Format, Limits, parse};
use loadgate::family::Family;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{exchange, loadgate_run};

/// `loadgate run` with `--listen` and `--linger`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

impl Serving {
    pub(crate) fn start(plan: &str, arguments: &[&str]) -> Self {
        let (mut command, folder) = loadgate_run(plan, &["--listen", "127.0.0.1:0", "--linger", "1h"]);
        let mut child = command.args(arguments).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut lines = stderr.lines().map(Result::unwrap);
        let address = lines
            .find_map(|line| line.strip_prefix("serving http://")?.strip_suffix("/metrics")?.parse().ok());
        // Read on, or the program would wait for us.
        std::thread::spawn(move || lines.count());
        Serving { child, address: address.unwrap(), folder }
    }

    pub(crate) fn families(&self) -> Vec<Family> {
        let body = get(self.address, "").1;
        parse(&body, Format::Text, &Limits::default()).unwrap().families
    }

    /// Scrapes until the families satisfy `holds`.
    pub(crate) fn scrape_until(&self, holds: impl Fn(&[Family]) -> bool) -> Vec<Family> {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let families = self.families();
            if holds(&families) {
                return families;
            }
            assert!(Instant::now() < patience, "waited in vain");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As Ctrl-C does: stops the run, or else the lingering after it.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    }

    /// What `--summary-export` wrote.
    pub(crate) fn export(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.folder.path().join("summary.json")).unwrap()).unwrap()
    }

    /// Ends the lingering, and gives the exit code.
    pub(crate) fn end(mut self) -> i32 {
        self.interrupt();
        let output = self.child.wait().unwrap();
        assert!(self.folder.path().join("summary.json").exists());
        output.code().unwrap()
    }
}

/// (head, body) of `/metrics`, the head in lower case.
pub(crate) fn get(address: SocketAddr, headers: &str) -> (String, Vec<u8>) {
    let answer = exchange(address, "GET", "/metrics", headers, "");
    (answer.head, answer.body)
}

/// The samples of this name with these labels, summed.
pub(crate) fn value(families: &[Family], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut found = None;
    for family in families {
        family.each_sample(|sample, its, value| {
            if sample == name && labels.iter().all(|(label, wanted)| its.value(label) == Some(wanted)) {
                found = Some(found.unwrap_or(0.0) + value);
            }
        });
    }
    found
}

/// Whether these are the run's last values, with its verdict.
pub(crate) fn is_final(families: &[Family]) -> bool {
    ["loadgate_run_final", "loadgate_verdict"].map(|name| value(families, name, &[])) == [Some(1.0); 2]
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Of a test that failed: nothing shall go on running.
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}
