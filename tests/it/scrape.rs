//! Scrapes of real sockets: good targets, and targets that mean ill.

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

#[tokio::test]
async fn a_body_beyond_a_limit_is_refused() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nhz 1\n".to_vec();
    check_failure(&scrape_of(canned(announced).await).await, "body_too_large", "65536");
    let many: String = (0..101).map(|i| format!("hz{{i=\"{i}\"}} 1\n")).collect();
    check_failure(&scrape_of(canned(ok("", many.as_bytes())).await).await, "too_many_samples", "100 samples");
    let huge = format!("hz{{a=\"{}\"}} 1\n", "x".repeat(2000));
    check_failure(&scrape_of(canned(ok("", huge.as_bytes())).await).await, "label_limit", "1024 bytes");
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let address = server(|mut stream, _| async move {
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = format!("{:x}\r\n{}\r\n", 7000, "hz 100\n".repeat(1000));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    })
    .await;
    check_failure(&scrape_of(address).await, "body_too_large", "65536");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_limit() {
    let bomb = gzipped(&vec![b'\n'; 64 << 20]);
    assert!(bomb.len() < 80_000, "{}", bomb.len());
    let mut target = target(canned(ok("content-encoding: gzip\r\n", &bomb)).await, PATIENT);
    target.limits.max_body_bytes = 1 << 20;
    check_failure(&scrape::once(&target, &Clock::start()).await, "body_too_large", "1048576");
}

#[tokio::test]
async fn a_broken_or_unknown_encoding_is_an_error() {
    let whole = gzipped(b"hz 100\n");
    let broken = [
        whole[..whole.len() - 4].to_vec(),
        [&whole[..whole.len() - 1], b"x"].concat(),
        [&whole[..], b"more"].concat(),
        b"hz 100\n".to_vec(),
        Vec::new(),
    ];
    for body in broken {
        let scrape = scrape_of(canned(ok("content-encoding: gzip\r\n", &body)).await).await;
        check_failure(&scrape, "encoding", "cannot be decompressed");
    }
    let scrape = scrape_of(canned(ok("content-encoding: br\r\n", b"hz 100\n")).await).await;
    check_failure(&scrape, "encoding", "only gzip");
}

#[tokio::test]
async fn a_target_that_drips_or_stalls_costs_one_timeout() {
    let dripping = server(|mut stream, _| async move {
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        while stream.write_all(b"h").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let silent = server(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    });
    let continuing = server(|mut stream, _| async move {
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    for address in [dripping.await, silent.await, continuing.await] {
        let scrape = scrape::once(&target(address, BRIEF), &Clock::start()).await;
        check_failure(&scrape, "timeout", "200ms");
    }
}

#[tokio::test]
async fn a_response_that_ends_early_is_incomplete() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhz 100\n";
    check_failure(&scrape_of(canned(short).await).await, "incomplete", "before the response did");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nhz 100\n\r\n";
    check_failure(&scrape_of(canned(chunked).await).await, "incomplete", "before the response did");
    check_failure(&scrape_of(canned("").await).await, "incomplete", "before the response did");
}

#[tokio::test]
async fn what_is_not_http_or_has_too_much_of_a_header_is_refused() {
    check_failure(&scrape_of(canned("SSH-2.0-OpenSSH_9.2\r\n").await).await, "http", "as HTTP wants it");
    let many: String = (0..10_000).map(|i| format!("x-{i}: y\r\n")).collect();
    check_failure(&scrape_of(canned(ok(&many, b"hz 1\n")).await).await, "http", "as HTTP wants it");
    let long = format!("x: {}\r\n", "y".repeat(10 << 20));
    check_failure(&scrape_of(canned(ok(&long, b"hz 1\n")).await).await, "http", "as HTTP wants it");
    let bad_chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n";
    check_failure(&scrape_of(canned(bad_chunk).await).await, "incomplete", "chunk");
}

/// Answers every request on every connection, and counts connections.
async fn counting(connections: Arc<AtomicUsize>, requests_each: usize) -> SocketAddr {
    server(move |mut stream, _| {
        connections.fetch_add(1, Ordering::SeqCst);
        async move {
            for request in 1..=requests_each {
                if stream.write_all(&ok("", b"hz 100\n")).await.is_err() {
                    return;
                }
                if request < requests_each && read_request(&mut stream).await.is_none() {
                    return;
                }
            }
        }
    })
    .await
}

async fn scrapes(target: ScrapeTarget, count: usize) -> Vec<Scrape> {
    let (sender, mut receiver) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let run = tokio::spawn(scrape::run(target, Clock::start(), sender, stop.clone()));
    let mut scrapes = Vec::new();
    while scrapes.len() < count {
        scrapes.push(receiver.recv().await.unwrap());
    }
    stop.cancel();
    run.await.unwrap();
    scrapes
}

#[tokio::test]
async fn a_run_keeps_its_connection_and_makes_it_anew_when_the_target_closes_it() {
    let connections = Arc::new(AtomicUsize::new(0));
    let address = counting(Arc::clone(&connections), usize::MAX).await;
    let kept = scrapes(target(address, PATIENT), 5).await;
    assert!(kept.iter().all(|scrape| scrape.result.is_ok()));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let added: Vec<usize> = kept.iter().map(|scrape| scrape.series_added).collect();
    assert_eq!(added, [1, 0, 0, 0, 0]);

    let connections = Arc::new(AtomicUsize::new(0));
    let address = counting(Arc::clone(&connections), 2).await;
    let renewed = scrapes(target(address, PATIENT), 6).await;
    assert!(renewed.iter().all(|scrape| scrape.result.is_ok()), "{renewed:?}");
    assert!(connections.load(Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn a_run_outlives_a_target_that_fails_now_and_then() {
    let asked = Arc::new(AtomicUsize::new(0));
    let address = server(move |mut stream, _| {
        let count = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            let answer = match count % 3 {
                0 => ok("connection: close\r\n", b"hz 100\n"),
                1 => ok("connection: close\r\n", b"hz{ 100\n"),
                _ => Vec::new(),
            };
            let _cut_short = stream.write_all(&answer).await;
        }
    })
    .await;
    let reasons: Vec<&str> = scrapes(target(address, PATIENT), 7)
        .await
        .iter()
        .map(|scrape| scrape.result.as_ref().map_or_else(|error| error.reason(), |_| "ok"))
        .collect();
    assert_eq!(reasons, ["ok", "malformed", "incomplete", "ok", "malformed", "incomplete", "ok"]);
}

#[tokio::test]
async fn ticks_that_pass_while_nobody_takes_the_scrape_are_counted_and_not_made_up_for() {
    let address = counting(Arc::new(AtomicUsize::new(0)), usize::MAX).await;
    let (sender, mut receiver) = mpsc::channel(1);
    let clock = Clock::start();
    let stop = CancellationToken::new();
    let target = target(address, PATIENT);
    let interval = target.interval;
    let full = sender.clone();
    let run = tokio::spawn(scrape::run(target, clock, sender, stop.clone()));
    while full.capacity() > 0 {
        tokio::time::sleep(interval).await;
    }
    // Now one is in the channel and one more can be made; the other ticks of these 25 intervals are lost.
    tokio::time::sleep(interval * 25).await;
    let mut taken = Vec::new();
    while taken.len() < 6 {
        taken.push(receiver.recv().await.unwrap());
    }
    stop.cancel();
    run.await.unwrap();
    let missed: u64 = taken.iter().map(|scrape| scrape.missed).sum();
    assert!(missed >= 20, "{missed}");
    // The last scrape's tick is one per scrape and one per missed tick after the first, and it was over by then.
    let ticks = interval.as_nanos() * (u128::from(missed) + 5);
    assert!(ticks <= u128::from(taken[5].at.as_nanos()), "{missed} missed by {:?}", taken[5].at);
}

#[tokio::test]
async fn a_run_ends_at_once_when_stopped_and_when_nobody_listens() {
    let silent = server(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let (sender, _receiver) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let run = tokio::spawn(scrape::run(target(silent, PATIENT), Clock::start(), sender, stop.clone()));
    stop.cancel();
    run.await.unwrap();

    let address = counting(Arc::new(AtomicUsize::new(0)), usize::MAX).await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    scrape::run(target(address, PATIENT), Clock::start(), sender, CancellationToken::new()).await;
}

mod tls {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio_rustls::TlsAcceptor;

    async fn tls_server(certificate: &CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _request = stream.read(&mut [0; 4096]).await;
                let _cut_short = stream.write_all(&ok("", b"hz 100\n")).await;
            }
        });
        address
    }

    fn provider() -> Arc<rustls::crypto::CryptoProvider> {
        Arc::new(rustls::crypto::aws_lc_rs::default_provider())
    }

    fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
        let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth())
    }

    #[tokio::test]
    async fn an_https_target_is_scraped_if_its_certificate_is_trusted() {
        let certificate = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let address = tls_server(&certificate).await;
        let mut roots = RootCertStore::empty();
        roots.add(certificate.cert.der().clone()).unwrap();
        let mut target = target(address, PATIENT);
        target.url = url::Url::parse(&format!("https://localhost:{}/metrics", address.port())).unwrap();
        target.tls = Some(trusting(roots.clone()));
        assert_eq!(lines(&scrape::once(&target, &Clock::start()).await), ["hz{} 100"]);

        target.tls = Some(trusting(RootCertStore::empty()));
        check_failure(&scrape::once(&target, &Clock::start()).await, "tls", "certificate");

        target.tls = Some(trusting(roots));
        target.url = url::Url::parse(&format!("https://{address}/metrics")).unwrap();
        check_failure(&scrape::once(&target, &Clock::start()).await, "tls", "certificate");
    }
}
