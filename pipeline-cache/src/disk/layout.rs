//! Which directory is one of a cache.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use pipeline_core::Key;

/// The layout that this version reads and writes: in two lines, so that a damaged one is told from
/// that of another version.
const VERSION: &str = "pipeline cache, layout 3\npipeline cache, layout 3\n";

/// What programs that make backups look for: <https://bford.info/cachedir/>.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory is a cache of results of pipelines. It may be removed at any time.\n";

/// What else is in the directory of a cache.
const PARTS: [&str; 5] = ["lock", "records", "blobs", "unfinished", "claims"];

/// Why a directory cannot be a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The system refuses.
    #[error("{} cannot be a cache: {source}", path.display())]
    Io {
        /// The directory, or what is in it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else is in it.
    #[error("{} is not empty and not a cache: choose a directory of its own", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// Another version of this library made it.
    #[error(
        "{} has the layout {found:?} instead of {expected:?}: remove it, or choose another",
        path.display()
    )]
    Version {
        /// The directory.
        path: PathBuf,
        /// What stands in its file `VERSION`.
        found: String,
        /// What this version writes there.
        expected: String,
    },
}

/// Makes the directory a cache, if it is none yet or not a whole one any more.
pub(super) fn prepare(root: &Path) -> Result<(), OpenError> {
    if is_cache(root)? {
        if fs::read(root.join("CACHEDIR.TAG")).is_ok_and(|tag| tag != TAG.as_bytes()) {
            // By the tag a damaged `VERSION` is known. Where nothing can be written it is as it is.
            let _ = write(root, "CACHEDIR.TAG", TAG);
        }
        return Ok(());
    }
    let failed = |source| OpenError::Io { path: root.to_owned(), source };
    fs::create_dir_all(root).map_err(failed)?;
    let is_tagged = is_tagged(root);
    // What a process left that ended between the two files below, or is writing them now; and what
    // is left of a cache.
    let is_ours = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            name == "CACHEDIR.TAG"
                || name.starts_with("VERSION")
                || (is_tagged && PARTS.contains(&name))
        })
    };
    let is_foreign = |entry: fs::DirEntry| !is_ours(&entry.file_name());
    if fs::read_dir(root).map_err(failed)?.flatten().any(is_foreign) {
        // Another process may have made it a cache meanwhile.
        let foreign = OpenError::Foreign { path: root.to_owned() };
        return if is_cache(root)? { Ok(()) } else { Err(foreign) };
    }
    write(root, "CACHEDIR.TAG", TAG).map_err(failed)?;
    write(root, "VERSION", VERSION).map_err(failed)
}

/// Whether it is one by its tag, with which `VERSION` may have changed places.
fn is_tagged(root: &Path) -> bool {
    let has_tag = |name| fs::read(root.join(name)).is_ok_and(|tag| tag == TAG.as_bytes());
    has_tag("CACHEDIR.TAG") || has_tag("VERSION")
}

/// Whether it is one, of this layout. A file without a byte in it is what a loss of power leaves;
/// one that no version writes is damaged, if the directory is that of a cache by its tag.
fn is_cache(root: &Path) -> Result<bool, OpenError> {
    let path = root.join("VERSION");
    match fs::read(&path) {
        Ok(bytes) if bytes == VERSION.as_bytes() => Ok(true),
        Ok(bytes) if bytes.is_empty() => Ok(false),
        Ok(bytes) if !is_of_another(&bytes) && is_tagged(root) => Ok(false),
        Ok(bytes) => {
            let line = |bytes| {
                let text = String::from_utf8_lossy(bytes);
                text.lines().next().unwrap_or_default().chars().take(80).collect()
            };
            let (found, expected) = (line(&bytes), line(VERSION.as_bytes()));
            Err(OpenError::Version { path: root.to_owned(), found, expected })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(OpenError::Io { path, source }),
    }
}

/// Whether another version of this library has written that.
fn is_of_another(bytes: &[u8]) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_version =
        |line: &str| line.strip_prefix("pipeline cache, layout ").is_some_and(is_number);
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let is_own = VERSION.lines().any(|line| line == first);
    is_version(first) && !is_own && lines.all(|line| line == first)
}

/// Writes a file that is there as a whole or not at all.
fn write(root: &Path, name: &str, text: &str) -> io::Result<()> {
    let unfinished = root.join(format!("VERSION.{}", unique()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, root.join(name))
}

/// A name that no other file has, of this process or of any.
pub(super) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{count}", now.as_nanos(), std::process::id())
}

/// Makes a folder within one that is there, if it is none yet. With `sync` its name is on the disk
/// afterwards.
pub(super) fn make_folder(path: &Path, sync: bool) -> io::Result<()> {
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        Err(_) if path.is_dir() => return Ok(()),
        Err(_) => {
            // What is in its way is in the directory of a cache, and no part of it.
            fs::remove_file(path)?;
            fs::create_dir(path)?;
        }
    }
    if sync { sync_folder(path.parent().unwrap_or(path)) } else { Ok(()) }
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere folders are not opened as files.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Whether a file still has its name: somebody may have removed or replaced it.
#[cfg(unix)]
pub(super) fn is_in_place(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |data: fs::Metadata| (data.dev(), data.ino());
    let (own, named) = (file.metadata().map(id), fs::metadata(path).map(id));
    matches!((own, named), (Ok(own), Ok(named)) if own == named)
}

/// The same where files have no numbers.
#[cfg(not(unix))]
pub(super) fn is_in_place(_: &File, path: &Path) -> bool {
    path.exists()
}

/// The digest that a file of a large value has as its name.
pub(super) fn digest_of(path: &Path) -> Option<Key> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent()?.file_name()?.to_str()?;
    let text = format!("{folder}{name}");
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(Key::from_bytes(bytes))
}
