//! One thread that knows the time: deadlines and pauses before another attempt.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// The group of what keeps its time whatever happens.
pub(super) const NOT_HURRIED: u64 = 0;

type Job = Box<dyn FnOnce() + Send>;

/// Calls things at their time. Its thread starts with the first of them and ends with the timer.
#[derive(Default)]
pub(crate) struct Timer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due: BinaryHeap<Reverse<Due>>,
    next: u64,
    running: bool,
    closed: bool,
}

struct Due {
    at: Instant,
    number: u64,
    group: u64,
    job: Job,
}

impl Due {
    const fn order(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl Timer {
    /// Calls `job` at `at`, or a little later.
    pub(crate) fn at(&self, at: Instant, group: u64, job: impl FnOnce() + Send + 'static) {
        let mut state = self.0.state.lock();
        let number = state.next;
        state.next += 1;
        state.due.push(Reverse(Due { at, number, group, job: Box::new(job) }));
        if state.running {
            self.0.changed.notify_one();
            return;
        }
        state.running = true;
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("pipeline-timer".to_owned());
        if thread.spawn(move || shared.run()).is_err() {
            // Without a thread there are no deadlines; the next call tries again.
            state.running = false;
        }
    }

    /// Calls everything of a group now.
    pub(crate) fn hurry(&self, group: u64) {
        let mut state = self.0.state.lock();
        let (mine, rest) = std::mem::take(&mut state.due)
            .into_iter()
            .partition::<Vec<_>, _>(|Reverse(due)| due.group == group);
        state.due = rest.into();
        drop(state);
        for Reverse(due) in mine {
            (due.job)();
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
            match state.due.peek() {
                None => self.changed.wait(&mut state),
                Some(Reverse(due)) if due.at > Instant::now() => {
                    let at = due.at;
                    self.changed.wait_until(&mut state, at);
                }
                Some(_) => {
                    let due = state.due.pop();
                    parking_lot::MutexGuard::unlocked(&mut state, || {
                        if let Some(Reverse(due)) = due {
                            (due.job)();
                        }
                    });
                }
            }
        }
    }
}

impl std::fmt::Debug for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timer").field("due", &self.0.state.lock().due.len()).finish()
    }
}
