//! The lock of a directory: shared while a result is published, alone while one is thrown out.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::layout::{self, is_in_place};

/// How long the lock is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The file that processes lock.
#[derive(Debug)]
pub(super) struct Lock {
    root: PathBuf,
    path: PathBuf,
}

impl Lock {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), path: root.join("lock") }
    }

    /// The lock, with others, as long as the file is open.
    ///
    /// Nobody holds it for long; where somebody does all the same, or it is not the file that it
    /// should be, the cache goes on without what it was wanted for.
    pub(super) fn shared(&self) -> io::Result<File> {
        self.wait(File::try_lock_shared)
    }

    /// The lock, alone.
    pub(super) fn alone(&self) -> io::Result<File> {
        self.wait(File::try_lock)
    }

    /// The lock, alone, if nobody has it now.
    pub(super) fn alone_now(&self) -> Option<File> {
        let file = self.file().ok()?;
        file.try_lock().ok()?;
        is_in_place(&file, &self.path).then_some(file)
    }

    fn wait(&self, lock: impl Fn(&File) -> Result<(), TryLockError>) -> io::Result<File> {
        let (mut file, start) = (self.file()?, Instant::now());
        loop {
            match lock(&file) {
                Ok(()) if is_in_place(&file, &self.path) => return Ok(file),
                // Somebody has removed or replaced it, and others lock another one by now.
                Ok(()) => file = self.file()?,
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => {}
            }
            if start.elapsed() > PATIENCE {
                let text = format!("others have had the lock for {PATIENCE:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    fn file(&self) -> io::Result<File> {
        // Somebody may have removed the directory.
        layout::prepare(&self.root).map_err(io::Error::other)?;
        let open = || File::options().create(true).truncate(false).write(true).open(&self.path);
        let file = open().or_else(|error| {
            // An empty folder in its place is in nobody's use.
            if self.path.is_dir() && fs::remove_dir(&self.path).is_ok() {
                open()
            } else {
                Err(error)
            }
        })?;
        if file.metadata()?.len() == 0 {
            return Ok(file);
        }
        // Nobody writes into a lock: this is another file, which others may hold.
        fs::remove_file(&self.path)?;
        open()
    }
}
