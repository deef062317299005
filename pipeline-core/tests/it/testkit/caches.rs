//! Caches that keep the contract, and caches that each break one part of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Evicted, Hit, Origin, Tier};
use pipeline_core::testkit::{CountingCache, cache};
use pipeline_core::{Key, Value};

use super::refuses;

#[test]
fn a_cache_that_keeps_everything_passes() {
    cache::check(CountingCache::default);
    cache::check(|| Arc::new(CountingCache::default()));
}

/// What is wrong with a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    KeepsNothing,
    KeepsOne,
    ShortKeys,
    ContainsAll,
    ForgetsWhenRead,
    EvictsStrangers,
    Overflows,
    SwapsWhenFull,
    AddsTimes,
}

#[derive(Debug)]
struct Faulty {
    wrong: Wrong,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    values: HashMap<Key, Value>,
    order: Vec<Key>,
    bytes: usize,
    spent: Duration,
}

impl Faulty {
    fn new(wrong: Wrong) -> Self {
        Self { wrong, state: Mutex::default() }
    }

    fn key(&self, key: &Key) -> Key {
        let mut bytes = *key.as_bytes();
        if self.wrong == Wrong::ShortKeys {
            bytes[16..].fill(0);
        }
        Key::from_bytes(bytes)
    }
}

impl Cache for Faulty {
    fn get(&self, key: &Key) -> Option<Hit> {
        let key = self.key(key);
        let mut state = self.state.lock();
        let value = match self.wrong {
            Wrong::ForgetsWhenRead => state.values.remove(&key)?,
            Wrong::KeepsOne => state.values.values().next()?.clone(),
            _ => state.values.get(&key)?.clone(),
        };
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        let key = self.key(&key);
        let mut state = self.state.lock();
        match self.wrong {
            Wrong::KeepsNothing => return Vec::new(),
            Wrong::Overflows => state.bytes = state.bytes.strict_add(value.size_bytes()),
            Wrong::AddsTimes => state.spent += origin.time,
            _ => {}
        }
        if state.values.insert(key, value.clone()).is_none() {
            state.order.push(key);
        }
        if state.order.len() <= 32 {
            return Vec::new();
        }
        let oldest = state.order.remove(0);
        let value = state.values.remove(&oldest).unwrap();
        if self.wrong == Wrong::SwapsWhenFull {
            let next = state.order[0];
            state.values.insert(next, value);
        }
        let stranger = Key::from_bytes([1; 32]);
        let key = if self.wrong == Wrong::EvictsStrangers { stranger } else { oldest };
        vec![Evicted { key, bytes: 1, tier: Tier::Memory }]
    }

    fn contains(&self, key: &Key) -> bool {
        self.wrong == Wrong::ContainsAll || self.state.lock().values.contains_key(&self.key(key))
    }
}

#[test]
fn each_fault_of_a_cache_is_found() {
    let check = |wrong| cache::check(|| Faulty::new(wrong));
    check(Wrong::Nothing);
    let faults = [
        (Wrong::KeepsNothing, "a small value is not found right after"),
        (Wrong::KeepsOne, "but get finds it"),
        (Wrong::ShortKeys, "a key that differs in byte 16 is found"),
        (Wrong::ContainsAll, "contains says true"),
        (Wrong::ForgetsWhenRead, "gone or changed after it was found once"),
        (Wrong::EvictsStrangers, "is thrown out but was never put"),
        (Wrong::Overflows, "put of"),
        (Wrong::SwapsWhenFull, "another value than was put is found"),
        (Wrong::AddsTimes, "put of"),
    ];
    for (wrong, text) in faults {
        refuses(text, || check(wrong));
    }
}

/// Keeps what the last caller put beside its key for a moment: right for one thread only.
#[derive(Debug, Default)]
struct Hasty {
    last: Mutex<Option<(Key, Value)>>,
    staged: Mutex<Option<Value>>,
}

impl Cache for Hasty {
    fn get(&self, key: &Key) -> Option<Hit> {
        let last = self.last.lock().clone();
        let value = last.filter(|(last, _)| last == key)?.1;
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        *self.staged.lock() = Some(value.clone());
        std::thread::yield_now();
        *self.last.lock() = self.staged.lock().clone().map(|value| (key, value));
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.last.lock().as_ref().is_some_and(|(last, _)| last == key)
    }
}

#[test]
fn a_race_of_two_puts_is_found() {
    refuses("four threads at once", || {
        // A race is lost sooner or later.
        (0..1000).for_each(|_| cache::check(Hasty::default));
    });
}
