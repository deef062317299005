//! Large values, each in a file that has the digest of its bytes as its name.
//!
//! A file is written under another name, and gets its own once it is whole: whoever opens it finds
//! all of it or nothing. It is never changed after that.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pipeline_core::Key;
use pipeline_core::data::Samples;

use super::layout::{make_folder, sync_folder, unique};
use super::mapped::map;
use super::packed::{Packed, Packer};

/// Bytes from which on a file is mapped: a process may have only so many.
const MAPPED: u64 = 1 << 20;

/// The folders of large values.
#[derive(Debug)]
pub(super) struct Blobs {
    blobs: PathBuf,
    unfinished: PathBuf,
    /// Whether large values are mapped.
    maps: bool,
}

/// What tells a file from another one that came to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// The disk, the number of the file on it, and when that was changed last, where there are.
    identity: [u64; 4],
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let data = file.metadata()?;
        let (len, modified) = (data.len(), data.modified().ok());
        Ok(Self { len, modified, identity: identity(&data) })
    }
}

#[cfg(unix)]
fn identity(data: &fs::Metadata) -> [u64; 4] {
    use std::os::unix::fs::MetadataExt;
    [data.dev(), data.ino(), data.ctime().cast_unsigned(), data.ctime_nsec().cast_unsigned()]
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> [u64; 4] {
    [0; 4]
}

impl Blobs {
    pub(super) fn new(root: &Path, maps: bool) -> Self {
        Self { blobs: root.join("blobs"), unfinished: root.join("unfinished"), maps }
    }

    pub(super) fn path(&self, digest: &Key) -> PathBuf {
        let name = digest.to_string();
        self.blobs.join(&name[..2]).join(&name[2..])
    }

    /// A file without a name of its own, which nobody may take for one that was left: until it is
    /// locked, the lock of the directory must be held.
    pub(super) fn begin(&self) -> io::Result<Unfinished> {
        make_folder(&self.unfinished, false)?;
        Unfinished::new(self.unfinished.join(unique()))
    }

    /// Gives a value its name, unless a file has it of which `seen` tells that it is whole.
    pub(super) fn publish(
        &self,
        value: &Unfinished,
        seen: Option<Stamp>,
        sync: bool,
    ) -> io::Result<()> {
        let path = self.path(&value.digest);
        let folder = path.parent().unwrap_or(&self.blobs);
        make_folder(&self.blobs, sync)?;
        make_folder(folder, sync)?;
        if seen.is_some()
            && let Ok(file) = File::open(&path)
            && Stamp::of(&file).ok() == seen
        {
            // What is there may be on the disk already; what came second is not.
            return if sync { file.sync_data() } else { Ok(()) };
        }
        value.rename(&path)?;
        if sync { sync_folder(folder) } else { Ok(()) }
    }

    /// The bytes of a value, if they are whole: those of a file that was looked at before, and is
    /// still the same, are not read again.
    ///
    /// # Errors
    /// `NotFound` if there is no file, `InvalidData` if it is not what it should be.
    pub(super) fn read(
        &self,
        digest: &Key,
        len: u64,
        seen: Option<Stamp>,
    ) -> io::Result<(Samples<u8>, Stamp)> {
        let mut file = File::open(self.path(digest))?;
        let stamp = Stamp::of(&file)?;
        let harmed = |text: String| io::Error::new(ErrorKind::InvalidData, text);
        if stamp.len != len {
            return Err(harmed(format!("{} bytes instead of {len}", stamp.len)));
        }
        let bytes = if len < MAPPED || !self.maps {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            bytes.into()
        } else {
            map(&file)?
        };
        let is_known = len >= MAPPED && stamp.modified.is_some() && seen == Some(stamp);
        if !is_known && blake3::hash(&bytes) != *digest.as_bytes() {
            return Err(harmed("other bytes than were written".to_owned()));
        }
        Ok((bytes, stamp))
    }

    /// Whether a value has a file of this size.
    pub(super) fn has(&self, digest: &Key, len: u64) -> bool {
        fs::metadata(self.path(digest)).is_ok_and(|data| data.is_file() && data.len() == len)
    }

    /// Removes a value. One that is gone already is no error.
    pub(super) fn remove(&self, digest: &Key) -> io::Result<()> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(_) if path.is_dir() => fs::remove_dir_all(&path),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a process ended while it wrote, or one is writing now.
    pub(super) fn has_unfinished(&self) -> bool {
        fs::read_dir(&self.unfinished).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Removes what nobody is writing any more.
    pub(super) fn remove_unfinished(&self) {
        for path in files(&self.unfinished) {
            // Whoever writes holds the lock, and a process that ends lets it go.
            let is_left = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if is_left {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// All files, those with names that are no digest as well.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(&self.blobs).into_iter().flatten().flatten();
        folders.flat_map(|folder| files(&folder.path())).collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

/// A file that is being written, and is removed unless it gets a name.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: File,
    path: PathBuf,
    /// The digest of its bytes, and how many these are.
    pub(super) digest: Key,
    pub(super) len: u64,
    pub(super) packed: Option<Packed>,
}

impl Unfinished {
    fn new(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let digest = Key::from_bytes([0; 32]);
        let unfinished = Self { file, path, digest, len: 0, packed: None };
        unfinished.file.try_lock()?;
        Ok(unfinished)
    }

    /// Fills it with a value, packed if that pays and there is a width of its numbers. With `sync`
    /// its bytes are on the disk afterwards.
    pub(super) fn fill(
        &mut self,
        width: Option<u8>,
        sync: bool,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let out =
            Counted { out: BufWriter::new(&self.file), hasher: blake3::Hasher::new(), len: 0 };
        let mut packer = Packer::new(out, width)?;
        fill(&mut packer)?;
        let (mut out, packed) = packer.finish()?;
        out.flush()?;
        let (digest, len) = (Key::from_bytes(*out.hasher.finalize().as_bytes()), out.len);
        drop(out);
        (self.digest, self.len, self.packed) = (digest, len, packed);
        if sync { self.file.sync_data() } else { Ok(()) }
    }

    fn rename(&self, path: &Path) -> io::Result<()> {
        // Nobody writes into it any more, and where the system can it sees to that.
        let mut permissions = self.file.metadata()?.permissions();
        if cfg!(unix) {
            permissions.set_readonly(true);
            self.file.set_permissions(permissions)?;
        }
        let Err(error) = fs::rename(&self.path, path) else { return Ok(()) };
        if path.is_dir() {
            // It is in the directory of a cache, and no part of it.
            fs::remove_dir_all(path)?;
            return fs::rename(&self.path, path);
        }
        Err(error)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After it got its name there is nothing at this place.
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes the digest of what it writes, and counts it.
struct Counted<W> {
    out: W,
    hasher: blake3::Hasher,
    len: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
