//! Results that wait to be written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_core::cache::{Claimed, Evicted, Fault, Maker};
use pipeline_core::{Key, Value};

use crate::key_state::KeyState;

type ByKey<V> = HashMap<Key, V, BuildHasherDefault<KeyState>>;

/// A result that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// What it is written under.
    pub(crate) key: Key,
    /// The key of the result: another one if only what it goes by is written.
    pub(crate) made: Key,
    pub(crate) value: Value,
    pub(crate) step: Box<str>,
    pub(crate) time: Duration,
    pub(crate) inputs: Arc<[Key]>,
    pub(crate) maker: Option<Maker>,
    pub(crate) identity: Option<Key>,
    pub(crate) bytes: u64,
    pub(crate) since: Instant,
}

/// The output of a node, and what it read.
type Place = (Maker, Arc<[Key]>);

impl Waiting {
    fn place(&self) -> Option<Place> {
        Some((self.maker?, Arc::clone(&self.inputs)))
    }
}

/// Bytes that are needed for a result that waits beside its value: what is known of it, its places
/// in the tables, and those of an input.
const EACH: u64 = 2 * size_of::<Waiting>() as u64 + 256;

/// All of them, in the order in which they came. What is done for one does not depend on how many
/// there are.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    numbers: ByKey<u64>,
    /// What an output of a node made of the same inputs last.
    latest: HashMap<Place, Key>,
    /// What is made from what: an input, and the number of a result.
    made_from: BTreeSet<(Key, u64)>,
    /// The result that is being written.
    pub(crate) writing: Option<Key>,
    /// What keeps other processes from making results of these keys: others find them only once
    /// they are written.
    pub(crate) claims: ByKey<Claimed>,
    /// Bytes of all; no value may say so many that this overflows.
    bytes: u128,
    /// How long they wait.
    pub(crate) delay: Option<Duration>,
    /// How many came so far, and how many of these are done with, be they written or not.
    pub(crate) came: u64,
    pub(crate) done: u64,
    /// How many wait for all to be written.
    pub(crate) flushing: usize,
    pub(crate) is_ending: bool,
    /// How many were not written because there was no room to wait.
    pub(crate) unwritten: u64,
    /// What panicked while it was written.
    pub(crate) faults: Vec<Fault>,
    /// What had to go that nobody has been told of.
    pub(crate) evicted: Vec<Evicted>,
}

impl Queue {
    pub(crate) fn find(&self, key: &Key) -> Option<&Waiting> {
        self.waiting.get(self.numbers.get(key)?)
    }

    /// What waits longest.
    pub(crate) fn first(&self) -> Option<&Waiting> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting)
    }

    /// Lets a result wait, if it does not yet and all that waits takes `most` bytes then, or if it
    /// is the only one.
    pub(crate) fn push(&mut self, waiting: Waiting, most: u64) {
        if self.numbers.contains_key(&waiting.key) {
            return;
        }
        let bytes = self.bytes + u128::from(waiting.bytes) + u128::from(EACH);
        if !self.waiting.is_empty() && bytes > most.into() {
            self.unwritten += 1;
            return;
        }
        self.bytes = bytes;
        self.made_from.extend(waiting.inputs.iter().map(|input| (*input, self.came)));
        if let Some(place) = waiting.place() {
            self.latest.insert(place, waiting.key);
        }
        self.numbers.insert(waiting.key, self.came);
        self.waiting.insert(self.came, waiting);
        self.came += 1;
    }

    /// Takes out what waits longest, which is to be written.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let key = self.first()?.key;
        self.take(&key)
    }

    /// Takes out what is not to be written.
    pub(crate) fn give_up(&mut self, key: &Key) -> Option<Waiting> {
        let waiting = self.take(key)?;
        self.done += 1;
        self.claims.remove(key);
        Some(waiting)
    }

    /// Gives up all of which that is true.
    pub(crate) fn give_up_all(&mut self, is_wanted: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let wanted = self.waiting.values().filter(|waiting| is_wanted(waiting));
        let keys: Vec<Key> = wanted.map(|waiting| waiting.key).collect();
        keys.iter().filter_map(|key| self.give_up(key)).collect()
    }

    /// Gives up what the same output made of the same inputs before, and what was made from that: a
    /// parameter has another value by now.
    pub(crate) fn replace(&mut self, newer: &Waiting) -> Vec<Waiting> {
        let mut replaced = Vec::new();
        let Some(place) = newer.place() else { return replaced };
        let older = self.latest.get(&place).copied();
        let mut keys: Vec<Key> = older.into_iter().filter(|key| *key != newer.key).collect();
        while let Some(key) = keys.pop() {
            let Some(waiting) = self.give_up(&key) else { continue };
            let made = waiting.made;
            let numbers = self.made_from.range((made, 0)..=(made, u64::MAX));
            let readers = numbers.filter_map(|(_, number)| self.waiting.get(number));
            keys.extend(readers.map(|reader| reader.key));
            replaced.push(waiting);
        }
        replaced
    }

    fn take(&mut self, key: &Key) -> Option<Waiting> {
        let number = self.numbers.remove(key)?;
        let waiting = self.waiting.remove(&number)?;
        self.bytes -= u128::from(waiting.bytes) + u128::from(EACH);
        for input in waiting.inputs.iter() {
            self.made_from.remove(&(*input, number));
        }
        if let Some(place) = waiting.place()
            && self.latest.get(&place) == Some(key)
        {
            self.latest.remove(&place);
        }
        Some(waiting)
    }
}
