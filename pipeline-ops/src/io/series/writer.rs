//! A file that frames are added to, one after the other.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use pipeline_core::data::leftovers;
use pipeline_core::error::Cause;
use pipeline_core::{Error, Image, Layout, Result, SampleType};
use tiff::encoder::{TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard};
use tiff::tags::{PhotometricInterpretation, Predictor, SampleFormat, Tag};

use super::super::decode::refuse;
use super::super::replace::Replacement;
use super::packer::{Prediction, packed};

/// What a file is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) frames: u32,
    /// Effort of compression, from 0, none, to 9.
    pub(super) level: u8,
    /// Whether floats become whole numbers of 16 bits with a sign.
    pub(super) whole: bool,
    /// Whether samples of 8 bits become true and false.
    pub(super) boolean: bool,
    /// Seconds from one frame to the next, if known.
    pub(super) interval: f64,
}

/// A file that has some of its frames. It is in its place once it has all of them.
#[derive(Debug)]
pub(super) struct Writer {
    plan: Plan,
    layout: Layout,
    done: u32,
    /// Before the file: it is removed while it is still locked.
    replacement: Replacement,
    form: Form,
    file: Arc<File>,
}

enum Form {
    Tiff(TiffEncoder<Arc<File>, TiffKindStandard>),
    /// Offsets of 64 bits, for files that could pass 4 GiB.
    BigTiff(TiffEncoder<Arc<File>, TiffKindBig>),
    Npy,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tiff(_) => "Tiff",
            Self::BigTiff(_) => "BigTiff",
            Self::Npy => "Npy",
        })
    }
}

/// Offsets of 32 bits end at 4 GiB; what is compressed may grow by a little.
const LARGE: u64 = 4_000_000_000;

/// Bytes of a strip, before they are compressed.
const STRIP: usize = 1 << 18;

impl Writer {
    /// Begins a file for frames like this one.
    pub(super) fn new(path: &Path, plan: Plan, layout: Layout) -> Result<Self> {
        Self::begin(path, plan, layout, LARGE)
    }

    fn begin(path: &Path, plan: Plan, layout: Layout, large: u64) -> Result<Self> {
        let fail = |error: Cause| refuse(path, "write", error);
        let is_npy = match extension(path).as_deref() {
            Some("npy") => true,
            Some("tif" | "tiff") => false,
            found => {
                let found = found.map_or("none".to_owned(), |found| format!("`{found}`"));
                let what = format!("the extension of {}", path.display());
                return Err(Error::input(what, found, "`tif`, `tiff` or `npy`"));
            }
        };
        if plan.boolean && !(is_npy && layout.sample == SampleType::U8) {
            let what = format!("what is to be true or false in {}", path.display());
            return Err(Error::input(what, layout, "samples of 8 bits, and an extension `npy`"));
        }
        let (replacement, file) = Replacement::of(path).map_err(|error| fail(error.into()))?;
        let file = Arc::new(file);
        let size = layout.size_bytes().saturating_mul(plan.frames.into());
        let begun = || -> Result<Form, Cause> {
            let writer = Arc::clone(&file);
            Ok(match (is_npy, size < large) {
                (true, _) => {
                    (&*file).write_all(&npy_header(layout, &plan))?;
                    Form::Npy
                }
                (false, true) => Form::Tiff(TiffEncoder::new(writer)?),
                (false, false) => Form::BigTiff(TiffEncoder::new_big(writer)?),
            })
        };
        let form = begun().map_err(fail)?;
        Ok(Self { plan, layout, done: 0, file, form, replacement })
    }

    /// Adds the frame of this number. The last one puts the file in its place, when it is on the
    /// disk.
    pub(super) fn add(mut self, path: &Path, frame: u32, image: &Image) -> Result<Option<Self>> {
        if frame != self.done {
            return Err(Error::input("the frame", frame, format!("{}, the next", self.done)));
        }
        let (found, expected) = (image.layout(), self.layout);
        let is_alike = (found.width, found.height, found.channels, found.sample)
            == (expected.width, expected.height, expected.channels, expected.sample);
        if !is_alike {
            let expected = format!("{expected}, as those before");
            return Err(Error::input(format!("frame {frame}"), found, expected));
        }
        let is_first = frame == 0;
        let samples = Samples::of(image, &self.plan, frame)?;
        let added = match &mut self.form {
            Form::Tiff(encoder) => page(encoder, &samples, expected, &self.plan, is_first),
            Form::BigTiff(encoder) => page(encoder, &samples, expected, &self.plan, is_first),
            Form::Npy => (&*self.file).write_all(samples.bytes()).map_err(Into::into),
        };
        added.map_err(|error| refuse(path, "write", error))?;
        self.done += 1;
        if self.done < self.plan.frames {
            return Ok(Some(self));
        }
        // The encoder holds the file; nothing of it waits to be written.
        drop(self.form);
        let committed = self.replacement.commit(&self.file, path, true);
        committed.map_err(|error| refuse(path, "write", error))?;
        Ok(None)
    }
}

pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase())
}

/// Samples as they are stored.
enum Samples<'a> {
    Stored(&'a [u8]),
    Whole(Vec<i16>),
    Boolean(Vec<u8>),
}

impl<'a> Samples<'a> {
    fn of(image: &'a Image, plan: &Plan, frame: u32) -> Result<Self> {
        let what = || format!("the samples of frame {frame}");
        if plan.boolean {
            let mut booleans = leftovers::<u8>(image.bytes().len(), what)?;
            let pairs = booleans.iter_mut().zip(image.bytes());
            pairs.for_each(|(out, &byte)| *out = u8::from(byte > 0));
            return Ok(Self::Boolean(booleans));
        }
        let Some(samples) = image.samples::<f32>().filter(|_| plan.whole) else {
            return Ok(Self::Stored(image.bytes()));
        };
        /// Where floats have no room for parts of one: what is added and taken away again is
        /// rounded to the nearest, and of two to the even one, without a call for each sample.
        const WHOLE: f32 = 12_582_912.0;

        let range = f32::from(i16::MIN)..=f32::from(i16::MAX);
        let round = |sample: f32| (sample + WHOLE) - WHOLE;
        // All of them without a branch; which one it is is asked only if there is one.
        let is_beyond = |sample: f32| !range.contains(&round(sample));
        let is_any = samples.iter().fold(false, |is_any, &sample| is_any | is_beyond(sample));
        if is_any && let Some(beyond) = samples.iter().find(|&&sample| is_beyond(sample)) {
            let beyond = beyond.round_ties_even();
            let expected = "-32768 to 32767; save floats, with `whole` off";
            return Err(Error::input(format!("a sample of frame {frame}"), beyond, expected));
        }
        let mut whole = leftovers::<i16>(samples.len(), what)?;
        #[expect(clippy::cast_possible_truncation, reason = "within the range")]
        whole.iter_mut().zip(samples).for_each(|(out, &sample)| *out = round(sample) as i16);
        Ok(Self::Whole(whole))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Stored(bytes) => bytes,
            Self::Boolean(bytes) => bytes,
            Self::Whole(samples) => bytemuck::cast_slice(samples),
        }
    }
}

/// Bits and kind of a sample as it is stored.
fn stored(layout: Layout, is_whole: bool) -> (u16, SampleFormat) {
    match layout.sample {
        SampleType::U8 => (8, SampleFormat::Uint),
        SampleType::U16 => (16, SampleFormat::Uint),
        SampleType::F32 if is_whole => (16, SampleFormat::Int),
        SampleType::F32 => (32, SampleFormat::IEEEFP),
        SampleType::U32 => (32, SampleFormat::Uint),
    }
}

/// Adds a page of TIFF in strips that are compressed each by itself.
fn page<K: TiffKind>(
    encoder: &mut TiffEncoder<Arc<File>, K>,
    samples: &Samples<'_>,
    layout: Layout,
    plan: &Plan,
    is_first: bool,
) -> Result<(), Cause> {
    let (bits, format) = stored(layout, plan.whole);
    let channels = usize::from(layout.channels);
    let row_bytes = layout.width as usize * channels * usize::from(bits / 8);
    let rows = (STRIP / row_bytes.max(1)).clamp(1, layout.height as usize);
    // Floats that differ little differ in all their bytes.
    let is_predicted = plan.level > 0 && format != SampleFormat::IEEEFP;
    let prediction = is_predicted.then_some(Prediction { bits, channels });
    let (mut offsets, mut counts) = (Vec::new(), Vec::new());
    let mut directory = encoder.image_directory()?;
    for strip in samples.bytes().chunks(rows * row_bytes) {
        let mut add = |strip: &[u8]| -> Result<(), Cause> {
            offsets.push(K::convert_offset(directory.write_data(strip)?)?);
            counts.push(u32::try_from(strip.len())?);
            Ok(())
        };
        match plan.level {
            0 => add(strip)?,
            level => packed(strip, row_bytes, prediction, level, add)?,
        }
    }
    directory.write_tag(Tag::ImageWidth, layout.width)?;
    directory.write_tag(Tag::ImageLength, layout.height)?;
    directory.write_tag(Tag::BitsPerSample, &*vec![bits; channels])?;
    let compression: u16 = if plan.level == 0 { 1 } else { 8 };
    directory.write_tag(Tag::Compression, compression)?;
    let gray = PhotometricInterpretation::BlackIsZero.to_u16();
    let rgb = PhotometricInterpretation::RGB.to_u16();
    let meaning = if channels == 3 { rgb } else { gray };
    directory.write_tag(Tag::PhotometricInterpretation, meaning)?;
    directory.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
    directory.write_tag(Tag::SamplesPerPixel, layout.channels)?;
    directory.write_tag(Tag::RowsPerStrip, u32::try_from(rows)?)?;
    directory.write_tag(Tag::StripByteCounts, &*counts)?;
    if is_predicted {
        directory.write_tag(Tag::Predictor, Predictor::Horizontal.to_u16())?;
    }
    directory.write_tag(Tag::SampleFormat, &*vec![format.to_u16(); channels])?;
    if is_first {
        directory.write_tag(Tag::ImageDescription, &*description(plan))?;
    }
    directory.finish()?;
    Ok(())
}

/// What `ImageJ` reads to take the pages for frames over time.
fn description(plan: &Plan) -> String {
    let frames = plan.frames;
    let mut text = format!("ImageJ=1.54f\nimages={frames}\nframes={frames}\n");
    text += "hyperstack=true\nmode=grayscale\nloop=false\n";
    if plan.interval > 0.0 {
        text += &format!("finterval={}\ntunit=sec\n", plan.interval);
    }
    text
}

/// What stands before the samples of a NumPy array of axes `[t, y, x]`, or `[t, y, x, c]`.
fn npy_header(layout: Layout, plan: &Plan) -> Vec<u8> {
    let (bits, format) = stored(layout, plan.whole);
    let kind = match format {
        SampleFormat::IEEEFP => 'f',
        SampleFormat::Int => 'i',
        _ if plan.boolean => 'b',
        _ => 'u',
    };
    let order = match bits {
        8 => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    let Layout { width, height, channels, .. } = layout;
    let last = if channels == 1 { String::new() } else { format!(", {channels}") };
    let shape = format!("({}, {height}, {width}{last})", plan.frames);
    let size = bits / 8;
    let mut text =
        format!("{{'descr': '{order}{kind}{size}', 'fortran_order': False, 'shape': {shape}, }}");
    // Samples begin at a multiple of 64 bytes.
    let beyond = (10 + text.len() + 1) % 64;
    text.extend(std::iter::repeat_n(' ', (64 - beyond) % 64));
    text.push('\n');
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&b"\x93NUMPY\x01\x00"[..], &len.to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::file::SeriesFile;
    use super::*;

    #[test]
    fn what_passes_four_gigabytes_is_bigtiff() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.tif");
        let samples =
            |t: u16| (0..600 * 400u32).map(move |at| u16::try_from(at % 251).unwrap() + t);
        let frames = [0, 1, 2]
            .map(|t| Image::from_samples(600, 400, 1, samples(t).collect::<Vec<_>>()).unwrap());
        for (large, version) in [(1_000_000, 43), (LARGE, 42)] {
            let plan = Plan { frames: 3, level: 2, whole: false, boolean: false, interval: 0.0 };
            let mut writer = Writer::begin(&path, plan, frames[0].layout(), large).unwrap();
            writer = writer.add(&path, 0, &frames[0]).unwrap().unwrap();
            writer = writer.add(&path, 1, &frames[1]).unwrap().unwrap();
            assert!(writer.add(&path, 2, &frames[2]).unwrap().is_none());
            assert_eq!(std::fs::read(&path).unwrap()[2], version);
            let stack = SeriesFile::open(&path).unwrap().stack(0, 0, 0).unwrap();
            assert_eq!(stack.frames(), 3);
            for (t, frame) in frames.iter().enumerate() {
                assert!(stack.frame(t).unwrap().bytes() == frame.bytes(), "frame {t}");
            }
        }
    }
}
