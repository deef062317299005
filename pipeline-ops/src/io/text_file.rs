//! A file of text that appears whole or not at all.

use std::io::{self, BufWriter, Write};
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
