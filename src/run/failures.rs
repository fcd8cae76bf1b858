//! Why a step of a procedure has failed, read off the series that it wrote: so that any kind of step can stand
//! in one. Pure.

use std::collections::BTreeSet;

use crate::ids::MetricId;
use crate::labels::Labels;
use crate::metric::{self, PROTOCOLS, Protocol};
use crate::record::{Cell, Registry, Shard};
use crate::sample::ErrorCode;

/// In the order in which they are told: exchanges without an answer, checks, answers that were not expected.
/// `alone`: the step is one exchange, which needs no name.
pub(super) fn failures(registry: &Registry, shard: &Shard, alone: bool) -> Vec<String> {
    let keys = registry.keys_from(0);
    let (mut unanswered, mut unexpected, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    let mut statuses = BTreeSet::new();
    for (id, cell) in shard.cells() {
        let Some(key) = keys.get(id.index()) else { continue };
        let label = |name| key.labels.value(name).unwrap_or_default();
        let of = |metric: fn(&Protocol) -> MetricId| PROTOCOLS.iter().find(|of| metric(of) == key.metric);
        let protocol = of(|protocol| protocol.errors).or_else(|| of(|protocol| protocol.failed));
        let exchange = protocol.map_or(String::new(), |protocol| protocol.title.to_lowercase());
        let named = |why: String| if alone { why } else { format!("{}{why}", name(&key.labels, &exchange)) };
        match cell {
            Cell::Counter(1.0..) if of(|protocol| protocol.errors).is_some() => {
                let failed = label("expected_response") != "true";
                match label("status") {
                    // What no server said, though clients of gRPC have a status for that, too.
                    _ if failed && is_our_own(label("error_code")) => {
                        unanswered.push(named(describe(label("error_code"))));
                    }
                    "" | "0" if failed => unanswered.push(named(describe(label("error_code")))),
                    "" | "0" => {}
                    status => {
                        statuses.insert(status.to_owned());
                        if failed {
                            unexpected.push(named(format!("status {status}")));
                        }
                    }
                }
            }
            Cell::Rate { zero: 1.., .. } if key.metric == metric::CHECKS => {
                checks.push(check(label("check"), shard));
            }
            Cell::Rate { nonzero: 1.., .. } => {
                let failure = of(|protocol| protocol.failed).and_then(|protocol| protocol.failure);
                unexpected.extend(failure.map(|failure| named(failure.to_owned())));
            }
            _ => {}
        }
    }
    let statuses: Vec<String> = statuses.into_iter().collect();
    let mut failures = unanswered;
    match (checks.is_empty(), statuses.is_empty()) {
        (true, _) => {
            if failures.is_empty() {
                failures = unexpected;
            }
        }
        (false, true) => failures.push(format!("check {} failed", checks.join(", "))),
        (false, false) => {
            failures.push(format!("check {} failed (status {})", checks.join(", "), statuses.join(", ")));
        }
    }
    failures
}

/// Whether the error says more than a status that the server gave.
fn is_our_own(error_code: &str) -> bool {
    error_code.parse().is_ok_and(|number| !ErrorCode::from_number(number).is_status())
}

/// `GET /init: `
fn name(labels: &Labels, exchange: &str) -> String {
    let of = |name| labels.value(name).unwrap_or_default();
    // A service's methods are many, and say less than the protocol.
    let method = labels.value("method").filter(|_| labels.value("service").is_none());
    format!("{} {}: ", method.unwrap_or(exchange), of("name"))
}

fn describe(error_code: &str) -> String {
    match error_code.parse::<u16>() {
        Ok(code) if (1400..1600).contains(&code) => format!("status {}", code - 1000),
        Ok(code) => format!("{} (error code {code})", ErrorCode::from_number(code).describe()),
        Err(_) => "no answer".to_owned(),
    }
}

/// With the reason, where the expression could not be evaluated.
fn check(name: &str, shard: &Shard) -> String {
    let told = format!("check `{name}` failed: ");
    let reason = shard.notes().0.iter().find_map(|note| note.text.strip_prefix(&told));
    reason.map_or_else(|| format!("`{name}`"), |reason| format!("`{name}` ({reason})"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metric::Catalog;

    type Written = (MetricId, &'static [(&'static str, &'static str)]);

    fn told(alone: bool, counted: &[Written], failed_checks: &[&str]) -> Vec<String> {
        let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &[], 200));
        let mut shard = Shard::new(Arc::clone(&registry));
        for (metric, labels) in counted {
            shard.count(registry.intern(*metric, &Labels::new(labels.iter().copied())), 1);
        }
        for check in failed_checks {
            shard.rate(registry.intern(metric::CHECKS, &Labels::new([("check", *check)])), false);
        }
        shard.note("check `deep` failed: `json.a` is undefined");
        failures(&registry, &shard, alone)
    }

    #[test]
    fn each_way_to_fail_is_told_in_words() {
        const OK: Written = (metric::HTTP_REQS, &[("status", "200"), ("expected_response", "true")]);
        const SICK: Written = (
            metric::HTTP_REQS,
            &[
                ("method", "GET"),
                ("name", "/a"),
                ("status", "503"),
                ("error_code", "1503"),
                ("expected_response", "false"),
            ],
        );
        const REFUSED: Written = (
            metric::HTTP_REQS,
            &[
                ("method", "GET"),
                ("name", "/a"),
                ("status", "0"),
                ("error_code", "1212"),
                ("expected_response", "false"),
            ],
        );
        const CALL: Written = (
            metric::GRPC_REQS,
            &[
                ("method", "Say"),
                ("service", "a.B"),
                ("name", "a.B/Say"),
                ("status", "NOT_FOUND"),
                ("error_code", "1865"),
                ("expected_response", "false"),
            ],
        );
        const UNREACHABLE: Written = (
            metric::GRPC_REQS,
            &[("name", "a.B/Say"), ("service", "a.B"), ("status", "UNAVAILABLE"), ("error_code", "1212")],
        );
        const UPGRADE: Written = (metric::WS_CONNECTION_ERRORS, &[("name", "/ws"), ("error_code", "1503")]);
        for (alone, counted, checks, expected) in [
            (true, vec![OK], vec![], vec![]),
            (true, vec![OK, SICK], vec![], vec!["status 503"]),
            (false, vec![SICK], vec![], vec!["GET /a: status 503"]),
            (true, vec![REFUSED], vec![], vec!["connection refused (error code 1212)"]),
            (true, vec![OK], vec!["healthy"], vec!["check `healthy` failed (status 200)"]),
            (true, vec![SICK], vec!["a", "b"], vec!["check `a`, `b` failed (status 503)"]),
            (true, vec![], vec!["deep"], vec!["check `deep` (`json.a` is undefined) failed"]),
            (false, vec![CALL], vec![], vec!["grpc a.B/Say: status NOT_FOUND"]),
            (false, vec![UNREACHABLE], vec![], vec!["grpc a.B/Say: connection refused (error code 1212)"]),
            (false, vec![UPGRADE], vec![], vec!["websocket /ws: status 503"]),
            (
                true,
                vec![REFUSED],
                vec!["a"],
                vec!["connection refused (error code 1212)", "check `a` failed"],
            ),
        ] {
            assert_eq!(told(alone, &counted, &checks), expected);
        }
    }
}
