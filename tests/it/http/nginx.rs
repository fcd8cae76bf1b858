//! A real nginx: HTTP/2, client certificates, compressed answers, connections that it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

use super::http2::{check_phases, h2_dialer, https};
use super::tls::Identity;
use super::*;

/// An nginx of its own folder, which ends with the test.
struct Nginx {
    child: Child,
    address: SocketAddr,
    /// Open, so that it can write there.
    _said: BufReader<ChildStderr>,
    _folder: TempDir,
}

impl Nginx {
    /// With what `server` says beside the name of the listener and the certificate; nothing if there is no
    /// nginx.
    fn start(identity: &Identity, client: &Identity, server: &str) -> Option<Nginx> {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("cert"), identity.pem()).unwrap();
        std::fs::write(path("key"), identity.key_pem()).unwrap();
        std::fs::write(path("client"), client.pem()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", path(kind)))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {pid}; error_log stderr notice;
            events {{ worker_connections 64; }}
            http {{
                access_log off;
                {temporary}
                server {{
                    listen {address} ssl http2;
                    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_client_certificate {client};
                    {server}
                }}
            }}",
            pid = path("pid"),
            cert = path("cert"),
            key = path("key"),
            client = path("client"),
        );
        std::fs::write(path("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-c", &path("nginx.conf")]).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                println!(
                    "skipped: nginx does not start ({error}); it comes with Debian's package nginx-light"
                );
                return None;
            }
        };
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        // It listens before it chooses how to wait for events.
        while !line.contains("using the \"") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "nginx ended: {:?}", child.wait());
        }
        Some(Nginx { child, address, _said: said, _folder: folder })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn identities() -> (Identity, Identity) {
    (Identity::made_for("localhost", false), Identity::made_for("client.test", false))
}

#[tokio::test]
async fn a_compressed_answer_over_http2_is_kept_plain() {
    let (identity, client) = identities();
    let server = "gzip on; gzip_min_length 1; default_type text/plain;
        location / { gzip_types text/plain; return 200 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa $server_protocol'; }";
    let Some(nginx) = Nginx::start(&identity, &client, server) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("accept-encoding", HeaderValue::from_static("gzip"));
    for (http2, protocol) in [(true, "HTTP/2.0"), (false, "HTTP/1.1")] {
        let dialer = h2_dialer(&TlsOptions { http2, ..identity.trusted() });
        let target = https(nginx.address);
        let request = Request {
            keep_body: true,
            keep_headers: true,
            timeout: PATIENCE,
            ..Request::get(&target, &headers)
        };
        let (exchange, reply) = Client::new().exchange(&dialer, request).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        assert_eq!(reply.headers["content-encoding"], "gzip");
        let plain = format!("{} {protocol}", "a".repeat(36));
        assert_eq!(std::str::from_utf8(&reply.body), Ok(plain.as_str()));
        check_phases(&exchange);
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks_for_one() {
    let (identity, client) = identities();
    let server = "ssl_verify_client on; location / { return 200 $ssl_client_verify; }";
    let Some(nginx) = Nginx::start(&identity, &client, server) else { return };
    let shown = |of: &Identity| Some(ClientIdentity { cert_pem: of.pem(), key_pem: of.key_pem() });
    for (client_identity, status, body) in
        [(shown(&client), 200, "SUCCESS"), (None, 400, ""), (shown(&identity), 400, "")]
    {
        let dialer = h2_dialer(&TlsOptions { client_identity, ..identity.trusted() });
        let (target, headers) = (https(nginx.address), HeaderMap::new());
        let request = Request { keep_body: true, timeout: PATIENCE, ..Request::get(&target, &headers) };
        let (exchange, reply) = Client::new().exchange(&dialer, request).await;
        assert_eq!((exchange.status, exchange.error), (status, ErrorCode::from_status(status)));
        assert!(body.is_empty() || reply.body == body, "{reply:?}");
    }
}

#[tokio::test]
async fn a_server_of_an_old_tls_is_refused_where_the_new_one_is_asked_for() {
    let (identity, client) = identities();
    let Some(nginx) = Nginx::start(&identity, &client, "ssl_protocols TLSv1.2; return 204;") else { return };
    for (only_tls13, status, error) in [(false, 204, None), (true, 0, Some(ErrorCode::TLS))] {
        let dialer = h2_dialer(&TlsOptions { only_tls13, ..identity.trusted() });
        let (target, headers) = (https(nginx.address), HeaderMap::new());
        let (exchange, _) = Client::new().exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!((exchange.status, exchange.error), (status, error));
    }
}

#[tokio::test]
async fn a_server_that_ends_its_connections_loses_no_request() {
    let (identity, client) = identities();
    let Some(nginx) = Nginx::start(&identity, &client, "keepalive_requests 3; return 200 ok;") else {
        return;
    };
    let (dialer, target, headers, mut client) =
        (h2_dialer(&identity.trusted()), https(nginx.address), HeaderMap::new(), Client::new());
    let mut connections = 0;
    for _ in 0..30 {
        let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        connections += u32::from(!exchange.phases.connecting.is_zero());
    }
    assert_eq!(connections, 10);
}
