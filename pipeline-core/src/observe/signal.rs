//! A sticky wake-up call.

use std::time::Duration;

use crate::sync::{Condvar, Mutex};

/// Wakes one waiting thread; a call that comes before the wait is not lost.
#[derive(Debug, Default)]
pub(super) struct Signal {
    called: Mutex<bool>,
    condvar: Condvar,
}

impl Signal {
    pub(super) fn call(&self) {
        *self.called.lock() = true;
        self.condvar.notify_one();
    }

    /// Waits for a call and takes it. Returns false if none came in time.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut called = self.called.lock();
        while !*called {
            match timeout {
                None => self.condvar.wait(&mut called),
                // A spurious wake-up prolongs the wait, at worst to a multiple.
                Some(timeout) => {
                    if self.condvar.wait_for(&mut called, timeout).timed_out() {
                        break;
                    }
                }
            }
        }
        std::mem::take(&mut *called)
    }
}
