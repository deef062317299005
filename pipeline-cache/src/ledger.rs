//! Who pays for which bytes: a budget, and shared buffers counted once.
//!
//! A value is charged for what is its own; the buffer it shares is charged to the ledger when its
//! first holder comes and given back when the last one leaves. A buffer's id is unique as long as
//! some holder is alive, and the cache holds every value that the ledger counts.

use std::collections::HashMap;

use pipeline_core::Value;
use pipeline_core::data::Allocation;

/// What one value keeps alive, split into what is its own and what others may share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    /// Bytes of its own.
    own: u64,
    buffer: Option<Allocation>,
}

impl Weight {
    /// Weighs a value. Asks it, so no lock may be held.
    pub(crate) fn of(value: &Value) -> Self {
        let size = bytes(value.size_bytes());
        let buffer = value.allocation();
        // A window keeps all of its buffer alive but may tell only its own part of it.
        let own = size.saturating_sub(buffer.map_or(0, |buffer| bytes(buffer.bytes)));
        let holder = if buffer.is_some() { HOLDER } else { 0 };
        Self { own: own.saturating_add(holder), buffer }
    }

    /// All that the value keeps alive, whoever else shares it.
    pub(crate) fn total(&self) -> u64 {
        self.own.saturating_add(self.buffer.map_or(0, |buffer| bytes(buffer.bytes)))
    }
}

fn bytes(bytes: usize) -> u64 {
    bytes.try_into().unwrap_or(u64::MAX)
}

#[derive(Debug)]
struct Holders {
    bytes: u64,
    count: u64,
}

/// What the ledger itself needs per buffer: a table slot of an id and its holders, of which at
/// the lowest load there is a bit more than twice as many.
pub(crate) const HOLDER: u64 = (5 * (size_of::<usize>() + size_of::<Holders>() + 1) / 2) as u64;

/// Bytes held, and bytes that may be held. Never more of the former.
#[derive(Debug)]
pub(crate) struct Ledger {
    budget: u64,
    /// Quarters of the budget that are not to be used for now.
    given_back: u64,
    held: u64,
    /// Bytes that are kept free for what is being made.
    reserved: u64,
    buffers: HashMap<usize, Holders>,
}

impl Ledger {
    pub(crate) fn new(budget: u64) -> Self {
        Self { budget, given_back: 0, held: 0, reserved: 0, buffers: HashMap::new() }
    }

    pub(crate) const fn budget(&self) -> u64 {
        self.budget
    }

    pub(crate) const fn held(&self) -> u64 {
        self.held
    }

    /// Changes the budget. More may be held until what is above it has been released.
    pub(crate) fn set_budget(&mut self, budget: u64) {
        self.budget = budget;
    }

    /// Leaves so many quarters of the budget unused, of which there are three at the most.
    pub(crate) fn give_back(&mut self, quarters: u64) {
        self.given_back = quarters.min(3);
    }

    /// Bytes that may be held for now.
    const fn allowed(&self) -> u64 {
        self.budget - self.budget / 4 * self.given_back
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.held > self.allowed()
    }

    /// Whether more is held than leaves room for what is being made.
    pub(crate) const fn is_crowded(&self) -> bool {
        self.held.saturating_add(self.reserved) > self.allowed()
    }

    /// Whether with so many bytes more at most half of the budget is kept free.
    pub(crate) const fn may_reserve(&self, bytes: u64) -> bool {
        self.reserved.saturating_add(bytes) <= self.allowed() / 2
    }

    /// Keeps bytes free. Whether there is room for them says [`is_crowded`](Self::is_crowded).
    pub(crate) const fn reserve(&mut self, bytes: u64) {
        self.reserved = self.reserved.saturating_add(bytes);
    }

    /// Gives back what was kept free.
    pub(crate) const fn unreserve(&mut self, bytes: u64) {
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    /// Begins to book a weight. Returns the bytes that it needs beyond what is held; nothing if it
    /// would not fit, with bookkeeping, even if nothing else were held but what is being made.
    ///
    /// Its buffer is held from here on, so that making room does not free what is coming in. Ends
    /// with [`take`](Self::take) or [`give_up`](Self::give_up).
    pub(crate) fn begin(&mut self, weight: &Weight, bookkeeping: u64) -> Option<u64> {
        let own = weight.own.saturating_add(bookkeeping);
        let allowed = self.allowed().saturating_sub(self.reserved);
        let Some(buffer) = weight.buffer else {
            return (own <= allowed).then_some(weight.own);
        };
        // A buffer that is held already counts with the size that it was booked with.
        let held = self.buffers.get_mut(&buffer.id);
        let bytes = held.as_ref().map_or(bytes(buffer.bytes), |held| held.bytes);
        if own.saturating_add(bytes) > allowed {
            return None;
        }
        if let Some(held) = held {
            held.count += 1;
            return Some(weight.own);
        }
        self.buffers.insert(buffer.id, Holders { bytes, count: 1 });
        Some(weight.own.saturating_add(bytes))
    }

    /// Whether there is room for bytes, once others will have been freed.
    pub(crate) const fn has_room(&self, bytes: u64, freed: u64) -> bool {
        let taken = self.held.saturating_add(self.reserved).saturating_sub(freed);
        bytes <= self.allowed().saturating_sub(taken) && taken <= self.allowed()
    }

    /// Books bytes for which there is room.
    pub(crate) const fn take(&mut self, bytes: u64) {
        self.held += bytes;
    }

    /// Ends a booking for which there is no room.
    pub(crate) fn give_up(&mut self, weight: &Weight) {
        self.leave(weight);
    }

    /// Gives back what was booked. Returns the bytes that this frees.
    pub(crate) fn release(&mut self, weight: &Weight) -> u64 {
        let freed = weight.own + self.leave(weight);
        self.held -= freed;
        freed
    }

    /// Books again what was released, whether there is room or not.
    pub(crate) fn restore(&mut self, weight: &Weight) {
        self.held = self.held.saturating_add(weight.own);
        let Some(buffer) = weight.buffer else { return };
        let holders = self.buffers.entry(buffer.id).or_insert_with(|| {
            let bytes = bytes(buffer.bytes);
            self.held = self.held.saturating_add(bytes);
            Holders { bytes, count: 0 }
        });
        holders.count += 1;
    }

    /// Takes one holder off the weight's buffer. Returns the bytes of the buffer if it was the
    /// last.
    fn leave(&mut self, weight: &Weight) -> u64 {
        let Some(buffer) = weight.buffer else { return 0 };
        let Some(holders) = self.buffers.get_mut(&buffer.id) else { return 0 };
        holders.count -= 1;
        if holders.count > 0 {
            return 0;
        }
        self.buffers.remove(&buffer.id).map_or(0, |holders| holders.bytes)
    }

    /// Books bytes of bookkeeping, whether there is room or not.
    pub(crate) fn charge(&mut self, bytes: u64) {
        self.held = self.held.saturating_add(bytes);
    }

    /// Gives back what was charged.
    pub(crate) fn refund(&mut self, bytes: u64) {
        self.held = self.held.saturating_sub(bytes);
    }
}
