//! Where load may go: the hosts and networks that are allowed, and the addresses that never are.
//!
//! Asked twice for each connection that is made, and never for one that is kept: with the host's name before DNS, and
//! with each address that it resolved to, so that a name that is rebound later gets nowhere.
//!
//! A host that is allowed by its name may resolve to a private network, but to this machine only where that is allowed,
//! too. An address that the plan itself chooses (a literal, `dns.hosts`) must be allowed as an address.

mod forbidden;
mod lookup;
mod pattern;

use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

pub use pattern::{AllowedTarget, AllowedTargetError};

use crate::sample::ErrorCode;
use forbidden::{embedded, is_forbidden, is_forbidden_name};
use pattern::name;

/// Where load may go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Arc<[AllowedTarget]>,
    /// Of our own API.
    own: Option<SocketAddr>,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// The host is not allowed.
    Host,
    /// The address is not allowed.
    Address,
    /// Nobody may load it: link-local, metadata, multicast, unspecified.
    Forbidden,
    /// It is our own API.
    Own,
}

impl Blocked {
    /// k6's numbers for a blocked hostname and a blocked address.
    pub fn code(self) -> ErrorCode {
        match self {
            Blocked::Host => ErrorCode::BLOCKED_HOST,
            Blocked::Address | Blocked::Forbidden | Blocked::Own => ErrorCode::BLOCKED_ADDRESS,
        }
    }
}

impl fmt::Display for Blocked {
    /// Follows the name of what is blocked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Blocked::Host => "is not an allowed target",
            Blocked::Address => "is not an allowed target address",
            Blocked::Forbidden => {
                "is never a target: link-local, metadata, multicast and unspecified addresses are refused"
            }
            Blocked::Own => "is loadgate's own API, which is no target",
        })
    }
}

impl std::error::Error for Blocked {}

impl From<Blocked> for std::io::Error {
    fn from(blocked: Blocked) -> Self {
        std::io::Error::new(std::io::ErrorKind::PermissionDenied, blocked)
    }
}

/// What stands for a host in a URL.
enum Named {
    Address(IpAddr),
    Name(String),
}

impl Guard {
    pub fn new(allowed: impl IntoIterator<Item = AllowedTarget>) -> Self {
        Guard { allowed: allowed.into_iter().collect(), own: None }
    }

    /// All that is not forbidden to everybody.
    pub fn of_everything() -> Self {
        let networks = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|network| network.parse().ok());
        let names = AllowedTarget::Below(String::new());
        Guard::new(networks.map(AllowedTarget::Network).chain([names]))
    }

    /// With the address that our own API listens on, which is no target.
    #[must_use]
    pub fn without(self, own: SocketAddr) -> Self {
        Guard { own: Some(own), ..self }
    }

    /// Before DNS: whether the host may be looked up. One that is not allowed by its name may still resolve to an address
    /// in a network that is allowed; one that leads to this machine must be allowed by its name, too.
    ///
    /// # Errors
    /// When nothing it could resolve to is allowed.
    pub fn check_host(&self, host: &str) -> Result<(), Blocked> {
        match named(host).ok_or(Blocked::Host)? {
            Named::Address(address) => self.check_address(address),
            Named::Name(name) if is_forbidden_name(&name) => Err(Blocked::Forbidden),
            Named::Name(name) if self.names(&name) || self.has_networks() => Ok(()),
            Named::Name(_) => Err(Blocked::Host),
        }
    }

    /// Where somebody else looks the host up, such as a proxy: only what is allowed by its name, or as an address.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_unresolved(&self, host: &str, port: u16) -> Result<(), Blocked> {
        match named(host).ok_or(Blocked::Host)? {
            Named::Address(address) => self.check_literal(SocketAddr::new(address, port)),
            Named::Name(name) if is_forbidden_name(&name) => Err(Blocked::Forbidden),
            Named::Name(name) if self.names(&name) => Ok(()),
            Named::Name(_) => Err(Blocked::Host),
        }
    }

    /// An address that was not looked up by us, such as a literal.
    ///
    /// # Errors
    /// When it is not in an allowed network, or is forbidden to everybody.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Blocked> {
        self.check_by(address.to_canonical(), || Err(Blocked::Address))
    }

    /// As [`check_address`](Self::check_address), and not our own API.
    ///
    /// # Errors
    /// As there.
    pub fn check_literal(&self, address: SocketAddr) -> Result<(), Blocked> {
        self.check_address(address.ip())?;
        self.check_own(address)
    }

    /// An address that `host` resolved to.
    ///
    /// # Errors
    /// When neither host nor address are allowed, or the address is forbidden to everybody.
    pub fn check_resolved(&self, host: &str, address: SocketAddr) -> Result<(), Blocked> {
        let by_name = || match named(host) {
            Some(Named::Name(name)) if self.names(&name) => Ok(()),
            Some(Named::Address(_)) => Err(Blocked::Address),
            _ => Err(Blocked::Host),
        };
        self.check_by(address.ip().to_canonical(), by_name)?;
        self.check_own(address)
    }

    /// What the environment of this process chose, such as a proxy, and no plan.
    ///
    /// # Errors
    /// When it is forbidden to everybody.
    pub fn check_trusted(address: IpAddr) -> Result<(), Blocked> {
        if forms(address.to_canonical()).any(is_forbidden) { Err(Blocked::Forbidden) } else { Ok(()) }
    }

    fn check_by(&self, address: IpAddr, otherwise: impl Fn() -> Result<(), Blocked>) -> Result<(), Blocked> {
        Self::check_trusted(address)?;
        if self.holds(address) {
            // What hides in an address that is allowed, must be, too, where it is this machine.
            let hidden = embedded(address).map(IpAddr::V4).filter(IpAddr::is_loopback);
            return hidden.map_or(Ok(()), |hidden| self.holds(hidden).then_some(()).ok_or(Blocked::Address));
        }
        otherwise()?;
        // A name leads to this machine only where that is allowed, which was asked above.
        if forms(address).any(|form| form.is_loopback()) { Err(Blocked::Address) } else { Ok(()) }
    }

    fn check_own(&self, address: SocketAddr) -> Result<(), Blocked> {
        let Some(own) = self.own.filter(|own| own.port() == address.port()) else { return Ok(()) };
        let (own, address) = (own.ip().to_canonical(), address.ip().to_canonical());
        let same = own == address || own.is_unspecified() && is_of_this_machine(address);
        if same { Err(Blocked::Own) } else { Ok(()) }
    }

    fn names(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.names(host))
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|allowed| allowed.holds(address))
    }

    /// Networks, for whose sake a name is looked up that is not allowed itself; an address alone is none.
    fn has_networks(&self) -> bool {
        self.allowed.iter().any(|allowed| match allowed {
            AllowedTarget::Network(network) => {
                network.prefix_len() < network.max_prefix_len() && !network.addr().is_loopback()
            }
            _ => false,
        })
    }
}

/// The address, and the one that hides in it.
fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    [Some(address), embedded(address).map(IpAddr::V4)].into_iter().flatten()
}

/// `None` when it is neither an address nor a name.
fn named(host: &str) -> Option<Named> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(Named::Address(address.to_canonical()));
    }
    // `2130706433`, `0x7f.1`: what the system's resolver takes for addresses.
    match url::Host::parse(host.strip_suffix('.').unwrap_or(host)) {
        Ok(url::Host::Ipv4(address)) => Some(Named::Address(address.into())),
        Ok(url::Host::Ipv6(address)) => Some(Named::Address(IpAddr::V6(address).to_canonical())),
        _ => name(host).map(Named::Name),
    }
}

/// Only an address of this machine can be bound to.
fn is_of_this_machine(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests;
