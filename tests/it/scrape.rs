//! Scrapes of real sockets.

mod hostile;
mod run;
mod tls;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loadgate::exposition::Limits;
use loadgate::scrape::{self, Scrape, ScrapeTarget};
use loadgate::time::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Long enough that no honest exchange on a slow machine meets it.
const PATIENT: Duration = Duration::from_secs(20);
/// For targets that never finish, so any value would do.
const BRIEF: Duration = Duration::from_millis(200);

fn target(address: SocketAddr, timeout: Duration) -> ScrapeTarget {
    ScrapeTarget {
        job: "backend".into(),
        url: url::Url::parse(&format!("http://{address}/metrics?full=1")).unwrap(),
        interval: Duration::from_millis(10),
        timeout,
        limits: Limits { max_body_bytes: 64 << 10, max_samples: 100, ..Limits::default() },
        tls: None,
        guard: None,
        redactor: Default::default(),
    }
}

/// A server that hands each connection, once its first request was read, to `answer`.
async fn server<F, A>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream, String) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(request) = read_request(&mut stream).await {
                tokio::spawn(answer(stream, request));
            }
        }
    });
    address
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(request).ok()
}

/// A server that answers everything with these bytes and closes.
async fn canned(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = Arc::new(answer.into());
    server(move |mut stream, _| {
        let answer = Arc::clone(&answer);
        async move {
            let _cut_short = stream.write_all(&answer).await;
            let _cut_short = stream.shutdown().await;
            // Until the scraper is done: closing with unread bytes would reset what it is still reading.
            let _closed = stream.read(&mut [0; 64]).await;
        }
    })
    .await
}

fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn scrape_of(address: SocketAddr) -> Scrape {
    scrape::once(&target(address, PATIENT), &Clock::start()).await
}

fn lines(scrape: &Scrape) -> Vec<String> {
    let mut lines = Vec::new();
    for family in scrape.result.as_ref().unwrap() {
        family.each_sample(|name, labels, value| lines.push(format!("{name}{labels} {value}")));
    }
    lines
}

#[track_caller]
fn check_failure(scrape: &Scrape, reason: &str, message: &str) {
    let error = scrape.result.as_ref().unwrap_err();
    assert_eq!(error.reason(), reason, "{error}");
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(scrape.samples, 0);
    let families = scrape::families(scrape);
    assert_eq!((families.len(), families[0].name.as_str()), (5, "up"));
}

#[tokio::test]
async fn a_targets_families_come_back_in_either_format() {
    let text =
        scrape_of(canned(ok("content-type: text/plain\r\n", b"hz{a=\"b\"} 100\nhz{a=\"b\"} 1\n")).await)
            .await;
    assert_eq!(lines(&text), ["hz{a=\"b\"} 100"]);
    assert_eq!((text.samples, text.duplicates, text.series_added, text.body_bytes), (2, 1, 1, 26));
    let open = ok(
        "content-type: application/openmetrics-text; version=1.0.0\r\n",
        b"# TYPE ticks counter\nticks_total 7\n# EOF\n",
    );
    assert_eq!(lines(&scrape_of(canned(open).await).await), ["ticks_total{} 7"]);
    assert_eq!(lines(&scrape_of(canned(ok("", b"hz 100\n")).await).await), ["hz{} 100"]);
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    let scrape = scrape_of(canned("HTTP/1.0 200 OK\r\n\r\nhz 100\n").await).await;
    assert_eq!(lines(&scrape), ["hz{} 100"]);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhz \r\n4\r\n100\n\r\n0\r\n\r\n";
    assert_eq!(lines(&scrape_of(canned(chunked).await).await), ["hz{} 100"]);
}

#[tokio::test]
async fn a_gzipped_body_is_unpacked() {
    let body = gzipped("hz{a=\"b\"} 100\n".as_bytes());
    let scrape = scrape_of(canned(ok("content-encoding: gzip\r\n", &body)).await).await;
    assert_eq!(lines(&scrape), ["hz{a=\"b\"} 100"]);
    assert_eq!(scrape.body_bytes, 14);
}

#[tokio::test]
async fn a_request_asks_as_prometheus_does() {
    let (sender, mut requests) = mpsc::channel(1);
    let address = server(move |mut stream, request| {
        let sender = sender.clone();
        async move {
            sender.send(request).await.unwrap();
            stream.write_all(&ok("", b"hz 1\n")).await.unwrap();
        }
    })
    .await;
    let mut target = target(address, PATIENT);
    target.url.set_username("user").unwrap();
    target.url.set_password(Some("p:ss wörd")).unwrap();
    scrape::once(&target, &Clock::start()).await.result.unwrap();
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("GET /metrics?full=1 HTTP/1.1\r\n"), "{request}");
    for line in [
        format!("host: {address}"),
        "accept-encoding: gzip".to_owned(),
        "x-prometheus-scrape-timeout-seconds: 20".to_owned(),
        // printf 'user:p:ss wörd' | base64
        "authorization: Basic dXNlcjpwOnNzIHfDtnJk".to_owned(),
    ] {
        assert!(request.lines().any(|known| known == line), "{line} in {request}");
    }
    assert!(request.contains("\r\naccept: application/openmetrics-text;version=1.0.0"), "{request}");
}

#[tokio::test]
async fn what_is_not_200_is_an_error_and_a_redirect_is_not_followed() {
    let answer = |head: &str| format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n");
    check_failure(&scrape_of(canned(answer("503 Busy")).await).await, "status", "answered 503");
    check_failure(&scrape_of(canned(answer("204 None")).await).await, "status", "answered 204");
    let moved = answer("302 Found\r\nlocation: /elsewhere");
    check_failure(&scrape_of(canned(moved).await).await, "redirect", "\"/elsewhere\", which is not followed");
}

#[tokio::test]
async fn a_target_that_is_not_there_cannot_be_connected_to() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check_failure(&scrape_of(gone).await, "connect", &gone.to_string());
    let mut unconfigured = target(gone, PATIENT);
    unconfigured.url.set_scheme("https").unwrap();
    check_failure(&scrape::once(&unconfigured, &Clock::start()).await, "url", "TLS configuration");
}

#[tokio::test]
async fn a_malformed_body_says_where() {
    let scrape = scrape_of(canned(ok("", b"hz 100\nhz{a=b} 1\n")).await).await;
    check_failure(&scrape, "malformed", "line 2, column 6: expected a label value in quotes");
    let no_eof = ok("content-type: application/openmetrics-text\r\n", b"hz 100\n");
    check_failure(&scrape_of(canned(no_eof).await).await, "malformed", "# EOF");
    let page = ok("content-type: text/html\r\n", b"<!doctype html>");
    check_failure(&scrape_of(canned(page).await).await, "malformed", "line 1, column 1");
}
