//! Local ports: each connection to one target takes one of its own.

use super::finding::Finding;

const CHECK: &str = "ports";
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

pub(super) fn check(users: Option<u64>) -> Finding {
    judge(std::fs::read_to_string(RANGE).ok().as_deref(), users)
}

/// `range` is what the system says: two numbers.
fn judge(range: Option<&str>, users: Option<u64>) -> Finding {
    let numbers: Vec<u64> =
        range.unwrap_or_default().split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [first, last] = numbers.as_slice() else {
        return Finding::ok(CHECK, "this system does not say how many local ports there are");
    };
    let ports = (last + 1).saturating_sub(*first);
    let what = |of: &str| format!("{ports} local ports for connections to one address, and {of}");
    let mend = "sudo sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\" net.ipv4.tcp_tw_reuse=1\n\
                or spread the load: several addresses of the target, or several machines (`--segment 1/2`)";
    match users {
        Some(users) if users > ports => {
            Finding::problem(CHECK, what(&format!("the plan has {users} users")), mend)
        }
        Some(users) if users.saturating_mul(2) > ports => Finding::warning(
            CHECK,
            what(&format!("the plan has {users} users, whose closed connections wait")),
            mend,
        ),
        Some(users) => Finding::ok(CHECK, what(&format!("the plan has {users} users"))),
        None if ports < 10_000 => Finding::warning(CHECK, what("that is few"), mend),
        None => Finding::ok(CHECK, format!("{ports} local ports for connections to one address")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn as_many_users_as_ports_is_a_problem() {
        for (range, users, level) in [
            (Some("32768\t60999\n"), Some(28_233), Level::Problem),
            (Some("32768\t60999\n"), Some(28_232), Level::Warning),
            (Some("32768\t60999\n"), Some(1000), Level::Ok),
            (Some("32768\t60999\n"), None, Level::Ok),
            (Some("60000 60999"), None, Level::Warning),
            (Some("?"), Some(1000), Level::Ok),
            (None, Some(1000), Level::Ok),
        ] {
            assert_eq!(judge(range, users).level, level, "{range:?} {users:?}");
        }
    }
}
