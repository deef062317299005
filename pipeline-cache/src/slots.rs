//! Where results are found: a number by its key, and all else by the number.

use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use hashbrown::HashTable;
use lru::LruCache;
use pipeline_core::{Key, Value};

use crate::history::{NONE, Number};
use crate::key_state::KeyState;
use crate::ledger::Weight;
use crate::memory::Policy;

/// All keys that anything is known of, and the values of those that are held.
///
/// A look-up goes to a table of numbers, small enough for the nearer caches, and from there to the
/// one line of a slot that has both the key and all that is told of a hit.
pub(crate) struct Slots {
    table: HashTable<Number>,
    slots: Vec<Slot>,
    /// The order of last use, if somebody asks for it.
    order: Option<LruCache<Number, ()>>,
    held: u64,
}

/// In this order the key and what a hit needs are the first 64 bytes.
#[derive(Debug)]
#[repr(C, align(64))]
struct Slot {
    key: Key,
    entry: Option<Entry>,
}

/// A value that is held.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry {
    value: Value,
    nanos: u64,
    hits: u32,
    /// The request that asked for it last, as far as its history was told.
    asked: u32,
    weight: Weight,
    /// When it came, if it is to go after some time.
    since: Option<Instant>,
}

impl Entry {
    pub(crate) fn new(value: Value, weight: Weight, time: Duration, request: u32) -> Self {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self { value, nanos, hits: 0, asked: request, weight, since: None }
    }

    pub(crate) fn since(self, now: Option<Instant>) -> Self {
        Self { since: now, ..self }
    }

    pub(crate) const fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn into_value(self) -> Value {
        self.value
    }

    /// Nanoseconds that it took to make.
    pub(crate) const fn nanos(&self) -> u64 {
        self.nanos
    }

    pub(crate) const fn weight(&self) -> &Weight {
        &self.weight
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.into()
    }

    /// One more look-up found it.
    pub(crate) const fn hit(&mut self) {
        self.hits = self.hits.saturating_add(1);
    }

    /// Whether this is the first time that a request asks for it.
    pub(crate) const fn is_asked_anew(&mut self, request: u32) -> bool {
        std::mem::replace(&mut self.asked, request) != request
    }

    pub(crate) fn is_older_than(&self, age: Option<Duration>) -> bool {
        age.zip(self.since).is_some_and(|(age, since)| since.elapsed() > age)
    }
}

impl Slots {
    /// Bytes of each: two slots, because their number may have been doubled, twice and a half a
    /// place in the table, and a node of the order with its header in the allocator and its places
    /// in a table. Without an order it is less.
    pub(crate) const EACH: usize = 2 * size_of::<Slot>()
        + 5 * (size_of::<Number>() + 1) / 2
        + 5 * size_of::<usize>()
        + 5 * (2 * size_of::<usize>() + 1) / 2;

    pub(crate) fn new(policy: Policy) -> Self {
        let order = match policy {
            // Nobody asks which was used last, and to keep an order would touch other numbers.
            Policy::Worth => None,
            Policy::LeastRecent => Some(LruCache::unbounded()),
        };
        Self { table: HashTable::new(), slots: Vec::new(), order, held: 0 }
    }

    /// How many values are held.
    pub(crate) const fn held(&self) -> u64 {
        self.held
    }

    #[inline]
    pub(crate) fn find(&self, key: &Key) -> Option<Number> {
        self.table.find(hash(key), |&number| self.key(number) == key).copied()
    }

    /// The same, and it counts as a use.
    #[inline]
    pub(crate) fn ask(&mut self, key: &Key) -> Option<Number> {
        let number = self.find(key)?;
        if let Some(order) = &mut self.order {
            order.promote(&number);
        }
        Some(number)
    }

    #[inline]
    pub(crate) fn key(&self, number: Number) -> &Key {
        &self.slots[number as usize].key
    }

    pub(crate) fn entry(&self, number: Number) -> Option<&Entry> {
        self.slots[number as usize].entry.as_ref()
    }

    #[inline]
    pub(crate) fn entry_mut(&mut self, number: Number) -> Option<&mut Entry> {
        self.slots[number as usize].entry.as_mut()
    }

    /// From now on a key has this number, which no other has.
    pub(crate) fn insert(&mut self, key: Key, number: Number) {
        let slot = Slot { key, entry: None };
        if let Some(free) = self.slots.get_mut(number as usize) {
            *free = slot;
        } else {
            self.slots.push(slot);
        }
        let Self { table, slots, .. } = self;
        table.insert_unique(hash(&key), number, |&other| hash(&slots[other as usize].key));
        if let Some(order) = &mut self.order {
            order.put(number, ());
        }
    }

    /// Nothing is known any more of what has this number.
    pub(crate) fn forget(&mut self, number: Number) {
        let place = hash(self.key(number));
        if let Ok(found) = self.table.find_entry(place, |&other| other == number) {
            found.remove();
        }
        if let Some(order) = &mut self.order {
            order.pop(&number);
        }
    }

    /// Holds a value, where none is held.
    pub(crate) fn fill(&mut self, number: Number, entry: Entry) {
        self.slots[number as usize].entry = Some(entry);
        self.held += 1;
    }

    /// Takes out what is held.
    pub(crate) fn empty(&mut self, number: Number) -> Option<Entry> {
        let entry = self.slots[number as usize].entry.take()?;
        self.held -= 1;
        Some(entry)
    }

    /// All that is held, what was used last first if there is an order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Number, &Entry)> {
        let in_order = self.order.iter().flat_map(|order| order.iter().map(|(&number, ())| number));
        let without = if self.order.is_none() { 0..self.slots.len() } else { 0..0 };
        // As many as there are numbers.
        let without = without.filter_map(|at| Number::try_from(at).ok());
        in_order.chain(without).filter_map(|number| Some((number, self.entry(number)?)))
    }

    /// All numbers, what was used longest ago first, if there is an order.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = Number> {
        self.order.iter().flat_map(|order| order.iter().rev().map(|(&number, ())| number))
    }

    /// Gives all that is known other numbers: those at the places of its own, or none where nothing
    /// has that number.
    pub(crate) fn renumber(&mut self, numbers: &[Number]) {
        let slots = std::mem::take(&mut self.slots).into_iter().zip(numbers);
        self.slots = slots.filter(|&(_, &number)| number != NONE).map(|(slot, _)| slot).collect();
        self.table = HashTable::with_capacity(self.slots.len());
        for (slot, number) in self.slots.iter().zip(0..) {
            self.table.insert_unique(hash(&slot.key), number, |&other| {
                hash(&self.slots[other as usize].key)
            });
        }
        if let Some(order) = &mut self.order {
            let old: Vec<Number> = order.iter().rev().map(|(&number, ())| number).collect();
            *order = LruCache::unbounded();
            for old in old {
                order.put(numbers[old as usize], ());
            }
        }
    }
}

#[inline]
fn hash(key: &Key) -> u64 {
    std::hash::BuildHasherDefault::<KeyState>::default().hash_one(key)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_hit_needs_is_one_line() {
        assert_eq!(std::mem::offset_of!(Slot, entry) + std::mem::offset_of!(Entry, weight), 64);
        assert_eq!(size_of::<Slot>(), 128);
    }
}
