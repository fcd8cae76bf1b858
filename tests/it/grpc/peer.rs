//! The foreign peer: Python's grpcio in a process of its own. Where it is not installed a test skips, and says so.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use prost::Message as _;
use tempfile::TempDir;

/// A server that ends when it is dropped.
pub(super) struct Peer {
    child: Child,
    pub(super) port: u16,
    /// Where its descriptors are.
    pub(super) folder: TempDir,
}

/// As `./test.sh` installs it, or the system's.
fn python() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/grpcio/bin/python");
    let has_grpc = |python: &PathBuf| {
        Command::new(python)
            .args(["-c", "import grpc_reflection"])
            .output()
            .is_ok_and(|run| run.status.success())
    };
    [installed, PathBuf::from("python3")].into_iter().find(has_grpc)
}

impl Peer {
    /// `None` where there is no grpcio. `files` are written beside its descriptors.
    pub(super) fn start(arguments: &[&str], files: &[(&str, Vec<u8>)]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let set = protox::compile(["peer.proto"], [source("")]).unwrap();
        fs::write(folder.path().join("peer.pb"), set.encode_to_vec()).unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        Peer::at(folder, arguments)
    }

    /// Once more, with the same files.
    pub(super) fn at(folder: TempDir, arguments: &[&str]) -> Option<Self> {
        let Some(python) = python() else {
            println!("skipped: grpcio is not installed (./test.sh does so, where Python and PyPI are there)");
            return None;
        };
        let mut command = Command::new(python);
        command.arg(source("peer.py")).arg("peer.pb").args(arguments).current_dir(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let port = said
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("the peer did not start: {said}"));
        Some(Peer { port: port.parse().unwrap(), child, folder })
    }

    pub(super) fn url(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Waits until it has ended by itself; what is left to start it again.
    pub(super) fn ended(mut self) -> (u16, TempDir) {
        // To wait closes it, which would end the server.
        let stdin = self.child.stdin.take();
        self.child.wait().unwrap();
        drop(stdin);
        (self.port, std::mem::replace(&mut self.folder, TempDir::new().unwrap()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/grpc").join(name)
}
