//! Makes connections: DNS, the guard, TCP and TLS, each phase timed.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::failure;
use super::guard::{Blocked, Guard};
use super::hosts::HostOverride;
use super::http1::Scratch;
use super::proxy::{Proxies, Proxy};
use super::resolve::Resolver;
use super::target::Origin;
use super::tls::Tls;
use super::tunnel;
use super::wire::{Meter, Socket, Wire};
use crate::budget::{Budget, Purse};
use crate::sample::ErrorCode;
use crate::time::Clock;

/// k6's dialer gives up after this, however long the request's timeout is.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Descriptors that the load leaves to the rest of the process, so that `/metrics` is served, targets are
/// scraped and results are written when it has taken all others; of a low limit no more than an eighth.
const SPARE_DESCRIPTORS: u64 = 32;

/// How long a connection is kept for further requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeepAlive {
    /// As long as its VU lives.
    #[default]
    Vu,
    /// For an iteration, as of a user who comes anew each time; k6's `noVUConnectionReuse`.
    Iteration,
    /// Not at all; k6's `noConnectionReuse`.
    Never,
}

/// What the connections of all worker threads have in common.
#[derive(Clone)]
pub struct Settings {
    pub tls: Tls,
    pub hosts: Vec<HostOverride>,
    pub proxies: Proxies,
    /// Where connections may lead.
    pub guard: Guard,
    pub keep_alive: KeepAlive,
    /// What bodies and messages are paid from.
    pub budget: Arc<Budget>,
}

impl Settings {
    /// Whether connections there lead elsewhere, by an entry of `hosts`.
    pub fn overrides(&self, host: &str, port: u16) -> bool {
        HostOverride::find(&self.hosts, host, port).is_some()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { hosts, proxies, .. } = self;
        f.debug_struct("Settings").field("hosts", hosts).field("proxies", proxies).finish_non_exhaustive()
    }
}

/// Makes the connections of one worker thread; its VUs share it.
#[derive(Debug)]
pub struct Dialer {
    settings: Arc<Settings>,
    resolver: Resolver,
    clock: Clock,
    purse: Purse,
    scratch: Scratch,
    /// A socket's descriptor is below this number.
    descriptors: u64,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// HTTP/2 if the server offers it; a proxy may forward what is not TLS.
    Http,
    /// HTTP/1.1; a proxy must connect to the origin itself.
    WebSocket,
    /// HTTP/2, without asking where it is not TLS; a proxy must connect to the origin itself.
    Grpc,
}

/// A connection that was made.
#[derive(Debug)]
pub(super) struct Dialed {
    pub(super) wire: Wire,
    /// What it leads to, where that forwards requests to the origin.
    pub(super) proxy: Option<Arc<Proxy>>,
}

/// How long the phases of a connection took, also of one that failed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DialTimes {
    pub(super) looking_up: Duration,
    pub(super) connecting: Duration,
    pub(super) tls_handshaking: Duration,
}

impl Dialer {
    pub fn new(settings: Arc<Settings>, clock: Clock) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.map_or(u64::MAX, usable_descriptors);
        let purse = Purse::new(&settings.budget);
        let (resolver, scratch) = (Resolver::default(), Scratch::default());
        Dialer { settings, resolver, clock, purse, scratch, descriptors }
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What bodies and messages are paid from.
    pub fn purse(&self) -> &Purse {
        &self.purse
    }

    pub fn keep_alive(&self) -> KeepAlive {
        self.settings.keep_alive
    }

    pub(super) fn tls(&self) -> &Tls {
        &self.settings.tls
    }

    pub(super) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// A connection to `origin`, made before `deadline`: looking up and connecting past it is
    /// `DIAL_TIMEOUT`, all after it `TIMEOUT`. What was spent is in `times` either way.
    pub(super) async fn dial(
        &self,
        origin: &Arc<Origin>,
        purpose: Purpose,
        deadline: Instant,
        times: &mut DialTimes,
    ) -> Result<Dialed, ErrorCode> {
        let Some(proxy) = self.settings.proxies.of(origin) else {
            let addresses = self.addresses(origin.host(), origin.port());
            let socket = self.connect(addresses, deadline, times).await?;
            let wire = self.secure(socket, origin, purpose, deadline, times).await?;
            return Ok(Dialed { wire, proxy: None });
        };
        // A name is looked up by the proxy.
        self.settings.guard.check_unresolved(origin.host(), origin.port()).map_err(Blocked::code)?;
        let addresses = self.proxy_addresses(proxy.host(), proxy.port());
        let connected = self.connect(addresses, deadline, times).await;
        let socket = connected.map_err(failure::of_proxy)?;
        if purpose == Purpose::Http && !origin.secure() {
            return Ok(Dialed { wire: Wire::plain(socket), proxy: Some(Arc::clone(proxy)) });
        }
        let socket = tunnel::open(socket, proxy, origin, &self.scratch, deadline).await?;
        let wire = self.secure(socket, origin, purpose, deadline, times).await?;
        Ok(Dialed { wire, proxy: None })
    }

    /// A connection for what speaks a protocol of its own, under the same policy and overrides; without a proxy.
    ///
    /// # Errors
    /// As exchanges have them: DNS, refused, not allowed, no descriptor left.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, ErrorCode> {
        let dialled = async { connect(&self.addresses(host, port).await?, self.descriptors).await };
        tokio::time::timeout(DIAL_TIMEOUT, dialled).await.map_err(|_| ErrorCode::DIAL_TIMEOUT)?
    }

    /// As [`tcp`](Self::tcp), with TLS where there is a configuration of it; what passes is noted in the wire's meter.
    pub(super) async fn wire(
        &self,
        host: &str,
        port: u16,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Wire, ErrorCode> {
        let socket = Socket::new(self.tcp(host, port).await?, Rc::new(Meter::new(self.clock)));
        match tls {
            Some(config) => handshake(config, host, socket).await,
            None => Ok(Wire::plain(socket)),
        }
    }

    async fn connect(
        &self,
        addresses: impl Future<Output = Result<Vec<SocketAddr>, ErrorCode>>,
        deadline: Instant,
        times: &mut DialTimes,
    ) -> Result<Socket, ErrorCode> {
        let dial_deadline = deadline.min(Instant::now() + DIAL_TIMEOUT);
        let started = self.clock.now();
        let addresses = timeout_at(dial_deadline, addresses).await;
        let looked_up = self.clock.now();
        times.looking_up = looked_up.since(started);
        let addresses = addresses.map_err(|_| ErrorCode::DIAL_TIMEOUT)??;

        let tcp = timeout_at(dial_deadline, connect(&addresses, self.descriptors)).await;
        times.connecting = self.clock.now().since(looked_up);
        let tcp = tcp.map_err(|_| ErrorCode::DIAL_TIMEOUT)??;
        Ok(Socket::new(tcp, Rc::new(Meter::new(self.clock))))
    }

    /// TLS, if the origin has it.
    async fn secure(
        &self,
        socket: Socket,
        origin: &Origin,
        purpose: Purpose,
        deadline: Instant,
        times: &mut DialTimes,
    ) -> Result<Wire, ErrorCode> {
        if !origin.secure() {
            return Ok(Wire::plain(socket));
        }
        let config = match purpose {
            Purpose::Http => &self.settings.tls.http,
            Purpose::WebSocket => &self.settings.tls.http1,
            Purpose::Grpc => &self.settings.tls.http2,
        };
        let started = self.clock.now();
        let wire = timeout_at(deadline, handshake(Arc::clone(config), origin.host(), socket)).await;
        times.tls_handshaking = self.clock.now().since(started);
        wire.map_err(|_| ErrorCode::TIMEOUT)?
    }

    /// The addresses to try, in order; those that the guard refuses are left out.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ErrorCode> {
        let guard = &self.settings.guard;
        // Chosen by the plan: the host's good name does not vouch for it.
        if let Some(address) = HostOverride::find(&self.settings.hosts, host, port).map(SocketAddr::from) {
            guard.check_literal(address).map_err(Blocked::code)?;
            return Ok(vec![address]);
        }
        guard.check_host(host).map_err(Blocked::code)?;
        self.looked_up(host, port, |address| guard.check_resolved(host, address)).await
    }

    /// Of a proxy, which the environment chose and no plan.
    async fn proxy_addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ErrorCode> {
        match HostOverride::find(&self.settings.hosts, host, port).map(SocketAddr::from) {
            Some(address) => {
                self.settings.guard.check_literal(address).map_err(Blocked::code)?;
                Ok(vec![address])
            }
            None => self.looked_up(host, port, |address| Guard::check_trusted(address.ip())).await,
        }
    }

    async fn looked_up(
        &self,
        host: &str,
        port: u16,
        check: impl Fn(SocketAddr) -> Result<(), Blocked>,
    ) -> Result<Vec<SocketAddr>, ErrorCode> {
        let found = self.resolver.addresses(host).await?;
        let mut addresses = Vec::with_capacity(found.len());
        let mut refused = ErrorCode::BLOCKED_ADDRESS;
        for address in found.iter().map(|address| SocketAddr::new(*address, port)) {
            match check(address) {
                Ok(()) => addresses.push(address),
                Err(blocked) => refused = blocked.code(),
            }
        }
        if addresses.is_empty() {
            return Err(refused);
        }
        // k6 picks at random among a name's addresses, so that a name's servers share the load.
        let family =
            addresses.iter().take_while(|address| address.is_ipv6() == addresses[0].is_ipv6()).count();
        addresses[..family].rotate_left(fastrand::usize(..family));
        Ok(addresses)
    }
}

async fn handshake(config: Arc<ClientConfig>, host: &str, socket: Socket) -> Result<Wire, ErrorCode> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ErrorCode::TLS_WRONG_HOST)?;
    let stream = TlsConnector::from(config).connect(name, socket).await;
    stream.map(Wire::tls).map_err(|error| failure::of_tls(&error))
}

/// Tries one address after the other; the first failure is the one reported, as in Go.
async fn connect(addresses: &[SocketAddr], descriptors: u64) -> Result<TcpStream, ErrorCode> {
    let mut first_failure = None;
    for address in addresses {
        let connected = async {
            let stream = socket(address, descriptors)?.connect(*address).await;
            let stream = stream.map_err(|error| failure::of_connect(&error))?;
            stream.set_nodelay(true).map_err(|error| failure::of_connect(&error))?;
            Ok(stream)
        };
        match connected.await {
            Ok(stream) => return Ok(stream),
            Err(code) => {
                first_failure.get_or_insert(code);
            }
        }
    }
    Err(first_failure.unwrap_or(ErrorCode::DIAL))
}

/// A new socket, unless it would take one of the spare descriptors.
fn socket(address: &SocketAddr, descriptors: u64) -> Result<TcpSocket, ErrorCode> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() };
    let socket = socket.map_err(|error| failure::of_connect(&error))?;
    // The system hands out the lowest number that is free: a high one says how many are taken.
    match u64::try_from(socket.as_raw_fd()) {
        Ok(number) if number < descriptors => Ok(socket),
        _ => Err(ErrorCode::DESCRIPTORS_SPENT),
    }
}

fn usable_descriptors(limit: u64) -> u64 {
    limit - SPARE_DESCRIPTORS.min(limit / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_leaves_some_descriptors_to_the_rest_of_the_process() {
        for (limit, usable) in [(20_000, 19_968), (256, 224), (80, 70), (1, 1)] {
            assert_eq!(usable_descriptors(limit), usable, "of {limit}");
        }
    }

    #[tokio::test]
    async fn a_socket_beyond_the_usable_descriptors_is_not_made() {
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        assert!(socket(&address, u64::MAX).is_ok());
        assert_eq!(socket(&address, 0).unwrap_err(), ErrorCode::DESCRIPTORS_SPENT);
    }
}
