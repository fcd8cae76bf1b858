//! A connection that a VU keeps: HTTP/1.1, or HTTP/2 where the server offers it.

use std::sync::Arc;

use tokio::time::Instant;

use super::alarm::Alarm;
use super::course::Course;
use super::dial::{DialTimes, Dialed, Dialer, Purpose};
use super::http1::{Call, Failure, Http1, Receive};
use super::http2::{Http2, WINDOW_BYTES};
use super::target::Origin;
use super::wire::Meter;
use crate::sample::ErrorCode;

#[derive(Debug)]
pub(super) enum Connection {
    Http1(Http1),
    // Boxed: many times as large as the other, which most runs use.
    Http2(Box<Http2>),
}

impl Connection {
    /// A new one, its phases noted in `course`.
    pub(super) async fn dial(
        dialer: &Dialer,
        origin: &Arc<Origin>,
        deadline: Instant,
        course: &mut Course,
    ) -> Result<Self, ErrorCode> {
        let mut times = DialTimes::default();
        let connection = match dialer.dial(origin, Purpose::Http, deadline, &mut times).await {
            Ok(dialed) => Self::over(dialed, origin).await,
            Err(code) => Err(code),
        };
        course.dialed(times, connection.is_ok());
        connection
    }

    async fn over(dialed: Dialed, origin: &Arc<Origin>) -> Result<Self, ErrorCode> {
        let origin = Arc::clone(origin);
        if dialed.wire.is_http2() {
            Ok(Connection::Http2(Box::new(Http2::open(origin, dialed.wire, WINDOW_BYTES).await?)))
        } else {
            Ok(Connection::Http1(Http1::new(origin, dialed.wire, dialed.proxy)))
        }
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        match self {
            Connection::Http1(http1) => http1.origin(),
            Connection::Http2(http2) => http2.origin(),
        }
    }

    pub(super) fn meter(&self) -> &Meter {
        match self {
            Connection::Http1(http1) => http1.meter(),
            Connection::Http2(http2) => http2.meter(),
        }
    }

    /// Whether the last exchange left it fit for another.
    pub(super) fn is_reusable(&self) -> bool {
        match self {
            Connection::Http1(http1) => http1.is_reusable(),
            Connection::Http2(http2) => http2.is_reusable(),
        }
    }

    /// Whether the server will take a request, as far as is known without waiting.
    pub(super) fn is_idle(&mut self, dialer: &Dialer) -> bool {
        match self {
            Connection::Http1(http1) => http1.is_idle(dialer.scratch()),
            Connection::Http2(http2) => http2.is_idle(),
        }
    }

    /// Sends a request and reads the response to its end.
    pub(super) async fn exchange(
        &mut self,
        dialer: &Dialer,
        call: Call<'_>,
        receive: &mut impl Receive,
        alarm: &mut Alarm,
        deadline: Instant,
    ) -> Result<(), Failure> {
        match self {
            Connection::Http1(http1) => {
                http1.exchange(call, receive, dialer.scratch(), alarm, deadline).await
            }
            // Boxed, so that HTTP/1.1's exchanges are no larger for it.
            Connection::Http2(http2) => Box::pin(http2.exchange(call, receive, alarm, deadline)).await,
        }
    }
}
