//! Files in memory, without a copy.

#![expect(
    unsafe_code,
    reason = "a mapped file can be changed by others, which no type can rule out"
)]

use std::fs::File;
use std::io::Result;
use std::sync::Arc;

use memmap2::Mmap;
use pipeline_core::data::Samples;

/// A file as bytes. It may be removed or replaced while it is mapped; only to cut it off or to
/// write into it would reach the bytes, which nothing here does.
struct Mapped(Mmap);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a file that is not empty.
pub(super) fn map(file: &File) -> Result<Samples<u8>> {
    // SAFETY: whoever has the directory agrees to leave its files alone, as the documentation of
    // `DiskCache` asks for. The files are never written to once they have their name.
    let mapped = unsafe { Mmap::map(file)? };
    // All of it is read next, for its digest or by a step. What cannot be read is an error here,
    // and would end the process later. Older systems do not know this.
    #[cfg(target_os = "linux")]
    if let Err(error) = mapped.advise(memmap2::Advice::PopulateRead)
        && error.kind() != std::io::ErrorKind::InvalidInput
    {
        return Err(error);
    }
    Ok(Samples::foreign(Arc::new(Mapped(mapped))))
}
