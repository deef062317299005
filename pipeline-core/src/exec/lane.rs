//! Places that wait for a thread of a lane: the pool's own, or one that may wait.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::run::RunCore;
use crate::id::RunId;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// A place on its way to a thread of a lane.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) run: Arc<RunCore>,
    pub(super) place: u32,
}

/// Places that wait for a thread of one lane, the most urgent runs first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: Mutex<VecDeque<Handed>>,
    /// How many there are, to ask without the lock.
    count: AtomicUsize,
}

impl Waiting {
    pub(super) fn push(&self, handed: Handed) {
        let mut queue = self.queue.lock();
        let at = queue.partition_point(|other| other.run.priority >= handed.run.priority);
        queue.insert(at, handed);
        self.count.store(queue.len(), Ordering::Relaxed);
    }

    pub(super) fn pop(&self) -> Option<Handed> {
        let mut queue = self.queue.lock();
        let first = queue.pop_front();
        self.count.store(queue.len(), Ordering::Relaxed);
        first
    }

    /// Whether a place of a run waits.
    pub(super) fn has_of(&self, run: RunId) -> bool {
        self.len() > 0 && self.queue.lock().iter().any(|handed| handed.run.id == run)
    }

    /// The first place of a run.
    pub(super) fn pop_of(&self, run: RunId) -> Option<u32> {
        let mut queue = self.queue.lock();
        let at = queue.iter().position(|handed| handed.run.id == run)?;
        let handed = queue.remove(at);
        self.count.store(queue.len(), Ordering::Relaxed);
        handed.map(|handed| handed.place)
    }

    /// The places of one run, which then wait no longer.
    pub(super) fn withdraw(&self, run: RunId) -> Vec<u32> {
        let mut queue = self.queue.lock();
        let (mine, others) =
            std::mem::take(&mut *queue).into_iter().partition(|handed| handed.run.id == run);
        *queue = others;
        self.count.store(queue.len(), Ordering::Relaxed);
        let mine: VecDeque<Handed> = mine;
        mine.into_iter().map(|handed| handed.place).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether one waits that is at least as urgent.
    pub(super) fn has(&self, priority: u8) -> bool {
        self.len() > 0
            && self.queue.lock().front().is_some_and(|first| first.run.priority >= priority)
    }
}
