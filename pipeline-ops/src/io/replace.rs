//! A file that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A temporary file beside its target. Dropped, it is removed; committed, it takes the target's
/// place in one move.
#[derive(Debug)]
pub(super) struct Replacement {
    temporary: PathBuf,
    committed: bool,
}

/// Makes names of one process differ; its number makes those of several differ.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Replacement {
    /// Opens a temporary file in the folder of `target`, which is made if it is missing.
    pub(super) fn of(target: &Path) -> io::Result<(Self, File)> {
        let name = target.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let suffix = format!(".{}-{count}.part", std::process::id());
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(suffix);
        let temporary = target.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        Ok((Self { temporary, committed: false }, file))
    }

    /// Puts the content in the target's place; if it is to be `durable`, when it is on the disk.
    pub(super) fn commit(mut self, file: &File, target: &Path, durable: bool) -> io::Result<()> {
        if durable {
            file.sync_all()?;
        }
        fs::rename(&self.temporary, target)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be done about a file that cannot be removed, and the first error counts.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
