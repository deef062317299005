//! NumPy arrays: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytemuck::cast_slice_mut;
use pipeline_core::data::{ReadFrames, leftovers};
use pipeline_core::{ColorSpace, Image, Layout, Result, SampleType, dispatch};

use super::super::decode::refuse;

/// The longest header that is read.
const HEADER: u64 = 1 << 20;

/// An array of axes `[t, y, x]` or `[t, y, x, c]` in a file.
#[derive(Debug)]
pub(super) struct Npy {
    path: PathBuf,
    file: Mutex<File>,
    layout: Layout,
    frames: usize,
    /// Frames that are there.
    whole: usize,
    /// Where the first number stands.
    start: u64,
    stored: Stored,
    is_big_endian: bool,
}

/// How the numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// As samples.
    Samples(SampleType),
    /// As whole numbers with a sign, of so many bytes.
    Signed(usize),
    /// As whole numbers of four bytes without a sign.
    Unsigned,
    /// As floats of eight bytes.
    Double,
}

impl Stored {
    const fn bytes(self) -> usize {
        match self {
            Self::Samples(sample) => sample.size(),
            Self::Signed(bytes) => bytes,
            Self::Unsigned => 4,
            Self::Double => 8,
        }
    }

    const fn sample(self) -> SampleType {
        match self {
            Self::Samples(sample) => sample,
            _ => SampleType::F32,
        }
    }

    /// A number that is no sample, with the lowest byte first, as the nearest float.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the nearest float is wanted"
    )]
    fn float(self, number: &[u8]) -> f32 {
        let mut bytes = [0; 8];
        bytes[..number.len()].copy_from_slice(number);
        let bits = u64::from_le_bytes(bytes);
        match self {
            Self::Signed(len) => {
                let unused = 64 - 8 * len as u32;
                ((bits << unused).cast_signed() >> unused) as f32
            }
            Self::Double => f64::from_bits(bits) as f32,
            _ => bits as f32,
        }
    }
}

impl Npy {
    /// The array in a file; none if it begins as another kind of file.
    pub(super) fn of(path: &Path, mut file: File) -> Result<Option<Self>> {
        let fail = |error: io::Error| refuse(path, "read", error);
        let mut magic = Vec::new();
        file.by_ref().take(10).read_to_end(&mut magic).map_err(fail)?;
        if !magic.starts_with(b"\x93NUMPY") {
            return Ok(None);
        }
        let damaged = |what: &str| refuse(path, "decode", what.to_owned());
        let [.., version, _, low, high] = magic[..] else {
            return Err(damaged("it is cut off"));
        };
        let mut len = u64::from(low) | u64::from(high) << 8;
        let mut start = 10;
        if version > 1 {
            let mut more = [0; 2];
            file.read_exact(&mut more).map_err(fail)?;
            len |= u64::from(more[0]) << 16 | u64::from(more[1]) << 24;
            start = 12;
        }
        let mut header = Vec::new();
        let read = file.by_ref().take(len.min(HEADER)).read_to_end(&mut header).map_err(fail)?;
        if read as u64 != len {
            return Err(damaged("its header is cut off or longer than a mebibyte"));
        }
        let header = String::from_utf8_lossy(&header);
        let (stored, is_big_endian) = numbers(&header).map_err(|what| damaged(&what))?;
        let [frames, height, width, channels] = shape(&header).map_err(|what| damaged(&what))?;
        let channels = u16::try_from(channels).ok().filter(|channels| (1..=4).contains(channels));
        let channels =
            channels.ok_or_else(|| damaged("its last axis is not of 1 to 4 channels"))?;
        let mut layout = Layout::new(width, height, channels, stored.sample());
        if channels == 1 {
            layout.color = ColorSpace::Data;
        }
        let frames = usize::try_from(frames).unwrap_or(usize::MAX);
        layout.sample_count()?;
        let start = start + len;
        // Of an array that is cut off the whole frames can be read.
        let expected = bytes_of(layout, stored);
        let found = file.metadata().map_err(fail)?.len().saturating_sub(start);
        let whole = found
            .checked_div(expected)
            .map_or(frames, |n| frames.min(usize::try_from(n).unwrap_or(usize::MAX)));
        if whole == 0 && frames > 0 {
            return Err(damaged(&format!("it has {found} of {expected} bytes of a frame")));
        }
        let (path, file) = (path.to_owned(), Mutex::new(file));
        Ok(Some(Self { path, file, layout, frames, whole, start, stored, is_big_endian }))
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// The first frame that is not there as a whole, if the file is cut off.
    pub(super) fn missing(&self) -> Option<usize> {
        (self.whole < self.frames).then_some(self.whole)
    }
}

impl ReadFrames for Npy {
    fn read(&self, t: usize) -> Result<Image> {
        let mut image = Image::zeros(self.layout)?;
        if let Stored::Samples(sample) = self.stored {
            dispatch!(sample, T => {
                let samples = image.samples_mut::<T>().unwrap_or_default();
                self.fill(t, cast_slice_mut::<T, u8>(samples), cfg!(target_endian = "big"))?;
            });
            return Ok(image);
        }
        let size = self.stored.bytes();
        let len = self.layout.sample_count()?.saturating_mul(size);
        let mut bytes: Vec<u8> = leftovers(len, || format!("the numbers of frame {t}"))?;
        self.fill(t, &mut bytes, false)?;
        let samples = image.samples_mut::<f32>().unwrap_or_default();
        for (sample, number) in samples.iter_mut().zip(bytes.chunks_exact(size)) {
            *sample = self.stored.float(number);
        }
        Ok(image)
    }
}

impl Npy {
    /// Reads the numbers of a frame, in this order of their bytes.
    fn fill(&self, t: usize, bytes: &mut [u8], is_big_endian: bool) -> Result<()> {
        let missing = || refuse(&self.path, "read", format!("frame {t} is missing: it is cut off"));
        let start = bytes_of(self.layout, self.stored).checked_mul(t as u64);
        let start = start.and_then(|start| start.checked_add(self.start)).ok_or_else(missing)?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(bytes));
        drop(file);
        read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => missing(),
            _ => refuse(&self.path, "read", error),
        })?;
        if self.is_big_endian != is_big_endian {
            bytes.chunks_exact_mut(self.stored.bytes()).for_each(<[u8]>::reverse);
        }
        Ok(())
    }
}

/// Bytes of a frame in the file.
fn bytes_of(layout: Layout, stored: Stored) -> u64 {
    let of_sample = layout.sample.size() as u64;
    (layout.size_bytes() / of_sample).saturating_mul(stored.bytes() as u64)
}

/// The value of a key of the header.
fn value<'a>(header: &'a str, key: &str) -> std::result::Result<&'a str, String> {
    let from = header.split_once(&format!("'{key}':"));
    let value = from.map(|(_, value)| value.trim_start());
    value.ok_or_else(|| format!("its header has no {key}"))
}

/// How the numbers are stored, and whether their first byte is the highest.
fn numbers(header: &str) -> std::result::Result<(Stored, bool), String> {
    let text = value(header, "descr")?;
    let name = text.split(['\'', '"']).nth(1).unwrap_or(text);
    let stored = match name.trim_start_matches(['<', '>', '|', '=']) {
        "u1" | "b1" => Stored::Samples(SampleType::U8),
        "u2" => Stored::Samples(SampleType::U16),
        "f4" => Stored::Samples(SampleType::F32),
        "i1" => Stored::Signed(1),
        "i2" => Stored::Signed(2),
        "i4" => Stored::Signed(4),
        "u4" => Stored::Unsigned,
        "f8" => Stored::Double,
        _ => {
            let known = "b1, u1, u2, u4, i1, i2, i4, f4 or f8";
            return Err(format!("its numbers are {name}, expected {known}"));
        }
    };
    if !value(header, "fortran_order")?.starts_with("False") {
        return Err("its axes are stored in the order of Fortran, expected that of C".to_owned());
    }
    Ok((stored, name.starts_with('>') || cfg!(target_endian = "big") && !name.starts_with('<')))
}

/// The lengths of the axes; an array of two is one frame, and of four the last one is of channels.
fn shape(header: &str) -> std::result::Result<[u32; 4], String> {
    let text = value(header, "shape")?;
    let inside = text.trim_start_matches('(').split_once(')').map_or("", |(inside, _)| inside);
    let lens = inside.split(',').map(str::trim).filter(|len| !len.is_empty());
    let lens: Option<Vec<u32>> = lens.map(|len| len.parse().ok()).collect();
    match lens.as_deref() {
        Some(&[height, width]) => Ok([1, height, width, 1]),
        Some(&[frames, height, width]) => Ok([frames, height, width, 1]),
        Some(&[frames, height, width, channels]) => Ok([frames, height, width, channels]),
        _ => Err(format!("its shape is ({inside}), expected (t, y, x), (y, x) or (t, y, x, c)")),
    }
}
