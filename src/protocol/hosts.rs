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
    /// `host` is a name or `*` and how a name ends (`*.shop.test`), with or without a port; `address` is an
    /// IP address, with or without a port.
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

    /// Where a connection to `host` and `port` goes instead: as the override says that names it most
    /// precisely. As in k6, the name itself comes before a `*`, and a longer ending before a shorter one.
    pub(super) fn find(overrides: &[HostOverride], host: &str, port: u16) -> Option<(IpAddr, u16)> {
        overrides
            .iter()
            .filter(|entry| entry.names(host, port))
            .max_by_key(|entry| (!entry.host.starts_with('*'), entry.host.len(), entry.port.is_some()))
            .map(|entry| (entry.address, entry.to_port.unwrap_or(port)))
    }

    fn names(&self, host: &str, port: u16) -> bool {
        let names_it = match self.host.strip_prefix('*') {
            Some(ending) => host.ends_with(ending),
            None => self.host == host,
        };
        names_it && self.port.is_none_or(|own| own == port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, address: &str, asked: (&str, u16), expected: Option<&str>) {
        let applied = HostOverride::find(&[HostOverride::parse(host, address).unwrap()], asked.0, asked.1);
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

    /// The cases of k6's `lib/types/hosts_test.go`.
    #[test]
    fn the_override_that_names_a_host_most_precisely_wins() {
        let overrides: Vec<HostOverride> = [
            ("*.a.test", "10.0.0.1"),
            ("specific.a.test", "10.0.0.2"),
            ("*b.test", "10.0.0.3"),
            ("*.deep.a.test", "10.0.0.4"),
            ("specific.a.test:443", "10.0.0.5"),
        ]
        .map(|(host, address)| HostOverride::parse(host, address).unwrap())
        .into();
        for (host, port, address) in [
            ("any.a.test", 80, Some("10.0.0.1")),
            ("not.specific.a.test", 80, Some("10.0.0.1")),
            ("specific.a.test", 80, Some("10.0.0.2")),
            ("specific.a.test", 443, Some("10.0.0.5")),
            ("very.deep.a.test", 80, Some("10.0.0.4")),
            ("a.test", 80, None),
            ("b.test", 80, Some("10.0.0.3")),
            ("prefixb.test", 80, Some("10.0.0.3")),
        ] {
            let found = HostOverride::find(&overrides, host, port).map(|(address, _)| address);
            assert_eq!(found, address.map(|address| address.parse().unwrap()), "{host}:{port}");
        }
    }

    #[test]
    fn an_override_to_a_name_is_refused() {
        assert_eq!(
            HostOverride::parse("a", "b").unwrap_err().to_string(),
            "read `b` as an address (expected an IP address, or address:port)"
        );
    }
}
