//! Whether a file goes on to the end that its format marks.
//!
//! Decoders fill what is missing with gray, or never look past the last pixel, so a file that a
//! copy or a download cut off would open. What follows the end is of no concern: some programs
//! put a second picture or a note there.

use std::io::{self, BufRead, ErrorKind, Read, Seek};

use image::ImageFormat;

/// The markers of a JPEG before its coded samples, and behind them.
pub(super) const START_OF_SCAN: u8 = 0xDA;
pub(super) const END_OF_IMAGE: u8 = 0xD9;

/// Whether files of a format have an end that can be looked for; those of the others are left to
/// their decoders.
pub(super) const fn has_end(format: ImageFormat) -> bool {
    matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)
}

/// Reads on to the end of the picture; an error of kind `UnexpectedEof` if the file stops before.
pub(super) fn check(format: ImageFormat, source: &mut impl BufRead) -> io::Result<()> {
    match format {
        ImageFormat::Jpeg => jpeg(source, END_OF_IMAGE),
        ImageFormat::Png => png(source),
        ImageFormat::WebP => webp(source),
        _ => Ok(()),
    }
}

/// The bytes of a JPEG before its coded samples: all that its layout is known from, if they are no
/// more than `most`.
pub(super) fn head_of_jpeg(source: &mut (impl BufRead + Seek), most: u64) -> io::Result<Vec<u8>> {
    jpeg(source, START_OF_SCAN)?;
    let len = source.stream_position()?;
    source.rewind()?;
    if len > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut head = Vec::new();
    source.take(len).read_to_end(&mut head)?;
    Ok(head)
}

/// Reads on behind the marker `last`, past segments with a length, and between them coded samples,
/// in which every byte 255 is followed by one that is no marker of a segment.
fn jpeg(source: &mut impl BufRead, last: u8) -> io::Result<()> {
    loop {
        source.skip_until(0xFF)?;
        let mut code = 0xFF;
        while code == 0xFF {
            [code] = take(source)?;
        }
        if !is_alone(code) {
            let len = u16::from_be_bytes(take(source)?);
            skip(source, u64::from(len).saturating_sub(2))?;
        }
        if code == last {
            return Ok(());
        }
    }
}

/// Whether a marker has no content: a byte 255 of the samples, a marker of no use, a restart, and
/// the image's start and end.
pub(super) const fn is_alone(code: u8) -> bool {
    matches!(code, 0x00 | 0x01 | 0xD0..=END_OF_IMAGE)
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
    fn the_head_of_a_jpeg_goes_up_to_its_samples() {
        let head = b"\xFF\xD8\xFF\xE1\0\x06ab\xFF\xDA\xFF\xDA\0\x03z";
        let bytes = [&head[..], b"y\xFF\0z\xFF\xDA\0\x02z\xFF\xD9"].concat();
        assert_eq!(head_of_jpeg(&mut io::Cursor::new(&bytes), head.len() as u64).unwrap(), head);
        assert!(head_of_jpeg(&mut io::Cursor::new(&bytes), head.len() as u64 - 1).is_err());
        assert!(head_of_jpeg(&mut io::Cursor::new(&head[..14]), 99).is_err());
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
