//! A file that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

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
    pub(super) fn of(target: &Path) -> io::Result<(Self, File)> {
        if target.file_name().is_none() {
            return Err(io::Error::other("the path names no file"));
        }
        let folder = folder_of(target);
        let changed = changed_by(folder);
        fs::create_dir_all(folder)?;
        let (temporary, file) = loop {
            // Short, and without the target's name, which may be as long as names can be.
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let temporary = target.with_file_name(format!(".{}-{count}.part", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                // A process that had the same number was stopped before it could remove it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => break (temporary, file?),
            }
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
    use std::io::Write;

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
    fn what_a_stopped_process_left_behind_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let next = COUNT.load(Ordering::Relaxed);
        for count in next..next + 20 {
            let name = format!(".{}-{count}.part", std::process::id());
            fs::write(folder.path().join(name), b"left behind").unwrap();
        }
        let target = folder.path().join("picture.png");
        let (replacement, file) = Replacement::of(&target).unwrap();
        replacement.commit(&file, &target, false).unwrap();
        assert_eq!(fs::read(target).unwrap(), b"");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 21);
    }
}
