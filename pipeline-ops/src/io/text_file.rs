//! A file of text that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
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

/// As [`write_text`], until it is on the disk; a file that says just this already is left as it is.
pub(crate) fn renew_text(
    path: &Path,
    write: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let is_alike = File::open(path).is_ok_and(|file| {
        let mut comparison = Comparison { file: BufReader::new(file) };
        write(&mut comparison).is_ok() && comparison.file.fill_buf().is_ok_and(<[u8]>::is_empty)
    });
    if is_alike { Ok(()) } else { write_text((path, true), &Context::default(), write) }
}

/// Takes what a file says, and nothing else.
struct Comparison {
    file: BufReader<File>,
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let there = self.file.fill_buf()?;
        let len = there.len().min(bytes.len());
        if there[..len] != bytes[..len] {
            return Err(io::Error::other("the file says something else"));
        }
        // At its end nothing more is taken.
        self.file.consume(len);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn only_a_file_that_says_the_same_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.csv");
        let text = "a line\n".repeat(3000);
        let mut changed = text.clone().into_bytes();
        changed[15_000] = b'#';
        let longer = text.clone() + "more";
        let cases: [(Option<&[u8]>, bool); 6] = [
            (None, false),
            (Some(b""), false),
            (Some(text.as_bytes()), true),
            (Some(&text.as_bytes()[..20_000]), false),
            (Some(longer.as_bytes()), false),
            (Some(&changed), false),
        ];
        for (before, is_left) in cases {
            let long_ago = SystemTime::now() - Duration::from_secs(3600);
            if let Some(before) = before {
                std::fs::write(&path, before).unwrap();
                let file = File::options().write(true).open(&path).unwrap();
                file.set_modified(long_ago).unwrap();
            }
            // In pieces that end nowhere near those of the buffer.
            renew_text(&path, |out| {
                text.as_bytes().chunks(777).try_for_each(|part| out.write_all(part))
            })
            .unwrap();
            assert!(std::fs::read(&path).unwrap() == text.as_bytes());
            let time = std::fs::metadata(&path).unwrap().modified().unwrap();
            assert_eq!(time == long_ago, is_left, "{:?}", before.map(<[u8]>::len));
        }
        renew_text(&path, |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}
