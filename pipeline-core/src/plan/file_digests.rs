//! What files are: their content, remembered by path, length, times of change and file id.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf, absolute};
use std::sync::mpsc::{channel, sync_channel};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use crate::cache::Cache;
use crate::error::CancelReason;
use crate::key::{Key, KeyHasher};
use crate::step::CancelToken;

/// Digests of files, so that an unchanged file is read once and only looked at afterwards, by other
/// processes too where a cache remembers it for them.
///
/// A file that changed less than two seconds before it was read is read again next time: within
/// that span a second change can leave the same time stamp.
#[derive(Debug, Default)]
pub(crate) struct FileDigests {
    known: Mutex<Known>,
    /// Tells those that wait for a file that it has been read.
    is_read: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    files: HashMap<PathBuf, (Stamp, Key)>,
    /// Large files that are being read: whoever comes second waits for the first.
    reading: HashSet<PathBuf>,
    /// How often all was to be read again.
    turn: u64,
    /// Whether only what this process has read counts, and not what a cache remembers.
    is_own: bool,
}

/// Tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    changed: SystemTime,
    file: (u64, u64),
    /// When anything about the file changed, in seconds and nanoseconds since 1970: unlike the time
    /// of the content no program can set that back. Nothing where systems do not tell.
    touched: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        // What is no file may have no end, and to open it may wait for ever.
        let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let (file, touched) = system(&meta);
        Some(Self { len: meta.len(), changed: meta.modified().ok()?, file, touched })
    }

    fn is_settled(&self) -> bool {
        let seconds = u64::try_from(self.touched.0).unwrap_or(0);
        let touched = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let last = touched.map_or(self.changed, |touched| touched.max(self.changed));
        SystemTime::now().duration_since(last).is_ok_and(|age| age > Duration::from_secs(2))
    }

    /// A name for the file in this state.
    fn name(&self, path: &Path) -> Key {
        let mut hasher = KeyHasher::result();
        // What is printed for debugging tells every path and time from every other.
        hasher.text("file").text(&format!("{path:?}")).text(&format!("{self:?}"));
        hasher.finish()
    }
}

/// What the system calls a file, and when anything about it changed.
#[cfg(unix)]
fn system(meta: &std::fs::Metadata) -> ((u64, u64), (i64, i64)) {
    use std::os::unix::fs::MetadataExt;
    ((meta.dev(), meta.ino()), (meta.ctime(), meta.ctime_nsec()))
}

#[cfg(not(unix))]
fn system(_: &std::fs::Metadata) -> ((u64, u64), (i64, i64)) {
    ((0, 0), (0, 0))
}

impl FileDigests {
    /// Nothing known yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The digest of a file's content; `None` if it cannot be read now, or not before it is time to
    /// stop.
    pub(crate) fn digest(
        &self,
        path: &Path,
        cache: Option<&dyn Cache>,
        stop: &Stop<'_>,
    ) -> Option<Key> {
        let (stamp, is_own, turn, _reading) = loop {
            // While another thread reads it, it may change.
            let stamp = Stamp::of(path)?;
            let known = &mut self.known.lock();
            match known.files.get(path) {
                Some((before, digest)) if *before == stamp => return Some(*digest),
                _ if known.reading.contains(path) => {
                    if stop.reason().is_some() {
                        return None;
                    }
                    self.is_read.wait_for(known, LOOK);
                }
                _ => {
                    let reading = (stamp.len >= LARGE).then(|| Reading { digests: self, path });
                    if reading.is_some() {
                        known.reading.insert(path.to_owned());
                    }
                    break (stamp, known.is_own, known.turn, reading);
                }
            }
        };
        // What was found out before all was to be read again does not count any more.
        let know = |digest| {
            let known = &mut *self.known.lock();
            if known.turn == turn {
                known.files.insert(path.to_owned(), (stamp, digest));
            }
        };
        let name = || Some((cache?, stamp.name(&absolute(path).ok()?)));
        let shared = if stamp.is_settled() { name() } else { None };
        if let (Some((cache, name)), false) = (&shared, is_own)
            && let Some(digest) = cache.identity(name)
        {
            know(digest);
            return Some(digest);
        }
        let start = Instant::now();
        let file = File::open(path).ok()?;
        let digest = if stamp.len < LARGE { read(&file, stop) } else { read_ahead(&file, stop) }?;
        // Only a stamp that is the same before and after belongs to what was read.
        if stamp.is_settled() && Stamp::of(path)? == stamp {
            know(digest);
            if let Some((cache, name)) = shared {
                cache.remember(name, digest, start.elapsed());
            }
        }
        Some(digest)
    }

    /// A name for a file as it is now that only this process understands: it says nothing of the
    /// content, which is not read. `None` if there is no such file.
    pub(crate) fn stamp(path: &Path) -> Option<Key> {
        Some(Stamp::of(path)?.name(path))
    }

    /// Forgets everything, so that every file is read again.
    pub(crate) fn revalidate(&self) {
        let known = &mut *self.known.lock();
        (known.files, known.is_own) = (HashMap::new(), true);
        known.turn += 1;
    }
}

/// A large file that is being read.
struct Reading<'a> {
    digests: &'a FileDigests,
    path: &'a Path,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.digests.known.lock().reading.remove(self.path);
        self.digests.is_read.notify_all();
    }
}

/// How long to wait for another thread before looking whether it is time to stop.
const LOOK: Duration = Duration::from_millis(10);

/// What ends the reading of files before its end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stop<'a> {
    /// Stops it once it is set.
    pub(crate) token: Option<&'a CancelToken>,
    /// When it has taken too long.
    pub(crate) at: Option<Instant>,
}

impl Stop<'_> {
    /// Why to stop now, if so.
    pub(crate) fn reason(&self) -> Option<CancelReason> {
        let is_late = || self.at.is_some_and(|at| at <= Instant::now());
        let reason = self.token.and_then(CancelToken::reason);
        reason.or_else(|| is_late().then_some(CancelReason::Timeout))
    }
}

/// Bytes of a file from which on it is read on a thread of its own.
const LARGE: u64 = 4 << 20;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;

/// Chunks that are read before they are digested.
const AHEAD: usize = 2;

fn read(file: &File, stop: &Stop<'_>) -> Option<Key> {
    let mut hasher = KeyHasher::content();
    let mut chunk = vec![0; CHUNK];
    while stop.reason().is_none() {
        match fill(file, &mut chunk).ok()? {
            0 => return Some(hasher.finish()),
            len => hasher.write_all(&chunk[..len]).ok()?,
        }
    }
    None
}

/// The same, while another thread reads what comes next: either takes about as long.
fn read_ahead(file: &File, stop: &Stop<'_>) -> Option<Key> {
    let (full, chunks) = sync_channel::<io::Result<(Vec<u8>, usize)>>(AHEAD);
    let (back, spare) = channel::<Vec<u8>>();
    scope(|scope| {
        let reader = move || {
            loop {
                let mut chunk = spare.try_recv().unwrap_or_else(|_| vec![0; CHUNK]);
                let len = fill(file, &mut chunk);
                let is_last = !matches!(len, Ok(1..));
                if full.send(len.map(|len| (chunk, len))).is_err() || is_last {
                    return;
                }
            }
        };
        if Builder::new().spawn_scoped(scope, reader).is_err() {
            return read(file, stop);
        }
        let mut hasher = KeyHasher::content();
        for chunk in chunks {
            match chunk.ok()? {
                _ if stop.reason().is_some() => return None,
                (_, 0) => return Some(hasher.finish()),
                (chunk, len) => {
                    hasher.write_all(&chunk[..len]).ok()?;
                    // Nobody needs it once all is read.
                    let _ = back.send(chunk);
                }
            }
        }
        None
    })
}

/// Reads some of a file; nothing at its end.
fn fill(mut file: &File, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Evicted, Hit, Origin};
    use crate::data::Value;

    #[test]
    fn a_file_is_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        let digests = FileDigests::new();
        assert_eq!(digests.digest(&path, None, &Stop::default()), None);
        std::fs::write(&path, b"one").unwrap();
        let one = digests.digest(&path, None, &Stop::default()).unwrap();
        // Same length, and too soon for the time stamp to be trusted.
        std::fs::write(&path, b"two").unwrap();
        let two = digests.digest(&path, None, &Stop::default()).unwrap();
        assert_ne!(one, two);
        std::fs::write(&path, b"one").unwrap();
        assert_eq!(digests.digest(&path, None, &Stop::default()), Some(one));
    }

    #[test]
    fn a_file_is_not_read_on_once_it_is_time_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        std::fs::write(&path, b"one").unwrap();
        let (digests, token) = (FileDigests::new(), CancelToken::new());
        let stop = Stop { token: Some(&token), at: None };
        assert!(digests.digest(&path, None, &stop).is_some());
        let late = Stop { token: None, at: Some(Instant::now()) };
        assert_eq!(digests.digest(&path, None, &late), None);
        assert_eq!(late.reason(), Some(CancelReason::Timeout));
        token.cancel(CancelReason::User);
        assert_eq!(digests.digest(&path, None, &stop), None);
        assert_eq!(stop.reason(), Some(CancelReason::User));
    }

    #[test]
    fn a_large_file_is_its_content_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        for beyond in [0, 3 * CHUNK + 1] {
            let len = usize::try_from(LARGE).unwrap() + beyond;
            let content: Vec<u8> = (0..len).map(|n| (n % 251).to_le_bytes()[0]).collect();
            std::fs::write(&path, &content).unwrap();
            let mut hasher = KeyHasher::content();
            hasher.write_all(&content).unwrap();
            let (digests, token) = (FileDigests::new(), CancelToken::new());
            assert_eq!(digests.digest(&path, None, &Stop::default()), Some(hasher.finish()));
            token.cancel(CancelReason::User);
            let stop = Stop { token: Some(&token), at: None };
            assert_eq!(digests.digest(&path, None, &stop), None);
        }
    }

    #[test]
    fn threads_that_ask_for_a_large_file_at_once_all_hear_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        std::fs::write(&path, vec![7; usize::try_from(LARGE).unwrap() + 1]).unwrap();
        let (digests, expected) = (FileDigests::new(), FileDigests::new());
        let expected = expected.digest(&path, None, &Stop::default());
        let digest = || digests.digest(&path, None, &Stop::default());
        let found = scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(digest));
            digests.revalidate();
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(found, [expected; 8]);
        assert!(digests.known.lock().reading.is_empty());
    }

    #[test]
    fn what_is_no_file_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(FileDigests::new().digest(folder.path(), None, &Stop::default()), None);
        #[cfg(unix)]
        assert_eq!(FileDigests::new().digest(Path::new("/dev/zero"), None, &Stop::default()), None);
    }

    /// Remembers what a file goes by, for all processes.
    #[derive(Debug, Default)]
    struct Shared(Mutex<HashMap<Key, Key>>);

    impl Cache for Shared {
        fn get(&self, _: &Key) -> Option<Hit> {
            None
        }

        fn put(&self, _: Key, _: &Value, _: Origin<'_>) -> Vec<Evicted> {
            Vec::new()
        }

        fn contains(&self, _: &Key) -> bool {
            false
        }

        fn identity(&self, key: &Key) -> Option<Key> {
            self.0.lock().get(key).copied()
        }

        fn remember(&self, name: Key, identity: Key, _: Duration) {
            self.0.lock().insert(name, identity);
        }
    }

    #[test]
    fn what_a_cache_remembers_of_a_file_is_not_read_again_unless_it_is_revalidated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"content").unwrap();
        let cache = Shared::default();
        let digest =
            |digests: &FileDigests| digests.digest(&path, Some(&cache), &Stop::default()).unwrap();
        let content = digest(&FileDigests::new());
        let settled = |stamp: Option<Stamp>| stamp.is_some_and(|stamp| stamp.is_settled());
        if !settled(Stamp::of(&path)) {
            // It has just changed, so nobody is told.
            assert!(cache.0.lock().is_empty());
        }
        while !settled(Stamp::of(&path)) {
            std::thread::park_timeout(Duration::from_millis(100));
        }
        assert_eq!(digest(&FileDigests::new()), content);
        assert_eq!(cache.0.lock().values().copied().collect::<Vec<_>>(), [content]);
        // A digest that no content has tells what was read from what was remembered.
        let other = KeyHasher::content().finish();
        cache.0.lock().values_mut().for_each(|identity| *identity = other);
        let digests = FileDigests::new();
        assert_eq!(digest(&digests), other);
        digests.revalidate();
        assert_eq!(digest(&digests), content);
        assert_eq!(digest(&FileDigests::new()), content);
    }

    #[test]
    #[cfg(unix)]
    fn a_change_is_found_though_length_time_and_file_id_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old");
        let old = SystemTime::now() - Duration::from_secs(3600);
        let digests = FileDigests::new();
        let [one, two] = [b"one", b"two"].map(|content| {
            std::fs::write(&path, content).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
            digests.digest(&path, None, &Stop::default()).unwrap()
        });
        assert_ne!(one, two);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_in_the_place_of_another_is_read_though_length_and_time_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        let old = SystemTime::now() - Duration::from_secs(3600);
        for (path, content) in [(&path, b"one"), (&other, b"two")] {
            std::fs::write(path, content).unwrap();
            File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        }
        let digests = FileDigests::new();
        let one = digests.digest(&path, None, &Stop::default()).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(digests.digest(&path, None, &Stop::default()), Some(one));
    }
}
