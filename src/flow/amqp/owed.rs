//! What a server owes: confirms, and answers to questions.

use super::super::bus;
use super::AmqpOwn;

/// A confirm that is waited for, which says no more than that it came.
pub(super) type Owed = bus::Owed<AmqpOwn, Way, ()>;

/// Whether a message comes back where no queue takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Not asked for.
    Out,
    /// What it is known by.
    Mandatory(u64),
    Back,
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
