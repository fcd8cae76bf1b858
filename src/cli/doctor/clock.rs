//! The clock: Prometheus and the run must agree on the time.

use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};

use super::finding::Finding;

const CHECK: &str = "clock";
/// systemd's own mark.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// A `Date` is in whole seconds, and the answer takes its time.
const MAX_SKEW_SECS: i64 = 3;
const MEND: &str = "sudo timedatectl set-ntp true   # or start chrony: sudo systemctl start chronyd";

pub(super) fn check() -> Finding {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    let said = asked.ok().filter(|output| output.status.success());
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    judge(said.as_deref(), Path::new(SYNCHRONISED).exists())
}

/// `said` is timedatectl's answer, where there is one: not in a container.
fn judge(said: Option<&str>, marked: bool) -> Finding {
    match said {
        Some("yes") => Finding::ok(CHECK, "it is synchronised"),
        _ if marked => Finding::ok(CHECK, "it is synchronised"),
        Some("no") => Finding::warning(CHECK, "it is not synchronised by NTP", MEND),
        _ => Finding::ok(
            CHECK,
            "this system does not say whether it is synchronised; targets' clocks are compared",
        ),
    }
}

/// How a target's `Date` differs from our time; nothing where it does not, or says none.
pub(super) fn skew(host: &str, date: &str, now: DateTime<Utc>) -> Option<Finding> {
    let theirs = DateTime::parse_from_rfc2822(date).ok()?;
    let ahead = theirs.signed_duration_since(now).num_seconds();
    if ahead.abs() <= MAX_SKEW_SECS {
        return None;
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let what = format!("{host} is {} s {direction} this machine", ahead.abs());
    Some(Finding::warning(CHECK, what, format!("{MEND}\non this machine and on {host}")))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_clock_is_only_doubted_by_who_knows() {
        for (said, marked, level) in [
            (Some("yes"), false, Level::Ok),
            (Some("no"), false, Level::Warning),
            (Some("no"), true, Level::Ok),
            (None, false, Level::Ok),
            (Some(""), false, Level::Ok),
        ] {
            assert_eq!(judge(said, marked).level, level, "{said:?} {marked}");
        }
    }

    #[test]
    fn a_target_whose_time_is_another_is_told() {
        let now = Utc.with_ymd_and_hms(2026, 11, 21, 21, 7, 33).unwrap();
        for (date, what) in [
            ("Sat, 21 Nov 2026 21:07:33 GMT", None),
            ("Sat, 21 Nov 2026 21:07:30 GMT", None),
            ("Sat, 21 Nov 2026 21:08:33 GMT", Some("a.test is 60 s ahead of this machine")),
            ("Sat, 21 Nov 2026 21:07:23 GMT", Some("a.test is 10 s behind this machine")),
            ("yesterday", None),
        ] {
            let found = skew("a.test", date, now).map(|finding| finding.what);
            assert_eq!(found.as_deref(), what, "{date}");
        }
    }
}
