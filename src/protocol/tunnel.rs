//! A way through a proxy: `CONNECT`, after which the socket is as good as one to the origin itself.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::http1::{Call, Http1, Receive, Scratch};
use super::proxy::Proxy;
use super::target::{Origin, Target};
use super::wire::{Socket, Wire};
use crate::sample::ErrorCode;

/// Asks the proxy that `socket` is connected to for a connection to `origin`. What it answers beside its
/// status is not read.
pub(super) async fn open(
    socket: Socket,
    proxy: &Arc<Proxy>,
    origin: &Arc<Origin>,
    scratch: &Scratch,
    deadline: Instant,
) -> Result<Socket, ErrorCode> {
    let target = Target::of_origin(Arc::clone(origin));
    let host = HeaderValue::try_from(origin.authority()).map_err(|_| ErrorCode::INVALID_URL)?;
    let headers = HeaderMap::from_iter([(HOST, host)]);
    let call = Call {
        method: &Method::CONNECT,
        target: &target,
        headers: &headers,
        body: &Bytes::new(),
        keep_headers: false,
    };
    let mut http = Http1::new(Arc::clone(origin), Wire::plain(socket), Some(Arc::clone(proxy)));
    let mut status = Status(0);
    let answered = http.exchange(call, &mut status, scratch, &mut Alarm::default(), deadline).await;
    answered.map_err(|failure| match failure.code {
        ErrorCode::TIMEOUT => ErrorCode::TIMEOUT,
        _ => ErrorCode::PROXY_REFUSED,
    })?;
    match http.into_upgraded() {
        // In what we speak through it the client speaks first.
        (wire, early) if status.0 == 200 && early.is_empty() => {
            wire.into_plain().ok_or(ErrorCode::PROXY_REFUSED)
        }
        _ => Err(ErrorCode::PROXY_REFUSED),
    }
}

struct Status(u16);

impl Receive for Status {
    fn head(&mut self, status: u16, _headers: HeaderMap) -> bool {
        self.0 = status;
        false
    }

    fn body(&mut self, _piece: &[u8]) -> Result<(), ErrorCode> {
        Ok(())
    }
}
