//! The file that decoders read from, with a buffer that stays when they jump a little.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};

use pipeline_core::{Context, Result};

use super::decode::refuse;
use super::open::Open;
use super::watched::Watched;

/// Bytes that are read at a time; also how far apart the looks for a cancel are.
const READ: usize = 256 << 10;

/// Bytes from which on a call to the system costs less than what stands around them in the buffer.
const WORTH: usize = 4 << 10;

/// A file that has an end, and its bytes. To seek within what was read before costs nothing, as
/// strips of a picture that follow one another do.
#[derive(Debug)]
pub(super) struct PictureFile<'a>(BufReader<Watched<'a, Headed>>, u64);

impl<'a> PictureFile<'a> {
    /// The file of `open`, if it is one that has an end: looking into a pipe waits for another
    /// program, and some devices go on for ever.
    pub(super) fn of(open: &Open, ctx: &Context<'a>) -> Result<Self> {
        Self::with_head(open, ctx, Vec::new())
    }

    /// The same, which begins with other bytes.
    pub(super) fn with_head(open: &Open, ctx: &Context<'a>, head: Vec<u8>) -> Result<Self> {
        let fail = |error| refuse(&open.path, "read", error);
        let check = |metadata: &Metadata| {
            if !metadata.is_file() {
                let kind =
                    if metadata.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
                return Err(refuse(&open.path, "read", format!("it is {kind}, not a file")));
            }
            Ok(())
        };
        // Before it is opened, because that may wait already; and after, because it may be another
        // now.
        check(&std::fs::metadata(&open.path).map_err(fail)?)?;
        let file = File::open(&open.path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        check(&metadata)?;
        // A file that grows meanwhile is read as long as it was, so limits hold for all that is
        // read.
        let file = Headed { file: file.take(metadata.len()), head, at: 0 };
        Ok(Self(BufReader::with_capacity(READ, Watched::new(file, ctx)), metadata.len()))
    }

    /// The bytes of the file.
    pub(super) fn len(&self) -> u64 {
        self.1
    }

    /// Reads what begins at a place. What is long comes without a copy in between.
    pub(super) fn read_at(&mut self, place: u64, bytes: &mut [u8]) -> io::Result<()> {
        if bytes.len() < WORTH {
            self.seek(SeekFrom::Start(place))?;
            return self.0.read_exact(bytes);
        }
        // This empties the buffer, so the file is where the buffer says that it is.
        self.0.seek(SeekFrom::Start(place))?;
        self.0.get_mut().read_exact(bytes)
    }
}

/// A file that begins with other bytes than it does on the disk.
#[derive(Debug)]
struct Headed {
    file: Take<File>,
    head: Vec<u8>,
    /// The next byte.
    at: u64,
}

impl Read for Headed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = usize::try_from(self.at).ok().and_then(|at| self.head.get(at..));
        let Some(mut head) = head.filter(|head| !head.is_empty()) else {
            let read = self.file.read(buffer)?;
            self.at += read as u64;
            return Ok(read);
        };
        let read = head.read(buffer)?;
        self.seek(SeekFrom::Current(i64::try_from(read).unwrap_or(0)))?;
        Ok(read)
    }
}

impl Seek for Headed {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(place)?;
        Ok(self.at)
    }
}

impl Read for PictureFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for PictureFile<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Seek for PictureFile<'_> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Start(place) = place
            && let Some(far) = place.checked_signed_diff(self.0.stream_position()?)
        {
            self.0.seek_relative(far)?;
            return Ok(place);
        }
        self.0.seek(place)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        self.0.stream_position()
    }
}
