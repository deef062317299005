//! The seam for where results live.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::data::{DataType, Value};
use crate::id::NodeId;
use crate::key::Key;

/// A store of results by key.
///
/// # Contract
///
/// Called from any thread, often from many at once. The planner begins a request and gets every
/// result that a run needs; the executor, before it starts a step, asks whether the result has come
/// to be meanwhile, gets it only if so, claims what it makes, and puts the results of every pure
/// step that it ran; of steps that ran as one, that of the last. An implementation
///
/// - returns from `get` exactly the value that was put under that key, or nothing; losing a value
///   is always allowed, a wrong one never,
/// - takes a value whole or not at all; the last of two puts under one key may win or lose, since
///   both carry the same result,
/// - is quick: `contains` reads no pixels, and in memory neither does `get`, nor does `put` copy
///   any. The thread of a step waits for it, and so do other threads that look something up,
/// - never calls back into the engine, and never panics. What it panics at the executor takes for
///   missed, not kept or not there, and goes on; a warning of the next run that has a listener
///   tells what the panic said.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use pipeline_core::cache::{Cache, Evicted, Hit, Origin, Tier};
/// use pipeline_core::{Key, Value};
///
/// /// Keeps everything for ever.
/// #[derive(Debug, Default)]
/// struct Hoard(Mutex<HashMap<Key, Value>>);
///
/// impl Cache for Hoard {
///     fn get(&self, key: &Key) -> Option<Hit> {
///         let value = self.0.lock().ok()?.get(key)?.clone();
///         Some(Hit { value, tier: Tier::Memory })
///     }
///
///     fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
///         if let Ok(mut values) = self.0.lock() {
///             values.insert(key, value.clone());
///         }
///         Vec::new()
///     }
///
///     fn contains(&self, key: &Key) -> bool {
///         self.0.lock().is_ok_and(|values| values.contains_key(key))
///     }
/// }
/// ```
pub trait Cache: std::fmt::Debug + Send + Sync {
    /// A request begins: what is asked for from here on is for another plan.
    ///
    /// For caches that count time in requests. An edit is one, and so is an item of a batch.
    fn begin(&self) {}

    /// The value under `key`, if it is here.
    fn get(&self, key: &Key) -> Option<Hit>;

    /// Keeps a value, and says what had to go for it.
    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted>;

    /// Whether `get` would find the key, without counting as a use.
    fn contains(&self, key: &Key) -> bool;

    /// What the result of a key goes by in the keys of those below it, if a value was put with that
    /// which is here, or of which only that was kept. The planner asks for results whose content
    /// decides: what is known here need not be digested again.
    fn identity(&self, _key: &Key) -> Option<Key> {
        None
    }

    /// Keeps what a name of somebody else's goes by: `identity` tells it from then on. The planner
    /// names the states of files, so that other processes need not read what has not changed; to
    /// find out took so long. What was remembered before under that name is wrong.
    fn remember(&self, _name: Key, _identity: Key, _time: Duration) {}

    /// Whether values of a type are kept at all. Results of others are claimed by nobody, and go by
    /// how they were made and not by their content, unless their step says [`CutOff::Always`].
    ///
    /// [`CutOff::Always`]: crate::step::CutOff::Always
    fn keeps(&self, _data: DataType) -> bool {
        true
    }

    /// Asks to make the result of a key, so that nobody who shares the store makes it meanwhile.
    ///
    /// The executor asks before a step runs whose result is not here, and puts what came of it
    /// before it drops the claim. All that the step makes is expected to take `bytes`: a store with
    /// a budget makes room for them before they are there, and `put` says what had to go. Of a step
    /// with several outputs the key is that of the first that is not there. Runs inside a step do
    /// not ask.
    ///
    /// Returns at once. What [`Claim::Elsewhere`] is said of is asked for again a little later; an
    /// implementation sees to it that nobody waits for ever.
    fn claim(&self, _key: &Key, _bytes: u64) -> Claim {
        Claim::default()
    }

    /// What went wrong since this was asked last. The executor asks at the end of a run that
    /// somebody listens to, and tells of each as a warning.
    fn take_faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// Something that went wrong in a cache, and cost nothing but time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file or the folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

/// Who makes a result.
#[derive(Debug)]
pub enum Claim {
    /// Whoever asked; others wait until what is inside is dropped.
    Mine(Claimed),
    /// Somebody else, who is at it.
    Elsewhere,
    /// Nobody any more: it is here by now.
    Made,
}

impl Default for Claim {
    /// Whoever asks.
    fn default() -> Self {
        Self::Mine(Claimed::default())
    }
}

/// What keeps others from making a result, until it is dropped.
#[derive(Default)]
pub struct Claimed(Option<Box<dyn Send + Sync>>);

impl Claimed {
    /// Ends when `held` is dropped.
    #[must_use]
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(held)))
    }
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claimed").field("keeps_others", &self.0.is_some()).finish()
    }
}

/// A value that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The value.
    pub value: Value,
    /// Where it was.
    pub tier: Tier,
}

/// Where a stored result lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tier {
    /// In this process.
    Memory,
    /// On this machine.
    Disk,
    /// With other machines.
    Shared,
}

/// How a value came to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// The name of the step.
    pub step: &'a str,
    /// The time the step ran, with that of all steps that ran as one with it.
    pub time: Duration,
    /// The keys of what it was made from, without what has none: inputs of the graph, results that
    /// are never kept.
    pub inputs: &'a [Key],
    /// What made it, if that has inputs and `inputs` names them all: what it made of the same
    /// inputs before is of another value of a parameter.
    pub maker: Option<Maker>,
    /// What the value goes by in the keys of those below it, where its content may decide that: its
    /// digest, or its own key if it was not digested.
    pub identity: Option<Key>,
}

/// An output of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Maker {
    /// The graph, by its number in this process; a copy of a graph has another one.
    pub graph: u64,
    /// The node.
    pub node: NodeId,
    /// The output.
    pub port: u16,
}

/// A value that had to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evicted {
    /// Its key.
    pub key: Key,
    /// Bytes it kept alive.
    pub bytes: u64,
    /// Where it was.
    pub tier: Tier,
}

#[deny(clippy::missing_trait_methods)]
impl<C: Cache + ?Sized> Cache for Arc<C> {
    fn begin(&self) {
        (**self).begin();
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        (**self).get(key)
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        (**self).put(key, value, origin)
    }

    fn contains(&self, key: &Key) -> bool {
        (**self).contains(key)
    }

    fn identity(&self, key: &Key) -> Option<Key> {
        (**self).identity(key)
    }

    fn remember(&self, name: Key, identity: Key, time: Duration) {
        (**self).remember(name, identity, time);
    }

    fn keeps(&self, data: DataType) -> bool {
        (**self).keeps(data)
    }

    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        (**self).claim(key, bytes)
    }

    fn take_faults(&self) -> Vec<Fault> {
        (**self).take_faults()
    }
}
