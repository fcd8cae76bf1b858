//! Debian's nats-server with JetStream, its files in a folder of its own. Where it is not installed a test skips, and says
//! so.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::{Config, State, StorageType};
use async_nats::jetstream::{self, Context};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

/// A server on a port of its own. Ends when it is dropped.
pub(crate) struct Nats {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl Nats {
    /// `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        Nats::with("")
    }

    /// With these lines of configuration. `FOLDER` in them is its own, where `server.pem` and `server.key` are a
    /// certificate for `localhost`.
    pub(crate) fn with(configuration: &str) -> Option<Self> {
        // Free a moment ago, which is as good as it lets one know.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.path().join("server.pem"), cert.pem()).unwrap();
        fs::write(folder.path().join("server.key"), signing_key.serialize_pem()).unwrap();
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"FOLDER/store\" }}\n{configuration}\n"
        );
        let text = text.replace("FOLDER", folder.path().to_str().unwrap());
        fs::write(folder.path().join("server.conf"), text).unwrap();
        let mut server = Nats { child: None, port, folder };
        server.begin().then_some(server)
    }

    /// Whether it is there.
    fn begin(&mut self) -> bool {
        let child = Command::new("nats-server")
            .arg("--config")
            .arg(self.folder.path().join("server.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match child {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                println!(
                    "skipped: nats-server does not start ({error}); it comes with Debian's package of this name"
                );
                return false;
            }
        }
        let patience = Instant::now() + Duration::from_secs(60);
        while !greets(self.port) {
            assert!(Instant::now() < patience, "nats-server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// As if its machine had lost power.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// With what it had stored.
    pub(crate) fn start_again(&mut self) {
        assert!(self.begin());
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// With another scheme, user or host.
    pub(crate) fn url_as(&self, before_port: &str) -> String {
        format!("{before_port}:{}", self.port)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a stream on disk that takes these subjects.
    pub(crate) fn stream(&self, name: &str, subjects: &[&str]) {
        self.stream_as(Config {
            name: name.to_owned(),
            subjects: subjects.iter().map(|subject| (*subject).to_owned()).collect(),
            storage: StorageType::File,
            ..Config::default()
        });
    }

    pub(crate) fn stream_as(&self, config: Config) {
        self.ask(async |jetstream| {
            jetstream.create_stream(config).await.unwrap();
        });
    }

    /// What the stream holds.
    pub(crate) fn state(&self, stream: &str) -> State {
        self.ask(async |jetstream| jetstream.get_stream(stream).await.unwrap().cached_info().state.clone())
    }

    /// All that the stream holds, in its order.
    pub(crate) fn stored(&self, stream: &str) -> Vec<Stored> {
        self.ask(async |jetstream| {
            let stream = jetstream.get_stream(stream).await.unwrap();
            let mut stored = Vec::new();
            for sequence in 1..=stream.cached_info().state.last_sequence {
                let message = stream.get_raw_message(sequence).await.unwrap();
                let headers = message.headers.iter().flat_map(|(name, values)| {
                    values.iter().map(move |value| (name.to_string(), value.as_str().to_owned()))
                });
                stored.push(Stored { headers: headers.collect(), payload: message.payload.to_vec() });
            }
            stored
        })
    }

    /// The number of messages that consumers got without acknowledging them, over all consumers of the stream.
    pub(crate) fn unacknowledged(&self, stream: &str, consumer: &str) -> usize {
        self.ask(async |jetstream| {
            let stream = jetstream.get_stream(stream).await.unwrap();
            stream.consumer_info(consumer).await.unwrap().num_ack_pending
        })
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(Context) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = async_nats::connect(self.url()).await.unwrap();
            question(jetstream::new(client)).await
        })
    }
}

/// A message of a stream.
pub(crate) struct Stored {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Vec<u8>,
}

/// A server says who it is as soon as it takes a connection.
fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok_and(|_| line.starts_with("INFO"))
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
