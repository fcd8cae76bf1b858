//! A timer that is kept from one wait to the next: most deadlines are never reached, and arming a new
//! timer for each of them would cost more than the rest of the bookkeeping.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// Rings at the deadline it is polled with. It stays armed for an earlier deadline that nobody waits for
/// any more, and moves on to the wanted one when that rings.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready once `deadline` is reached; until then the task is woken for it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            // Without `unconstrained`, a peer that always has data ready would spend the task's
            // cooperative budget each time and the deadline would never be seen.
            ready!(Pin::new(&mut unconstrained(sleep.as_mut())).poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_each_deadline_whether_later_or_earlier_than_the_last() {
        let mut alarm = Alarm::default();
        let start = Instant::now();
        let mut rang = Vec::new();
        for wait in [50, 10, 2000, 30] {
            let deadline = Instant::now() + Duration::from_millis(wait);
            poll_fn(|cx| alarm.poll(cx, deadline)).await;
            rang.push(start.elapsed().as_millis());
        }
        assert_eq!(rang, [50, 60, 2060, 2090]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_nobody_waits_for_any_more_does_not_ring() {
        let mut alarm = Alarm::default();
        let start = Instant::now();
        let abandoned = start + Duration::from_millis(5);
        poll_fn(|cx| {
            assert!(alarm.poll(cx, abandoned).is_pending());
            Poll::Ready(())
        })
        .await;
        poll_fn(|cx| alarm.poll(cx, start + Duration::from_millis(80))).await;
        assert_eq!(start.elapsed().as_millis(), 80);
    }
}
