//! JPEG files written strip by strip, on as many threads as have nothing else to do.
//!
//! The coded samples of a JPEG may be cut by restart markers (ITU-T T.81, B.2.1 and E.1.4). Behind
//! each of them coding begins as it does at the start: at the edge of a byte, and with nothing to
//! predict from. So what stands between two of them depends on the pixels there alone; the header
//! says how many units that are (B.2.4.4). Here they are those of a strip, as wide as the picture.
//!
//! The encoder makes a file of each strip, with the same tables in all of them. They become one:
//! the header of the first, with the size of the picture put in, then the coded samples of each,
//! and between them the markers, which are numbered from 0 to 7 over and over.
//!
//! How high a strip is follows from the width and the quality, so no byte depends on threads. A
//! picture of one strip has no markers.

use std::io::Write;
use std::num::TryFromIntError;
use std::ops::Range;
use std::sync::OnceLock;

use jpeg_encoder::{
    Encoder, EncodingError, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr,
};
use pipeline_core::error::Cause;
use pipeline_core::step::{Rows, no_more};
use pipeline_core::{Context, Layout};

use super::complete::{END_OF_IMAGE, START_OF_SCAN};
use super::encode::profile;
use crate::kernel::widest;

/// The quality from which on colours are stored at the full resolution.
const FULL_COLOR: u8 = 90;

/// Pixels of a strip, as far as whole rows of units allow.
const STRIP: u32 = 64 << 10;

/// Strips that there are at a time, and that threads share.
const STRIPS: usize = 8;

/// The marker before the size of the picture, and the first of those where coding begins anew.
const START_OF_FRAME: u8 = 0xC0;
const RESTART: u8 = 0xD0;

/// Writes gray or RGB pixels of 8 bits.
pub(super) fn write(
    rows: &mut dyn Rows,
    quality: u8,
    writer: &mut impl Write,
    ctx: &Context<'_>,
) -> Result<(), Cause> {
    let cut = Cut::of(rows.layout(), quality)?;
    write_strips(rows, &cut, writer, ctx)
}

/// Bytes that are taken to write a picture, beside its rows.
pub(super) fn aside(layout: Layout, quality: u8) -> u64 {
    Cut::of(layout, quality).map_or(0, |cut| {
        // A strip; its file, if it is of noise; and a row of units, each channel by itself.
        let rows = 3 * u64::from(cut.rows.min(layout.height)) + u64::from(cut.unit);
        STRIPS as u64 * rows * layout.row_len() as u64
    })
}

fn write_strips(
    rows: &mut dyn Rows,
    cut: &Cut,
    writer: &mut impl Write,
    ctx: &Context<'_>,
) -> Result<(), Cause> {
    let (height, row_len) = (usize::from(cut.height), cut.row_len);
    let most = STRIPS * cut.rows as usize;
    let parts = (0..height).step_by(most).map(|first| first..height.min(first + most));
    let icc = profile(rows, rows.layout())?;
    let mut file = Splice { cut, icc: icc.as_deref(), writer, ctx };
    if let Some(samples) = rows.rest() {
        for part in parts {
            let range = part.start * row_len..part.end * row_len;
            file.append(part, samples.get(range).ok_or_else(no_more)?)?;
        }
    } else {
        let mut samples = vec![0; height.min(most) * row_len];
        for part in parts {
            let samples = &mut samples[..part.len() * row_len];
            rows.read(samples)?;
            file.append(part, samples)?;
        }
    }
    Ok(writer.write_all(&[0xFF, END_OF_IMAGE])?)
}

/// How a picture is cut into strips, and how they are encoded.
#[derive(Debug, Clone, Copy)]
struct Cut {
    width: u16,
    height: u16,
    row_len: usize,
    is_gray: bool,
    quality: u8,
    /// The side of the squares of pixels that are coded one after the other.
    unit: u16,
    /// Rows of a strip, a multiple of that.
    rows: u32,
    /// The squares of a strip.
    units: u16,
}

impl Cut {
    fn of(layout: Layout, quality: u8) -> Result<Self, TryFromIntError> {
        // A block of 8 × 8 samples of a colour at half the resolution stands for four times as
        // many.
        let is_gray = layout.channels == 1;
        let unit = if is_gray || quality >= FULL_COLOR { 8 } else { 16 };
        let side = u32::from(unit);
        let across = layout.width.div_ceil(side);
        let down = (STRIP / (side * side)).div_ceil(across.max(1));
        Ok(Self {
            width: layout.width.try_into()?,
            height: layout.height.try_into()?,
            row_len: layout.row_len(),
            is_gray,
            quality,
            unit,
            rows: down * side,
            units: (across * down).try_into()?,
        })
    }

    /// The file of a strip.
    fn encode(&self, samples: &[u8], icc: Option<&[u8]>) -> Result<Vec<u8>, EncodingError> {
        let mut file = Vec::with_capacity(samples.len() / 4);
        let mut encoder = Encoder::new(&mut file, self.quality);
        encoder.set_sampling_factor(match self.unit {
            8 => SamplingFactor::F_1_1,
            _ => SamplingFactor::F_2_2,
        });
        if self.rows < self.height.into() {
            // It goes into the header; the encoder sets no marker, for no strip has more units.
            encoder.set_restart_interval(self.units);
        }
        if let Some(icc) = icc {
            encoder.add_icc_profile(icc)?;
        }
        encoder.encode_image(Strip { cut: self, samples })?;
        Ok(file)
    }
}

/// A file that is made of those of strips.
struct Splice<'a, W> {
    cut: &'a Cut,
    icc: Option<&'a [u8]>,
    writer: &'a mut W,
    ctx: &'a Context<'a>,
}

impl<W: Write> Splice<'_, W> {
    /// Encodes some strips, and writes them.
    fn append(&mut self, part: Range<usize>, samples: &[u8]) -> Result<(), Cause> {
        let Self { cut, icc, ctx, .. } = *self;
        let (first, height) = (part.start, cut.rows as usize);
        let files = [const { OnceLock::new() }; STRIPS];
        ctx.rows_of(part, cut.height.into(), height, |rows| {
            let (start, end) = (rows.start - first, rows.end - first);
            let samples = &samples[start * cut.row_len..end * cut.row_len];
            // Nobody else makes this one. Of several errors the topmost is told.
            let _ = files[start / height].set(cut.encode(samples, icc.filter(|_| rows.start == 0)));
            Ok(())
        })?;
        let files = files.into_iter().map_while(OnceLock::into_inner);
        for (number, file) in (first / height..).zip(files) {
            let mut file = file?;
            let (size, samples) = parts(&file).ok_or("the encoder wrote another kind of file")?;
            if number == 0 {
                let [height, width] = [cut.height, cut.width].map(u16::to_be_bytes);
                file[size].copy_from_slice(&[height, width].concat());
                self.writer.write_all(&file[..samples.start])?;
            } else {
                let [.., restart] = (number - 1).to_be_bytes();
                self.writer.write_all(&[0xFF, RESTART + restart % 8])?;
            }
            self.writer.write_all(&file[samples])?;
        }
        Ok(())
    }
}

/// Where the file of a strip has its size and its coded samples (B.2.2 and B.2.3).
fn parts(file: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let end = file.strip_suffix(&[0xFF, END_OF_IMAGE])?.len();
    let (mut at, mut size) = (2, None);
    loop {
        let &[0xFF, code, high, low] = file.get(at..at + 4)? else { return None };
        let next = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        match code {
            START_OF_FRAME => size = Some(at + 5..at + 9),
            START_OF_SCAN => return Some((size?, next..end)).filter(|_| next <= end),
            _ => {}
        }
        at = next;
    }
}

/// A strip as the encoder takes it: planes of whole units, in which the last pixels are repeated.
///
/// Of a colour at half the resolution it takes every other sample of every other row. These are the
/// means of four when it does; it could make them itself, sample by sample.
struct Strip<'a> {
    cut: &'a Cut,
    samples: &'a [u8],
}

impl Strip<'_> {
    fn rows(&self) -> usize {
        self.samples.len() / self.cut.row_len.max(1)
    }
}

impl ImageBuffer for Strip<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.cut.is_gray { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    fn width(&self) -> u16 {
        // Of 65536 pixels the encoder repeats the last one.
        self.cut.width.checked_next_multiple_of(self.cut.unit).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.rows().next_multiple_of(self.cut.unit.into())).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, y: u16, planes: &mut [Vec<u8>; 4]) {
        let Cut { width, row_len, is_gray, unit, .. } = *self.cut;
        let at = usize::from(y).min(self.rows() - 1);
        let row = &self.samples[at * row_len..][..row_len];
        let [luma, blue, red, _] = planes;
        let start = luma.len();
        let beyond = usize::from(self.width() - width);
        if is_gray {
            luma.extend_from_slice(row);
            repeat_last(luma, beyond);
            return;
        }
        let (pixels, _) = row.as_chunks::<3>();
        let mut planes = [luma, blue, red];
        let room = planes.each_mut().map(|plane| {
            plane.resize(start + pixels.len(), 0);
            &mut plane[start..]
        });
        widest(
            #[inline(always)]
            || part(pixels, room),
        );
        planes.iter_mut().for_each(|plane| repeat_last(plane, beyond));
        if unit == 16 && y % 2 == 1 {
            let above = start - usize::from(width).next_multiple_of(16);
            for plane in &mut planes[1..] {
                let (before, row) = plane.split_at_mut(start);
                let above = &mut before[above..][..row.len()];
                widest(
                    #[inline(always)]
                    || average(above, row),
                );
            }
        }
    }
}

/// Goes on with the last sample.
fn repeat_last(plane: &mut Vec<u8>, count: usize) {
    let last = plane.last().copied().unwrap_or_default();
    plane.resize(plane.len() + count, last);
}

/// Puts the mean of two samples and the two below them into the place of the first. Halves are
/// rounded down and up in turn, as the encoder does.
#[inline(always)]
fn average(above: &mut [u8], row: &[u8]) {
    let ((pairs, last), (below, last_below)) = (above.as_chunks_mut::<2>(), row.as_chunks::<2>());
    for ((number, pair), below) in (0u16..).zip(pairs).zip(below) {
        let [above, below] = [*pair, *below].map(|pair| {
            let pair = u16::from_le_bytes(pair);
            (pair & 0xFF) + (pair >> 8)
        });
        *pair = ((above + below + 1 + number % 2) / 4).to_le_bytes();
    }
    // Of 65536 samples the last one is that before it, and the pair has an odd number.
    if let ([last], [below]) = (last, last_below) {
        *last = last.midpoint(*below) + (*last ^ *below) % 2;
    }
}

/// Puts pixels into their planes.
#[inline(always)]
fn part(pixels: &[[u8; 3]], [luma, blue, red]: [&mut [u8]; 3]) {
    let planes = luma.iter_mut().zip(blue).zip(red);
    for (&[r, g, b], ((luma, blue), red)) in pixels.iter().zip(planes) {
        (*luma, *blue, *red) = rgb_to_ycbcr(r, g, b);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use image::ImageFormat;
    use jpeg_encoder::{ChromaSubsamplingMethod, ColorType};
    use pipeline_core::step::ImageRows;
    use pipeline_core::{Image, Result, SampleType};

    use super::*;

    /// A picture with slopes, edges and some noise.
    fn picture(width: u32, height: u32, channels: u16) -> Image {
        let (row_len, mut state) = (width * u32::from(channels), 1u32);
        let samples = (0..row_len * height).map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (at % row_len, at / row_len);
            let [.., low] = (x * 3 + y * 2 + (x / 13 % 2) * 90 + (state >> 28)).to_be_bytes();
            low
        });
        Image::from_samples(width, height, channels, samples.collect::<Vec<u8>>()).unwrap()
    }

    /// With strips of so many rows of units.
    fn cut(image: &Image, quality: u8, down: u32) -> Cut {
        let cut = Cut::of(image.layout(), quality).unwrap();
        let side = u32::from(cut.unit);
        let units = u32::from(cut.width).div_ceil(side) * down;
        Cut { rows: side * down, units: units.try_into().unwrap(), ..cut }
    }

    /// Rows that come one after the other, from nowhere in memory.
    struct Coming<'a>(ImageRows<'a>);

    impl Rows for Coming<'_> {
        fn layout(&self) -> Layout {
            self.0.layout()
        }

        fn icc(&self) -> Option<Arc<[u8]>> {
            self.0.icc()
        }

        fn read(&mut self, rows: &mut [u8]) -> Result<()> {
            self.0.read(rows)
        }
    }

    fn spliced(image: &Image, cut: &Cut) -> Vec<u8> {
        let ctx = Context::default();
        let (mut there, mut coming) = (Vec::new(), Vec::new());
        write_strips(&mut ImageRows::new(image), cut, &mut there, &ctx).unwrap();
        let mut rows = Coming(ImageRows::new(image));
        write_strips(&mut rows, cut, &mut coming, &ctx).unwrap();
        assert!(there == coming);
        there
    }

    /// The picture in one go, with a marker behind so many units.
    fn at_once(image: &Image, cut: &Cut, units: u16) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, cut.quality);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.set_restart_interval(units);
        let color = if cut.is_gray { ColorType::Luma } else { ColorType::Rgb };
        encoder.encode(image.bytes(), cut.width, cut.height, color).unwrap();
        file
    }

    fn decoded(file: &[u8]) -> Vec<u8> {
        image::load_from_memory_with_format(file, ImageFormat::Jpeg).unwrap().into_bytes()
    }

    #[track_caller]
    fn check(image: &Image, quality: u8, down: u32) {
        let cut = cut(image, quality, down);
        let (file, plain) = (spliced(image, &cut), at_once(image, &cut, 0));
        let what = || format!("{}, {quality}, {down}", image.layout());
        let has_markers = cut.rows < cut.height.into();
        let units = if has_markers { cut.units } else { 0 };
        assert!(file == at_once(image, &cut, units), "{}", what());
        assert!(decoded(&file) == decoded(&plain), "{}", what());
        // The note in the header, and what begins anew.
        let strips = u32::from(cut.height).div_ceil(cut.rows) as usize;
        let most = if has_markers { 6 + 12 * strips } else { 0 };
        assert!(file.len() <= plain.len() + most, "{}", what());
    }

    #[test]
    fn strips_become_the_file_that_the_encoder_makes_at_once() {
        // The last strips have one row, or all rows; the markers go beyond the last number.
        let sizes = [(1, 1), (1, 50), (50, 1), (16, 16), (17, 33), (40, 65), (9, 129), (30, 400)];
        for (width, height) in sizes {
            for channels in [1, 3] {
                let image = picture(width, height, channels);
                for quality in [1, 25, 50, 75, 89, 90, 95, 100] {
                    check(&image, quality, 1);
                    check(&image, quality, 2);
                }
            }
        }
    }

    #[test]
    fn the_widest_picture_of_whole_units_is_wider_than_a_header_can_say() {
        check(&picture(65_535, 17, 3), 75, 1);
    }

    #[test]
    fn a_profile_stands_once_in_the_header_and_one_that_is_too_large_is_an_error() {
        let with_profile = |len: usize| {
            let mut icc = vec![7; len];
            icc[16..20].copy_from_slice(b"RGB ");
            picture(20, 50, 3).with_icc(Some(icc.into()))
        };
        let image = with_profile(100);
        let file = spliced(&image, &cut(&image, 90, 1));
        assert_eq!(file.windows(12).filter(|at| at == b"ICC_PROFILE\0").count(), 1);
        let image = with_profile(17 << 20);
        let mut rows = ImageRows::new(&image);
        let error = write(&mut rows, 90, &mut Vec::new(), &Context::default()).unwrap_err();
        let error = error.downcast_ref::<EncodingError>();
        assert!(matches!(error, Some(EncodingError::IccTooLarge(_))), "{error:?}");
    }

    #[test]
    fn a_strip_never_has_more_units_than_a_header_can_say() {
        for width in (1..=65_535).step_by(7).chain([65_535]) {
            for (channels, quality) in [(1, 75), (3, 75), (3, 90)] {
                let layout = Layout::new(width, 65_535, channels, SampleType::U8);
                let cut = Cut::of(layout, quality).unwrap();
                let side = u32::from(cut.unit);
                assert_eq!(cut.rows % side, 0);
                assert!(width.next_multiple_of(side) * cut.rows >= STRIP, "{width}");
                let units = width.div_ceil(side) * (cut.rows / side);
                assert_eq!(u32::from(cut.units), units);
            }
        }
    }

    #[test]
    fn what_is_no_file_of_a_strip_has_no_parts() {
        let image = picture(20, 10, 3);
        let file = cut(&image, 75, 1).encode(image.bytes(), None).unwrap();
        let (size, samples) = parts(&file).unwrap();
        assert_eq!(file[size], [0, 16, 0, 32]);
        assert!(parts(&file[..file.len() - 1]).is_none(), "without its end");
        assert!(parts(&[&file[..samples.start - 14], b"\xFF\xD9"].concat()).is_none());
        assert!(parts(b"").is_none());
    }
}
