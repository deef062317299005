//! A file of text that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use pipeline_core::{Context, Result};

use super::decode::{given, refuse};
use super::replace::Replacement;
use super::watched::Watched;

/// Writes a file by way of a temporary one beside it; if it is to be `durable`, until it is on the
/// disk. Every few kilobytes a cancel is seen.
pub(crate) fn write_text(
    (path, durable): (&Path, bool),
    ctx: &Context<'_>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    given(path)?;
    let fail = |error| refuse(path, "write", error);
    let (replacement, file) = Replacement::of(path).map_err(fail)?;
    let mut writer = BufWriter::new(Watched::new(&file, ctx));
    let written = write(&mut writer).and_then(|()| writer.flush());
    // A cancel comes as a write error; it is not the file's fault.
    ctx.check()?;
    written.map_err(fail)?;
    replacement.commit(&file, path, durable).map_err(fail)
}

/// As [`write_text`], on the disk, but a file that has all of it already is left as it is.
pub(crate) fn renew_text(
    path: &Path,
    write: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let is_there = File::open(path).is_ok_and(|file| {
        let mut there = There { file: BufReader::new(file) };
        write(&mut there).is_ok() && matches!(there.file.read(&mut [0]), Ok(0))
    });
    if is_there { Ok(()) } else { write_text((path, true), &Context::default(), write) }
}

/// A file that something may be written to only if it says so already.
struct There {
    file: BufReader<File>,
}

impl Write for There {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut there = [0; 4096];
        let len = bytes.len().min(there.len());
        self.file.read_exact(&mut there[..len])?;
        if there[..len] == bytes[..len] { Ok(len) } else { Err(io::Error::other("it differs")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
