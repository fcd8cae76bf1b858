//! What a server owes: confirms, and answers to questions.

use std::rc::Rc;

use tokio::sync::oneshot;

use super::super::ledger::Stamped;
use super::AmqpAccount;
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// A confirm that is waited for.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) account: Rc<AmqpAccount>,
    pub(super) due: Elapsed,
    pub(super) started: Elapsed,
    pub(super) way: Way,
    pub(super) event: Option<Stamped>,
    /// Who wants to see it, if anybody does.
    pub(super) seen_by: Option<oneshot::Sender<Confirmed>>,
}

/// Whether a message comes back where no queue takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Not asked for.
    Out,
    /// What it is known by.
    Mandatory(u64),
    Back,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Confirmed {
    pub(super) at: Elapsed,
    pub(super) error: Option<ErrorCode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Queue,
    Exchange,
    Consume,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) messages: u32,
    pub(super) consumers: u32,
}
