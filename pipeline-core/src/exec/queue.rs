//! The queue of one run: what is ready, in the order in which it goes, and who is in the run.

use std::collections::BinaryHeap;
use std::sync::Arc;

use super::gate::Gate;
use super::handful::{Hand, Handful};

/// What is ready, and who may still make something ready. All of it under one lock.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// What came since the last look.
    pub(super) fresh: Vec<Entry>,
    /// What came in a crowd, the most urgent last: sorted once, it costs less than a heap.
    crowd: Vec<Entry>,
    heap: BinaryHeap<Entry>,
    /// Takes the place of the heap where something limits what runs at once.
    pub(super) gate: Option<Gate>,
    /// Whether nothing of what is queued fitted the last time.
    pub(super) blocked: bool,
    /// Threads, timers and others that may still make a place ready.
    pub(super) active: u32,
    pub(super) peak_active: u32,
    /// Expected time of what is queued.
    pub(super) nanos: f64,
    /// What threads took in one go and have not run yet.
    pub(super) hands: Vec<Arc<Handful>>,
    /// Counts what was taken out, and how much that was at the last look.
    pub(super) taken: u64,
    pub(super) taken_before: u64,
}

/// As many places as are a crowd.
const CROWD: usize = 64;

/// Urgency above, place below, the earlier place first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u64);

impl Entry {
    pub(super) fn new(urgency: u32, place: u32) -> Self {
        Self(u64::from(urgency) << 32 | u64::from(!place))
    }

    pub(super) fn place(self) -> u32 {
        let low = self.0 & u64::from(u32::MAX);
        !u32::try_from(low).expect("the mask leaves 32 bits")
    }
}

impl Queue {
    pub(super) fn new(gate: Option<Gate>) -> Self {
        Self { gate, ..Self::default() }
    }

    /// Counts one more thread, timer or other source of ready places in.
    pub(super) fn enter(&mut self) {
        self.active += 1;
        self.peak_active = self.peak_active.max(self.active);
    }

    /// Forgets what a thread holds, which is nothing any more.
    pub(super) fn put_down(&mut self, hand: &mut Hand) {
        if let Some(hand) = hand.take() {
            self.hands.retain(|other| !Arc::ptr_eq(other, &hand));
        }
    }

    /// The most urgent place, where nothing limits what runs.
    pub(super) fn peek(&mut self) -> Option<u32> {
        self.sort();
        self.crowd.last().max(self.heap.peek()).copied().map(Entry::place)
    }

    /// Takes the most urgent place, where nothing limits what runs.
    pub(super) fn pop(&mut self) -> Option<u32> {
        self.sort();
        let entry =
            if self.crowd.last() > self.heap.peek() { self.crowd.pop() } else { self.heap.pop() };
        entry.map(Entry::place)
    }

    /// Puts what is fresh in order.
    fn sort(&mut self) {
        if self.crowd.is_empty() && self.fresh.len() >= CROWD {
            std::mem::swap(&mut self.crowd, &mut self.fresh);
            self.crowd.sort_unstable();
        } else {
            self.heap.extend(self.fresh.drain(..));
        }
    }

    /// How many places are queued.
    pub(super) fn len(&self) -> usize {
        let gate = self.gate.as_ref().map_or(0, Gate::len);
        self.fresh.len() + self.crowd.len() + self.heap.len() + gate
    }

    /// Takes the expected time of a place off that of all. What is expected may have changed since
    /// it was added, so the sum begins anew whenever the queue is empty.
    pub(super) fn take_off(&mut self, nanos: f64) {
        self.nanos = if self.is_empty() { 0.0 } else { (self.nanos - nanos).max(0.0) };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
