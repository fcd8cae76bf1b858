//! Debian's PostgreSQL, on data of its own. Where it is not installed a test skips, and says so.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// A server with one user and one database. Ends when it is dropped.
pub(crate) struct Postgres {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Postgres {
    pub(crate) const USER: &str = "canary-user";
    pub(crate) const PASSWORD: &str = "canary-p@ss";

    /// `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: there is no PostgreSQL here; it comes with Debian's package postgresql");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        fs::write(&password, Postgres::PASSWORD).unwrap();
        let owner = owner();
        // Of the name `localhost`; who connects to the address finds another than it looks for.
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
        fs::write(&certificate, cert.pem()).unwrap();
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = owner {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            fs::create_dir(&data).unwrap();
            [&data, &password, &certificate, &key]
                .into_iter()
                .for_each(|path| chown(path, Some(user), Some(group)).unwrap());
        }
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
            // It refuses to run as root.
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command
        };
        let made = program("initdb")
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"])
            .arg(format!("--username={}", Postgres::USER))
            .arg("--pwfile")
            .args([&password, Path::new("-D"), &data])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Free a moment ago, which is as good as it lets one know.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB"])
            .args(["-c", "ssl=on"])
            .arg(format!("--ssl_cert_file={}", certificate.display()))
            .arg(format!("--ssl_key_file={}", key.display()))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Postgres { child, port, folder };
        let patience = Instant::now() + Duration::from_secs(60);
        while server.try_execute("SELECT 1").is_err() {
            assert!(Instant::now() < patience, "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        self.url_with(Postgres::PASSWORD)
    }

    pub(crate) fn url_with(&self, password: &str) -> String {
        let password = password.replace('@', "%40");
        format!("postgres://{}:{password}@127.0.0.1:{}/postgres", Postgres::USER, self.port)
    }

    /// PEM; its own authority.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    /// Statements, one after the other.
    pub(crate) fn execute(&self, statements: &str) {
        self.try_execute(statements).unwrap();
    }

    /// For writers on other threads.
    pub(crate) fn writer(&self) -> impl Fn(&str) + Send + 'static {
        let url = self.url();
        move |statements| try_execute(&url, statements).unwrap()
    }

    fn try_execute(&self, statements: &str) -> Result<(), tokio_postgres::Error> {
        try_execute(&self.url(), statements)
    }

    /// The one number that a query gives.
    pub(crate) fn number(&self, query: &str) -> i64 {
        runtime().block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client.query_one(query, &[]).await.unwrap().get(0)
        })
    }
}

fn try_execute(url: &str, statements: &str) -> Result<(), tokio_postgres::Error> {
    runtime().block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(statements).await
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Where Debian keeps them, the newest version last.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

/// User and group of `postgres`, where this is root.
fn owner() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let fields: Vec<&str> = users.lines().find(|line| line.starts_with("postgres:"))?.split(':').collect();
    geteuid().is_root().then(|| (fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT: at once, its own children too.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ended_already = kill_process(pid, Signal::QUIT);
        }
        let _ended = self.child.wait();
    }
}
