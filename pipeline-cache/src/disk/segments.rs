//! What is told of results, and small values: files that only grow, one for each that writes.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::layout::{is_in_place, make_folder, sync_folder, unique};
use super::record::{Record, frame, scan};

/// Bytes from which on a file of one's own is finished and another one begun: a part of the budget
/// of all, within these.
const FULL: [u64; 2] = [1 << 20, 64 << 20];
const PART: u64 = 8;

/// The most bytes of a file that are read at a time; one that nobody harmed has fewer.
const MOST: u64 = 2 * FULL[1];

/// A place in a segment.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) segment: Arc<Segment>,
    pub(super) at: u64,
    pub(super) len: usize,
}

/// A file of records. It stays readable for whoever has it, even when it was removed.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// The name that records of it use.
    pub(super) name: Arc<str>,
    file: File,
    /// Whether its name is on the disk.
    is_named: AtomicBool,
}

impl Segment {
    fn new(path: PathBuf, file: File) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into();
        Self { path, name, file, is_named: AtomicBool::new(false) }
    }

    /// Whether nobody writes to it any more.
    fn is_finished(&self) -> bool {
        let is_free = self.file.try_lock_shared().is_ok();
        is_free && self.file.unlock().is_ok()
    }

    /// Waits until all of it and its name are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        if !self.is_named.load(Ordering::Relaxed) {
            self.path.parent().map_or(Ok(()), sync_folder)?;
            self.is_named.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(super) fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |data| data.len())
    }
}

impl Place {
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.len];
        read_at(&self.segment.file, &mut bytes, self.at)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, at)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        (bytes, at) = (&mut bytes[read..], at + read as u64);
    }
    Ok(())
}

/// All segments of a directory, as far as they were read, and the one that is written to.
#[derive(Debug)]
pub(super) struct Segments {
    root: PathBuf,
    folder: PathBuf,
    read: HashMap<PathBuf, (Arc<Segment>, u64)>,
    own: Option<Own>,
    /// Files of which it was told that they cannot be read.
    unreadable: HashSet<PathBuf>,
    full: u64,
}

#[derive(Debug)]
struct Own {
    segment: Arc<Segment>,
    len: u64,
}

/// A record that somebody wrote.
#[derive(Debug)]
pub(super) struct News {
    pub(super) record: Record,
    pub(super) place: Place,
}

/// What was read since the last time.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    pub(super) news: Vec<News>,
    /// What is wrong with which files.
    pub(super) faults: Vec<(PathBuf, String)>,
    /// Which files were there before.
    pub(super) removed: Vec<Arc<str>>,
    /// Whether all that there is could be read.
    pub(super) is_complete: bool,
}

impl Segments {
    pub(super) fn new(root: &Path, budget: u64) -> Self {
        let full = (budget / PART).clamp(FULL[0], FULL[1]);
        Self {
            root: root.to_owned(),
            folder: root.join("records"),
            read: HashMap::new(),
            own: None,
            unreadable: HashSet::new(),
            full,
        }
    }

    /// Bytes up to which a file is small.
    pub(super) fn little(&self) -> u64 {
        self.full / 4
    }

    /// Reads what was written since the last time, by anyone.
    pub(super) fn refresh(&mut self) -> Refreshed {
        let mut found = Refreshed { is_complete: true, ..Refreshed::default() };
        let paths = match self.paths() {
            Ok(paths) => paths,
            Err(error) => {
                self.tell(self.folder.clone(), &error, &mut found);
                return found;
            }
        };
        self.read.retain(|path, (segment, _)| {
            let is_there = paths.contains(path);
            if !is_there {
                found.removed.push(Arc::clone(&segment.name));
            }
            is_there
        });
        for path in paths {
            if self.own.as_ref().is_some_and(|own| own.segment.path == path) {
                continue;
            }
            if let Err(error) = self.read_on(&path, &mut found) {
                self.tell(path, &error, &mut found);
            }
        }
        found
    }

    /// Says once that a file cannot be read.
    fn tell(&mut self, path: PathBuf, error: &io::Error, found: &mut Refreshed) {
        found.is_complete = false;
        if self.unreadable.insert(path.clone()) {
            found.faults.push((path, error.to_string()));
        }
    }

    /// The files of records, in the order in which they were begun.
    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry?.path();
            // A folder has no records, whatever it is called.
            if path.extension().is_some_and(|extension| extension == "records") && !path.is_dir() {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// Reads on in one file.
    fn read_on(&mut self, path: &Path, found: &mut Refreshed) -> io::Result<()> {
        let (segment, from) = match self.read.get(path) {
            Some((segment, from)) => (Arc::clone(segment), *from),
            None => match File::open(path) {
                Ok(file) => (Arc::new(Segment::new(path.to_owned(), file)), 0),
                // Somebody tidied up.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            },
        };
        let mut bytes = Vec::new();
        if segment.size() > from {
            let mut file = &segment.file;
            file.seek(SeekFrom::Start(from))?;
            file.take(MOST).read_to_end(&mut bytes)?;
        }
        let records = scan(&bytes);
        let mut to = from + records.len as u64;
        let mut damaged = records.damaged;
        for (record, payload) in records.records {
            let (at, len) = (from + payload.start as u64, payload.len());
            let place = Place { segment: Arc::clone(&segment), at, len };
            found.news.push(News { record, place });
        }
        let end = from + bytes.len() as u64;
        if to < end && segment.is_finished() && segment.size() == end {
            // What is left will never become a record.
            (damaged, to) = (damaged + 1, end);
        }
        if damaged > 0 {
            found.faults.push((path.to_owned(), format!("{damaged} of its records are damaged")));
        }
        self.read.insert(path.to_owned(), (segment, to));
        Ok(())
    }

    /// Writes a record with the bytes of a small value, and says where these are.
    pub(super) fn append(&mut self, record: &Record, payload: &[u8]) -> io::Result<Place> {
        let frame = frame(record, payload)
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "more than a record holds"))?;
        let own = self.own()?;
        // In one call, so that others see all of it or find its end missing.
        let mut file = &own.segment.file;
        if let Err(error) = file.write_all(&frame) {
            // What was written of it is in nobody's way, but need not stay.
            let _ = file.set_len(own.len);
            own.len = own.segment.size();
            return Err(error);
        }
        own.len += frame.len() as u64;
        let at = own.len - payload.len() as u64;
        Ok(Place { segment: Arc::clone(&own.segment), at, len: payload.len() })
    }

    /// The file of one's own: another one where it is full, or not at its place any more.
    fn own(&mut self) -> io::Result<&mut Own> {
        if let Some(own) = self.own.take_if(|own| own.len >= self.full) {
            own.segment.file.unlock()?;
            self.read.insert(own.segment.path.clone(), (own.segment, own.len));
        }
        let own = match self.own.take() {
            Some(own) if is_in_place(&own.segment.file, &own.segment.path) => own,
            _ => {
                // The first may be taken for one that was left, before it is locked.
                let segment = create(&self.root).or_else(|_| create(&self.root))?;
                Own { segment: Arc::new(segment), len: 0 }
            }
        };
        Ok(self.own.insert(own))
    }

    /// The file that is written to.
    pub(super) fn written(&self) -> Option<Arc<Segment>> {
        self.own.as_ref().map(|own| Arc::clone(&own.segment))
    }

    /// The files that nobody writes to any more.
    pub(super) fn finished(&self) -> Vec<Arc<Segment>> {
        let segments = self.read.values().map(|(segment, _)| segment);
        segments.filter(|segment| segment.is_finished()).cloned().collect()
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.own.as_ref().is_some_and(|own| *own.segment.name == *name)
            || self.read.values().any(|(segment, _)| *segment.name == *name)
    }

    /// Whether this process wrote it.
    pub(super) fn is_own(&self, place: &Place) -> bool {
        self.own.as_ref().is_some_and(|own| Arc::ptr_eq(&own.segment, &place.segment))
    }

    /// How many files there are.
    pub(super) fn count(&self) -> usize {
        self.read.len()
    }

    /// Removes a file whose records are somewhere else by now.
    pub(super) fn remove(&mut self, segment: &Segment) -> io::Result<()> {
        self.read.remove(&segment.path);
        match fs::remove_file(&segment.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A file of one's own, locked for as long as it is written to. It gets its name once it is.
fn create(root: &Path) -> io::Result<Segment> {
    let (unfinished, records) = (root.join("unfinished"), root.join("records"));
    make_folder(&unfinished, false)?;
    make_folder(&records, false)?;
    let name = unique();
    let (unnamed, path) = (unfinished.join(&name), records.join(format!("{name}.records")));
    let file = OpenOptions::new().read(true).append(true).create_new(true).open(&unnamed)?;
    file.try_lock()?;
    fs::rename(unnamed, &path)?;
    Ok(Segment::new(path, file))
}
