//! The request to end a run early: heard once, wherever the run is.

/// By what the run is stopped, once it is.
pub(super) struct Stop<F> {
    signal: F,
    heard: Option<String>,
}

impl<F: Future<Output = String> + Unpin> Stop<F> {
    pub(super) fn new(signal: F) -> Self {
        Stop { signal, heard: None }
    }

    /// The signal when it comes; it comes once.
    pub(super) async fn signal(&mut self) -> String {
        if self.heard.is_some() {
            return std::future::pending().await;
        }
        let signal = (&mut self.signal).await;
        self.heard = Some(signal.clone());
        signal
    }

    pub(super) fn is_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// What was heard so far.
    pub(super) fn heard(&self) -> Option<String> {
        self.heard.clone()
    }
}
