//! Who makes which result, among processes that share a directory.
//!
//! A claim is the lock of one of 4096 files, which its key says. The system lets go of it when the
//! process ends, however that comes about. Two keys may have the same file: those of one process
//! share it, and others wait until all of them are let go. No one waits in a circle: what is
//! claimed is being made, or waits to be written, and neither waits for another claim.

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pipeline_core::Key;

use super::layout::{is_in_place, make_folder};

/// How long one who asks again and again is told that somebody else is at it: a process may have
/// been stopped, or its step may hang.
const PATIENCE: Duration = Duration::from_mins(10);

/// Who has not asked for so long does not wait any more.
const ASKED: Duration = Duration::from_secs(1);

/// The files that are locked.
#[derive(Debug)]
pub(super) struct Claims {
    folder: PathBuf,
    waiting: Mutex<HashMap<Key, Waiting>>,
    /// What this process has claimed, by the names of the files.
    held: Arc<Mutex<HashMap<String, Locked>>>,
}

/// A file, which is locked as long as it is open, and the keys that are claimed by that.
///
/// Whoever waits for one of them makes it one byte long, so that who holds it hurries.
#[derive(Debug)]
struct Locked {
    file: File,
    keys: HashSet<Key>,
}

/// A claim.
#[derive(Debug)]
pub(crate) struct Held {
    key: Key,
    name: String,
    held: Arc<Mutex<HashMap<String, Locked>>>,
}

impl Held {
    /// Whether another process waits for it, or for another key of its file.
    pub(crate) fn is_wanted(&self) -> bool {
        self.held.lock().get(&self.name).is_some_and(|locked| is_marked(&locked.file))
    }
}

fn is_marked(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.len() > 0)
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever finds it let go here finds it let go there.
        let mut held = self.held.lock();
        if let Some(locked) = held.get_mut(&self.name) {
            locked.keys.remove(&self.key);
            if locked.keys.is_empty() {
                held.remove(&self.name);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Instant,
    asked: Instant,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked {
    /// It is claimed until this goes.
    Claimed(Held),
    /// Somebody else has claimed it, or another key of its file.
    Elsewhere,
}

impl Claims {
    pub(super) fn new(root: &Path) -> Self {
        let (waiting, held) = (Mutex::default(), Arc::default());
        Self { folder: root.join("claims"), waiting, held }
    }

    /// Claims a key, if nobody else has.
    ///
    /// # Errors
    /// If files cannot be locked, or others have had it for longer than [`PATIENCE`].
    pub(super) fn ask(&self, key: &Key) -> io::Result<Asked> {
        let asked = self.try_to_claim(key);
        let mut waiting = self.waiting.lock();
        if !matches!(asked, Ok(Asked::Elsewhere)) {
            waiting.remove(key);
            return asked;
        }
        let now = Instant::now();
        let is_waiting = |waiting: &Waiting| now.duration_since(waiting.asked) < ASKED;
        waiting.retain(|_, waiting| is_waiting(waiting));
        let waits = waiting.entry(*key).or_insert(Waiting { since: now, asked: now });
        waits.asked = now;
        if now.duration_since(waits.since) > PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        asked
    }

    fn try_to_claim(&self, key: &Key) -> io::Result<Asked> {
        let name = key.to_string()[..3].to_owned();
        let mut held = self.held.lock();
        let claimed = |name| Asked::Claimed(Held { key: *key, name, held: Arc::clone(&self.held) });
        if let Some(locked) = held.get_mut(&name) {
            // For another one nobody here has to wait.
            let is_new = locked.keys.insert(*key);
            return Ok(if is_new { claimed(name) } else { Asked::Elsewhere });
        }
        let path = self.folder.join(&name);
        let open = || File::options().create(true).truncate(false).write(true).open(&path);
        let file = match open() {
            // The first claim of all, or somebody has removed the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_folder(&self.folder, false)?;
                open()?
            }
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) if is_in_place(&file, &path) => {
                if is_marked(&file) {
                    // By those who waited for who had it before.
                    file.set_len(0)?;
                }
                held.insert(name.clone(), Locked { file, keys: HashSet::from([*key]) });
                Ok(claimed(name))
            }
            // Somebody has removed it, and others lock another one by now.
            Ok(()) => Err(io::ErrorKind::NotFound.into()),
            Err(TryLockError::Error(error)) => Err(error),
            Err(TryLockError::WouldBlock) => {
                if !is_marked(&file) {
                    // Who cannot say so waits all the same.
                    let _ = file.set_len(1);
                }
                Ok(Asked::Elsewhere)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8, last: u8) -> Key {
        let mut bytes = [last; 32];
        bytes[..2].copy_from_slice(&[first, 0]);
        Key::from_bytes(bytes)
    }

    #[test]
    fn a_key_is_claimed_once_until_the_claim_goes() {
        let root = tempfile::tempdir().unwrap();
        let (one, other) = (Claims::new(root.path()), Claims::new(root.path()));
        let claimed = one.ask(&key(7, 1)).unwrap();
        assert!(matches!(claimed, Asked::Claimed(_)));
        for claims in [&one, &other] {
            assert!(matches!(claims.ask(&key(7, 1)), Ok(Asked::Elsewhere)));
            assert!(matches!(claims.ask(&key(8, 1)), Ok(Asked::Claimed(_))));
        }
        // Of the same file.
        assert!(matches!(other.ask(&key(7, 2)), Ok(Asked::Elsewhere)));
        let second = one.ask(&key(7, 2)).unwrap();
        assert!(matches!(second, Asked::Claimed(_)), "those of one process do not wait");
        assert!(matches!(one.ask(&key(7, 2)), Ok(Asked::Elsewhere)));
        drop(claimed);
        let Asked::Claimed(held) = &second else { panic!("it is claimed") };
        assert!(held.is_wanted());
        for number in [1, 2] {
            assert!(matches!(other.ask(&key(7, number)), Ok(Asked::Elsewhere)));
        }
        assert!(matches!(one.ask(&key(7, 1)), Ok(Asked::Claimed(_))));
        drop(second);
        let Ok(Asked::Claimed(held)) = other.ask(&key(7, 2)) else { panic!("it is let go") };
        assert!(!held.is_wanted());
    }

    #[test]
    fn nobody_waits_for_ever() {
        let root = tempfile::tempdir().unwrap();
        let claims = Claims::new(root.path());
        let _held = claims.ask(&key(7, 1)).unwrap();
        assert!(matches!(claims.ask(&key(7, 1)), Ok(Asked::Elsewhere)));
        let Some(long_ago) = Instant::now().checked_sub(PATIENCE * 2) else { return };
        let put = |asked| {
            claims.waiting.lock().insert(key(7, 1), Waiting { since: long_ago, asked });
        };
        put(Instant::now());
        assert_eq!(claims.ask(&key(7, 1)).unwrap_err().kind(), io::ErrorKind::TimedOut);
        put(long_ago);
        assert!(matches!(claims.ask(&key(7, 1)), Ok(Asked::Elsewhere)), "somebody else asks");
    }

    #[test]
    fn where_files_cannot_be_made_nothing_is_claimed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("claims"), "not a folder").unwrap();
        assert!(Claims::new(root.path()).ask(&key(7, 1)).is_err());
        let gone = root.path().join("gone");
        assert!(Claims::new(&gone).ask(&key(7, 1)).is_err());
    }
}
