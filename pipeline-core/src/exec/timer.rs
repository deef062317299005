//! One thread that knows the time: deadlines and pauses before another attempt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// The group of what keeps its time whatever happens.
pub(super) const NOT_HURRIED: u64 = 0;

type Job = Box<dyn FnOnce() + Send>;

/// Calls things at their time. Its thread starts with the first of them and ends with the timer.
#[derive(Default)]
pub(crate) struct Timer(Arc<Shared>);

/// Something that a timer was asked to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    at: Instant,
    number: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due: BTreeMap<Due, (u64, Job)>,
    next: u64,
    running: bool,
    closed: bool,
}

impl Timer {
    /// Calls `job` at `at`, or a little later, unless it is [forgotten](Self::forget).
    pub(crate) fn at(&self, at: Instant, group: u64, job: impl FnOnce() + Send + 'static) -> Due {
        let mut state = self.0.state.lock();
        let due = Due { at, number: state.next };
        state.next += 1;
        state.due.insert(due, (group, Box::new(job)));
        if state.running {
            if state.due.first_key_value().is_some_and(|(&first, _)| first == due) {
                self.0.changed.notify_one();
            }
            return due;
        }
        state.running = true;
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("pipeline-timer".to_owned());
        if thread.spawn(move || shared.run()).is_err() {
            // Without a thread there are no deadlines; the next call tries again.
            state.running = false;
        }
        due
    }

    /// How many things wait for their time.
    pub(crate) fn len(&self) -> usize {
        self.0.state.lock().due.len()
    }

    /// Does not call it any more.
    pub(crate) fn forget(&self, due: Due) {
        let job = self.0.state.lock().due.remove(&due);
        // What it holds may be the last of something; that goes without the lock.
        drop(job);
    }

    /// Calls everything of a group now.
    pub(crate) fn hurry(&self, group: u64) {
        let mut state = self.0.state.lock();
        let mine: Vec<_> = state.due.extract_if(.., |_, &mut (of, _)| of == group).collect();
        drop(state);
        for (_, (_, job)) in mine {
            job();
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            match state.due.first_key_value() {
                None => self.changed.wait(&mut state),
                Some((due, _)) if due.at > Instant::now() => {
                    let at = due.at;
                    self.changed.wait_until(&mut state, at);
                }
                Some(_) => {
                    let due = state.due.pop_first();
                    parking_lot::MutexGuard::unlocked(&mut state, || {
                        if let Some((_, (_, job))) = due {
                            job();
                        }
                    });
                }
            }
        }
    }
}

impl std::fmt::Debug for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timer").field("due", &self.len()).finish()
    }
}
