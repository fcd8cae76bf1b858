//! How long to wait before a connection that was lost is made again.

use std::time::Duration;

/// Before a lost connection is made again its user waits up to this; twice as long after each further loss.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// After so many losses in a row. Full jitter: what a server loses at once does not come back at once. `drawn` is from 0
/// to below 1.
pub fn backoff(losses: u32, drawn: f64) -> Duration {
    let Some(doublings) = losses.checked_sub(1) else { return Duration::ZERO };
    SHORTEST.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST).mul_f64(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_doubles_with_each_loss_up_to_a_limit() {
        let millis = |losses, drawn| backoff(losses, drawn).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 7, 8, 1_000].map(|losses| millis(losses, 1.0)),
            [0, 100, 200, 400, 6_400, 10_000, 10_000]
        );
        assert_eq!((millis(3, 0.5), millis(3, 0.0)), (200, 0));
    }
}
