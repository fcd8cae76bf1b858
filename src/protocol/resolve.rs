//! DNS for one worker thread: each host is asked for once in five minutes, however many VUs want it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::failure;
use crate::sample::ErrorCode;

/// k6's default `dns.ttl`.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// A failure is believed for a moment, so that 1,000 VUs that ask together ask once.
const BAD_FOR: Duration = Duration::from_secs(1);
/// Hosts remembered; a plan that makes host names up must not make the cache grow.
const MAX_HOSTS: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: RefCell<HashMap<Box<str>, Rc<OnceCell<Answer>>>>,
}

#[derive(Debug)]
struct Answer {
    addresses: Result<Rc<[IpAddr]>, ErrorCode>,
    good_until: Instant,
}

impl Resolver {
    /// The addresses of `host`, never empty: IPv4 before IPv6 (k6's `preferIPv4`).
    pub(super) async fn addresses(&self, host: &str) -> Result<Rc<[IpAddr]>, ErrorCode> {
        if let Ok(literal) = host.parse::<IpAddr>() {
            return Ok([literal].into());
        }
        if host == "localhost" {
            return Ok([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].into());
        }
        loop {
            let entry = self.entry(host);
            // Whoever comes first asks, the others wait; if the first is dropped, the next one asks.
            let answer = entry.get_or_init(|| ask(host)).await;
            if answer.good_until > Instant::now() {
                return answer.addresses.clone();
            }
            let mut known = self.known.borrow_mut();
            if known.get(host).is_some_and(|current| Rc::ptr_eq(current, &entry)) {
                known.remove(host);
            }
        }
    }

    fn entry(&self, host: &str) -> Rc<OnceCell<Answer>> {
        let mut known = self.known.borrow_mut();
        if let Some(entry) = known.get(host) {
            return Rc::clone(entry);
        }
        if known.len() >= MAX_HOSTS {
            known.clear();
        }
        Rc::clone(known.entry(host.into()).or_default())
    }
}

async fn ask(host: &str) -> Answer {
    let addresses = match tokio::net::lookup_host((host, 0)).await {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
            addresses.sort_by_key(IpAddr::is_ipv6);
            addresses.dedup();
            if addresses.is_empty() { Err(ErrorCode::DNS_NO_SUCH_HOST) } else { Ok(addresses.into()) }
        }
        Err(error) => Err(failure::of_lookup(&error)),
    };
    let keep = if addresses.is_ok() { GOOD_FOR } else { BAD_FOR };
    Answer { addresses, good_until: Instant::now() + keep }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn literals_and_localhost_are_not_looked_up() {
        let resolver = Resolver::default();
        for (host, first) in [("127.0.0.2", "127.0.0.2"), ("::1", "::1"), ("localhost", "127.0.0.1")] {
            let addresses = resolver.addresses(host).await.unwrap();
            assert_eq!(addresses[0], first.parse::<IpAddr>().unwrap());
        }
        assert!(resolver.known.borrow().is_empty());
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_an_error_that_is_believed_for_a_moment() {
        let resolver = Resolver::default();
        let code = resolver.addresses("no-such-host.invalid").await.unwrap_err();
        assert!([ErrorCode::DNS_NO_SUCH_HOST, ErrorCode::DNS].contains(&code), "{code:?}");
        assert_eq!(resolver.addresses("no-such-host.invalid").await, Err(code));
        assert_eq!(resolver.known.borrow().len(), 1);
    }
}
