//! So many a second, counted in whole seconds.

use std::time::Duration;

/// Admits at most `per_sec` in each second since the service began; the next second starts afresh.
#[derive(Debug)]
pub(super) struct RateLimit {
    /// 0 for no limit.
    per_sec: u32,
    second: u64,
    admitted: u32,
}

impl RateLimit {
    pub(super) fn new(per_sec: u32) -> Self {
        Self { per_sec, second: 0, admitted: 0 }
    }

    pub(super) fn admits(&mut self, elapsed: Duration) -> bool {
        if elapsed.as_secs() != self.second {
            (self.second, self.admitted) = (elapsed.as_secs(), 0);
        }
        if self.per_sec > 0 && self.admitted >= self.per_sec {
            return false;
        }
        self.admitted = self.admitted.saturating_add(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limit: &mut RateLimit, second: f64, tries: usize) -> usize {
        (0..tries).filter(|_| limit.admits(Duration::from_secs_f64(second))).count()
    }

    #[test]
    fn each_second_admits_its_number() {
        let mut limit = RateLimit::new(3);
        assert_eq!(admitted(&mut limit, 0.0, 2), 2);
        assert_eq!(admitted(&mut limit, 0.9, 5), 1);
        assert_eq!(admitted(&mut limit, 1.0, 5), 3);
        assert_eq!(admitted(&mut limit, 7.5, 5), 3);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(admitted(&mut RateLimit::new(0), 0.0, 10_000), 10_000);
    }
}
