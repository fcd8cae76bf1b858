//! Debian's RabbitMQ, a node of its own with its own port mapper and files. Where it is not installed a test skips, and says
//! so.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ConnectionProperties, ExchangeKind};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, generate_simple_self_signed,
};
use tempfile::TempDir;

/// Not the wrapper in PATH, which changes to a user of its own.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/// Longer than it ever takes, and shorter than a test may.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that lets `guest` in. Ends when it is dropped.
pub(crate) struct RabbitMq {
    /// The port mapper, then the server.
    children: Vec<Child>,
    ports: Ports,
    folder: TempDir,
}

struct Ports {
    amqp: u16,
    tls: u16,
    management: u16,
    /// Between nodes, of which there is one.
    distribution: u16,
    mapper: u16,
}

/// Of an authority that the server trusts for its clients.
fn write_authority(to: &Path) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "clients");
    let key = KeyPair::generate().unwrap();
    fs::write(to, params.self_signed(&key).unwrap().pem()).unwrap();
    Issuer::new(params, key)
}

/// The certificate of a client with this name, and its key: `…pem` and `….key`.
fn write_client(authority: &Issuer<'_, KeyPair>, name: &str, to: &Path) {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    fs::write(to.with_extension("pem"), params.signed_by(&key, authority).unwrap().pem()).unwrap();
    fs::write(to.with_extension("key"), key.serialize_pem()).unwrap();
}

/// A message as another client reads it.
pub(crate) struct Read {
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

impl Read {
    /// Those that are texts.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let headers = self.properties.headers().iter().flat_map(|table| table.inner());
        let text = |value: &AMQPValue| match value {
            AMQPValue::LongString(text) => Some(text.to_string()),
            _ => None,
        };
        headers.filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect()
    }
}

impl RabbitMq {
    /// `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        RabbitMq::with("", &[])
    }

    /// With its management API.
    pub(crate) fn start_with_management() -> Option<Self> {
        RabbitMq::with("", &["rabbitmq_management"])
    }

    /// With these lines of configuration, and with plugins.
    pub(crate) fn with(configuration: &str, plugins: &[&str]) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            println!("skipped: there is no {PROGRAM}; it comes with Debian's package rabbitmq-server");
            return None;
        }
        // Free a moment ago, which is as good as it lets one know; all at once, so that they differ.
        let free = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [amqp, tls, management, distribution, mapper] =
            free.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(free);
        let ports = Ports { amqp, tls, management, distribution, mapper };
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(path("server.pem"), cert.pem()).unwrap();
        fs::write(path("server.key"), signing_key.serialize_pem()).unwrap();
        let authority = write_authority(&path("clients.pem"));
        for name in ["guest", "nobody"] {
            write_client(&authority, name, &path(name));
        }
        let mut text = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nlisteners.ssl.1 = 127.0.0.1:{tls}\n\
             ssl_options.certfile = FOLDER/server.pem\nssl_options.keyfile = FOLDER/server.key\n\
             ssl_options.cacertfile = FOLDER/clients.pem\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\nlog.console = false\nlog.file = false\n\
             disk_free_limit.absolute = 1MB\n{configuration}\n"
        );
        let managed = plugins.contains(&"rabbitmq_management");
        if managed {
            text.push_str(&format!("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n"));
        }
        let text = text.replace("FOLDER", folder.path().to_str().unwrap());
        fs::write(path("rabbitmq.conf"), text).unwrap();
        fs::write(path("plugins"), format!("[{}].\n", plugins.join(","))).unwrap();
        let mut server = RabbitMq { children: Vec::new(), ports, folder };
        server.begin();
        server.await_port(server.ports.amqp);
        if managed {
            server.await_port(server.ports.management);
        }
        Some(server)
    }

    /// A program that finds the server by its name, and says nothing.
    fn command(&self, program: &str) -> Command {
        let Ports { amqp, mapper, .. } = self.ports;
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("ERL_EPMD_PORT", mapper.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("HOME", self.folder.path()).env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
        command.env("RABBITMQ_NODENAME", format!("loadgate-{amqp}@localhost"));
        command
    }

    /// `rabbitmqctl`, with these arguments.
    pub(crate) fn control(&self, arguments: &[&str]) {
        let output =
            self.command(CONTROL).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = output.unwrap();
        let told = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&told));
    }

    fn begin(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        if self.children.is_empty() {
            self.children.push(self.command("epmd").spawn().unwrap());
        }
        let server = self
            .command(PROGRAM)
            // So that the shell becomes the server, and its number is that of the child.
            .env("detached", "1")
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
            .env("RABBITMQ_MNESIA_BASE", path("data"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none")
            .spawn()
            .unwrap();
        self.children.push(server);
    }

    fn await_port(&mut self, port: u16) {
        let patience = Instant::now() + Duration::from_secs(110);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "RabbitMQ did not start");
            let ended = self.children.last_mut().and_then(|server| server.try_wait().unwrap());
            assert!(ended.is_none(), "RabbitMQ ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As if its machine had lost power.
    pub(crate) fn kill(&mut self) {
        let mut server = self.children.pop().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// With what it had stored.
    pub(crate) fn start_again(&mut self) {
        self.begin();
        self.await_port(self.ports.amqp);
    }

    pub(crate) fn url(&self) -> String {
        self.url_as("127.0.0.1")
    }

    /// With another user, password or host.
    pub(crate) fn url_as(&self, before_port: &str) -> String {
        format!("amqp://{before_port}:{}", self.ports.amqp)
    }

    pub(crate) fn tls_url(&self, host: &str) -> String {
        format!("amqps://{host}:{}", self.ports.tls)
    }

    pub(crate) fn management_url(&self) -> String {
        format!("http://guest:guest@127.0.0.1:{}", self.ports.management)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a durable queue that the default exchange knows by its name.
    pub(crate) fn queue(&self, name: &str) {
        self.ask(async |channel| {
            let durable = QueueDeclareOptions::durable();
            channel.queue_declare(name.into(), durable, FieldTable::default()).await.unwrap();
        });
    }

    /// Makes a topic exchange, and a durable queue bound to it.
    pub(crate) fn bound(&self, exchange: &str, routing_key: &str, queue: &str) {
        self.queue(queue);
        self.ask(async |channel| {
            let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
            let declared = channel.exchange_declare(
                exchange.into(),
                ExchangeKind::Topic,
                durable,
                FieldTable::default(),
            );
            declared.await.unwrap();
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            channel
                .queue_bind(queue.into(), exchange.into(), routing_key.into(), options, none)
                .await
                .unwrap();
        });
    }

    pub(crate) fn delete_queue(&self, name: &str) {
        self.ask(async |channel| {
            channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
        });
    }

    /// How many messages of a queue are ready.
    pub(crate) fn depth(&self, queue: &str) -> u64 {
        u64::from(self.look_at(queue).message_count())
    }

    pub(crate) fn consumers(&self, queue: &str) -> u64 {
        u64::from(self.look_at(queue).consumer_count())
    }

    fn look_at(&self, queue: &str) -> lapin::Queue {
        self.ask(async |channel| {
            let passive = QueueDeclareOptions { passive: true, ..Default::default() };
            channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap()
        })
    }

    pub(crate) fn publish(&self, queue: &str, body: &[u8]) {
        self.ask(async |channel| {
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            channel.basic_publish("".into(), queue.into(), options, body, properties).await.unwrap();
        });
    }

    /// Takes what a queue holds.
    pub(crate) fn read(&self, queue: &str) -> Vec<Read> {
        self.ask(async |channel| {
            let mut all = Vec::new();
            let no_ack = BasicGetOptions { no_ack: true };
            while let Some(message) = channel.basic_get(queue.into(), no_ack).await.unwrap() {
                let lapin::message::Delivery { properties, data, .. } = message.delivery;
                all.push(Read { properties, body: data });
            }
            all
        })
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(&Channel) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let asking = async {
            let connection =
                lapin::Connection::connect(&self.url(), ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let answer = question(&channel).await;
            connection.close(200, "done".into()).await.unwrap();
            answer
        };
        runtime.unwrap().block_on(async {
            let answer = tokio::time::timeout(PATIENCE, asking).await;
            answer
                .unwrap_or_else(|_| panic!("RabbitMQ did not answer a test's own question for {PATIENCE:?}"))
        })
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        // The server first: it would miss its port mapper.
        for child in self.children.iter_mut().rev() {
            // It may have ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
