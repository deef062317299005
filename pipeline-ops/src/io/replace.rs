//! A file that appears whole or not at all.

#[cfg(unix)]
use std::fs::TryLockError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use pipeline_core::key::KeyHasher;

/// A temporary file beside its target. Dropped, it is removed; committed, it takes the target's
/// place in one move.
#[derive(Debug)]
pub(super) struct Replacement {
    temporary: PathBuf,
    /// The folders with a new entry: that of the target, and those above folders that were made.
    changed: Vec<PathBuf>,
    committed: bool,
}

/// Makes names of one process differ; its number makes those of several differ.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Replacement {
    /// Opens a temporary file in the folder of `target`, which is made if it is missing.
    ///
    /// It has one name for each target, so that what a process left behind that was stopped is
    /// used up by the next one that writes the same; only while two write the same at once, one of
    /// them takes another name.
    pub(super) fn of(target: &Path) -> io::Result<(Self, File)> {
        let Some(name) = target.file_name() else {
            return Err(io::Error::other("the path names no file"));
        };
        let folder = folder_of(target);
        let changed = changed_by(folder);
        fs::create_dir_all(folder)?;
        // Short, and without the target's name, which may be as long as names can be.
        let mut hasher = KeyHasher::content();
        hasher.write_all(name.as_encoded_bytes())?;
        let digest = hasher.finish().prefix();
        let own = target.with_file_name(format!(".{digest:016x}.part"));
        let (temporary, file) = match take(&own)? {
            Some(file) => (own, file),
            None => loop {
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                let other = format!(".{digest:016x}-{}-{count}.part", std::process::id());
                let other = target.with_file_name(other);
                match OpenOptions::new().write(true).create_new(true).open(&other) {
                    // A process that had the same number was stopped before it could remove it.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    file => break (other, file?),
                }
            },
        };
        Ok((Self { temporary, changed, committed: false }, file))
    }

    /// Puts the content in the target's place; if it is to be `durable`, when it is on the disk,
    /// and then waits until its name is there too.
    pub(super) fn commit(mut self, file: &File, target: &Path, durable: bool) -> io::Result<()> {
        if durable {
            file.sync_all()?;
        }
        let old = hold(target);
        fs::rename(&self.temporary, target)?;
        self.committed = true;
        if durable {
            self.changed.iter().try_for_each(|folder| sync(folder))?;
        }
        if let Some(old) = old {
            // If no thread can be had, it is let go of here.
            let _ = thread::Builder::new().spawn(move || drop(old));
        }
        Ok(())
    }
}

/// The file of this path, empty and locked; none if another writer has it, or somebody left it who
/// lets nobody else write to it.
#[cfg(unix)]
fn take(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().write(true).create(true).truncate(false).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
            return Ok(None);
        }
        file => file?,
    };
    match file.try_lock() {
        // Before it was locked, its writer may have put it in its target's place.
        Ok(()) if is_at(&file, path) => {}
        // Another writer has it, or had it, or nobody can tell who has.
        Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return Ok(None),
    }
    file.set_len(0)?;
    Ok(Some(file))
}

/// Whether this is the file that has this path now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(found)) => (file.dev(), file.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

/// Elsewhere a file cannot be told from another one that has its name now.
#[cfg(not(unix))]
fn take(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// The folder that a path lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The folders with a new entry when a file is put into `folder`, which is made if it is missing.
fn changed_by(folder: &Path) -> Vec<PathBuf> {
    let mut changed = vec![folder.to_owned()];
    let mut made = folder;
    while !made.exists() && made.parent().is_some() {
        made = folder_of(made);
        changed.push(made.to_owned());
    }
    changed
}

/// Waits until the entries of a folder are on the disk.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    let folder = match File::open(folder) {
        // A folder in which files may be put, but which may not be read.
        Err(error) if error.kind() == PermissionDenied => return Ok(()),
        folder => folder?,
    };
    match folder.sync_all() {
        // Not all file systems have that.
        Err(error) if matches!(error.kind(), InvalidInput | Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Elsewhere folders are no files, and the system writes their entries when it likes.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Smaller files are gone in less time than a thread takes to start.
#[cfg(unix)]
const LARGE: u64 = 4 << 20;

/// A large file that is about to be replaced. It is gone when the last handle on it is closed; to
/// free 50 MiB takes 20 ms, for which nobody has to wait.
#[cfg(unix)]
fn hold(target: &Path) -> Option<File> {
    let old = fs::symlink_metadata(target).ok()?;
    if old.is_file() && old.len() >= LARGE { File::open(target).ok() } else { None }
}

/// Elsewhere a file that is open may not be replaced.
#[cfg(not(unix))]
fn hold(_: &Path) -> Option<File> {
    None
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be done about a file that cannot be removed, and the first error counts.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_replaced_by_a_small_one() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("picture.tif");
        for content in [vec![7u8; 5 << 20], vec![8; 3]] {
            let (replacement, mut file) = Replacement::of(&target).unwrap();
            file.write_all(&content).unwrap();
            replacement.commit(&file, &target, false).unwrap();
            assert_eq!(fs::read(&target).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_with_a_new_entry_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(changed_by(root), [root]);
        let deep = root.join("new/deep");
        assert_eq!(changed_by(&deep), [&*deep, &*root.join("new"), root]);
        let (replacement, file) = Replacement::of(&deep.join("a.png")).unwrap();
        assert_eq!(replacement.changed, [&*deep, &*root.join("new"), root]);
        replacement.commit(&file, &deep.join("a.png"), true).unwrap();
        assert_eq!(changed_by(&deep), [&*deep]);
        assert_eq!(changed_by(folder_of(Path::new("a.png"))), [Path::new(".")]);
        let missing = Path::new("no-such-folder");
        assert_eq!(changed_by(missing), [missing, Path::new(".")]);
    }

    #[test]
    #[cfg(unix)]
    fn what_a_stopped_process_left_behind_is_used_up() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("picture.png");
        let (left, mut file) = Replacement::of(&target).unwrap();
        file.write_all(b"left behind").unwrap();
        // It is stopped: nothing is removed, and nobody holds the file.
        let _ = std::mem::ManuallyDrop::new(left);
        drop(file);
        let (replacement, mut file) = Replacement::of(&target).unwrap();
        file.write_all(b"new").unwrap();
        replacement.commit(&file, &target, true).unwrap();
        assert_eq!(fs::read(target).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_who_write_the_same_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("picture.png");
        let (first, mut first_file) = Replacement::of(&target).unwrap();
        let (second, mut second_file) = Replacement::of(&target).unwrap();
        first_file.write_all(b"first").unwrap();
        second_file.write_all(b"second").unwrap();
        first.commit(&first_file, &target, false).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"first");
        second.commit(&second_file, &target, false).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
