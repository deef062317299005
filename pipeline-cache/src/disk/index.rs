//! What the directory holds, as far as this process knows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pipeline_core::Key;
use pipeline_core::key::KeyHasher;

use super::blobs::Stamp;
use super::packed::Packed;
use super::record::{Entry, Gone};
use super::segments::Place;

/// Bytes that each result takes besides its value, about: its record, and what is known of it.
pub(super) const EACH: u64 = 256;

/// Seconds within which it makes no difference when a result was used.
const RECENT: u64 = 60;

/// What a result is found under: its key, and for one that this program cannot read a number of its
/// type and version. So programs of two versions have their own results under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) key: Key,
    /// 0 for all that this program reads.
    other: u32,
}

impl Slot {
    /// That of what this program reads.
    pub(super) const fn own(key: Key) -> Self {
        Self { key, other: 0 }
    }

    fn other(entry: &Entry) -> Self {
        let mut name = KeyHasher::result();
        name.text(&entry.kind).number(entry.version.into());
        let [a, b, c, ..] = *name.finish().as_bytes();
        Self { key: Key::from_bytes(entry.key), other: u32::from_le_bytes([a, b, c, 1]) }
    }
}

/// Where a record is: the name of its segment, and where in that its value would be.
type Spot = (Arc<str>, u64);

/// Results by their keys, and the bytes that they share.
#[derive(Debug, Default)]
pub(super) struct Index {
    results: HashMap<Slot, Stored>,
    /// Which results there are beside a key's own one.
    others: HashMap<Key, Vec<Slot>>,
    blobs: HashMap<Key, Blob>,
    /// Records that do not count any more: of which results, and the segments that say so.
    gone: HashMap<Spot, (Key, Arc<str>)>,
    /// Bytes of all values, of which those that are the same count once if they are large, and
    /// [`EACH`] for every result.
    bytes: u64,
    turn: u64,
    names: HashSet<Arc<str>>,
}

/// What is known of a result.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) digest: Key,
    pub(super) len: u64,
    pub(super) kind: Arc<str>,
    pub(super) version: u32,
    pub(super) step: Arc<str>,
    pub(super) nanos: u64,
    pub(super) identity: Option<Key>,
    pub(super) packed: Option<Packed>,
    /// When it was written or used, in seconds since 1970.
    pub(super) used: u64,
    /// The same by what the records say.
    told: u64,
    /// Whether it is another record than its own that says so.
    is_renewed: bool,
    /// The same by the uses that this process knows of: a second is long.
    turn: u64,
    /// Where its record is, with the bytes of the value if these are few.
    pub(super) place: Place,
    /// Records of the same result that were written before.
    older: Vec<Spot>,
}

/// The bytes of a value, and what is to be made of them: the type and its version.
pub(super) type Form = (Key, Arc<str>, u32);

impl Stored {
    pub(super) fn form(&self) -> Form {
        (self.digest, Arc::clone(&self.kind), self.version)
    }

    /// Whether the value has a file of its own.
    pub(super) fn has_file(&self) -> bool {
        self.place.len == 0 && self.len > 0
    }

    /// Bytes of the value as it is read.
    pub(super) fn size(&self) -> u64 {
        self.packed.map_or(self.len, |packed| packed.len())
    }

    fn spot(&self) -> Spot {
        (Arc::clone(&self.place.segment.name), self.place.at)
    }

    /// The records that tell that it is gone: none of those that tell of it counts any more.
    pub(super) fn gone(&self, key: &Key) -> impl Iterator<Item = Gone> {
        let key = *key.as_bytes();
        let spots = self.older.iter().cloned().chain([self.spot()]);
        spots.map(move |(segment, at)| Gone { key, segment: segment.to_string(), at })
    }

    /// The record that tells of it.
    pub(super) fn entry(&self, key: &Key) -> Entry {
        Entry {
            key: *key.as_bytes(),
            digest: *self.digest.as_bytes(),
            len: self.len,
            kind: self.kind.to_string(),
            version: self.version,
            step: self.step.to_string(),
            nanos: self.nanos,
            written: self.used,
            identity: self.identity.map(|identity| *identity.as_bytes()),
            packed: self.packed,
        }
    }
}

/// A file of a large value.
#[derive(Debug, Default)]
struct Blob {
    results: usize,
    /// The file whose digest was found to be right.
    seen: Option<Stamp>,
}

impl Index {
    pub(super) fn get(&self, key: &Key) -> Option<&Stored> {
        self.results.get(&Slot::own(*key))
    }

    pub(super) fn at(&self, slot: &Slot) -> Option<&Stored> {
        self.results.get(slot)
    }

    fn slots(&self, key: Key) -> Vec<Slot> {
        let others = self.others.get(&key).into_iter().flatten().copied();
        others.chain([Slot::own(key)]).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.results.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes in what a record told, unless it does not count any more. The last one counts. What
    /// is of the future, by a clock that was set back, is of now: else it would never be old.
    pub(super) fn insert(&mut self, entry: &Entry, place: Place, is_readable: bool, now: u64) {
        if self.gone.contains_key(&(Arc::clone(&place.segment.name), place.at)) {
            return;
        }
        let slot =
            if is_readable { Slot::own(Key::from_bytes(entry.key)) } else { Slot::other(entry) };
        let older = self.remove(&slot).map_or_else(Vec::new, |(stored, _)| {
            let spot = stored.spot();
            stored.older.into_iter().chain([spot]).collect()
        });
        self.turn += 1;
        let stored = Stored {
            digest: Key::from_bytes(entry.digest),
            len: entry.len,
            kind: self.name(&entry.kind),
            version: entry.version,
            step: self.name(&entry.step),
            nanos: entry.nanos,
            identity: entry.identity.map(Key::from_bytes),
            packed: entry.packed,
            used: entry.written.min(now),
            told: entry.written.min(now),
            is_renewed: false,
            turn: self.turn,
            place,
            older,
        };
        let is_new = !stored.has_file() || {
            let blob = self.blobs.entry(stored.digest).or_default();
            blob.results += 1;
            blob.results == 1
        };
        let more = if is_new { stored.len } else { 0 };
        self.bytes = self.bytes.saturating_add(more).saturating_add(EACH);
        if !is_readable {
            self.others.entry(slot.key).or_default().push(slot);
        }
        self.results.insert(slot, stored);
    }

    /// Takes in another record of a result that is known.
    pub(super) fn also(&mut self, key: &Key, place: &Place) {
        if let Some(stored) = self.results.get_mut(&Slot::own(*key)) {
            stored.older.push((Arc::clone(&place.segment.name), place.at));
        }
    }

    /// The name, shared with all others that are the same.
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    /// Forgets a result. Says which file nobody needs any more.
    pub(super) fn remove(&mut self, slot: &Slot) -> Option<(Stored, Option<Key>)> {
        let stored = self.results.remove(slot)?;
        if let Some(others) = self.others.get_mut(&slot.key) {
            others.retain(|other| other != slot);
            if others.is_empty() {
                self.others.remove(&slot.key);
            }
        }
        let is_last = !stored.has_file() || self.let_go(&stored.digest);
        let less = if is_last { stored.len } else { 0 };
        self.bytes = self.bytes.saturating_sub(less).saturating_sub(EACH);
        let file = (stored.has_file() && is_last).then_some(stored.digest);
        Some((stored, file))
    }

    /// Takes a result from a file; says whether that was the last one.
    fn let_go(&mut self, digest: &Key) -> bool {
        let left = self.blobs.get_mut(digest).map_or(0, |blob| {
            blob.results -= 1;
            blob.results
        });
        if left == 0 {
            self.blobs.remove(digest);
        }
        left == 0
    }

    /// Takes in that a record does not count any more, which `teller` says, and forgets its result
    /// unless that was written again.
    pub(super) fn forget(&mut self, gone: &Gone, teller: &Arc<str>) {
        let (key, spot) = (Key::from_bytes(gone.key), (gone.segment.as_str().into(), gone.at));
        for slot in self.slots(key) {
            let Some(stored) = self.results.get_mut(&slot) else { continue };
            if stored.spot() == spot {
                self.remove(&slot);
            } else {
                stored.older.retain(|older| *older != spot);
            }
        }
        self.gone.insert(spot, (key, Arc::clone(teller)));
    }

    /// Drops what is known of records in segments that are not there any more.
    pub(super) fn prune(&mut self, is_there: impl Fn(&str) -> bool) {
        self.gone.retain(|(segment, _), _| is_there(segment));
        for stored in self.results.values_mut().filter(|stored| !stored.older.is_empty()) {
            stored.older.retain(|(segment, _)| is_there(segment));
        }
    }

    /// What a segment says of records in others.
    pub(super) fn told_by(&self, teller: &str) -> Vec<Gone> {
        let told = self
            .gone
            .iter()
            .filter(|((segment, _), (_, by))| **by == *teller && **segment != *teller);
        told.map(|((segment, at), (key, _))| Gone {
            key: *key.as_bytes(),
            segment: segment.to_string(),
            at: *at,
        })
        .collect()
    }

    /// All results whose value is in this file.
    pub(super) fn with_file(&self, digest: &Key) -> Vec<Slot> {
        let results = self.results.iter();
        let same = results.filter(|(_, stored)| stored.has_file() && stored.digest == *digest);
        same.map(|(slot, _)| *slot).collect()
    }

    pub(super) fn needs_file(&self, digest: &Key) -> bool {
        self.blobs.contains_key(digest)
    }

    /// All results whose value should be in a file that is not there.
    pub(super) fn without_file(&self, is_there: impl Fn(&Key) -> bool) -> Vec<Slot> {
        let results = self.results.iter();
        let lost = results.filter(|(_, stored)| stored.has_file() && !is_there(&stored.digest));
        lost.map(|(slot, _)| *slot).collect()
    }

    pub(super) fn seen(&self, digest: &Key) -> Option<Stamp> {
        self.blobs.get(digest)?.seen
    }

    /// Notes that a result was used, and that the file of this digest was found to be right.
    pub(super) fn note(&mut self, key: &Key, now: u64, seen: Option<(Key, Stamp)>) {
        self.turn += 1;
        if let Some(stored) = self.results.get_mut(&Slot::own(*key)) {
            (stored.used, stored.turn) = (now, self.turn);
        }
        if let Some((digest, stamp)) = seen
            && let Some(blob) = self.blobs.get_mut(&digest)
        {
            blob.seen = Some(stamp);
        }
    }

    /// Takes in when a result was used, by this process or by others, as a record says.
    pub(super) fn renew(&mut self, key: &Key, used: u64, now: u64) {
        let used = used.min(now);
        for slot in self.slots(*key) {
            if let Some(stored) = self.results.get_mut(&slot) {
                stored.used = stored.used.max(used);
                (stored.told, stored.is_renewed) = (stored.told.max(used), true);
            }
        }
    }

    /// Results that were used later than the records say, and when.
    pub(super) fn untold(&self) -> Vec<([u8; 32], u64)> {
        self.uses(|stored| stored.used > stored.told + RECENT)
    }

    /// Results of whose uses other records say than their own, and when these were.
    pub(super) fn renewed(&self) -> Vec<([u8; 32], u64)> {
        self.uses(|stored| stored.is_renewed)
    }

    fn uses(&self, is_wanted: impl Fn(&Stored) -> bool) -> Vec<([u8; 32], u64)> {
        let wanted = self.results.iter().filter(|(_, stored)| is_wanted(stored));
        wanted.map(|(slot, stored)| (*slot.key.as_bytes(), stored.used)).collect()
    }

    /// Moves a record, which has all that is known by now.
    pub(super) fn place(&mut self, slot: &Slot, place: Place) {
        if let Some(stored) = self.results.get_mut(slot) {
            (stored.told, stored.is_renewed) = (stored.used, false);
            stored.place = place;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Slot, &Stored)> {
        self.results.iter()
    }

    /// All results, what costs least to lose first: the time that each saves, per byte, and less
    /// the longer it was not used.
    pub(super) fn cheapest(&self, now: u64, read: impl Fn(u64) -> f64) -> Vec<Slot> {
        let worth = |stored: &Stored| {
            let seconds = stored.nanos as f64 * 1e-9 - read(stored.size());
            let age = now.saturating_sub(stored.used) as f64;
            // What is read in more time than it is made in is worth the least the larger it is.
            let per_byte = if seconds > 0.0 {
                seconds / (stored.len + EACH) as f64
            } else {
                seconds * (stored.len + EACH) as f64
            };
            if seconds > 0.0 { per_byte / (age + RECENT as f64) } else { per_byte }
        };
        let results = self.results.iter();
        let mut order: Vec<(f64, u64, Slot)> =
            results.map(|(slot, stored)| (worth(stored), stored.turn, *slot)).collect();
        order.sort_by(|(a, earlier, _), (b, later, _)| a.total_cmp(b).then(earlier.cmp(later)));
        order.into_iter().map(|(_, _, slot)| slot).collect()
    }
}
