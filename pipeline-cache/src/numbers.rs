//! Where keys are found.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use lru::LruCache;
use pipeline_core::Key;

use crate::history::Number;
use crate::key_state::KeyState;
use crate::memory::Policy;

type State = BuildHasherDefault<KeyState>;

/// Where a key is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) number: Number,
    /// The request that asked for it last, as far as its history was told.
    pub(crate) asked: u32,
}

/// All keys that anything is known of.
pub(crate) enum Numbers {
    /// By worth nobody asks which was used last, and to keep an order would touch other keys.
    Unordered(HashMap<Key, Known, State>),
    /// In the order of last use.
    Ordered(LruCache<Key, Known, State>),
}

impl Numbers {
    /// Bytes of each: a node with key, number and two links, its header in the allocator, and the
    /// table's slots, of which there is at the lowest load a bit more than twice as many as keys.
    /// Without an order there are slots alone, which takes less.
    pub(crate) const EACH: usize =
        size_of::<Key>() + 5 * size_of::<usize>() + 5 * (2 * size_of::<usize>() + 1) / 2;

    pub(crate) fn new(policy: Policy) -> Self {
        match policy {
            Policy::Worth => Self::Unordered(HashMap::default()),
            Policy::LeastRecent => Self::Ordered(LruCache::unbounded_with_hasher(State::default())),
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<&Known> {
        match self {
            Self::Unordered(numbers) => numbers.get(key),
            Self::Ordered(numbers) => numbers.peek(key),
        }
    }

    /// The same, and it counts as a use.
    pub(crate) fn ask(&mut self, key: &Key) -> Option<&mut Known> {
        match self {
            Self::Unordered(numbers) => numbers.get_mut(key),
            Self::Ordered(numbers) => numbers.get_mut(key),
        }
    }

    pub(crate) fn insert(&mut self, key: Key, known: Known) {
        match self {
            Self::Unordered(numbers) => drop(numbers.insert(key, known)),
            Self::Ordered(numbers) => drop(numbers.put(key, known)),
        }
    }

    pub(crate) fn forget(&mut self, key: &Key) {
        match self {
            Self::Unordered(numbers) => drop(numbers.remove(key)),
            Self::Ordered(numbers) => drop(numbers.pop(key)),
        }
    }

    /// All of them, what was used last first if there is an order.
    pub(crate) fn all(&self) -> Box<dyn Iterator<Item = (&Key, &Known)> + '_> {
        match self {
            Self::Unordered(numbers) => Box::new(numbers.iter()),
            Self::Ordered(numbers) => Box::new(numbers.iter()),
        }
    }

    /// What was used longest ago of what there is of that kind, if there is an order.
    pub(crate) fn oldest(&self, is_such: impl Fn(Number) -> bool) -> Option<Number> {
        let Self::Ordered(numbers) = self else { return None };
        numbers.iter().rev().map(|(_, known)| known.number).find(|&number| is_such(number))
    }
}
