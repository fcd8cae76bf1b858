//! One HTTP/1.1 connection to a server that is observed or notified, and one exchange over it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT,
};
use http::{HeaderName, Method, Request, Response, request};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use url::{Host, Position, Url};

use super::{ScrapeError, ScrapeTarget, body, instance};
use crate::exposition::Format;
use crate::protocol::Guard;

/// What Prometheus 3 sends by default.
const ACCEPT_FORMATS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
     application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
     text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
const SCRAPE_TIMEOUT_SECONDS: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// Of the response; hyper takes at most 100 headers beside.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// An open connection; dropping it closes it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Itself, if the server keeps it open; to be asked when the response has been read.
    pub(crate) fn kept(self) -> Option<Connection> {
        (!self.sender.is_closed()).then_some(self)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A whole response of status 200.
pub(super) struct ScrapeResponse {
    pub body: Vec<u8>,
    pub format: Format,
    /// For the next scrape, if the target keeps it.
    pub connection: Option<Connection>,
}

/// GETs the target's URL, over `kept` if it still works.
pub(super) async fn get(
    target: &ScrapeTarget,
    kept: Option<Connection>,
) -> Result<ScrapeResponse, ScrapeError> {
    let request = || {
        let request = to(&target.url, Method::GET)
            .header(ACCEPT, ACCEPT_FORMATS)
            .header(ACCEPT_ENCODING, "gzip")
            .header(SCRAPE_TIMEOUT_SECONDS, target.timeout.as_secs_f64().to_string());
        whole(request, Bytes::new())
    };
    let (connection, response) =
        exchange_within(&target.url, target.tls.as_ref(), target.guard.as_ref(), kept, request).await?;
    read(target, connection, response).await
}

/// Sends a request and waits for the response's head, over `kept` if it still works. The request is made a second
/// time if the server closed that connection meanwhile. For a URL that no plan named.
pub(crate) async fn exchange(
    url: &Url,
    tls: Option<&Arc<ClientConfig>>,
    kept: Option<Connection>,
    request: impl Fn() -> Result<Request<Full<Bytes>>, ScrapeError>,
) -> Result<(Connection, Response<Incoming>), ScrapeError> {
    exchange_within(url, tls, None, kept, request).await
}

/// As [`exchange`], with a guard that says where the connection may lead.
pub(crate) async fn exchange_within(
    url: &Url,
    tls: Option<&Arc<ClientConfig>>,
    guard: Option<&Guard>,
    kept: Option<Connection>,
    request: impl Fn() -> Result<Request<Full<Bytes>>, ScrapeError>,
) -> Result<(Connection, Response<Incoming>), ScrapeError> {
    if let Some(mut connection) = kept
        && connection.sender.ready().await.is_ok()
    {
        match connection.sender.send_request(request()?).await {
            Ok(response) => return Ok((connection, response)),
            Err(error) if error.is_parse() => return Err(ScrapeError::of_http(&error)),
            // It was closed between two requests.
            Err(_) => {}
        }
    }
    let mut connection = connect(url, tls, guard).await?;
    let response = connection.sender.send_request(request()?).await;
    Ok((connection, response.map_err(|error| ScrapeError::of_http(&error))?))
}

async fn read(
    target: &ScrapeTarget,
    connection: Connection,
    response: Response<Incoming>,
) -> Result<ScrapeResponse, ScrapeError> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let status = response.status();
    if status.is_redirection()
        && let Some(location) = header(LOCATION)
    {
        let location = location.chars().take(200).collect();
        return Err(ScrapeError::Redirect { status: status.as_u16(), location });
    }
    if status != 200 {
        return Err(ScrapeError::Status(status.as_u16()));
    }
    let format = Format::of_content_type(header(CONTENT_TYPE));
    let gzip = match header(CONTENT_ENCODING).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(_) => {
            return Err(ScrapeError::Encoding("only gzip is understood, and asked for".to_owned()));
        }
    };
    let body = body::read(response.into_body(), gzip, target.limits.max_body_bytes).await?;
    Ok(ScrapeResponse { body, format, connection: connection.kept() })
}

/// A request to this URL, with its user and password if it has them.
pub(crate) fn to(url: &Url, method: Method) -> request::Builder {
    let request = Request::builder()
        .method(method)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, concat!("loadgate/", env!("CARGO_PKG_VERSION")));
    match credentials(url) {
        Some(credentials) => request.header(AUTHORIZATION, credentials),
        None => request,
    }
}

pub(crate) fn whole(request: request::Builder, body: Bytes) -> Result<Request<Full<Bytes>>, ScrapeError> {
    request.body(Full::new(body)).map_err(|_| ScrapeError::Url("its path or host cannot be sent"))
}

fn credentials(url: &Url) -> Option<String> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let decoded = |part: &str| percent_decoded(part.as_bytes());
    let plain = [decoded(user), b":".to_vec(), decoded(password.unwrap_or_default())].concat();
    Some(format!("Basic {}", BASE64.encode(plain)))
}

/// `url` keeps user and password in percent encoding.
fn percent_decoded(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, rest) {
            (b'%', [high, low, after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                plain.push(hex(high).unwrap_or_default() << 4 | hex(low).unwrap_or_default());
                text = after;
            }
            _ => {
                plain.push(*first);
                text = rest;
            }
        }
    }
    plain
}

async fn connect(
    url: &Url,
    tls: Option<&Arc<ClientConfig>>,
    guard: Option<&Guard>,
) -> Result<Connection, ScrapeError> {
    let tls = match url.scheme() {
        "http" => None,
        "https" => Some(tls.cloned().ok_or(ScrapeError::Url("https needs a TLS configuration"))?),
        _ => return Err(ScrapeError::Url("only http and https are spoken")),
    };
    let port = url.port_or_known_default().ok_or(ScrapeError::Url("it has no port"))?;
    let failed = |source| ScrapeError::Connect { address: instance(url), source };
    let tcp = match (url.host(), guard) {
        (Some(host), Some(guard)) => {
            let addresses = guard.lookup(&host.to_string(), port).await.map_err(failed)?;
            TcpStream::connect(addresses.as_slice()).await
        }
        (Some(Host::Domain(name)), None) => TcpStream::connect((name, port)).await,
        (Some(Host::Ipv4(address)), None) => TcpStream::connect((address, port)).await,
        (Some(Host::Ipv6(address)), None) => TcpStream::connect((address, port)).await,
        (None, _) => return Err(ScrapeError::Url("it has no host")),
    };
    let tcp = tcp.map_err(failed)?;
    let Some(tls) = tls else { return handshake(tcp).await };
    let name = match url.host() {
        Some(Host::Ipv4(address)) => ServerName::from(std::net::IpAddr::from(address)),
        Some(Host::Ipv6(address)) => ServerName::from(std::net::IpAddr::from(address)),
        _ => ServerName::try_from(url.host_str().unwrap_or_default().to_owned())
            .map_err(|_| ScrapeError::Url("its host is no name that a certificate could hold"))?,
    };
    let stream = tokio_rustls::TlsConnector::from(tls).connect(name, tcp).await;
    handshake(stream.map_err(|source| ScrapeError::Tls { address: instance(url), source })?).await
}

async fn handshake<S>(stream: S) -> Result<Connection, ScrapeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_header_size(MAX_HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| ScrapeError::of_http(&error))?;
    // What ends the connection is told to the sender as well.
    let driver = tokio::spawn(async move {
        let _told = connection.await;
    });
    Ok(Connection { sender, driver })
}
