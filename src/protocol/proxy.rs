//! Proxies from the environment, by the rules of Go's `golang.org/x/net/http/httpproxy`, which k6 follows.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use ipnet::IpNet;

use super::target::{Origin, Target};

/// Why the environment's proxies cannot be used. Names the variable and never its value, which may hold a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    #[error("read the proxy in the environment variable {0} (expected a URL such as `http://proxy:3128`)")]
    Malformed(&'static str),
    #[error("use the proxy in the environment variable {0}: only `http://` proxies are supported")]
    Scheme(&'static str),
}

/// Which connections go through which proxy. The default is none.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    bypass: Vec<Bypass>,
}

/// An HTTP proxy: it forwards plain requests, and connects (`CONNECT`) for everything else.
#[derive(Debug)]
pub(super) struct Proxy {
    origin: Arc<Origin>,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    pub(super) fn host(&self) -> &str {
        self.origin.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.origin.port()
    }

    /// From `user:password@` of its URL.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    fn parse(variable: &'static str, url: &str) -> Result<Proxy, ProxyError> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let target = match scheme.as_deref() {
            Some("http") => Target::parse(url),
            None => Target::parse(&format!("http://{url}")),
            Some(_) => return Err(ProxyError::Scheme(variable)),
        };
        let target = target.map_err(|_| ProxyError::Malformed(variable))?;
        Ok(Proxy { origin: Arc::clone(target.origin()), authorization: target.authorization().cloned() })
    }
}

impl Proxies {
    /// Those of `HTTP_PROXY` (for `http` and `ws`) and `HTTPS_PROXY` (for `https` and `wss`), but for the
    /// hosts in `NO_PROXY`; each in upper or, where that is empty, in lower case. `variable` looks one up.
    ///
    /// # Errors
    /// A proxy that is no URL or not spoken to by HTTP. Go ignores those and connects directly: a load test
    /// that bypasses the proxy it was told to use measures something else.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Proxies, ProxyError> {
        let set = |name: &'static str, lower: &'static str| {
            [name, lower]
                .into_iter()
                .find_map(|name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
        };
        let proxy = |name, lower| {
            let found = set(name, lower).map(|(name, url)| Proxy::parse(name, &url).map(Arc::new));
            found.transpose()
        };
        let bypass = set("NO_PROXY", "no_proxy").map_or_else(String::new, |(_, hosts)| hosts);
        Ok(Proxies {
            http: proxy("HTTP_PROXY", "http_proxy")?,
            https: proxy("HTTPS_PROXY", "https_proxy")?,
            bypass: bypass.split(',').filter_map(Bypass::parse).collect(),
        })
    }

    /// The proxy for connections to `origin`, if they need one: this machine never does.
    pub(super) fn of(&self, origin: &Origin) -> Option<&Arc<Proxy>> {
        let proxy = if origin.secure() { self.https.as_ref() } else { self.http.as_ref() }?;
        let host = origin.host();
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let bypassed = || self.bypass.iter().any(|bypass| bypass.covers(host, address, origin.port()));
        (!is_here && !bypassed()).then_some(proxy)
    }
}

/// One entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bypass {
    /// `*`
    All,
    /// `10.0.0.0/8`
    Network(IpNet),
    /// `10.0.0.1`, `[::1]:8080`
    Address(IpAddr, Option<String>),
    /// How the host ends, from a dot on; `example.com` also is that host itself, `.example.com` is not.
    Domain { ending: String, itself: bool, port: Option<String> },
}

impl Bypass {
    /// Nothing for an entry without a host, as in Go.
    fn parse(entry: &str) -> Option<Bypass> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Some(Bypass::All);
        }
        if let Ok(network) = entry.parse() {
            return Some(Bypass::Network(network));
        }
        let (host, port) = match entry.rsplit_once(':') {
            // More colons without brackets are an IPv6 address.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.to_owned()).filter(|port| !port.is_empty()))
            }
            _ => (entry.as_str(), None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Bypass::Address(address.to_canonical(), port));
        }
        let host = host.strip_prefix('*').filter(|host| host.starts_with('.')).unwrap_or(host);
        if host.is_empty() {
            return None;
        }
        let itself = !host.starts_with('.');
        let ending = if itself { format!(".{host}") } else { host.to_owned() };
        Some(Bypass::Domain { ending, itself, port })
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let same_port = |wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| wanted.parse::<u16>().is_ok_and(|wanted| wanted == port))
        };
        match self {
            Bypass::All => true,
            Bypass::Network(network) => address.is_some_and(|address| network.contains(&address)),
            Bypass::Address(own, wanted) => address == Some(*own) && same_port(wanted),
            Bypass::Domain { ending, itself, port } => {
                (host.ends_with(ending.as_str()) || *itself && host == &ending[1..]) && same_port(port)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(environment: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        let found = |name: &str| environment.iter().find(|(known, _)| *known == name);
        Proxies::from_environment(|name| found(name).map(|(_, value)| (*value).to_owned()))
    }

    fn proxied(proxies: &Proxies, url: &str) -> Option<String> {
        let target = Target::parse(url).unwrap();
        proxies.of(target.origin()).map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    fn check_bypass(no_proxy: &str, url: &str, bypassed: bool) {
        let proxies = proxies(&[("HTTP_PROXY", "http://p"), ("NO_PROXY", no_proxy)]).unwrap();
        assert_eq!(proxied(&proxies, url).is_none(), bypassed, "NO_PROXY={no_proxy} {url}");
    }

    #[test]
    fn each_scheme_has_its_proxy_and_upper_case_comes_first() {
        let both = proxies(&[
            ("HTTP_PROXY", "http://plain.test:3128"),
            ("http_proxy", "http://other.test"),
            ("HTTPS_PROXY", ""),
            ("https_proxy", "secure.test:8080"),
        ])
        .unwrap();
        for (url, proxy) in [
            ("http://a.test/", "plain.test:3128"),
            ("ws://a.test/", "plain.test:3128"),
            ("https://a.test/", "secure.test:8080"),
            ("wss://a.test/", "secure.test:8080"),
        ] {
            assert_eq!(proxied(&both, url).as_deref(), Some(proxy), "{url}");
        }
        assert_eq!(proxied(&proxies(&[]).unwrap(), "http://a.test/"), None);
        let default_port = proxies(&[("HTTP_PROXY", "http://p.test")]).unwrap();
        assert_eq!(proxied(&default_port, "http://a.test/").as_deref(), Some("p.test:80"));
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for url in ["http://localhost:4000/", "http://127.0.0.1/", "http://127.8.8.8/", "http://[::1]/"] {
            check_bypass("", url, true);
        }
        check_bypass("", "http://localhost.test/", false);
    }

    /// The cases of `httpproxy`'s own test, and of its documentation.
    #[test]
    fn no_proxy_covers_what_it_covers_in_go() {
        for (no_proxy, host, bypassed) in [
            ("*", "any.test", true),
            ("a.test", "a.test", true),
            ("a.test", "b.a.test", true),
            ("a.test", "ba.test", false),
            (".a.test", "b.a.test", true),
            (".a.test", "a.test", false),
            ("*.a.test", "b.a.test", true),
            ("*.a.test", "a.test", false),
            ("A.test , b.test", "a.test", true),
            ("A.test , b.test", "b.test", true),
            ("a.test:80", "a.test", true),
            ("a.test:81", "a.test", false),
            ("a.test:81", "a.test:81", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1:81", "10.0.0.1", false),
            ("10.0.0.1:81", "10.0.0.1:81", true),
            ("[2001:db8::1]:81", "[2001:db8::1]:81", true),
            ("2001:db8::1", "[2001:db8::1]", true),
            ("2001:db8::/32", "[2001:db8::7]", true),
            (",, :80,", "a.test", false),
        ] {
            check_bypass(no_proxy, &format!("http://{host}/"), bypassed);
        }
    }

    #[test]
    fn credentials_of_a_proxy_are_sent_to_it_and_shown_nowhere() {
        let with = proxies(&[("HTTP_PROXY", "http://user:se%20cret@p.test")]).unwrap();
        let proxy = with.of(Target::parse("http://a.test/").unwrap().origin()).unwrap();
        assert_eq!(proxy.authorization().unwrap(), "Basic dXNlcjpzZSBjcmV0");
        assert!(!format!("{with:?}").contains("dXNl"));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_by_its_variable() {
        for (name, value, message) in [
            (
                "HTTP_PROXY",
                "http://secret@:80:80",
                "read the proxy in the environment variable HTTP_PROXY (expected a URL such as `http://proxy:3128`)",
            ),
            (
                "https_proxy",
                "socks5://secret@p.test",
                "use the proxy in the environment variable https_proxy: only `http://` proxies are supported",
            ),
        ] {
            assert_eq!(proxies(&[(name, value)]).unwrap_err().to_string(), message);
        }
    }
}
