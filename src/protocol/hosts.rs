//! Host overrides: k6's `hosts`, for reaching a target that DNS does not know (yet).

use std::net::{IpAddr, SocketAddr};

/// Why an override cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as an address (expected an IP address, or address:port)")]
pub struct HostError(String);

/// Sends connections for a host somewhere else. The `Host` header and the name checked by TLS stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOverride {
    host: String,
    port: Option<u16>,
    address: IpAddr,
    to_port: Option<u16>,
}

impl HostOverride {
    /// `host` is a name, `name:port`, or `*.suffix`; `address` is an IP address, with or without a port.
    pub fn parse(host: &str, address: &str) -> Result<Self, HostError> {
        let (address, to_port) = match address.parse::<SocketAddr>() {
            Ok(socket) => (socket.ip(), Some(socket.port())),
            Err(_) => {
                let bare = address.trim_start_matches('[').trim_end_matches(']');
                (bare.parse().map_err(|_| HostError(address.to_owned()))?, None)
            }
        };
        let (host, port) = match host.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) if !name.contains(':') => (name, Some(port)),
            _ => (host, None),
        };
        Ok(HostOverride { host: host.to_ascii_lowercase(), port, address, to_port })
    }

    /// Where a connection to `host` and `port` goes instead, if this override is about it.
    pub(super) fn apply(&self, host: &str, port: u16) -> Option<(IpAddr, u16)> {
        let names_it = match self.host.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => self.host == host,
        };
        (names_it && self.port.is_none_or(|own| own == port))
            .then(|| (self.address, self.to_port.unwrap_or(port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, address: &str, asked: (&str, u16), expected: Option<&str>) {
        let applied = HostOverride::parse(host, address).unwrap().apply(asked.0, asked.1);
        let expected = expected.map(|socket| socket.parse::<SocketAddr>().unwrap());
        assert_eq!(applied.map(SocketAddr::from), expected, "{host} -> {address} asked for {asked:?}");
    }

    #[test]
    fn an_override_applies_to_its_host_and_port_only() {
        check("shop.test", "127.0.0.1", ("shop.test", 80), Some("127.0.0.1:80"));
        check("Shop.test", "127.0.0.1:8080", ("shop.test", 80), Some("127.0.0.1:8080"));
        check("shop.test:443", "::1", ("shop.test", 443), Some("[::1]:443"));
        check("shop.test:443", "::1", ("shop.test", 80), None);
        check("shop.test", "[::1]:81", ("www.shop.test", 80), None);
        check("*.shop.test", "10.0.0.1", ("www.shop.test", 80), Some("10.0.0.1:80"));
        check("*.shop.test", "10.0.0.1", ("shop.test", 80), None);
    }

    #[test]
    fn an_override_to_a_name_is_refused() {
        assert_eq!(
            HostOverride::parse("a", "b").unwrap_err().to_string(),
            "read `b` as an address (expected an IP address, or address:port)"
        );
    }
}
