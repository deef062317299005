//! What was done, on disk: a file per item that appears whole or not at all.
//!
//! ```text
//! folder/manifest/pipeline.json    what the records are of
//!                 items/fov_0.json what was done for an item, and what it wrote
//!                 locks/fov_0      locked while a process works on the item
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::event::ItemStatus;
use crate::error::{Error, Result};
use crate::key::Key;

/// The form that records have. Another program's may have another.
const FORMAT: u32 = 1;

/// What is recorded of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The item.
    pub item: String,
    /// How it ended: `done`, `failed` or `cancelled`, which is also what stands there while it is
    /// worked on.
    pub status: ItemStatus,
    /// What failed and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The names of what was done for each target; none where that may be otherwise each time.
    pub targets: Vec<Option<Key>>,
    /// What was written.
    pub outputs: Vec<Output>,
}

/// A file that an item wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Where it is; in the folder of the batch if it is relative.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its content.
    pub digest: Key,
    /// The name of what was done for it; none if that may be otherwise each time.
    pub fingerprint: Option<Key>,
    /// What the file system said of it then. While it says the same the file is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<Key>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    format: u32,
    pipeline: String,
}

/// The records of a folder.
#[derive(Debug)]
pub(super) struct Manifest {
    root: PathBuf,
}

/// An item that no other process works on meanwhile.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Does something with all that is recorded in a folder, by name of the item, while no other
/// process does: such as to bring results together, so that whoever comes last has those of all.
///
/// # Errors
/// [`Error::File`] if the folder cannot be read or locked, [`Error::Input`] if the records are of
/// another version; what is done with them fails with.
pub fn with_records<R>(folder: &Path, with: impl FnOnce(&[Record]) -> Result<R>) -> Result<R> {
    let manifest = Manifest { root: folder.to_owned() };
    let _lock = manifest.lock_until_free(".records")?;
    with(&records(folder)?)
}

/// Reads what is recorded in a folder, by name of the item.
///
/// # Errors
/// [`Error::File`] if the folder cannot be read, [`Error::Input`] if the records are of another
/// version.
pub fn records(folder: &Path) -> Result<Vec<Record>> {
    let manifest = Manifest { root: folder.to_owned() };
    let header = manifest.header_path();
    let Some(found) = read::<Header>(&header)? else { return Ok(Vec::new()) };
    check(&header, &found, &found.pipeline)?;
    let items = manifest.of("items");
    let entries = fs::read_dir(&items).map_err(|error| unreadable(&items, error))?;
    let mut records = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&items, error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            // One that is damaged counts as none, as when the item is done.
            records.extend(read::<Record>(&path).ok().flatten());
        }
    }
    records.sort_by(|a, b| a.item.cmp(&b.item));
    Ok(records)
}

impl Manifest {
    /// Opens the records below a folder, which is made if it is missing.
    pub(super) fn open(folder: &Path, pipeline: &str) -> Result<Self> {
        let manifest = Self { root: folder.to_owned() };
        let path = manifest.header_path();
        let header = read::<Header>(&path)?;
        if let Some(found) = &header {
            check(&path, found, pipeline)?;
        }
        for folder in ["items", "locks"] {
            let folder = manifest.of(folder);
            fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
        }
        if header.is_none() {
            // Several may come first; only one of them writes.
            let _lock = manifest.lock_until_free(".pipeline")?;
            match read::<Header>(&path)? {
                Some(found) => check(&path, &found, pipeline)?,
                None => write(&path, &Header { format: FORMAT, pipeline: pipeline.to_owned() })?,
            }
        }
        Ok(manifest)
    }

    fn of(&self, name: &str) -> PathBuf {
        self.root.join("manifest").join(name)
    }

    fn header_path(&self) -> PathBuf {
        self.of("pipeline.json")
    }

    fn record_path(&self, item: &str) -> PathBuf {
        self.of("items").join(format!("{item}.json"))
    }

    /// Locks an item; `None` if another process has it, and keeps it for so long.
    pub(super) fn lock(&self, item: &str, patience: Duration) -> Result<Option<Lock>> {
        /// Between two looks at a lock.
        const PAUSE: Duration = Duration::from_millis(5);

        let path = self.of("locks").join(item);
        let file = File::create(&path).map_err(|error| unwritable(&path, error))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Lock { _file: file })),
                Err(TryLockError::WouldBlock) if begin.elapsed() < patience => park_timeout(PAUSE),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(unwritable(&path, error)),
            }
        }
    }

    /// Locks a name that is no item's, for the moment that another process may have it.
    fn lock_until_free(&self, name: &str) -> Result<Lock> {
        let path = self.of("locks").join(name);
        let locked = || {
            let file = File::create(&path)?;
            file.lock()?;
            Ok(Lock { _file: file })
        };
        locked().map_err(|error| unwritable(&path, error))
    }

    /// What is recorded of an item. A record that cannot be understood is none.
    pub(super) fn find(&self, item: &str) -> Option<Record> {
        let record = read::<Record>(&self.record_path(item)).ok().flatten();
        record.filter(|record| record.item == item)
    }

    /// Records what was done for an item. Its lock is held.
    pub(super) fn put(&self, record: &Record) -> Result<()> {
        write(&self.record_path(&record.item), record)
    }

    /// The path of an output as it is recorded.
    pub(super) fn recorded(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }
}

/// An item's name is the name of a file.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        let is_file = !name.starts_with('.')
            && (1..=200).contains(&name.len())
            && !name.contains(|letter: char| letter.is_control() || "/\\:*?\"<>|".contains(letter));
        if !is_file {
            let expected = "1 to 200 bytes that can be the name of a file";
            return Err(Error::input("the name of an item", format!("{name:?}"), expected));
        }
        // Where files are found by names in any case, these would be one.
        if !seen.insert(name.to_lowercase()) {
            let expected = "another one for each item, whatever the case of its letters";
            return Err(Error::input("the name of two items", format!("{name:?}"), expected));
        }
    }
    Ok(())
}

fn check(path: &Path, found: &Header, pipeline: &str) -> Result<()> {
    let what = |part| format!("the {part} of {}", path.display());
    if found.format != FORMAT {
        let found = format!("{}, made by another version of the program", found.format);
        return Err(Error::input(what("format"), found, FORMAT.to_string()));
    }
    if found.pipeline != pipeline {
        let expected = format!("`{pipeline}`; choose another output folder");
        return Err(Error::input(what("pipeline"), format!("`{}`", found.pipeline), expected));
    }
    Ok(())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| Error::File {
        path: path.to_owned(),
        action: "decode",
        source: error.into(),
    })
}

/// Writes a file that appears whole or not at all.
fn write<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    // Whoever writes a record has its item, and headers of one pipeline are the same.
    let temporary = path.with_extension("part");
    let written = || {
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    written().map_err(|error| {
        // Nothing can be done about a file that cannot be removed, and the first error counts.
        let _ = fs::remove_file(&temporary);
        unwritable(path, error)
    })
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::File { path: path.to_owned(), action: "read", source: error.into() }
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::File { path: path.to_owned(), action: "write", source: error.into() }
}
