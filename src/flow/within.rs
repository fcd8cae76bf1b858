//! A limit on waiting that costs nothing where there is nothing to wait for.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

/// What comes of it, or `None` once `limit` has passed. Tried once before the limit is asked for: an event that finds room
/// at once needs no timer, and no look at the clock.
pub(super) async fn within<T>(
    limit: impl FnOnce() -> Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        return Some(done);
    }
    timeout(limit(), future).await.ok()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_done_at_once_does_not_look_at_the_clock() {
        let nobody_asks = || -> Duration { panic!("the limit was asked for") };
        assert_eq!(within(nobody_asks, ready(1)).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_what_is_waited_for_or_with_the_limit() {
        let second = || Duration::from_secs(1);
        let in_time = async { tokio::time::sleep(Duration::from_millis(999)).await };
        assert_eq!(within(second, in_time).await, Some(()));
        assert_eq!(within(second, pending::<()>()).await, None);
    }
}
