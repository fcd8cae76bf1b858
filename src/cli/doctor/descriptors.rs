//! File descriptors: each user holds one for each of its connections.

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;

const CHECK: &str = "descriptors";
/// Of files, scrapes, `/metrics` and the rest of the process.
const SPARE: u64 = 100;

pub(super) fn check(users: Option<u64>) -> Finding {
    judge(getrlimit(Resource::Nofile).maximum, users)
}

/// `limit` is the hard one, to which the soft one is raised at start; `None` is none.
fn judge(limit: Option<u64>, users: Option<u64>) -> Finding {
    let Some(limit) = limit else { return Finding::ok(CHECK, "there is no limit") };
    let needed = users.unwrap_or(1000).saturating_add(SPARE);
    let of = users.map_or("1000 users".to_owned(), |users| format!("the plan's {users} users"));
    if limit >= needed {
        return Finding::ok(CHECK, format!("{limit} are allowed, and {of} need {needed}"));
    }
    let mend = format!(
        "ulimit -n {needed}   # in the shell that starts loadgate; above the hard limit as root\n\
         LimitNOFILE={needed}   # under [Service] of a systemd unit\n\
         docker run --ulimit nofile={needed}:{needed} …"
    );
    let what = format!("{limit} are allowed, and {of} need {needed}");
    if users.is_some() { Finding::problem(CHECK, what, mend) } else { Finding::warning(CHECK, what, mend) }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_plan_with_more_users_than_descriptors_is_a_problem() {
        for (limit, users, level) in [
            (Some(1100), Some(1000), Level::Ok),
            (Some(1099), Some(1000), Level::Problem),
            (Some(256), None, Level::Warning),
            (None, Some(1_000_000), Level::Ok),
        ] {
            assert_eq!(judge(limit, users).level, level, "{limit:?} {users:?}");
        }
        let mend = judge(Some(1024), Some(20_000)).mend.unwrap();
        assert!(mend.contains("ulimit -n 20100") && mend.contains("LimitNOFILE=20100"), "{mend}");
    }
}
