//! The API over a real socket, spoken to byte by byte.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;

use loadgate::api::{Sources, serve};
use loadgate::exposition::{Format, Limits, MediaType, body, parse};
use loadgate::family::{Family, FamilyKind};
use loadgate::labels::Labels;
use loadgate::tsdb::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Server {
    address: SocketAddr,
    sources: Arc<Sources>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sources = Arc::new(Sources::new(Arc::new(Store::new(1 << 20))));
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve(listener, Arc::clone(&sources), async {
        stopped.await.unwrap();
    }));
    Server { address, sources, stop, served }
}

fn families() -> Vec<Family> {
    let mut requests = Family::new("k6_http_reqs_total", FamilyKind::Counter, "Requests sent.");
    for status in 0..100 {
        requests.push(Labels::new([("status", status.to_string())]), f64::from(status));
    }
    vec![requests]
}

struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// HTTP/1.0, so that the answer ends with the connection and is not chunked.
async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.0\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let split = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let body = answer.split_off(split + 4);
    Answer { head: String::from_utf8(answer).unwrap(), body }
}

#[tokio::test]
async fn metrics_come_in_the_format_that_was_asked_for() {
    let server = start().await;
    server.sources.exporter.publish(families());
    for (accept, format) in [
        ("", Format::Text),
        ("Accept: text/plain\r\n", Format::Text),
        ("Accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\n", Format::OpenMetrics),
        ("Accept: text/plain;q=0.1\r\nAccept: application/openmetrics-text\r\n", Format::OpenMetrics),
    ] {
        let answer = ask(server.address, "GET", "/metrics", accept).await;
        assert_eq!(answer.status(), "200");
        assert_eq!(answer.header("content-type"), Some(format.content_type()));
        let parsed = parse(&answer.body, format, &Limits::default()).unwrap();
        assert_eq!(parsed.families, families());
    }
}

#[tokio::test]
async fn protobuf_is_given_to_those_who_ask_for_it_gzipped_too() {
    const DELIMITED: &str =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let server = start().await;
    server.sources.exporter.publish(families());
    let accept = format!("Accept: {DELIMITED},text/plain;q=0.5\r\n");
    let plain = ask(server.address, "GET", "/metrics", &accept).await;
    assert_eq!(plain.header("content-type"), Some(&*DELIMITED.replace(';', "; ")));
    assert_eq!(plain.header("vary"), Some("accept"));
    assert_eq!(plain.body, body(&families(), MediaType::Protobuf));
    let gzipped = ask(server.address, "GET", "/metrics", &format!("{accept}Accept-Encoding: gzip\r\n")).await;
    assert_eq!(gzipped.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*gzipped.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn metrics_are_gzipped_for_those_who_accept_it() {
    let server = start().await;
    server.sources.exporter.publish(families());
    let answer = ask(server.address, "GET", "/metrics", "Accept-Encoding: gzip\r\n").await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&*answer.body).read_to_end(&mut body).unwrap();
    assert_eq!(parse(&body, Format::Text, &Limits::default()).unwrap().families, families());
}

#[tokio::test]
async fn a_later_publication_replaces_the_earlier_one() {
    let server = start().await;
    server.sources.exporter.publish(families());
    server.sources.exporter.publish(vec![Family::single(
        "k6_vus",
        FamilyKind::Gauge,
        "h",
        Labels::empty(),
        7.0,
    )]);
    let answer = ask(server.address, "GET", "/metrics", "").await;
    assert_eq!(answer.text(), "# HELP k6_vus h\n# TYPE k6_vus gauge\nk6_vus 7\n");
}

#[tokio::test]
async fn it_is_ready_when_there_is_something_to_scrape_and_healthy_before() {
    let server = start().await;
    assert_eq!(ask(server.address, "GET", "/-/healthy", "").await.status(), "200");
    assert_eq!(ask(server.address, "GET", "/-/ready", "").await.status(), "503");
    let empty = ask(server.address, "GET", "/metrics", "Accept: application/openmetrics-text\r\n").await;
    assert_eq!((empty.status(), empty.text()), ("200", "# EOF\n"));
    server.sources.exporter.publish(families());
    assert_eq!(ask(server.address, "GET", "/-/ready", "").await.status(), "200");
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let server = start().await;
    server.sources.exporter.publish(families());
    let answer = ask(server.address, "HEAD", "/metrics", "").await;
    assert_eq!(answer.status(), "200");
    assert_eq!(answer.header("content-type"), Some(Format::Text.content_type()));
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_with_a_hint() {
    let server = start().await;
    let answer = ask(server.address, "GET", "/metric", "").await;
    assert_eq!(answer.status(), "404");
    assert!(answer.text().contains("/metrics"), "{}", answer.text());
    assert_eq!(ask(server.address, "POST", "/metrics", "").await.status(), "405");
}

#[tokio::test]
async fn it_stops_when_told_to_and_lets_the_port_go() {
    let server = start().await;
    assert_eq!(ask(server.address, "GET", "/-/healthy", "").await.status(), "200");
    server.stop.send(()).unwrap();
    server.served.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn connections_that_never_ask_do_not_keep_it_from_stopping() {
    let server = start().await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(ask(server.address, "GET", "/-/healthy", "").await.status(), "200");
    server.stop.send(()).unwrap();
    server.served.await.unwrap();
    drop(silent);
}
