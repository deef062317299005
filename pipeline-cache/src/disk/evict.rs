//! Throwing results out, and tidying up.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline_core::Key;
use pipeline_core::cache::{Evicted, Tier};

use super::index::{EACH, Slot, Stored};
use super::record::Record;
use super::segments::Segment;
use super::{DiskCache, State, layout, now};

/// A cache that has passed its budget goes below it by this part of it.
const ROOM: u64 = 10;

/// Segments from which on small ones that are finished become one: each process leaves one.
const SEGMENTS: usize = 32;

/// Bytes of segments that are copied while others can publish nothing.
const AT_A_TIME: u64 = 16 << 20;

/// Records that are copied before somebody else may look for a result.
const TOGETHER: usize = 16;

impl DiskCache {
    /// Throws out what costs least to lose until `most` bytes are left, but for what has just come.
    pub(super) fn make_room(&self, most: u64, newest: Option<&Key>) -> Vec<Evicted> {
        self.evict(most, newest).unwrap_or_else(|error| {
            self.fault(format!("nothing can be thrown out: {error}"));
            Vec::new()
        })
    }

    fn evict(&self, most: u64, newest: Option<&Key>) -> io::Result<Vec<Evicted>> {
        let lock = self.lock.alone()?;
        let is_complete = self.refresh(&mut self.state.lock());
        if is_complete && !self.state.lock().is_swept {
            self.sweep(&lock);
        }
        let Forgotten { gone, files, untold } = self.choose(most, newest);
        self.state.lock().stats.evictions += gone.len() as u64;
        self.remove(&files);
        if let Some(error) = untold {
            self.fault(format!("nobody is told what was thrown out: {error}"));
        }
        if is_complete && !gone.is_empty() {
            self.compact(&lock);
        }
        Ok(gone)
    }

    /// Throws out all results of which that is true.
    pub(super) fn throw_out(
        &self,
        is_wanted: impl Fn(&Key, &Stored) -> bool,
    ) -> io::Result<Vec<Evicted>> {
        let lock = self.lock.alone()?;
        let mut state = self.state.lock();
        let is_complete = self.refresh(&mut state);
        let wanted = state.index.iter().filter(|(slot, stored)| is_wanted(&slot.key, stored));
        let wanted: Vec<Slot> = wanted.map(|(slot, _)| *slot).collect();
        let Forgotten { gone, files, untold } = state.forget(wanted, |_| false);
        drop(state);
        self.remove(&files);
        if is_complete && !gone.is_empty() {
            self.compact(&lock);
        }
        untold.map_or(Ok(gone), Err)
    }

    fn remove(&self, files: &[Key]) {
        for digest in files {
            if let Err(error) = self.blobs.remove(digest) {
                let mut state = self.state.lock();
                state.is_swept = false;
                state.fault(self.blobs.path(digest), error.to_string());
            }
        }
    }

    fn choose(&self, most: u64, newest: Option<&Key>) -> Forgotten {
        let mut state = self.state.lock();
        if state.index.bytes() <= most {
            return Forgotten::default();
        }
        let target = most - most / ROOM;
        let mut order = state.index.cheapest(now(), |bytes| self.speed.seconds(bytes));
        order.retain(|slot| newest.is_none_or(|newest| *slot != Slot::own(*newest)));
        state.forget(order, |state| state.index.bytes() <= target)
    }

    /// Looks for what processes left that were killed, and puts the records of many into one file,
    /// if nobody else is at work.
    pub(super) fn tidy(&self) {
        let has_many = self.state.lock().segments.count() >= SEGMENTS;
        if !(has_many || self.blobs.has_unfinished()) {
            return;
        }
        if let Some(lock) = self.lock.alone_now()
            && self.refresh(&mut self.state.lock())
        {
            self.sweep(&lock);
            self.compact(&lock);
        }
    }

    /// Removes files that no record tells of, and forgets results whose files are gone. All records
    /// were read, and nobody publishes meanwhile.
    fn sweep(&self, _alone: &File) {
        self.blobs.remove_unfinished();
        let files: Vec<(PathBuf, Option<Key>)> = self
            .blobs
            .all()
            .into_iter()
            .map(|path| (path.clone(), layout::digest_of(&path)))
            .collect();
        let there: HashSet<Key> = files.iter().filter_map(|(_, digest)| *digest).collect();
        let mut state = self.state.lock();
        let mut told = Ok(());
        for slot in state.index.without_file(|digest| there.contains(digest)) {
            if let Some((stored, _)) = state.index.remove(&slot) {
                told = told.and(state.tell_gone(&slot.key, &stored));
            }
        }
        if let Err(error) = told {
            state.fault(self.root.clone(), format!("nobody is told which files are lost: {error}"));
        }
        let unknown: Vec<PathBuf> = files
            .into_iter()
            .filter(|(_, digest)| digest.is_none_or(|digest| !state.index.needs_file(&digest)))
            .map(|(path, _)| path)
            .collect();
        state.is_swept = true;
        drop(state);
        for path in unknown {
            let _ = fs::remove_file(path);
        }
    }

    /// Writes what finished segments tell into the own one, where they are many or little of what
    /// they tell still counts, and removes them. Who looks for a result meanwhile waits for some
    /// records at the most, and for no disk.
    fn compact(&self, _alone: &File) {
        let (mut moved, mut written) = (Vec::new(), Vec::new());
        let note = |state: &State, written: &mut Vec<Arc<Segment>>| {
            let own = state.segments.written();
            written.extend(own.filter(|own| written.last().is_none_or(|l| !Arc::ptr_eq(l, own))));
        };
        note(&self.state.lock(), &mut written);
        for (segment, told) in self.due() {
            let is_copied = told.chunks(TOGETHER).all(|slots| {
                let mut state = self.state.lock();
                let is_copied = state.copy(&segment, slots);
                note(&state, &mut written);
                is_copied
            });
            if is_copied && self.state.lock().copy_gone(&segment) {
                moved.push(segment);
            }
        }
        if moved.is_empty() {
            return;
        }
        let told = {
            let mut state = self.state.lock();
            let renewed = state.index.renewed();
            let told = state.tell_used(&renewed);
            note(&state, &mut written);
            told
        };
        // What was durable there is so here before it goes.
        let synced = told.and_then(|()| written.iter().try_for_each(|segment| segment.sync()));
        if let Err(error) = synced {
            return self.fault(error.to_string());
        }
        let mut state = self.state.lock();
        for segment in moved {
            if let Err(error) = state.segments.remove(&segment) {
                state.fault(segment.path.clone(), error.to_string());
            }
        }
        let State { index, segments, .. } = &mut *state;
        index.prune(|name| segments.has(name));
    }

    /// The segments that are to go, and the results that they tell of.
    fn due(&self) -> Vec<(Arc<Segment>, Vec<Slot>)> {
        let state = self.state.lock();
        let (has_many, little) = (state.segments.count() >= SEGMENTS, state.segments.little());
        let mut told: HashMap<*const Segment, (u64, Vec<Slot>)> = HashMap::new();
        for (slot, stored) in state.index.iter() {
            let of_it = told.entry(Arc::as_ptr(&stored.place.segment)).or_default();
            of_it.0 += EACH + stored.place.len as u64;
            of_it.1.push(*slot);
        }
        let (mut due, mut bytes) = (Vec::new(), 0);
        for segment in state.segments.finished() {
            let (counts, slots) = told.remove(&Arc::as_ptr(&segment)).unwrap_or_default();
            let size = segment.size();
            if (has_many && size < little) || size > 2 * counts + little || slots.is_empty() {
                bytes += counts;
                due.push((segment, slots));
            }
            if bytes > AT_A_TIME {
                // The rest goes the next time.
                break;
            }
        }
        due
    }
}

/// What became of results that are to go.
#[derive(Debug, Default)]
struct Forgotten {
    gone: Vec<Evicted>,
    /// Which files nobody needs any more.
    files: Vec<Key>,
    /// Why others are not told of some, nor this process after a restart.
    untold: Option<io::Error>,
}

impl State {
    /// Forgets results until it is enough.
    fn forget(&mut self, slots: Vec<Slot>, is_enough: impl Fn(&Self) -> bool) -> Forgotten {
        let Forgotten { mut gone, mut files, mut untold } = Forgotten::default();
        for slot in slots {
            if is_enough(self) {
                break;
            }
            let Some((stored, file)) = self.index.remove(&slot) else { continue };
            let key = slot.key;
            files.extend(file);
            if let Err(error) = self.tell_gone(&key, &stored) {
                untold.get_or_insert(error);
            }
            gone.push(Evicted { key, bytes: stored.len, tier: Tier::Disk });
        }
        Forgotten { gone, files, untold }
    }

    /// Writes records of a segment into the own one, those that are still there; answers whether
    /// that went well.
    fn copy(&mut self, segment: &Arc<Segment>, slots: &[Slot]) -> bool {
        for slot in slots {
            let Some(stored) = self.index.at(slot) else { continue };
            if !Arc::ptr_eq(&stored.place.segment, segment) {
                continue;
            }
            let few = if stored.has_file() { Ok(Vec::new()) } else { stored.place.read() };
            let record = Record::Put(stored.entry(&slot.key));
            match few.and_then(|few| self.segments.append(&record, &few)) {
                Ok(place) => self.index.place(slot, place),
                Err(_) => return false,
            }
        }
        true
    }

    /// The same with what it tells of records in others.
    fn copy_gone(&mut self, segment: &Segment) -> bool {
        for gone in self.index.told_by(&segment.name) {
            if !self.segments.has(&gone.segment) {
                continue;
            }
            match self.segments.append(&Record::Gone(gone.clone()), &[]) {
                Ok(place) => self.index.forget(&gone, &place.segment.name),
                Err(_) => return false,
            }
        }
        true
    }
}
