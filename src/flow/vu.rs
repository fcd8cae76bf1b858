//! A virtual user and the worker it lives on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::keep::KeptSessions;
use super::outcomes::Outcomes;
use super::websocket::Session;
use super::{Ended, HttpDebug, ScenarioSeries};
use crate::protocol::http::Client;
use crate::protocol::{Dialer, KeepAlive, Settings};
use crate::record::{Registry, Shard, Taps};
use crate::template::{EvalError, ExchangeView, Locals, Scope, Template, Value};
use crate::time::{Clock, Elapsed};

/// What all users of one worker thread share. Never crosses a thread.
#[derive(Debug)]
pub struct Worker {
    pub clock: Clock,
    pub(super) dialer: Dialer,
    pub vars: Value,
    pub shard: RefCell<Shard>,
    pub(super) outcomes: RefCell<Outcomes>,
    pub(super) http_debug: Option<HttpDebug>,
}

/// What a run is watched with, beside its metrics.
#[derive(Debug, Clone, Default)]
pub struct Instruments {
    /// Where each sample goes.
    pub taps: Option<Taps>,
    /// How much of each HTTP exchange goes to the log.
    pub http_debug: Option<HttpDebug>,
}

impl Worker {
    pub fn new(clock: Clock, settings: Arc<Settings>, vars: Value, registry: Arc<Registry>) -> Self {
        let shard = RefCell::new(Shard::new(Arc::clone(&registry)));
        let dialer = Dialer::new(settings, clock);
        Worker {
            clock,
            dialer,
            vars,
            shard,
            outcomes: RefCell::new(Outcomes::new(registry)),
            http_debug: None,
        }
    }

    #[must_use]
    pub fn watched(mut self, with: &Instruments) -> Self {
        self.http_debug = with.http_debug;
        if let Some(taps) = &with.taps {
            self.shard.get_mut().tap(taps.tap(self.clock));
        }
        self
    }
}

/// A small struct, not an interpreter: its cost is its connection and what it captured.
pub struct Vu {
    /// From 1, over all workers.
    pub id: u64,
    /// How many iterations it has begun before this one.
    pub iteration: u64,
    scenario: Arc<str>,
    pub(super) series: ScenarioSeries,
    pub(super) worker: Rc<Worker>,
    pub(super) client: Client,
    pub(super) locals: Locals,
    /// The rows of this iteration.
    data: Value,
    /// The last exchange, for expressions.
    pub(super) exchange: Option<ExchangeView>,
    /// The WebSocket whose flow is running.
    pub(super) session: Option<Box<Session>>,
    /// WebSockets of earlier iterations.
    pub(super) kept: KeptSessions,
    /// When the iteration was due; the first exchange takes it.
    due: Option<Elapsed>,
}

impl Vu {
    pub fn new(id: u64, scenario: Arc<str>, series: ScenarioSeries, worker: Rc<Worker>) -> Self {
        Vu {
            id,
            iteration: 0,
            scenario,
            series,
            worker,
            client: Client::new(),
            locals: Locals::new(),
            data: Value::UNDEFINED,
            exchange: None,
            session: None,
            kept: KeptSessions::default(),
            due: None,
        }
    }

    /// Forgets what the last iteration left, but for connections. `due` is `None` where due is the start.
    pub fn begin_iteration(&mut self, due: Option<Elapsed>) {
        self.locals.clear();
        self.exchange = None;
        self.session = None;
        self.due = due;
    }

    /// The rows of the iteration that begins: what `data` is in its expressions.
    pub fn give_rows(&mut self, data: Value) {
        self.data = data;
    }

    /// Closes the connections that are kept for one iteration only.
    pub fn end_iteration(&mut self) {
        if self.worker.dialer.keep_alive() == KeepAlive::Iteration {
            self.client.close();
        }
    }

    /// The iteration's due time, for its first exchange only.
    pub(super) fn take_due(&mut self) -> Option<Elapsed> {
        self.due.take()
    }

    /// For the next exchange: it is timed from then.
    pub(super) fn set_due(&mut self, due: Elapsed) {
        self.due = Some(due);
    }

    /// Waits; a WebSocket that is open meanwhile goes on reading.
    pub(super) async fn wait_until(&mut self, until: Instant) {
        match &mut self.session {
            // Somebody has to answer pings and stamp what arrives meanwhile.
            Some(session) => session.idle(until).await,
            None => tokio::time::sleep_until(until).await,
        }
    }

    pub(super) fn now(&self) -> Elapsed {
        self.worker.clock.now()
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            vu: self.id,
            iteration: self.iteration,
            scenario: &self.scenario,
            vars: &self.worker.vars,
            data: &self.data,
            locals: &self.locals,
            exchange: self.exchange.as_ref(),
        }
    }

    pub(super) fn render(&self, template: &Template) -> Result<String, Ended> {
        template.render(&self.scope()).map(|text| text.into_owned()).map_err(Ended::from)
    }

    /// For a person who asks why numbers are as they are.
    pub fn note(&self, text: &str) {
        self.worker.shard.borrow_mut().note(text);
    }
}

impl From<EvalError> for Ended {
    fn from(error: EvalError) -> Self {
        Ended::Error(error.to_string())
    }
}
