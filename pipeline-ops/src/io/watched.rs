//! A file that stops being read or written soon after a cancel.

use std::io::{self, Read, Seek, SeekFrom, Write};

use pipeline_core::Context;

/// A file whose every access is a point of cancellation.
#[derive(Debug)]
pub(super) struct Watched<'a, F> {
    file: F,
    ctx: Context<'a>,
}

impl<'a, F> Watched<'a, F> {
    pub(super) fn new(file: F, ctx: &Context<'a>) -> Self {
        Self { file, ctx: *ctx }
    }

    fn check(&self) -> io::Result<()> {
        // Not `Interrupted`: that kind means "try again" to readers.
        self.ctx.check().map_err(io::Error::other)
    }
}

impl<F: Read> Read for Watched<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.file.read(buffer)
    }
}

impl<F: Write> Write for Watched<'_, F> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<F: Seek> Seek for Watched<'_, F> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.file.seek(place)
    }
}
