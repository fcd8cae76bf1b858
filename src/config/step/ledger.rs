//! The keys by which a step of whatever protocol takes part in a ledger of events.

use std::time::Duration;

use super::super::At;
use super::super::fields::Fields;
use super::super::value::{AtLeast, LedgerName, Name};

pub(super) fn ledger(f: &mut Fields<'_>, help: &'static str) -> Option<Option<At<String>>> {
    let ledger = f.optional::<At<Name<LedgerName>>>("ledger", help)?;
    Some(ledger.map(|ledger| ledger.map(|name| name.0)))
}

/// Of a step that receives for a time.
pub(super) fn wait(f: &mut Fields<'_>) -> Option<Duration> {
    let help =
        "With `ledger`: how long it goes on after `for` while events that were published have not come";
    let wait = f.or::<AtLeast<0>>("wait", help, "5s");
    if f.has("wait") && !f.has("ledger") {
        f.problem("wait", "`wait` without a `ledger`", None);
    }
    Some(wait?.0)
}
