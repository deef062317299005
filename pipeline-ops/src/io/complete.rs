//! Whether a file goes on to the end that its format marks.
//!
//! Decoders fill what is missing with gray, or never look past the last pixel, so a file that a
//! copy or a download cut off would open. What follows the end is of no concern: some programs
//! put a second picture or a note there.

use std::io::{self, BufRead, ErrorKind, Read};

use image::ImageFormat;

/// Reads on to the end of the picture; an error of kind `UnexpectedEof` if the file stops before.
///
/// The formats without an end of their own are left to their decoders.
pub(super) fn check(format: ImageFormat, source: &mut impl BufRead) -> io::Result<()> {
    match format {
        ImageFormat::Jpeg => jpeg(source),
        ImageFormat::Png => png(source),
        ImageFormat::WebP => webp(source),
        _ => Ok(()),
    }
}

/// Segments with a length, and between them coded samples, in which every byte 255 is followed by
/// one that is no marker of a segment.
fn jpeg(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        source.skip_until(0xFF)?;
        let mut code = 0xFF;
        while code == 0xFF {
            [code] = take(source)?;
        }
        match code {
            // The end of the image.
            0xD9 => return Ok(()),
            // A byte 255 of the samples, a restart, the start of the image, and a marker of no use.
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ => {
                let len = u16::from_be_bytes(take(source)?);
                skip(source, u64::from(len).saturating_sub(2))?;
            }
        }
    }
}

/// Chunks, each a length, four letters, content and checksum.
fn png(source: &mut impl BufRead) -> io::Result<()> {
    skip(source, 8)?;
    loop {
        let len = u32::from_be_bytes(take(source)?);
        let name: [u8; 4] = take(source)?;
        skip(source, u64::from(len) + 4)?;
        if &name == b"IEND" {
            return Ok(());
        }
    }
}

/// One chunk that holds all others.
fn webp(source: &mut impl BufRead) -> io::Result<()> {
    skip(source, 4)?;
    let len = u32::from_le_bytes(take(source)?);
    skip(source, len.into())
}

fn take<const N: usize>(source: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn skip(source: &mut impl BufRead, len: u64) -> io::Result<()> {
    let passed = io::copy(&mut source.take(len), &mut io::sink())?;
    if passed == len { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_whole(format: ImageFormat, bytes: &[u8], len: usize) {
        for cut in 0..=bytes.len() {
            let complete = check(format, &mut &bytes[..cut]).is_ok();
            assert_eq!(complete, cut >= len, "{format:?} of {cut} bytes");
        }
    }

    #[test]
    fn a_jpeg_ends_at_its_marker_and_not_at_one_inside_a_segment() {
        // Start, a segment that holds an end, coded samples with a stuffed 255 and a restart.
        let bytes = b"\xFF\xD8\xFF\xE1\0\x06ab\xFF\xD9\xFF\xDA\0\x02z\xFF\0z\xFF\xD0z\xFF\xFF\xD9";
        check_whole(ImageFormat::Jpeg, &[&bytes[..], b"and more"].concat(), bytes.len());
    }

    #[test]
    fn a_png_ends_after_the_checksum_of_its_last_chunk() {
        let bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x03IDATabcsum.\0\0\0\0IENDsum.";
        check_whole(ImageFormat::Png, &[&bytes[..], b"and more"].concat(), bytes.len());
    }

    #[test]
    fn a_webp_is_as_long_as_it_says() {
        let bytes = b"RIFF\x06\0\0\0WEBPVP";
        check_whole(ImageFormat::WebP, &[&bytes[..], b"and more"].concat(), bytes.len());
    }
}
