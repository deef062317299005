//! Results that wait to be written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_core::cache::{Evicted, Fault, Maker};
use pipeline_core::{Key, Value};

use crate::disk::Held;
use crate::key_state::KeyState;

/// How long a result waits for one that takes its place, if nothing else is said.
const SETTLED: Duration = Duration::from_millis(500);

/// The most results of which it is known that they went and nobody was told.
const TOLD: usize = 1000;

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
    /// Bytes that it takes while it waits.
    fn bytes(&self) -> u128 {
        u128::from(self.bytes) + u128::from(EACH)
    }

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
    /// The result that is being written, and its number.
    pub(crate) writing: Option<(Key, u64)>,
    /// What keeps other processes from making results of these keys: others find them only once
    /// they are written.
    pub(crate) claims: ByKey<Held>,
    /// Bytes of all; no value may say so many that this overflows.
    bytes: u128,
    /// How long they wait.
    pub(crate) delay: Option<Duration>,
    /// How many came so far, which is the number of the next.
    pub(crate) came: u64,
    /// Whose result took the place of another one last, and when it last made one, be the other
    /// still there or not.
    moving: Option<Place>,
    edited: Option<Instant>,
    /// Whether more came than may wait: nothing waits for others then that take its place.
    pub(crate) is_short: bool,
    /// How many wait for all to be written.
    pub(crate) flushing: usize,
    pub(crate) is_ending: bool,
    /// How many were not written because there was no room to wait, and how many of these nobody
    /// was told of.
    pub(crate) unwritten: u64,
    pub(crate) untold: u64,
    /// What panicked while it was written.
    pub(crate) faults: Vec<Fault>,
    /// What had to go that nobody has been told of.
    pub(crate) evicted: Vec<Evicted>,
}

impl Queue {
    /// Takes note of what had to go, to be told with the next result that comes.
    pub(crate) fn tell(&mut self, gone: Vec<Evicted>) {
        let room = TOLD.saturating_sub(self.evicted.len());
        self.evicted.extend(gone.into_iter().take(room));
    }

    pub(crate) fn find(&self, key: &Key) -> Option<&Waiting> {
        self.waiting.get(self.numbers.get(key)?)
    }

    /// What waits longest.
    pub(crate) fn first(&self) -> Option<&Waiting> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting)
    }

    /// How long results wait for others that take their place.
    pub(crate) fn delay(&self) -> Duration {
        self.delay.unwrap_or(SETTLED)
    }

    /// Lets a result wait, if it does not yet. Where all that waits takes more than `most` bytes
    /// then, what waits longest is due at once, or goes: of a chain the last results are those that
    /// spare making the others. Returns what is not to be written.
    pub(crate) fn push(&mut self, waiting: Waiting, most: u64) -> Vec<Waiting> {
        let mut gone = Vec::new();
        if self.numbers.contains_key(&waiting.key) {
            return gone;
        }
        let bytes = waiting.bytes();
        while let Some((key, first)) = self.first().map(|first| (first.key, first.bytes()))
            && self.bytes + bytes > most.into()
        {
            // While a parameter is being moved nothing is written: more is about to be replaced.
            let is_edited = self.edited.is_some_and(|when| when.elapsed() < self.delay());
            self.is_short |= !is_edited;
            let is_next = !is_edited && self.writing.is_none();
            if is_next && self.bytes - first + bytes <= most.into() {
                break;
            }
            gone.extend(self.give_up(&key));
            self.unwritten += 1;
            self.untold += u64::from(!is_edited);
        }
        self.bytes += bytes;
        self.made_from.extend(waiting.inputs.iter().map(|input| (*input, self.came)));
        if let Some(place) = waiting.place() {
            self.latest.insert(place, waiting.key);
        }
        self.numbers.insert(waiting.key, self.came);
        self.waiting.insert(self.came, waiting);
        self.came += 1;
        gone
    }

    /// Takes out what waits longest, which is being written from here on.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let key = self.first()?.key;
        self.begin(&key)
    }

    /// Takes out what another process waits for, which is being written from here on.
    pub(crate) fn pop_wanted(&mut self) -> Option<Waiting> {
        let waits = |key: &Key| self.numbers.contains_key(key);
        let wanted = self.claims.iter().find(|(key, held)| waits(key) && held.is_wanted());
        let key = *wanted?.0;
        self.begin(&key)
    }

    fn begin(&mut self, key: &Key) -> Option<Waiting> {
        self.writing = Some((*key, *self.numbers.get(key)?));
        let begun = self.take(key);
        // Until nothing waits, what comes is not kept waiting.
        self.is_short &= !self.waiting.is_empty();
        begun
    }

    /// Whether a result of this key is being written.
    pub(crate) fn is_writing(&self, key: &Key) -> bool {
        self.writing.is_some_and(|(writing, _)| writing == *key)
    }

    /// Whether all that came before a number is written, or will not be.
    pub(crate) fn is_done_before(&self, number: u64) -> bool {
        let waiting = self.waiting.keys().next().copied();
        let writing = self.writing.map(|(_, number)| number);
        waiting.into_iter().chain(writing).all(|earliest| earliest >= number)
    }

    /// Takes out what is not to be written.
    pub(crate) fn give_up(&mut self, key: &Key) -> Option<Waiting> {
        let waiting = self.take(key)?;
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
        if !replaced.is_empty() {
            self.moving = Some(place);
        } else if self.moving.as_ref() != Some(&place) {
            return replaced;
        }
        self.edited = Some(newer.since);
        replaced
    }

    fn take(&mut self, key: &Key) -> Option<Waiting> {
        let number = self.numbers.remove(key)?;
        let waiting = self.waiting.remove(&number)?;
        self.bytes -= waiting.bytes();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: u8) -> Waiting {
        let key = Key::from_bytes([number; 32]);
        Waiting {
            key,
            made: key,
            value: Value::new(()),
            step: "made".into(),
            time: Duration::from_secs(1),
            inputs: Arc::new([]),
            maker: None,
            identity: None,
            bytes: 0,
            since: Instant::now(),
        }
    }

    #[test]
    fn what_goes_does_not_stand_for_what_is_being_written() {
        let mut queue = Queue::default();
        queue.push(waiting(1), u64::MAX);
        let came = queue.came;
        assert!(queue.pop().is_some() && !queue.is_done_before(came));
        queue.push(waiting(2), u64::MAX);
        assert!(queue.give_up(&waiting(2).key).is_some());
        assert!(!queue.is_done_before(came), "the first is not written yet");
        queue.writing = None;
        assert!(queue.is_done_before(came) && queue.is_done_before(queue.came));
    }
}
