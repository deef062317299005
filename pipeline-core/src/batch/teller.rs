//! Tells whoever listens to a batch, one event at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::event::{BatchEvent, ItemStatus};
use super::options::{BatchOptions, Listener};

pub(super) struct Teller {
    listener: Option<Arc<Listener>>,
    began: Instant,
    state: Mutex<State>,
}

struct State {
    /// Items in all, and those that ended for good.
    items: usize,
    done: usize,
    /// Items of each batch that have not ended.
    open: Vec<usize>,
}

/// An item that ended.
pub(super) struct Ended<'a> {
    pub(super) fov: &'a Arc<str>,
    pub(super) batch: usize,
    pub(super) worker: usize,
    pub(super) status: ItemStatus,
    pub(super) message: Option<String>,
    pub(super) again: bool,
    pub(super) duration: Duration,
}

impl Teller {
    /// `open` is the number of items of each batch.
    pub(super) fn new(options: &BatchOptions, open: Vec<usize>) -> Self {
        let state = Mutex::new(State { items: open.iter().sum(), done: 0, open });
        Self { listener: options.listener.clone(), began: Instant::now(), state }
    }

    /// Whether anybody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.listener.is_some()
    }

    pub(super) fn tell(&self, event: &BatchEvent) {
        self.call(&self.state.lock(), event);
    }

    /// Tells that an item ended, and its batch if it was the last one of it.
    pub(super) fn tell_end(&self, end: Ended<'_>) {
        let state = &mut *self.state.lock();
        if !end.again {
            state.done += 1;
            state.open[end.batch] -= 1;
        }
        let (done, items) = (state.done, state.items);
        let event = BatchEvent::ItemFinished {
            fov: Arc::clone(end.fov),
            worker: end.worker,
            status: end.status,
            message: end.message,
            again: end.again,
            duration_ms: millis(end.duration),
            done,
            items,
            eta_ms: self.eta(done, items),
        };
        self.call(state, &event);
        if !end.again && state.open[end.batch] == 0 {
            let (batch, batches) = (end.batch, state.open.len());
            self.call(state, &BatchEvent::BatchFinished { batch, batches });
        }
    }

    fn eta(&self, done: usize, items: usize) -> Option<u64> {
        let (done, open) = (u32::try_from(done).ok()?, u32::try_from(items - done).ok()?);
        let each = self.began.elapsed().checked_div(done)?;
        Some(millis(each.saturating_mul(open)))
    }

    /// The lock is held by the caller, so that nobody hears two things at once.
    fn call(&self, _: &State, event: &BatchEvent) {
        if let Some(listener) = &self.listener {
            // What is wrong with a listener is no fault of the items.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
