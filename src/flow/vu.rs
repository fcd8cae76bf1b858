//! A virtual user and the worker it lives on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::batch::Lanes;
use super::cookies::CookieJar;
use super::held::Held;
use super::http::Surroundings;
use super::keep::KeptSessions;
use super::limiter::Limiter;
use super::outcomes::Outcomes;
use super::websocket::Session;
use super::{Ended, HttpDebug, ScenarioSeries};
use crate::ledger::Ledgers;
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
    shared: Shared,
    pub shard: RefCell<Shard>,
    pub(super) outcomes: RefCell<Outcomes>,
    /// What its users share: by step, of any protocol.
    pub(super) held: RefCell<Held>,
    keep_cookies: bool,
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

/// What all workers share.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// What `setup` captured: every user sees it.
    pub given: Arc<Locals>,
    /// Of requests, over all workers; `None`: without limit.
    pub limiter: Option<Arc<Limiter>>,
    /// Of the events that some publish and others receive; none outside of the load.
    pub ledgers: Arc<Ledgers>,
}

impl Worker {
    pub fn new(clock: Clock, settings: Arc<Settings>, registry: Arc<Registry>, shared: Shared) -> Self {
        let shard = RefCell::new(Shard::new(Arc::clone(&registry)));
        let dialer = Dialer::new(settings, clock);
        let outcomes = RefCell::new(Outcomes::new(registry));
        Worker {
            clock,
            dialer,
            shared,
            shard,
            outcomes,
            held: RefCell::default(),
            keep_cookies: false,
            http_debug: None,
        }
    }

    /// Whether a VU's cookies outlive its iterations (default: they do not).
    #[must_use]
    pub fn keeping_cookies(self, keep_cookies: bool) -> Self {
        Worker { keep_cookies, ..self }
    }

    #[must_use]
    pub fn watched(mut self, with: &Instruments) -> Self {
        self.http_debug = with.http_debug;
        if let Some(taps) = &with.taps {
            self.shard.get_mut().tap(taps.tap(self.clock));
        }
        self
    }

    /// Ends what its users shared, and writes down what is known only then. After the last of them.
    pub fn close(&self) {
        self.held.borrow_mut().clear();
        for (series, lost) in self.shared.ledgers.worker_ended() {
            self.shard.borrow_mut().count(series, lost);
        }
    }

    pub(super) fn ledgers(&self) -> &Arc<Ledgers> {
        &self.shared.ledgers
    }

    /// Returns when one more request may be sent.
    pub(super) async fn await_turn(&self) {
        if let Some(limiter) = &self.shared.limiter {
            let now = self.clock.now();
            let turn = limiter.reserve(now);
            if turn > now {
                tokio::time::sleep_until(self.clock.instant(turn)).await;
            }
        }
    }
}

/// A small struct, not an interpreter: its cost is its connection and what it captured.
pub struct Vu {
    /// From 1, over all workers.
    pub id: u64,
    /// How many iterations it has begun before this one.
    pub iteration: u64,
    scenario: Arc<str>,
    /// The plan's, with those that the scenario overrides.
    vars: Value,
    pub(super) series: ScenarioSeries,
    pub(super) worker: Rc<Worker>,
    pub(super) client: Client,
    /// Further connections, of steps that send several requests at the same time.
    pub(super) lanes: Lanes,
    pub(super) cookies: CookieJar,
    pub(super) locals: Locals,
    /// The rows of this iteration.
    data: Value,
    /// The last exchange, for expressions.
    pub(super) exchange: Option<ExchangeView>,
    /// The WebSocket whose flow is running.
    pub(super) session: Option<Box<Session>>,
    /// WebSockets of earlier iterations.
    pub(super) kept: KeptSessions,
    /// Connections of other protocols, of earlier iterations.
    pub(super) held: Held,
    /// When the iteration was due; the first exchange takes it.
    due: Option<Elapsed>,
}

impl Vu {
    pub fn new(id: u64, scenario: Arc<str>, vars: Value, series: ScenarioSeries, worker: Rc<Worker>) -> Self {
        let locals = Locals::above(&worker.shared.given);
        Vu {
            id,
            iteration: 0,
            scenario,
            vars,
            series,
            worker,
            client: Client::new(),
            lanes: Lanes::default(),
            cookies: CookieJar::default(),
            locals,
            data: Value::UNDEFINED,
            exchange: None,
            session: None,
            kept: KeptSessions::default(),
            held: Held::default(),
            due: None,
        }
    }

    /// What was captured and `set` so far.
    pub fn locals(&self) -> &Locals {
        &self.locals
    }

    /// The last exchange, if a step looks at exchanges.
    pub fn take_exchange(&mut self) -> Option<ExchangeView> {
        self.exchange.take()
    }

    /// Goes back to these values, and forgets the last exchange and the connections: a step that failed half-way is begun
    /// anew, and at once.
    pub fn restore(&mut self, locals: Locals) {
        self.locals = locals;
        self.exchange = None;
        self.session = None;
        self.held.clear();
    }

    /// Forgets what the last iteration left, but for connections. `due` is `None` where due is the start.
    pub fn begin_iteration(&mut self, due: Option<Elapsed>) {
        self.locals.clear();
        self.exchange = None;
        self.session = None;
        self.due = due;
        if !self.worker.keep_cookies {
            self.cookies.clear();
        }
    }

    /// The rows of the iteration that begins: what `data` is in its expressions.
    pub fn give_rows(&mut self, data: Value) {
        self.data = data;
    }

    /// Lets go of what the iteration held, and closes the connections that are kept for one only.
    pub async fn end_iteration(&mut self) {
        self.locals.clear();
        self.exchange = None;
        let keep_alive = self.worker.dialer.keep_alive();
        if keep_alive == KeepAlive::Iteration {
            self.client.close();
            self.lanes = Lanes::default();
        }
        if keep_alive != KeepAlive::Vu {
            if let Some(settled) = self.settle() {
                settled.await;
            }
            self.held.clear();
        }
    }

    /// Before the VU goes: ready when the target owes it no answer any more, such as acknowledgements that no step waited
    /// for; `None` when it owes none now. Whoever drops the VU without it has them counted as not come.
    pub fn settle(&self) -> Option<impl Future<Output = ()> + use<>> {
        self.held.settle()
    }

    /// The iteration's due time, for its first exchange only.
    pub(super) fn take_due(&mut self) -> Option<Elapsed> {
        self.due.take()
    }

    /// The iteration's due time, if no exchange has taken it.
    pub(super) fn due(&self) -> Option<Elapsed> {
        self.due
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
            vars: &self.vars,
            data: &self.data,
            locals: &self.locals,
            exchange: self.exchange.as_ref(),
        }
    }

    /// What exchanges share, and the connections that each may take one of.
    pub(super) fn surroundings(&mut self) -> (Surroundings<'_>, &mut Client, &mut Lanes) {
        let scope = Scope {
            vu: self.id,
            iteration: self.iteration,
            scenario: &self.scenario,
            vars: &self.vars,
            data: &self.data,
            locals: &self.locals,
            exchange: self.exchange.as_ref(),
        };
        let (worker, series, cookies) = (&*self.worker, &self.series, &self.cookies);
        (Surroundings { worker, series, cookies, scope }, &mut self.client, &mut self.lanes)
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
