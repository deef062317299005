//! One listener's end of a run's stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::backlog::{Stamped, Waiting};
use super::bus::Shared;
use super::signal::Signal;
use crate::event::{Event, Snapshot, Warning};

/// How long a subscriber that was just busy looks again by itself before it must be woken.
pub(super) const LIGHTLY: Duration = Duration::from_millis(2);

/// Time does not pass under the model checker, so a light sleep would have no end there.
pub(super) const SLEEPS_LIGHTLY: bool = !cfg!(shuttle);

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// The next event.
    Event(Event),
    /// The subscriber was too slow and events were lost; this is the state after them. Further
    /// events follow on it.
    Lagged(Box<Snapshot>),
}

impl Received {
    /// The event, if it is one.
    #[must_use]
    pub fn event(self) -> Option<Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Lagged(_) => None,
        }
    }
}

/// One listener's end of a run's stream. Dropping it leaves the stream.
///
/// As an iterator it gives everything up to the end of the run.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    id: u64,
    /// What was taken out of the backlog at once and not handed out yet.
    taken: VecDeque<Stamped>,
    signal: Arc<Signal>,
    sleep: Waiting,
}

impl Subscription {
    pub(super) fn new(shared: Arc<Shared>, id: u64, signal: Arc<Signal>) -> Self {
        Self { shared, id, taken: VecDeque::new(), signal, sleep: Waiting::Deeply }
    }

    /// Waits for what comes next. `None` once the end of the run has been handed out.
    pub fn recv(&mut self) -> Option<Received> {
        loop {
            if let Poll::Ready(received) = self.try_recv() {
                return received;
            }
            if self.arm(self.sleep) {
                self.doze(None);
            }
        }
    }

    /// As [`recv`](Self::recv), for at most `timeout`; `Pending` if nothing came.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Poll<Option<Received>> {
        let end = Instant::now().checked_add(timeout);
        loop {
            let next = self.try_recv();
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if next.is_ready() || left == Some(Duration::ZERO) {
                return next;
            }
            if self.arm(self.sleep) {
                self.doze(left);
            }
        }
    }

    /// What comes next if it is there already; `Pending` if not.
    pub fn try_recv(&mut self) -> Poll<Option<Received>> {
        if self.taken.is_empty() {
            let mut inner = self.shared.inner.lock();
            let closed = inner.closed;
            let Some(backlog) = inner.backlog(self.id) else { return Poll::Ready(None) };
            backlog.waiting = Waiting::No;
            backlog.swap(&mut self.taken);
            if self.taken.is_empty() {
                if std::mem::take(&mut backlog.behind) {
                    let state = inner.snapshot().map(|state| Received::Lagged(Box::new(state)));
                    return Poll::Ready(state);
                }
                return if closed { Poll::Ready(None) } else { Poll::Pending };
            }
        }
        if SLEEPS_LIGHTLY {
            self.sleep = Waiting::Lightly;
        }
        let next = self.taken.pop_front().map(|next| Received::Event(self.shared.event(next)));
        Poll::Ready(next)
    }

    /// Sleeps until woken or, lightly, until it is time to look again.
    fn doze(&mut self, left: Option<Duration>) {
        let light = (self.sleep == Waiting::Lightly).then_some(LIGHTLY);
        let timeout = match (light, left) {
            (Some(light), Some(left)) => Some(light.min(left)),
            (one, other) => one.or(other),
        };
        self.signal.wait(timeout);
        self.sleep = Waiting::Deeply;
    }

    /// Says how this subscriber is going to sleep. Returns false if there is something to take.
    pub(super) fn arm(&self, waiting: Waiting) -> bool {
        let mut inner = self.shared.inner.lock();
        let closed = inner.closed;
        match inner.backlog(self.id) {
            Some(backlog) if backlog.events.is_empty() && !backlog.behind && !closed => {
                backlog.waiting = waiting;
                true
            }
            _ => false,
        }
    }

    /// The state of the run as far as its events were emitted.
    pub(super) fn state(&self) -> Option<Snapshot> {
        self.shared.inner.lock().snapshot()
    }

    pub(super) fn warn(&self, warning: Warning) {
        self.shared.warn(warning);
    }
}

impl Iterator for Subscription {
    type Item = Received;

    fn next(&mut self) -> Option<Received> {
        self.recv()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}
