//! What the service counts about its own traffic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;

use super::route::Route;

/// Counts of requests, chats and messages since the service began.
pub(super) struct Traffic {
    requests: Mutex<BTreeMap<(Route, u16), u64>>,
    connections: AtomicU64,
    messages: AtomicU64,
}

impl Default for Traffic {
    /// All at zero, and there from the start: a rate of errors can be asked for before the first error.
    fn default() -> Self {
        let statuses = |route: Route| [route.success().as_u16(), StatusCode::INTERNAL_SERVER_ERROR.as_u16()];
        let zeros = Route::all().flat_map(|route| statuses(route).map(|status| ((route, status), 0)));
        Self {
            requests: Mutex::new(zeros.collect()),
            connections: AtomicU64::new(0),
            messages: AtomicU64::new(0),
        }
    }
}

impl Traffic {
    pub(super) fn count_request(&self, route: Route, status: StatusCode) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status.as_u16())).or_default() += 1;
    }

    pub(super) fn count_message(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a chat as open until the guard is dropped.
    pub(super) fn open_chat(&self) -> OpenChat<'_> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        OpenChat(self)
    }

    pub(super) fn requests(&self) -> Vec<((Route, u16), u64)> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(key, count)| (*key, *count)).collect()
    }

    pub(super) fn open_chats(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

/// One open chat.
pub(super) struct OpenChat<'a>(&'a Traffic);

impl Drop for OpenChat<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
