//! Taking results in.

use std::io::{self, ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pipeline_core::cache::{Evicted, Origin};
use pipeline_core::{Key, Value};

use super::blobs::Unfinished;
use super::index::EACH;
use super::packed::{Packed, Packer};
use super::record::{Entry, Record};
use super::{Compression, DiskCache, Durability, SMALL, now};
use crate::codecs::{Kind, width_of};

/// Bytes up to which a value that may be packed is so in memory: it may become a small one.
const AT_ONCE: usize = 4 << 20;

/// A value that was written and has no record yet.
enum Written {
    /// The bytes of a small one.
    Few(Vec<u8>, Option<Packed>),
    /// A file.
    File(Unfinished),
}

impl Written {
    fn digest(&self) -> Key {
        match self {
            Self::Few(bytes, _) => Key::from_bytes(*blake3::hash(bytes).as_bytes()),
            Self::File(file) => file.digest,
        }
    }

    fn packed(&self) -> Option<Packed> {
        match self {
            Self::Few(_, packed) => *packed,
            Self::File(file) => file.packed,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Few(bytes, _) => bytes.len() as u64,
            Self::File(file) => file.len,
        }
    }
}

impl DiskCache {
    /// Whether values of this type can be written.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        self.options.codecs.of(value).is_some()
    }

    pub(super) fn is_durable(&self) -> bool {
        self.options.durability == Durability::Power
    }

    /// Keeps a value, and says what had to go for it.
    pub(super) fn take_in(&self, key: Key, value: &Value, origin: &Origin<'_>) -> Vec<Evicted> {
        let Some(kind) = self.options.codecs.of(value) else { return Vec::new() };
        let (bytes, budget) = (value.size_bytes() as u64, self.state.lock().budget);
        if bytes.saturating_add(EACH) > budget || self.is_known(&key) {
            return Vec::new();
        }
        let (mut result, mut evicted) = (self.publish(key, value, kind, origin), Vec::new());
        if let Err(error) = &result
            && matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        {
            // The disk has less room than the budget says.
            let held = self.state.lock().index.bytes();
            evicted = self.make_room(held.saturating_sub(2 * bytes), Some(&key));
            if !evicted.is_empty() {
                result = self.publish(key, value, kind, origin);
            }
        }
        if let Err(error) = result {
            let step = origin.step;
            self.fault(format!("a {} of `{step}` cannot be kept: {error}", kind.name()));
        }
        if self.state.lock().index.bytes() > budget {
            evicted.append(&mut self.make_room(budget, Some(&key)));
        }
        evicted
    }

    /// Whether there is a result under this key, or one that nobody should write again.
    fn is_known(&self, key: &Key) -> bool {
        let mut state = self.state.lock();
        let known = self.look(&mut state, key);
        let is_unreadable =
            state.index.get(key).is_some_and(|known| state.unreadable.contains(&known.form()));
        drop(state);
        // A record may outlive its file, where others remove it.
        is_unreadable
            || known
                .is_some_and(|known| !known.has_file() || self.blobs.has(&known.digest, known.len))
    }

    /// Writes a value and the record of it.
    fn publish(&self, key: Key, value: &Value, kind: Kind, origin: &Origin<'_>) -> io::Result<()> {
        let written = self.write(value)?;
        let (digest, len, packed) = (written.digest(), written.len(), written.packed());
        if len.saturating_add(EACH) > self.state.lock().budget {
            // In memory it took less, and would have had room.
            return Ok(());
        }
        let sync = self.is_durable();
        // Nobody looks for files without a record meanwhile.
        let _lock = self.lock.shared()?;
        let few = match written {
            Written::Few(bytes, _) => bytes,
            Written::File(file) => {
                let seen = self.state.lock().index.seen(&digest);
                self.blobs.publish(&file, seen, sync)?;
                Vec::new()
            }
        };
        let entry = Entry {
            key: *key.as_bytes(),
            digest: *digest.as_bytes(),
            len,
            kind: kind.name().to_owned(),
            version: kind.version,
            step: origin.step.to_owned(),
            nanos: u64::try_from(origin.time.as_nanos()).unwrap_or(u64::MAX),
            written: now(),
            identity: origin.identity.map(|identity| *identity.as_bytes()),
            packed,
        };
        let mut state = self.state.lock();
        let record = Record::Put(entry.clone());
        let segment = match state.segments.append(&record, &few) {
            Ok(place) => {
                let segment = Arc::clone(&place.segment);
                state.index.insert(&entry, place, true, now());
                segment
            }
            Err(error) => {
                // A file without a record is found later, if it has to be.
                state.is_swept = false;
                return Err(error);
            }
        };
        state.stats.puts += 1;
        drop(state);
        // Nobody who looks for a result waits for the disk.
        if sync { segment.sync() } else { Ok(()) }
    }

    /// Writes a value where nobody looks for it.
    fn write(&self, value: &Value) -> io::Result<Written> {
        let encode = |out: &mut dyn Write| {
            let encoded = catch_unwind(AssertUnwindSafe(|| value.encode(out)));
            let failed = |text: &str| io::Error::new(ErrorKind::InvalidInput, text);
            encoded
                .map_err(|_| failed("its codec panicked"))?
                .unwrap_or_else(|| Err(failed("it has no codec")))
        };
        let size = value.size_bytes();
        let width = match self.options.compression {
            Compression::WherePays if size >= SMALL => width_of(value),
            _ => None,
        };
        let mut whole = None;
        if size < SMALL || (width.is_some() && size <= AT_ONCE) {
            let mut packer = Packer::new(Vec::new(), width)?;
            encode(&mut packer)?;
            let (bytes, packed) = packer.finish()?;
            if bytes.len() < SMALL {
                return Ok(Written::Few(bytes, packed));
            }
            whole = Some((bytes, packed));
        }
        let mut file = {
            let _lock = self.lock.shared()?;
            self.blobs.begin()?
        };
        match whole {
            Some((bytes, packed)) => {
                file.fill(None, self.is_durable(), |out| out.write_all(&bytes))?;
                file.packed = packed;
            }
            None => file.fill(width, self.is_durable(), encode)?,
        }
        Ok(Written::File(file))
    }
}
