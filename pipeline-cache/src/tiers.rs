//! Memory in front of a disk.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use pipeline_core::cache::{Cache, Claim, Claimed, Evicted, Fault, Hit, Origin, Tier};
use pipeline_core::{Key, Value};

use crate::disk::{Ask, DiskCache, name_of};
use crate::memory::MemoryCache;
use crate::waiting::{Queue, Waiting};

/// Results in memory, and behind it on disk.
///
/// A result goes into memory at once, and to the disk by a thread of its own: no step waits for it.
/// Only what pays is written, which is what takes more than twice the time to make as to read.
/// While a parameter is being moved the results of each position take the place of those before,
/// and are written once the next half of a second has brought no others, or as long as
/// [`with_delay`](Self::with_delay) says. What waits takes a quarter of the bytes that the memory
/// may hold, beside it and what is being written, or is a single result. When more comes, what
/// waits longest is written at once; where the disk is too slow for that it is not written at all,
/// which is counted by [`unwritten`](Self::unwritten) and told as a fault.
///
/// What other processes wait for is written at once.
///
/// What is found on the disk is kept in memory too. Dropping the cache writes what waits.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use pipeline_cache::{DiskCache, DiskOptions, MemoryCache, TieredCache};
/// use pipeline_core::{Executor, Options};
///
/// let disk = DiskCache::open("cache", DiskOptions::default())?;
/// let cache = TieredCache::new(MemoryCache::new(2 << 30), disk)?;
/// let executor = Executor::new(Options { cache: Some(Arc::new(cache)), ..Options::default() })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TieredCache {
    memory: MemoryCache,
    disk: Arc<DiskCache>,
    writer: Arc<Writer>,
    thread: Option<JoinHandle<()>>,
}

/// How often the time of reading it has to go into the time of making it.
const WORTH: u32 = 2;

/// Values that wait take at most this part of the bytes that the memory may hold.
const WAITING: u64 = 4;

/// Claims that results which wait to be written keep: each holds a file open. What is beyond them
/// may be made by another process too.
const CLAIMS: usize = 64;

/// How often it is looked whether others wait for what waits.
const LOOKS: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
struct Writer {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl fmt::Debug for TieredCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredCache")
            .field("memory", &self.memory)
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

impl TieredCache {
    /// Both, with a thread that writes.
    ///
    /// # Errors
    /// What the system says if it starts no thread.
    pub fn new(memory: MemoryCache, disk: DiskCache) -> io::Result<Self> {
        let (disk, writer) = (Arc::new(disk), Arc::new(Writer::default()));
        let (behind, shared) = (Arc::clone(&disk), Arc::clone(&writer));
        let thread = std::thread::Builder::new()
            .name("cache-writer".to_owned())
            .spawn(move || shared.write_behind(&behind))?;
        Ok(Self { memory, disk, writer, thread: Some(thread) })
    }

    /// The same cache, in which results wait that long for others that take their place.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        self.writer.queue.lock().delay = Some(delay);
        self.writer.changed.notify_all();
        self
    }

    /// The tier in memory.
    #[must_use]
    pub fn memory(&self) -> &MemoryCache {
        &self.memory
    }

    /// The tier on disk.
    #[must_use]
    pub fn disk(&self) -> &DiskCache {
        &self.disk
    }

    /// Results that were not written because too many were waiting.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.writer.queue.lock().unwritten
    }

    /// Throws the result under `key` out of both tiers. Returns whether there was one.
    ///
    /// # Errors
    /// What the system says if the directory cannot be locked.
    pub fn purge(&self, key: &Key) -> io::Result<bool> {
        let waited = self.writer.forget(|waiting| waiting.made == *key);
        // In this order: what is found on the disk comes into memory.
        let was_on_disk = self.disk.purge(key);
        let was_there = self.memory.purge(key);
        Ok(was_on_disk? || was_there || waited)
    }

    /// Throws all results that steps of this name have made out of both tiers.
    ///
    /// # Errors
    /// What the system says if the directory cannot be locked.
    pub fn purge_step(&self, name: &str) -> io::Result<()> {
        self.writer.forget(|waiting| *waiting.step == *name);
        let purged = self.disk.purge_step(name);
        self.memory.purge_step(name);
        purged.map(|_| ())
    }

    /// Throws out everything.
    ///
    /// # Errors
    /// What the system says if the directory cannot be locked.
    pub fn clear(&self) -> io::Result<()> {
        self.writer.forget(|_| true);
        let cleared = self.disk.clear();
        self.memory.clear();
        cleared.map(|_| ())
    }

    /// Whether a result is in this process.
    fn is_at_hand(&self, key: &Key) -> bool {
        self.memory.contains(key) || self.writer.find(key, |_| ()).is_some()
    }

    /// Bytes that may wait.
    fn most_waiting(&self) -> u64 {
        self.memory.stats().budget / WAITING
    }

    /// Waits until everything that waits by now is written. What could not be, and why, is told by
    /// [`take_faults`](Cache::take_faults), as by the next run.
    pub fn flush(&self) {
        self.writer.flush();
    }
}

impl Drop for TieredCache {
    fn drop(&mut self) {
        self.writer.queue.lock().is_ending = true;
        self.writer.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What values panic with is caught where they are written.
            let _ = thread.join();
        }
    }
}

impl Cache for TieredCache {
    fn begin(&self) {
        self.memory.begin();
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        if let Some(hit) = self.memory.get(key) {
            return Some(hit);
        }
        if let Some(value) = self.writer.find(key, |waiting| waiting.value.clone()) {
            return Some(Hit { value, tier: Tier::Memory });
        }
        let found = self.disk.find(key)?;
        // To lose it costs no more than to read it again.
        let time = found.time.min(self.disk.time_to_read(found.bytes));
        let origin = Origin { step: &found.step, time, ..Origin::default() };
        let evicted = self.memory.keep(*key, &found.value, origin, found.time);
        if !evicted.is_empty() {
            self.writer.queue.lock().tell(evicted);
        }
        Some(Hit { value: found.value, tier: Tier::Disk })
    }

    /// Takes the value into memory, and lets it wait for the disk if it pays to write it.
    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        let mut evicted = self.memory.put(key, value, origin);
        let bytes = value.size_bytes() as u64;
        if origin.time > self.disk.time_to_read(bytes) * WORTH && self.disk.takes(value) {
            self.writer.add(key, (key, value), origin, self.most_waiting());
        } else if origin.identity.is_some() && origin.time > self.disk.time_to_read(0) {
            // What it goes by spares reading what it is made from, which may be large.
            let named = (name_of(&key), &Value::new(()));
            self.writer.add(key, named, origin, self.most_waiting());
        }
        evicted.append(&mut self.writer.queue.lock().evicted);
        evicted
    }

    fn contains(&self, key: &Key) -> bool {
        self.is_at_hand(key) || self.disk.contains(key)
    }

    fn identity(&self, key: &Key) -> Option<Key> {
        self.disk.identity(key)
    }

    fn remember(&self, name: Key, identity: Key, time: Duration) {
        self.disk.remember(name, identity, time);
    }

    /// What is claimed is kept from other processes until it is written, or is found not to pay.
    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        if self.is_at_hand(key) {
            return Claim::Made;
        }
        let held = match self.disk.ask(key) {
            Ask::Made => return Claim::Made,
            Ask::Elsewhere => return Claim::Elsewhere,
            Ask::Mine(held) => held,
        };
        // It says the same where the directory cannot be locked.
        let in_memory = match self.memory.claim(key, bytes) {
            Claim::Mine(in_memory) => in_memory,
            others => return others,
        };
        self.writer.queue.lock().claims.extend(held.map(|held| (*key, held)));
        let writer = Arc::clone(&self.writer);
        Claim::Mine(Claimed::new(Making { writer, key: *key, _in_memory: in_memory }))
    }

    fn take_faults(&self) -> Vec<Fault> {
        let mut faults = self.disk.take_faults();
        let mut queue = self.writer.queue.lock();
        faults.append(&mut queue.faults);
        let untold = std::mem::take(&mut queue.untold);
        drop(queue);
        if untold > 0 {
            let what = format!("{untold} results came faster than they could be written");
            faults.push(self.disk.fault_of(what));
        }
        faults
    }
}

/// A result that is being made. What becomes of it is known when this is dropped.
#[derive(Debug)]
struct Making {
    writer: Arc<Writer>,
    key: Key,
    _in_memory: Claimed,
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut queue = self.writer.queue.lock();
        let is_to_be_written = queue.is_writing(&self.key) || queue.find(&self.key).is_some();
        if !is_to_be_written || queue.claims.len() > CLAIMS {
            queue.claims.remove(&self.key);
        }
    }
}

impl Writer {
    /// Something of a result that waits to be written.
    fn find<R>(&self, key: &Key, take: impl FnOnce(&Waiting) -> R) -> Option<R> {
        self.queue.lock().find(key).map(take)
    }

    /// Lets the result of a key wait, or what is written instead of it.
    fn add(&self, made: Key, (key, value): (Key, &Value), origin: Origin<'_>, most: u64) {
        let waiting = Waiting {
            key,
            made,
            value: value.clone(),
            step: origin.step.into(),
            time: origin.time,
            inputs: origin.inputs.into(),
            maker: origin.maker,
            identity: origin.identity,
            bytes: value.size_bytes() as u64,
            since: Instant::now(),
        };
        let mut queue = self.queue.lock();
        let replaced = queue.replace(&waiting);
        let given_up = queue.push(waiting, most);
        drop(queue);
        // What goes may be large.
        drop((replaced, given_up));
        self.changed.notify_all();
    }

    /// Does not write what waits and of which that is true. What is being written is when this
    /// returns.
    fn forget(&self, is_wanted: impl Fn(&Waiting) -> bool) -> bool {
        let mut queue = self.queue.lock();
        let gone = queue.give_up_all(is_wanted);
        self.changed.notify_all();
        let writing = queue.writing;
        while queue.writing.is_some() && queue.writing == writing {
            self.changed.wait(&mut queue);
        }
        drop(queue);
        !gone.is_empty()
    }

    /// Writes what has waited long enough until the cache goes.
    fn write_behind(&self, disk: &DiskCache) {
        let mut queue = self.queue.lock();
        while let Some(next) = self.next(&mut queue) {
            let key = next.key;
            let write = || {
                let Waiting { key, value, step, time, inputs, maker, identity, .. } = &next;
                let (time, maker, identity) = (*time, *maker, *identity);
                let origin = Origin { step, time, inputs, maker, identity };
                let evicted = disk.put(*key, value, origin);
                drop(next);
                evicted
            };
            let written =
                MutexGuard::unlocked(&mut queue, || catch_unwind(AssertUnwindSafe(write)));
            match written {
                Ok(evicted) => queue.tell(evicted),
                Err(_) => {
                    let fault = disk.fault_of("a result panicked while it was written");
                    queue.faults.push(fault);
                }
            }
            queue.writing = None;
            queue.claims.remove(&key);
            self.changed.notify_all();
        }
    }

    /// Waits for the next to be written; none once all are and the cache goes.
    fn next(&self, queue: &mut MutexGuard<'_, Queue>) -> Option<Waiting> {
        loop {
            let is_urgent = queue.is_ending || queue.flushing > 0 || queue.is_short;
            let delay = queue.delay();
            let waited = queue.first().map(|waiting| waiting.since.elapsed());
            match waited.map(|waited| delay.saturating_sub(waited)) {
                Some(left) if is_urgent || left.is_zero() => return queue.pop(),
                Some(left) => {
                    if let Some(wanted) = queue.pop_wanted() {
                        return Some(wanted);
                    }
                    let left = if queue.claims.is_empty() { left } else { left.min(LOOKS) };
                    self.changed.wait_for(queue, left);
                }
                None if queue.is_ending => return None,
                None => self.changed.wait(queue),
            }
        }
    }

    fn flush(&self) {
        let mut queue = self.queue.lock();
        let came = queue.came;
        queue.flushing += 1;
        self.changed.notify_all();
        while !queue.is_done_before(came) {
            self.changed.wait(&mut queue);
        }
        queue.flushing -= 1;
    }
}
