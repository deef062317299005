//! What files are: their content, remembered by path, length, time of change and file id.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::key::{Key, KeyHasher};

/// Digests of files, so that an unchanged file is read once and only looked at afterwards.
///
/// A file that changed less than two seconds before it was read is read again next time: within
/// that span a second change can leave the same time stamp.
#[derive(Debug, Default)]
pub(crate) struct Sources {
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

impl Sources {
    /// Nothing known yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The digest of a file's content; `None` if it cannot be read now.
    pub(crate) fn digest(&self, path: &Path) -> Option<Key> {
        let stamp = Stamp::of(path)?;
        if let Some((known, digest)) = self.known.lock().get(path)
            && *known == stamp
        {
            return Some(*digest);
        }
        let digest = read(path)?;
        // Only a stamp that is the same before and after belongs to what was read.
        if stamp.is_settled() && Stamp::of(path)? == stamp {
            self.known.lock().insert(path.to_owned(), (stamp, digest));
        }
        Some(digest)
    }

    /// Forgets everything, so that every file is read again.
    pub(crate) fn revalidate(&self) {
        self.known.lock().clear();
    }
}

fn read(path: &Path) -> Option<Key> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut hasher = KeyHasher::content();
    let mut chunk = vec![0; 1 << 18];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Some(hasher.finish()),
            Ok(len) => std::io::Write::write_all(&mut hasher, &chunk[..len]).ok()?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
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
        let sources = Sources::new();
        assert_eq!(sources.digest(&path), None);
        std::fs::write(&path, b"one").unwrap();
        let one = sources.digest(&path).unwrap();
        // Same length, and too soon for the time stamp to be trusted.
        std::fs::write(&path, b"two").unwrap();
        let two = sources.digest(&path).unwrap();
        assert_ne!(one, two);
        std::fs::write(&path, b"one").unwrap();
        assert_eq!(sources.digest(&path), Some(one));
    }

    #[test]
    fn what_is_no_file_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Sources::new().digest(folder.path()), None);
        #[cfg(unix)]
        assert_eq!(Sources::new().digest(Path::new("/dev/zero")), None);
    }

    #[test]
    fn a_settled_file_is_not_read_again_until_revalidated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old");
        std::fs::write(&path, b"old").unwrap();
        let old = SystemTime::now() - Duration::from_secs(3600);
        let settle = |path: &Path| {
            std::fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        };
        settle(&path);
        let sources = Sources::new();
        let first = sources.digest(&path).unwrap();
        // A change that hides behind the same length, time and file id is found on request.
        std::fs::write(&path, b"new").unwrap();
        settle(&path);
        assert_eq!(sources.digest(&path), Some(first));
        sources.revalidate();
        assert_ne!(sources.digest(&path), Some(first));
    }

    #[test]
    #[cfg(unix)]
    fn a_file_in_the_place_of_another_is_read_though_length_and_time_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        let old = SystemTime::now() - Duration::from_secs(3600);
        for (path, content) in [(&path, b"one"), (&other, b"two")] {
            std::fs::write(path, content).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        }
        let sources = Sources::new();
        let one = sources.digest(&path).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(sources.digest(&path), Some(one));
    }
}
