//! NumPy arrays: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytemuck::cast_slice_mut;
use pipeline_core::data::ReadFrames;
use pipeline_core::{ColorSpace, Image, Layout, Result, SampleType, dispatch};

use super::super::decode::refuse;

/// The longest header that is read.
const HEADER: u64 = 1 << 20;

/// An array of axes `[t, y, x]` in a file.
#[derive(Debug)]
pub(super) struct Npy {
    path: PathBuf,
    file: Mutex<File>,
    layout: Layout,
    frames: usize,
    /// Where the first number stands.
    start: u64,
    is_big_endian: bool,
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
        let (sample, is_big_endian) = samples(&header).map_err(|what| damaged(&what))?;
        let [frames, height, width] = shape(&header).map_err(|what| damaged(&what))?;
        let mut layout = Layout::new(width, height, 1, sample);
        layout.color = ColorSpace::Data;
        let frames = usize::try_from(frames).unwrap_or(usize::MAX);
        layout.sample_count()?;
        let start = start + len;
        let expected = layout.size_bytes().saturating_mul(frames as u64).saturating_add(start);
        let found = file.metadata().map_err(fail)?.len();
        if found < expected {
            return Err(damaged(&format!("it has {found} of {expected} bytes")));
        }
        let (path, file) = (path.to_owned(), Mutex::new(file));
        Ok(Some(Self { path, file, layout, frames, start, is_big_endian }))
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }
}

impl ReadFrames for Npy {
    fn read(&self, t: usize) -> Result<Image> {
        let start = self.start + self.layout.size_bytes() * t as u64;
        let mut image = Image::zeros(self.layout)?;
        dispatch!(self.layout.sample, T => {
            let bytes = cast_slice_mut::<T, u8>(image.samples_mut::<T>().unwrap_or_default());
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start))
                .and_then(|_| file.read_exact(bytes))
                .map_err(|error| refuse(&self.path, "read", error))?;
            drop(file);
            if self.is_big_endian != cfg!(target_endian = "big") {
                bytes.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
            }
        });
        Ok(image)
    }
}

/// The value of a key of the header.
fn value<'a>(header: &'a str, key: &str) -> std::result::Result<&'a str, String> {
    let from = header.split_once(&format!("'{key}':"));
    let value = from.map(|(_, value)| value.trim_start());
    value.ok_or_else(|| format!("its header has no {key}"))
}

/// The type of the numbers, and whether their first byte is the highest.
fn samples(header: &str) -> std::result::Result<(SampleType, bool), String> {
    let text = value(header, "descr")?;
    let name = text.split(['\'', '"']).nth(1).unwrap_or(text);
    let sample = match name.trim_start_matches(['<', '>', '|', '=']) {
        "u1" | "b1" => SampleType::U8,
        "u2" => SampleType::U16,
        "f4" => SampleType::F32,
        _ => return Err(format!("its numbers are {name}, expected u1, u2, f4 or b1")),
    };
    if !value(header, "fortran_order")?.starts_with("False") {
        return Err("its axes are stored in the order of Fortran, expected that of C".to_owned());
    }
    Ok((sample, name.starts_with('>') || cfg!(target_endian = "big") && !name.starts_with('<')))
}

/// The lengths of the axes; an array of two is one frame.
fn shape(header: &str) -> std::result::Result<[u32; 3], String> {
    let text = value(header, "shape")?;
    let inside = text.trim_start_matches('(').split_once(')').map_or("", |(inside, _)| inside);
    let lens = inside.split(',').map(str::trim).filter(|len| !len.is_empty());
    let lens: Vec<u32> = lens.filter_map(|len| len.parse().ok()).collect();
    match lens[..] {
        [height, width] => Ok([1, height, width]),
        [frames, height, width] => Ok([frames, height, width]),
        _ => Err(format!("its shape is ({inside}), expected (t, y, x) or (y, x)")),
    }
}
