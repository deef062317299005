//! What files are: their content, remembered by path, length, time of change and file id.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, sync_channel};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::error::CancelReason;
use crate::key::{Key, KeyHasher};
use crate::step::CancelToken;

/// Digests of files, so that an unchanged file is read once and only looked at afterwards.
///
/// A file that changed less than two seconds before it was read is read again next time: within
/// that span a second change can leave the same time stamp.
#[derive(Debug, Default)]
pub(crate) struct FileDigests {
    known: Mutex<HashMap<PathBuf, (Stamp, Key)>>,
}

/// Tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    changed: SystemTime,
    file: (u64, u64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        // What is no file may have no end, and to open it may wait for ever.
        let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { len: meta.len(), changed: meta.modified().ok()?, file: file_id(&meta) })
    }

    fn is_settled(&self) -> bool {
        SystemTime::now().duration_since(self.changed).is_ok_and(|age| age > Duration::from_secs(2))
    }
}

#[cfg(unix)]
fn file_id(meta: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn file_id(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

impl FileDigests {
    /// Nothing known yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The digest of a file's content; `None` if it cannot be read now, or not before it is time to
    /// stop.
    pub(crate) fn digest(&self, path: &Path, stop: &Stop<'_>) -> Option<Key> {
        let stamp = Stamp::of(path)?;
        if let Some((known, digest)) = self.known.lock().get(path)
            && *known == stamp
        {
            return Some(*digest);
        }
        let file = File::open(path).ok()?;
        let digest = if stamp.len < LARGE { read(&file, stop) } else { read_ahead(&file, stop) }?;
        // Only a stamp that is the same before and after belongs to what was read.
        if stamp.is_settled() && Stamp::of(path)? == stamp {
            self.known.lock().insert(path.to_owned(), (stamp, digest));
        }
        Some(digest)
    }

    /// A name for a file as it is now that only this process understands: it says nothing of the
    /// content, which is not read. `None` if there is no such file.
    pub(crate) fn stamp(path: &Path) -> Option<Key> {
        let stamp = Stamp::of(path)?;
        let mut hasher = KeyHasher::result();
        // What is printed for debugging tells every path and time from every other.
        hasher.text(&format!("{path:?}")).text(&format!("{stamp:?}"));
        Some(hasher.finish())
    }

    /// Forgets everything, so that every file is read again.
    pub(crate) fn revalidate(&self) {
        self.known.lock().clear();
    }
}

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

    #[test]
    fn a_file_is_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        let digests = FileDigests::new();
        assert_eq!(digests.digest(&path, &Stop::default()), None);
        std::fs::write(&path, b"one").unwrap();
        let one = digests.digest(&path, &Stop::default()).unwrap();
        // Same length, and too soon for the time stamp to be trusted.
        std::fs::write(&path, b"two").unwrap();
        let two = digests.digest(&path, &Stop::default()).unwrap();
        assert_ne!(one, two);
        std::fs::write(&path, b"one").unwrap();
        assert_eq!(digests.digest(&path, &Stop::default()), Some(one));
    }

    #[test]
    fn a_file_is_not_read_on_once_it_is_time_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file");
        std::fs::write(&path, b"one").unwrap();
        let (digests, token) = (FileDigests::new(), CancelToken::new());
        let stop = Stop { token: Some(&token), at: None };
        assert!(digests.digest(&path, &stop).is_some());
        let late = Stop { token: None, at: Some(Instant::now()) };
        assert_eq!(digests.digest(&path, &late), None);
        assert_eq!(late.reason(), Some(CancelReason::Timeout));
        token.cancel(CancelReason::User);
        assert_eq!(digests.digest(&path, &stop), None);
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
            assert_eq!(digests.digest(&path, &Stop::default()), Some(hasher.finish()));
            token.cancel(CancelReason::User);
            let stop = Stop { token: Some(&token), at: None };
            assert_eq!(digests.digest(&path, &stop), None);
        }
    }

    #[test]
    fn what_is_no_file_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(FileDigests::new().digest(folder.path(), &Stop::default()), None);
        #[cfg(unix)]
        assert_eq!(FileDigests::new().digest(Path::new("/dev/zero"), &Stop::default()), None);
    }

    #[test]
    fn a_settled_file_is_not_read_again_until_revalidated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old");
        std::fs::write(&path, b"old").unwrap();
        let old = SystemTime::now() - Duration::from_secs(3600);
        let settle = |path: &Path| {
            File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        };
        settle(&path);
        let digests = FileDigests::new();
        let first = digests.digest(&path, &Stop::default()).unwrap();
        // A change that hides behind the same length, time and file id is found on request.
        std::fs::write(&path, b"new").unwrap();
        settle(&path);
        assert_eq!(digests.digest(&path, &Stop::default()), Some(first));
        digests.revalidate();
        assert_ne!(digests.digest(&path, &Stop::default()), Some(first));
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
        let one = digests.digest(&path, &Stop::default()).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(digests.digest(&path, &Stop::default()), Some(one));
    }
}
