//! Results on disk.
//!
//! ```text
//! root/
//!   CACHEDIR.TAG     for programs that make backups
//!   VERSION          which layout this is
//!   lock             shared while a result is published, alone while one is thrown out
//!   records/         segments of records: which result has which value; small values themselves
//!   blobs/ab/cd…     large values by the digest of their bytes
//!   unfinished/      what is being written
//!   claims/          locked by those who make a result
//! ```

mod blobs;
mod claims;
mod evict;
mod find;
mod index;
mod layout;
mod lock;
mod mapped;
mod packed;
mod publish;
mod record;
mod segments;
mod speed;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Claim, Claimed, Evicted, Fault, Hit, Origin, Tier};
use pipeline_core::data::DataType;
use pipeline_core::key::KeyHasher;
use pipeline_core::{Key, Value};

pub use self::layout::OpenError;

use self::blobs::Blobs;
pub(crate) use self::claims::Held;
use self::claims::{Asked, Claims};
use self::index::{Form, Index, Slot, Stored};
use self::lock::Lock;
use self::segments::Segments;
use self::speed::Speed;
use crate::codecs::Codecs;

/// Encoded values below this many bytes are kept beside their records.
const SMALL: usize = 64 << 10;

/// Faults that are kept for whoever asks for them.
const FAULTS: usize = 1000;

/// How a [`DiskCache`] is kept.
#[derive(Debug, Clone)]
pub struct DiskOptions {
    /// Bytes of all values together, and 256 for each; default 20 GiB.
    pub budget: u64,
    /// The types that are taken; default images, masks, labels and stacks. Others join by
    /// [`Codecs::with`], as the tables of `pipeline-ops`.
    pub codecs: Codecs,
    /// What survives what; default [`Durability::Process`].
    pub durability: Durability,
    /// What is stored in fewer bytes; default [`Compression::WherePays`].
    pub compression: Compression,
    /// Whether values of 1 MiB and more are read where they lie; default yes. A file that somebody
    /// cuts off while it is mapped ends the process that reads it: where others than caches write
    /// into the directory, or its disk may be taken away, `false` reads all values into memory.
    pub maps: bool,
}

/// What is stored in fewer bytes than it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Values of integers of 64 KiB and more, as masks, labels, and images and stacks of u8 and
    /// u16, where their first part becomes two thirds as long or shorter. They are read at one to
    /// five gigabytes per second, instead of where they lie.
    #[default]
    WherePays,
    /// Nothing.
    Nothing,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self {
            budget: 20 << 30,
            codecs: Codecs::default(),
            durability: Durability::default(),
            compression: Compression::default(),
            maps: true,
        }
    }
}

/// What a result that was taken in survives. A damaged one is never served, whatever happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The end of the process at any moment. After a loss of power, results of the last seconds may
    /// be missing or damaged, and are made again.
    #[default]
    Process,
    /// A loss of power as well: each result waits for the disk.
    Power,
}

/// Results in a directory, under a byte budget.
///
/// Several processes may share one. A result that one of them makes the others wait for, by locks
/// that end with a process; ten minutes at the most. Values of 1 MiB and more are mapped, unless
/// they are compressed or [`maps`](DiskOptions::maps) says no: they are read where they lie,
/// without a copy. What is read for the first
/// time is held to its digest; a result that is damaged counts as one that is not there, is
/// removed, and is reported by [`take_faults`](Cache::take_faults).
///
/// The directory must be on a file system of this machine, which locks files. The files belong to
/// the cache: nobody else may write into them or cut them off. To remove some, or the directory, is
/// fine at any time. Beside the values there are records, which may take as much again where values
/// are small.
pub struct DiskCache {
    root: PathBuf,
    lock: Lock,
    blobs: Blobs,
    claims: Claims,
    options: DiskOptions,
    speed: Speed,
    state: Mutex<State>,
}

struct State {
    budget: u64,
    index: Index,
    segments: Segments,
    stats: DiskStats,
    faults: Vec<Fault>,
    /// Values that this program cannot read, though they are whole.
    unreadable: HashSet<Form>,
    refreshed: Instant,
    /// Whether files that no record tells of were looked for.
    is_swept: bool,
}

/// One stored result, as [`DiskCache::entries`] lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskEntry {
    /// The key.
    pub key: Key,
    /// The step that made it.
    pub step: Arc<str>,
    /// Bytes that it takes. Values that are the same have one file, which is in every entry.
    pub bytes: u64,
    /// The time it took to make.
    pub time: Duration,
}

/// What a [`DiskCache`] has done and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct DiskStats {
    /// Results that were found.
    pub hits: u64,
    /// Results that were looked for in vain.
    pub misses: u64,
    /// Results that were written, with those of which only what they go by is.
    pub puts: u64,
    /// Results that were thrown out for the budget.
    pub evictions: u64,
    /// Results that were damaged.
    pub damaged: u64,
    /// Results that there are, with those of which only what they go by is.
    pub entries: u64,
    /// Bytes that count for the budget.
    pub bytes: u64,
    /// Bytes that there may be.
    pub budget: u64,
    /// The time that steps took whose results were found.
    pub saved: Duration,
}

impl fmt::Debug for DiskCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskCache").field("root", &self.root).finish_non_exhaustive()
    }
}

impl DiskCache {
    /// The cache in this directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError`] if it can be neither made nor read nor locked, holds something else, or was
    /// made by a version of this library whose layout is another one.
    pub fn open(root: impl Into<PathBuf>, options: DiskOptions) -> Result<Self, OpenError> {
        let root = root.into();
        layout::prepare(&root)?;
        let state = State {
            budget: options.budget,
            index: Index::default(),
            segments: Segments::new(&root, options.budget),
            stats: DiskStats::default(),
            faults: Vec::new(),
            unreadable: HashSet::new(),
            refreshed: Instant::now(),
            is_swept: false,
        };
        let (lock, blobs, claims) =
            (Lock::new(&root), Blobs::new(&root, options.maps), Claims::new(&root));
        let (speed, state) = (Speed::default(), Mutex::new(state));
        let cache = Self { root, lock, blobs, claims, options, speed, state };
        cache.refresh(&mut cache.state.lock());
        cache.tidy();
        Ok(cache)
    }

    /// What it has done and what it holds.
    #[must_use]
    pub fn stats(&self) -> DiskStats {
        let state = self.state.lock();
        let (entries, bytes) = (state.index.len() as u64, state.index.bytes());
        DiskStats { entries, bytes, budget: state.budget, ..state.stats }
    }

    /// What it holds, in no order. Where a type is not kept, or a file is remembered, that is an
    /// entry without bytes under a key of its own.
    #[must_use]
    pub fn entries(&self) -> Vec<DiskEntry> {
        let mut state = self.state.lock();
        self.refresh(&mut state);
        let entry = |(slot, stored): (&Slot, &Stored)| DiskEntry {
            key: slot.key,
            step: Arc::clone(&stored.step),
            bytes: stored.len,
            time: Duration::from_nanos(stored.nanos),
        };
        state.index.iter().map(entry).collect()
    }

    /// Changes the budget for this process, and says what had to go for it. Others on the directory
    /// keep to theirs.
    pub fn resize(&self, budget: u64) -> Vec<Evicted> {
        let mut state = self.state.lock();
        state.budget = budget;
        let is_over = state.index.bytes() > budget;
        drop(state);
        // There is no newest that would have to stay.
        if is_over { self.make_room(budget, None) } else { Vec::new() }
    }

    /// Throws out the result under `key`, for all processes: those that know of it hear of that
    /// when they look for what they do not know. Returns whether there was one.
    ///
    /// For people who look into what a step does; results never have to be thrown out to be right.
    ///
    /// # Errors
    /// What the system says if the directory cannot be locked, or if what went cannot be written
    /// down: then it is gone for this process, and the small ones come back with a restart.
    pub fn purge(&self, key: &Key) -> io::Result<bool> {
        // What the result goes by is thrown out with it: whatever is made next goes by its own.
        let name = name_of(key);
        Ok(!self.throw_out(|other, _| other == key || *other == name)?.is_empty())
    }

    /// Throws out all results that steps of this name have made. Returns how many there were.
    ///
    /// # Errors
    /// As [`purge`](Self::purge).
    pub fn purge_step(&self, name: &str) -> io::Result<usize> {
        Ok(self.throw_out(|_, stored| *stored.step == *name)?.len())
    }

    /// Throws out everything. Returns how many results there were.
    ///
    /// # Errors
    /// As [`purge`](Self::purge).
    pub fn clear(&self) -> io::Result<usize> {
        Ok(self.throw_out(|_, _| true)?.len())
    }

    /// Something that went wrong in the directory.
    pub(crate) fn fault_of(&self, what: impl Into<String>) -> Fault {
        Fault { path: self.root.clone(), what: what.into() }
    }

    fn fault(&self, what: impl Into<String>) {
        self.state.lock().fault(self.root.clone(), what.into());
    }
}

/// What comes of asking for a claim.
pub(crate) enum Ask {
    /// It is here.
    Made,
    /// Somebody else is at it.
    Elsewhere,
    /// Whoever asked makes it; without a claim where files cannot be locked.
    Mine(Option<Held>),
}

impl DiskCache {
    /// Claims a result that nobody else is making.
    pub(crate) fn ask(&self, key: &Key) -> Ask {
        match self.claims.ask(key) {
            // Somebody else may have written it all the same.
            Ok(Asked::Elsewhere) if self.contains(key) => Ask::Made,
            Ok(Asked::Elsewhere) => Ask::Elsewhere,
            Ok(Asked::Claimed(held)) => {
                // Who had the claim before has written it by now.
                let mut state = self.state.lock();
                if state.index.get(key).is_none() {
                    self.refresh(&mut state);
                }
                let is_there = self.look(&mut state, key).is_some();
                if is_there { Ask::Made } else { Ask::Mine(Some(held)) }
            }
            Err(_) => Ask::Mine(None),
        }
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let untold = state.index.untold();
        // There is nobody to tell of an error, and nothing is lost but an order.
        let _ = state.tell_used(&untold);
    }
}

impl State {
    fn fault(&mut self, path: PathBuf, what: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { path, what });
        }
    }
}

impl Cache for DiskCache {
    fn get(&self, key: &Key) -> Option<Hit> {
        let found = self.find(key)?;
        Some(Hit { value: found.value, tier: Tier::Disk })
    }

    /// Of a value of a type that is not written, what it goes by is.
    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        if self.takes(value) {
            return self.take_in(key, value, &origin);
        }
        match origin.identity {
            Some(identity) if identity != key => {
                self.take_in(name_of(&key), &Value::new(()), &origin)
            }
            _ => Vec::new(),
        }
    }

    fn contains(&self, key: &Key) -> bool {
        self.look(&mut self.state.lock(), key).is_some()
    }

    fn identity(&self, key: &Key) -> Option<Key> {
        let state = &mut self.state.lock();
        if let Some(known) = self.look(state, key) {
            return known.identity;
        }
        self.look(state, &name_of(key))?.identity
    }

    /// A result without bytes, of a step that is called `file`.
    fn remember(&self, name: Key, identity: Key, time: Duration) {
        match self.identity(&name) {
            Some(before) if before == identity => return,
            Some(_) => {
                if let Err(error) = self.purge(&name) {
                    return self.fault(error.to_string());
                }
            }
            None => {}
        }
        let identity = Some(identity);
        self.put(
            name,
            &Value::new(()),
            Origin { step: "file", time, identity, ..Origin::default() },
        );
    }

    fn keeps(&self, data: DataType) -> bool {
        self.options.codecs.takes(data)
    }

    fn claim(&self, key: &Key, _: u64) -> Claim {
        match self.ask(key) {
            Ask::Made => Claim::Made,
            Ask::Elsewhere => Claim::Elsewhere,
            Ask::Mine(held) => Claim::Mine(held.map_or_else(Claimed::default, Claimed::new)),
        }
    }

    /// The first thousand faults since the last call.
    fn take_faults(&self) -> Vec<Fault> {
        std::mem::take(&mut self.state.lock().faults)
    }
}

/// The key under which is kept what a result goes by that is not written itself.
pub(crate) fn name_of(key: &Key) -> Key {
    KeyHasher::result().text("identity").key(key).finish()
}

/// Seconds since 1970, by a clock that may jump.
fn now() -> u64 {
    #[cfg(test)]
    if let Some(now) = tests::CLOCK.get() {
        return now;
    }
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

#[cfg(test)]
mod tests {
    use pipeline_core::Image;
    use pipeline_core::key::KeyHasher;

    use super::*;

    thread_local! {
        /// What the clock says to this thread, if it is not that of the system.
        pub(super) static CLOCK: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
    }

    #[test]
    fn what_a_clock_of_the_future_wrote_grows_old() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DiskCache::open(folder.path(), DiskOptions::default()).unwrap();
        let [future, present] = [1, 2].map(|number| KeyHasher::result().number(number).finish());
        let origin = Origin { step: "made", time: Duration::from_secs(1), ..Origin::default() };
        CLOCK.set(Some(4_000_000_000));
        open().put(future, &Value::new(()), origin);
        CLOCK.set(Some(1_000_000_000));
        let cache = open();
        cache.put(present, &Value::new(()), origin);
        assert_eq!(cache.state.lock().index.get(&future).unwrap().used, 1_000_000_000);
        CLOCK.set(Some(1_000_100_000));
        assert!(cache.get(&present).is_some());
        let order = cache.state.lock().index.cheapest(now(), |_| 0.0);
        assert_eq!(order, [future, present].map(Slot::own));
    }

    #[test]
    fn when_a_result_was_used_is_known_after_restarts_and_when_records_have_moved() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DiskCache::open(folder.path(), DiskOptions::default()).unwrap();
        let [often, once] = [1, 2].map(|number| KeyHasher::result().number(number).finish());
        let origin = Origin { step: "made", time: Duration::from_secs(1), ..Origin::default() };
        let cache = open();
        for key in [often, once] {
            cache.put(key, &Value::new(()), origin);
        }
        drop(cache);
        let used = |cache: &DiskCache| {
            let state = cache.state.lock();
            [often, once].map(|key| state.index.get(&key).unwrap().used)
        };
        let [before, _] = used(&open());
        let later = before + 1000;
        CLOCK.set(Some(later));
        assert!(open().get(&often).is_some());
        assert_eq!(used(&open()), [later, before]);
        // Each leaves a file of records, until they become one.
        for number in 0..100u64 {
            let cache = open();
            cache.put(KeyHasher::result().number(1000 + number).finish(), &Value::new(()), origin);
        }
        let cache = open();
        assert!(cache.state.lock().segments.count() < 100);
        assert_eq!(used(&cache), [later, before]);
        let order = cache.state.lock().index.cheapest(later, |_| 0.0);
        let place = |wanted| order.iter().position(|slot| *slot == Slot::own(wanted));
        assert!(place(often) > place(once));
    }

    #[test]
    fn what_files_go_by_stays_while_results_go() {
        let folder = tempfile::tempdir().unwrap();
        let options = DiskOptions { budget: 64 << 10, ..DiskOptions::default() };
        let cache = DiskCache::open(folder.path(), options).unwrap();
        let key = |number: u64| KeyHasher::result().number(number).finish();
        cache.remember(key(0), key(1), Duration::from_millis(20));
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        let origin = Origin { step: "made", time: Duration::from_millis(20), ..Origin::default() };
        for number in 2..200u64 {
            let value =
                Image::from_samples(64, 64, 1, (0..4096).map(|_| noise()).collect::<Vec<u8>>());
            cache.put(key(number), &Value::new(value.unwrap()), origin);
        }
        assert!(cache.stats().evictions > 50);
        assert_eq!(cache.identity(&key(0)), Some(key(1)));
    }
}
