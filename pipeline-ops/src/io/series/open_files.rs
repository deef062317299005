//! Microscope files that stay open.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use pipeline_core::Result;

use super::file::SeriesFile;

/// Remembers what is in files, so that a file is gone through once for all its fields and channels.
///
/// A service for `open_stack`, which opens files by itself where it is not lent one. No result
/// depends on it: a file that the system says is another one, or has changed, is opened anew.
///
/// ```
/// use pipeline_core::{Executor, Options, Services};
/// use pipeline_ops::io::OpenFiles;
///
/// let services = Services::new().with(OpenFiles::default());
/// let executor = Executor::new(Options { services, ..Options::default() })?;
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct OpenFiles(Mutex<HashMap<PathBuf, (Stamp, SeriesFile)>>);

/// Length and time of change, and what the system calls the file and its last change.
type Stamp = (u64, SystemTime, [u64; 4]);

#[cfg(unix)]
fn system(meta: &fs::Metadata) -> [u64; 4] {
    use std::os::unix::fs::MetadataExt;
    let (seconds, nanos) = (meta.ctime().cast_unsigned(), meta.ctime_nsec().cast_unsigned());
    [meta.dev(), meta.ino(), seconds, nanos]
}

#[cfg(not(unix))]
fn system(_: &fs::Metadata) -> [u64; 4] {
    [0; 4]
}

/// Files that are remembered; beyond that all are forgotten, which costs time and no result.
const MOST: usize = 16;

impl OpenFiles {
    /// The file, from memory if it seems unchanged.
    ///
    /// # Errors
    /// As [`SeriesFile::open`].
    pub fn open(&self, path: &Path) -> Result<SeriesFile> {
        let stamp = || {
            let meta = fs::metadata(path).ok()?;
            Some((meta.len(), meta.modified().ok()?, system(&meta)))
        };
        let before = stamp();
        // Whoever comes second waits for the first, instead of going through the same pages.
        let mut files = self.0.lock();
        if let Some((known, file)) = files.get(path)
            && Some(*known) == before
        {
            return Ok(file.clone());
        }
        let file = SeriesFile::open(path)?;
        if let Some(stamp) = before.filter(|_| stamp() == before) {
            if files.len() >= MOST {
                files.clear();
            }
            files.insert(path.to_owned(), (stamp, file.clone()));
        }
        Ok(file)
    }
}
