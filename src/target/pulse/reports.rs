//! `/api/v1/correctness/…` and `/api/v1/manifests/…`: how sure the service is of what it tells.

use std::sync::atomic::Ordering;
use std::time::Instant;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::Backend;
use super::super::answer::{Answer, error, json as answer};
use super::super::tick::Pace;
use super::chain::{Chain, Manifest};
use super::generator::unix_ms;

/// Blocks in the list of a chain.
const LISTED: u64 = 10;

pub(in super::super) fn status(backend: &Backend) -> Answer {
    let now = unix_ms();
    let chains = Chain::ALL
        .map(|chain| json!({ "chain": chain, "head": chain.head(now), "watermark": settled(chain, now) }));
    let (halts, gaps) = (active_halts(backend), known_gaps(backend));
    let status = match (halts.is_empty(), gaps.is_empty()) {
        (true, true) => "correct",
        (false, _) => "halted",
        _ => "degraded",
    };
    ok(&json!({
        "status": status, "chains": chains, "halts": halts.len(), "gaps": gaps.len(), "timestamp": now,
    }))
}

pub(in super::super) fn watermark() -> Answer {
    let now = unix_ms();
    let watermarks = Chain::ALL.map(
        |chain| json!({ "chain": chain, "block": settled(chain, now), "lag_blocks": chain.unsettled() }),
    );
    ok(&json!({ "watermarks": watermarks, "timestamp": now }))
}

pub(in super::super) fn halts(backend: &Backend) -> Answer {
    ok(&json!({ "halts": active_halts(backend), "timestamp": unix_ms() }))
}

pub(in super::super) fn gaps(backend: &Backend) -> Answer {
    ok(&json!({ "gaps": known_gaps(backend), "timestamp": unix_ms() }))
}

pub(in super::super) fn manifests(chain: &str) -> Answer {
    let Some(chain) = Chain::named(chain) else { return unknown_chain(chain) };
    let head = chain.head(unix_ms());
    let blocks: Vec<Manifest> = (0..LISTED).map(|back| Manifest::of(chain, head - back)).collect();
    ok(&json!({ "chain": chain, "head": head, "manifests": blocks }))
}

pub(in super::super) fn manifest(chain: &str, block: &str) -> Answer {
    let Some(chain) = Chain::named(chain) else { return unknown_chain(chain) };
    let Some(block) = number(block) else {
        return error(StatusCode::BAD_REQUEST, "expected a block number, such as 18908895");
    };
    let head = chain.head(unix_ms());
    if block > head {
        let message = format!("{} has no block {block} yet; its head is {head}", chain.name());
        return error(StatusCode::NOT_FOUND, &message);
    }
    match serde_json::to_string(&Manifest::of(chain, block)) {
        Ok(text) => answer(StatusCode::OK, text),
        Err(cause) => error(StatusCode::INTERNAL_SERVER_ERROR, &cause.to_string()),
    }
}

/// Digits and nothing else: Rust would also read `+7`.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn unknown_chain(name: &str) -> Answer {
    let known = Chain::ALL.map(Chain::name).join(" and ");
    error(StatusCode::NOT_FOUND, &format!("no chain `{name}`; there are {known}"))
}

/// The service halts with its loop.
fn active_halts(backend: &Backend) -> Vec<Value> {
    if backend.faults.pace(backend.loop_hz, Instant::now()) == Pace::Stalled {
        return Chain::ALL.map(|chain| json!({ "chain": chain, "reason": "the loop is stalled" })).into();
    }
    Vec::new()
}

fn known_gaps(backend: &Backend) -> Vec<Value> {
    let lost = |chain| backend.hub.lost(chain).load(Ordering::Relaxed);
    let chains = Chain::ALL.into_iter().map(|chain| (chain, lost(chain))).filter(|(_, lost)| *lost > 0);
    chains.map(|(chain, lost)| json!({ "chain": chain, "lost_events": lost })).collect()
}

fn settled(chain: Chain, now: u64) -> u64 {
    chain.head(now) - chain.unsettled()
}

fn ok(body: &Value) -> Answer {
    answer(StatusCode::OK, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_number_is_digits() {
        assert_eq!(number("18908895"), Some(18_908_895));
        for text in ["", "+7", "-7", "0x7", "latest", "7.0", "99999999999999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
