//! Looking for results.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_core::data::Samples;
use pipeline_core::{Error, Key, Value};

use super::blobs::Stamp;
use super::index::{Slot, Stored};
use super::record::{Entry, Record};
use super::{DiskCache, State, now};

/// How long what other processes write may go unseen by those who look for a result in vain.
const UNSEEN: Duration = Duration::from_millis(5);

/// Results whose uses one record tells of.
const USES: usize = 4096;

/// A value that was found, and what is known of it.
pub(crate) struct Found {
    pub(crate) value: Value,
    pub(crate) step: Arc<str>,
    /// The time that it took to make.
    pub(crate) time: Duration,
    pub(crate) bytes: u64,
}

/// Why a result that there is was not found.
enum Unread {
    /// Its bytes cannot be read, or are others than were written.
    File(io::Error),
    /// They are right, and this program makes nothing of them.
    Codec(String),
    /// They are right, and there is no memory for what they are.
    Memory(String),
}

impl DiskCache {
    /// The value under `key`, with what is known of it.
    pub(crate) fn find(&self, key: &Key) -> Option<Found> {
        let (stored, seen) = {
            let mut state = self.state.lock();
            let Some(stored) = self.look(&mut state, key) else {
                state.stats.misses += 1;
                return None;
            };
            let seen = state.index.seen(&stored.digest);
            (stored, seen)
        };
        let start = Instant::now();
        let read = self.bytes(&stored, seen).map_err(Unread::File);
        let read = read.and_then(|(bytes, stamp)| Ok((self.value(&stored, &bytes)?, stamp)));
        let took = start.elapsed();
        match read {
            Ok((value, stamp)) => {
                if seen.is_none() {
                    self.speed.learn(stored.size(), took);
                }
                let mut state = self.state.lock();
                let time = Duration::from_nanos(stored.nanos);
                state.index.note(key, now(), stamp.map(|stamp| (stored.digest, stamp)));
                state.stats.hits += 1;
                state.stats.saved += time;
                Some(Found { value, time, bytes: stored.size(), step: stored.step })
            }
            Err(why) => {
                self.lose(key, &stored, why);
                None
            }
        }
    }

    /// How long it takes to read and to decode so many bytes for the first time, by what that took
    /// so far.
    pub(crate) fn time_to_read(&self, bytes: u64) -> Duration {
        Duration::from_secs_f64(self.speed.seconds(bytes))
    }

    /// Takes in what other processes have written. Answers whether all of it could be read.
    pub(super) fn refresh(&self, state: &mut State) -> bool {
        let refreshed = state.segments.refresh();
        // A result may be thrown out by one whose records are read before those of it.
        for news in &refreshed.news {
            if let Record::Gone(gone) = &news.record {
                state.index.forget(gone, &news.place.segment.name);
            }
        }
        // And used, if it is known by then.
        let mut uses = Vec::new();
        for news in refreshed.news {
            match news.record {
                Record::Put(entry) => {
                    // What this process wrote itself is not gone when the others' is.
                    let key = Key::from_bytes(entry.key);
                    let is_readable = self.reads(&entry);
                    let known = state.index.get(&key).filter(|_| is_readable);
                    if known.is_some_and(|known| state.segments.is_own(&known.place)) {
                        state.index.also(&key, &news.place);
                    } else {
                        state.index.insert(&entry, news.place, is_readable, now());
                    }
                }
                Record::Used(used) => {
                    uses.extend(used.into_iter().map(|(key, used)| (Key::from_bytes(key), used)));
                }
                Record::Gone(_) => {}
            }
        }
        for (key, used) in uses {
            state.index.renew(&key, used, now());
        }
        for (path, what) in refreshed.faults {
            state.fault(path, what);
        }
        if !refreshed.removed.is_empty() {
            state.index.prune(|name| !refreshed.removed.iter().any(|removed| **removed == *name));
        }
        state.refreshed = Instant::now();
        refreshed.is_complete
    }

    /// What is known of a result, if this program can read it.
    pub(super) fn look(&self, state: &mut State, key: &Key) -> Option<Stored> {
        if state.index.get(key).is_none() && state.refreshed.elapsed() > UNSEEN {
            self.refresh(state);
        }
        let stored = state.index.get(key)?;
        (!state.unreadable.contains(&stored.form())).then(|| stored.clone())
    }

    /// Whether this program can read what a record tells of.
    fn reads(&self, entry: &Entry) -> bool {
        self.options.codecs.named(&entry.kind, entry.version).is_some()
    }

    /// The bytes of a value, held to their digest.
    fn bytes(
        &self,
        stored: &Stored,
        seen: Option<Stamp>,
    ) -> io::Result<(Samples<u8>, Option<Stamp>)> {
        if stored.has_file() {
            let (bytes, stamp) = self.blobs.read(&stored.digest, stored.len, seen)?;
            return Ok((bytes, Some(stamp)));
        }
        let bytes = stored.place.read()?;
        if blake3::hash(&bytes) != *stored.digest.as_bytes() {
            return Err(io::Error::new(ErrorKind::InvalidData, "other bytes than were written"));
        }
        Ok((bytes.into(), None))
    }

    fn value(&self, stored: &Stored, bytes: &Samples<u8>) -> Result<Value, Unread> {
        let fail = |text: String| Unread::Codec(format!("its {}: {text}", stored.kind));
        let kind = self.options.codecs.named(&stored.kind, stored.version);
        let kind = kind.ok_or_else(|| fail("the codec is gone".to_owned()))?;
        let unpacked;
        let bytes = match &stored.packed {
            Some(packed) => {
                unpacked = packed.unpack(bytes).map_err(|error| match error.kind() {
                    ErrorKind::OutOfMemory => Unread::Memory(error.to_string()),
                    _ => fail(error.to_string()),
                })?;
                &unpacked
            }
            None => bytes,
        };
        match catch_unwind(AssertUnwindSafe(|| kind.decode(bytes))) {
            Ok(decoded) => decoded.map_err(|error| match error {
                Error::TooLarge { .. } => Unread::Memory(error.to_string()),
                error => fail(error.to_string()),
            }),
            Err(_) => Err(fail("the codec panicked".to_owned())),
        }
    }

    /// Where the value of a result is.
    fn path(&self, stored: &Stored) -> PathBuf {
        if stored.has_file() {
            self.blobs.path(&stored.digest)
        } else {
            stored.place.segment.path.clone()
        }
    }

    /// Forgets a result that cannot be read.
    fn lose(&self, key: &Key, stored: &Stored, why: Unread) {
        let path = self.path(stored);
        self.state.lock().stats.misses += 1;
        let error = match why {
            Unread::File(error) => error,
            Unread::Codec(what) => {
                // Other programs may make something of it.
                let mut state = self.state.lock();
                state.unreadable.insert(stored.form());
                return state.fault(path, what);
            }
            // There may be some the next time.
            Unread::Memory(what) => return self.state.lock().fault(path, what),
        };
        match error.kind() {
            // Another process has thrown it out.
            ErrorKind::NotFound => {}
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                let removed = self.remove_damaged(stored);
                let mut state = self.state.lock();
                state.stats.damaged += 1;
                state.fault(path.clone(), format!("{error}; it is made again"));
                if let Err(error) = removed {
                    state.fault(path, format!("it is damaged and cannot be removed: {error}"));
                }
            }
            // It may be well the next time.
            _ => return self.state.lock().fault(path, error.to_string()),
        }
        let mut state = self.state.lock();
        let lost = if stored.has_file() {
            state.index.with_file(&stored.digest)
        } else {
            vec![Slot::own(*key)]
        };
        for slot in lost {
            if let Some((stored, _)) = state.index.remove(&slot)
                && let Err(error) = state.tell_gone(&slot.key, &stored)
            {
                state.fault(self.root.clone(), format!("nobody is told what is lost: {error}"));
            }
        }
    }

    /// Removes a damaged file, unless another process has put a whole one in its place.
    fn remove_damaged(&self, stored: &Stored) -> io::Result<()> {
        if !stored.has_file() {
            return Ok(());
        }
        let _lock = self.lock.alone()?;
        match self.blobs.read(&stored.digest, stored.len, None) {
            Ok(_) => Ok(()),
            Err(_) => self.blobs.remove(&stored.digest),
        }
    }
}

impl State {
    /// Tells others, and this process after a restart, when results were used last.
    pub(super) fn tell_used(&mut self, uses: &[([u8; 32], u64)]) -> io::Result<()> {
        for uses in uses.chunks(USES) {
            self.segments.append(&Record::Used(uses.to_vec()), &[])?;
            uses.iter()
                .for_each(|(key, used)| self.index.renew(&Key::from_bytes(*key), *used, now()));
        }
        Ok(())
    }

    /// Tells others that a result is gone. Who does not hear of it finds no file, or a small value
    /// that is right.
    pub(super) fn tell_gone(&mut self, key: &Key, stored: &Stored) -> io::Result<()> {
        let mut told = Ok(());
        for gone in stored.gone(key) {
            match self.segments.append(&Record::Gone(gone.clone()), &[]) {
                Ok(place) => self.index.forget(&gone, &place.segment.name),
                Err(error) => told = told.and(Err(error)),
            }
        }
        told
    }
}
