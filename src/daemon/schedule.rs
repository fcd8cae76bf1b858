//! When a schedule is due. Pure: whoever calls holds the clock.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// A cron expression in a timezone.
///
/// Where clocks go forward, a time that does not exist is due when it would have been by the clock's old offset; where they
/// go back, a time that comes twice is due once (croner follows Vixie cron there).
#[derive(Debug, Clone)]
pub(super) struct Cadence {
    pub(super) cron: Cron,
    pub(super) timezone: Tz,
}

impl Cadence {
    /// The first due time after `after_ms`; `None` if there is none ever again. Milliseconds since the Unix epoch.
    pub(super) fn next_after(&self, after_ms: i64) -> Option<i64> {
        let after = DateTime::<Utc>::from_timestamp_millis(after_ms)?.with_timezone(&self.timezone);
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp_millis())
    }

    /// The last due time in (`after_ms`, `until_ms`], and how many there were; at most `LOOKED_AT` are counted.
    pub(super) fn missed(&self, after_ms: i64, until_ms: i64) -> Option<(i64, usize)> {
        let mut found = None;
        let mut last = after_ms;
        for count in 1..=LOOKED_AT {
            last = self.next_after(last).filter(|due| *due <= until_ms)?;
            found = Some((last, count));
            if self.next_after(last).is_none_or(|due| due > until_ms) {
                return found;
            }
        }
        found
    }
}

/// Due times of a schedule of each minute in a week.
const LOOKED_AT: usize = 10_080;

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn cadence(cron: &str, timezone: &str) -> Cadence {
        Cadence { cron: Cron::from_str(cron).unwrap(), timezone: timezone.parse().unwrap() }
    }

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    #[test]
    fn a_schedule_is_due_in_its_own_timezone_also_where_clocks_change() {
        for (cron, timezone, after, next) in [
            ("0 3 * * *", "UTC", "2026-11-21T02:59:59Z", "2026-11-21T03:00:00Z"),
            ("0 3 * * *", "UTC", "2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z"),
            ("0 3 * * *", "Europe/Berlin", "2026-11-21T00:00:00Z", "2026-11-21T02:00:00Z"),
            ("0 3 * * *", "Europe/Berlin", "2026-07-21T00:00:00Z", "2026-07-21T01:00:00Z"),
            // Clocks go forward at 02:00 on 29 March 2026, and back at 03:00 on 25 October.
            ("30 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
            ("0 4 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T03:00:00Z"),
            ("*/15 * * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"),
            ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ] {
            let found = cadence(cron, timezone).next_after(ms(after));
            assert_eq!(found, Some(ms(next)), "{cron} {timezone} after {after}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_does_not_run_a_daily_schedule_twice() {
        let nightly = cadence("30 2 * * *", "Europe/Berlin");
        let mut due = Vec::new();
        let mut after = ms("2026-10-24T12:00:00Z");
        for _ in 0..2 {
            after = nightly.next_after(after).unwrap();
            due.push(after);
        }
        assert!(due[1] - due[0] > 3_600_000, "{due:?}");
    }

    #[test]
    fn what_was_missed_is_the_last_due_time_and_their_number() {
        let hourly = cadence("0 * * * *", "UTC");
        let from = ms("2026-11-21T00:30:00Z");
        assert_eq!(hourly.missed(from, ms("2026-11-21T00:59:59Z")), None);
        assert_eq!(hourly.missed(from, ms("2026-11-21T01:00:00Z")), Some((ms("2026-11-21T01:00:00Z"), 1)));
        assert_eq!(hourly.missed(from, ms("2026-11-21T05:10:00Z")), Some((ms("2026-11-21T05:00:00Z"), 5)));
    }
}
