//! DNS with the guard before and behind it, for whoever connects without a [`Dialer`](crate::protocol::Dialer).

use std::io;
use std::net::SocketAddr;

use tokio::net::lookup_host;

use super::{Blocked, Guard};

impl Guard {
    /// The addresses of `host` that may be connected to, never empty.
    ///
    /// # Errors
    /// When there are none, or none is allowed: then its kind is `PermissionDenied`.
    pub async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.check_host(host)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let found: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        let mut refused = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            match self.check_resolved(host, address) {
                Ok(()) => allowed.push(address),
                Err(blocked) => {
                    refused.get_or_insert(blocked);
                }
            }
        }
        match refused {
            Some(blocked) if allowed.is_empty() => Err(blocked.into()),
            None if allowed.is_empty() => Err(io::ErrorKind::AddrNotAvailable.into()),
            _ => Ok(allowed),
        }
    }
}

impl Blocked {
    /// What of an error of [`Guard::lookup`] was the guard's.
    pub fn of(error: &io::Error) -> Option<Blocked> {
        error.get_ref()?.downcast_ref().copied()
    }
}
