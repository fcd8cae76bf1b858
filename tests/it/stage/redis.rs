//! Debian's Redis, which keeps nothing. Where it is not installed a test skips, and says so.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

/// A server with a password. Ends when it is dropped.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    tls_port: u16,
    folder: TempDir,
}

impl Redis {
    pub(crate) const PASSWORD: &str = "canary-secret";

    /// `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        // Free a moment ago, which is as good as it lets one know; both at once, so that they differ.
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, tls_port] = free.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(free);
        let folder = TempDir::new().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let [certificate, key] = ["server.pem", "server.key"].map(|name| folder.path().join(name));
        fs::write(&certificate, cert.pem()).unwrap();
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--requirepass", Redis::PASSWORD])
            .args(["--tls-port", &tls_port.to_string(), "--tls-auth-clients", "no"])
            .arg("--tls-cert-file")
            .arg(&certificate)
            .arg("--tls-key-file")
            .arg(&key)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                println!(
                    "skipped: redis-server does not start ({error}); it comes with Debian's package of this name"
                );
                return None;
            }
        };
        let server = Redis { child, port, tls_port, folder };
        let patience = Instant::now() + Duration::from_secs(60);
        while set(&server.url(), "ready", "yes").is_err() {
            assert!(Instant::now() < patience, "Redis did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        self.url_with(Redis::PASSWORD)
    }

    pub(crate) fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}", self.port)
    }

    /// By TLS, with a certificate of the name `localhost`.
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss://:{}@localhost:{}", Redis::PASSWORD, self.tls_port)
    }

    /// PEM; its own authority.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    /// One command.
    pub(crate) fn execute(&self, words: &[&str]) {
        execute(&self.url(), words).unwrap();
    }

    /// For writers on other threads: sets a key.
    pub(crate) fn writer(&self) -> impl Fn(&str, &str) + Send + Sync + 'static {
        let url = self.url();
        move |key, value| set(&url, key, value).unwrap()
    }
}

fn set(url: &str, key: &str, value: &str) -> redis::RedisResult<()> {
    execute(url, &["SET", key, value])
}

fn execute(url: &str, words: &[&str]) -> redis::RedisResult<()> {
    let mut connection = redis::Client::open(url)?.get_connection()?;
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(word);
    }
    command.exec(&mut connection)
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}
