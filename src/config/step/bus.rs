//! What steps of event buses have in common: how they connect, what is looked at, how messages are taken.

use std::time::Duration;

use super::super::At;
use super::super::fields::{Fields, Reader, Value};
use super::super::node::Node;
use super::super::value::{AtLeast, CheckName, Constant, Count, Label, Table, Text, VariableName};
use super::exchange::{Expressions, Records};
use super::ledger::{ledger, wait};
use super::{CheckConfig, Named, RecordConfig, wait_for};

#[derive(Debug, Clone)]
pub struct BusConfig {
    /// Default `defaults.timeout`.
    pub connect_timeout: Option<Duration>,
    /// Default: what the step says of itself, before templating.
    pub name: Option<At<String>>,
    pub tags: Vec<(At<String>, At<String>)>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct TakeConfig {
    pub lasting: Option<Duration>,
    pub count: Option<u64>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    pub ledger: Option<At<String>>,
    /// Default 5 s.
    pub wait: Duration,
}

/// With what the keys `name` and `checks` say of themselves.
pub(super) fn bus(f: &mut Fields<'_>, name: &'static str, checks: &'static str) -> Option<BusConfig> {
    let connect_timeout = f.optional::<AtLeast<1>>(
        "connect_timeout",
        "DNS, TCP, TLS and handshake together; default `defaults.timeout`",
    );
    let name = f.optional::<At<Constant>>("name", name);
    let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
    let checks = f.or_empty::<Expressions<CheckName>>("checks", checks);
    let capture =
        f.or_empty::<Expressions<VariableName>>("capture", "Variable and expression, over the same");
    let record = f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
    let wait_for = wait_for(f);
    Some(BusConfig {
        connect_timeout: connect_timeout?.map(|timeout| timeout.0),
        name: name?.map(|name| name.map(|name| name.0)),
        tags: tags?.into_texts(),
        checks: checks?.into_named(),
        capture: capture?.into_named(),
        record: record?.0,
        wait_for: wait_for?,
    })
}

pub(super) fn take(f: &mut Fields<'_>) -> Option<TakeConfig> {
    let lasting = f.optional::<AtLeast<1>>("for", "Takes all that come for so long; none is no failure");
    let count = f.optional::<Count<1, 1_000_000_000>>("count", "Ends when so many have come");
    let timeout = f.optional::<AtLeast<1>>(
        "timeout",
        "How long `count` messages are waited for where there is no `for`; default `defaults.timeout`",
    );
    let ledger = ledger(f, "The ledger whose events come here: finds what was lost");
    let wait = wait(f);
    if !f.has("for") && !f.has("count") {
        f.missing("for", "how long to receive, or `count`: how many messages");
    }
    if f.has("for") && f.has("timeout") {
        f.problem("timeout", "both `for` and `timeout`", "`for` says how long".to_owned());
    }
    Some(TakeConfig {
        lasting: lasting?.map(|lasting| lasting.0),
        count: count?.map(|count| count.0),
        timeout: timeout?.map(|timeout| timeout.0),
        ledger: ledger?,
        wait: wait?,
    })
}

/// Of servers whose connections VUs keep; the whole is checked when the plan is compiled.
pub(super) fn kept_url(node: &Node, reader: &mut Reader) -> Option<String> {
    let Text(text) = Text::read(node, reader)?;
    if text.contains("{{") {
        let help = "VUs keep their connections, so that servers are known when the plan is loaded".to_owned();
        reader.problem(node.place, "no template can stand here", help);
        return None;
    }
    Some(text)
}
