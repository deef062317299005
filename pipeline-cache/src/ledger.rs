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
    /// Bytes of its own, including `overhead`.
    own: u64,
    buffer: Option<Allocation>,
}

impl Weight {
    /// Weighs a value and `overhead` bytes of bookkeeping. Asks the value, so no lock may be held.
    pub(crate) fn of(value: &Value, overhead: u64) -> Self {
        let size = bytes(value.size_bytes());
        let buffer = value.allocation();
        // A window keeps all of its buffer alive but may tell only its own part of it.
        let own = size.saturating_sub(buffer.map_or(0, |buffer| bytes(buffer.bytes)));
        let overhead = overhead + if buffer.is_some() { HOLDER } else { 0 };
        Self { own: own.saturating_add(overhead), buffer }
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
const HOLDER: u64 = (5 * (size_of::<usize>() + size_of::<Holders>() + 1) / 2) as u64;

/// Bytes held, and bytes that may be held. Never more of the former.
#[derive(Debug)]
pub(crate) struct Ledger {
    budget: u64,
    held: u64,
    buffers: HashMap<usize, Holders>,
}

impl Ledger {
    pub(crate) fn new(budget: u64) -> Self {
        Self { budget, held: 0, buffers: HashMap::new() }
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

    pub(crate) const fn is_over(&self) -> bool {
        self.held > self.budget
    }

    /// Whether the weight would fit if nothing else were held.
    pub(crate) fn could_fit(&self, weight: &Weight) -> bool {
        // A buffer that is held already counts with the size that it was booked with.
        let held = weight.buffer.and_then(|buffer| self.buffers.get(&buffer.id));
        let total = held.map_or(weight.total(), |held| weight.own.saturating_add(held.bytes));
        total <= self.budget
    }

    /// Books `weight`, after `make_room` has released other weights as often as was needed.
    ///
    /// To be called if the weight [could fit](Self::could_fit). Returns false, and books nothing,
    /// if `make_room` runs out before there is room.
    pub(crate) fn book(
        &mut self,
        weight: &Weight,
        mut make_room: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        // Held from here on, so that making room does not free the buffer that is coming in.
        let mut need = weight.own;
        if let Some(buffer) = weight.buffer {
            match self.buffers.get_mut(&buffer.id) {
                Some(holders) => holders.count += 1,
                None => {
                    let bytes = bytes(buffer.bytes);
                    need = need.saturating_add(bytes);
                    self.buffers.insert(buffer.id, Holders { bytes, count: 1 });
                }
            }
        }
        while need > self.budget.saturating_sub(self.held) {
            if !make_room(self) {
                self.leave(weight);
                return false;
            }
        }
        self.held += need;
        true
    }

    /// Gives back what was booked. Returns the bytes that this frees.
    pub(crate) fn release(&mut self, weight: &Weight) -> u64 {
        let freed = weight.own + self.leave(weight);
        self.held -= freed;
        freed
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

    /// Forgets everything that was booked.
    pub(crate) fn clear(&mut self) {
        self.held = 0;
        self.buffers = HashMap::new();
    }
}
