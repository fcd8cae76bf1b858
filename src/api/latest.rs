//! What was published last: handed from the run's thread to those who ask.

use std::sync::{Arc, Mutex, PoisonError};

/// Publishing and reading swap a pointer: who publishes waits for nobody who reads, and what is read is whole.
#[derive(Debug)]
pub struct Latest<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Latest(Mutex::new(None))
    }
}

impl<T> Latest<T> {
    pub fn publish(&self, value: T) {
        let new = Some(Arc::new(value));
        let old = {
            let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *latest, new)
        };
        drop(old); // maybe the last copy, of thousands of series: not under the lock
    }

    /// `None` before the first.
    pub fn latest(&self) -> Option<Arc<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
