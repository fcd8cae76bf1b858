//! One entry of an allow-list: a host, how a host's name ends, an address or a network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Where load may go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AllowedTarget {
    /// `localhost`: this machine, by whatever name or address.
    Loopback,
    /// A host by its name, in small letters, without a dot at its end.
    Name(String),
    /// `*.example.com`: all names below it, not itself. Kept as `.example.com`.
    Below(String),
    /// An address, or a network in CIDR notation.
    Network(IpNet),
}

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no target: expected a host, `*.` and how hosts end, an address, or a network such as 10.0.0.0/8"
)]
pub struct AllowedTargetError(String);

impl FromStr for AllowedTarget {
    type Err = AllowedTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AllowedTargetError(text.to_owned());
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(AllowedTarget::Network(address.to_canonical().into()));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(AllowedTarget::Network(network.trunc()));
        }
        if let Some(ending) = text.strip_prefix("*.") {
            return name(ending).map(|ending| AllowedTarget::Below(format!(".{ending}"))).ok_or_else(wrong);
        }
        match name(text) {
            Some(name) if name == "localhost" => Ok(AllowedTarget::Loopback),
            Some(name) => Ok(AllowedTarget::Name(name)),
            None => Err(wrong()),
        }
    }
}

impl fmt::Display for AllowedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AllowedTarget::Loopback => f.write_str("localhost"),
            AllowedTarget::Name(name) => f.write_str(name),
            AllowedTarget::Below(ending) => write!(f, "*{ending}"),
            AllowedTarget::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            AllowedTarget::Network(network) => write!(f, "{network}"),
        }
    }
}

impl AllowedTarget {
    /// Whether it allows the host by its name; `host` as [`name`] makes it.
    pub(super) fn names(&self, host: &str) -> bool {
        match self {
            AllowedTarget::Loopback => host == "localhost" || host.ends_with(".localhost"),
            AllowedTarget::Name(name) => name == host,
            AllowedTarget::Below(ending) => host.ends_with(ending.as_str()) && host.len() > ending.len(),
            AllowedTarget::Network(_) => false,
        }
    }

    /// Whether it allows the address, whatever it was named by.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        match self {
            AllowedTarget::Loopback => address.is_loopback(),
            AllowedTarget::Network(network) => network.contains(&address),
            AllowedTarget::Name(_) | AllowedTarget::Below(_) => false,
        }
    }
}

/// A host's name as names are compared: small, in ASCII (IDNA), without the dot of the root. `None` when it is no name.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    // A number is an address to a URL, and a name to nobody.
    match url::Host::parse(text).ok()? {
        url::Host::Domain(name) if !name.contains("..") && name.bytes().all(is_of_names) => {
            (!name.is_empty()).then_some(name)
        }
        _ => None,
    }
}

fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
