//! Values to bytes and back.

use std::io::Write;

use bytemuck::{Pod, cast_slice_mut};

use super::buffer::{Buffer, zeros};
use super::image::Image;
use super::layout::{ColorSpace, Layout};
use super::mask::{Labels, Mask};
use super::sample::SampleType;
use super::stack::Stack;
use super::value::Data;
use super::view::Raster;
use crate::error::{Error, Result};
use crate::key::{Key, KeyHasher};

type Encode<T> = fn(&T, &mut dyn Write) -> std::io::Result<()>;
type Decode<T> = fn(&[u8]) -> Result<T>;

/// How one [`Data`] type is written as bytes and read back.
///
/// `encode` must write the same bytes for equal values and different bytes for different ones: the
/// digest of these bytes is the value's identity where content decides.
/// `decode` must accept anything and answer with an error, never a panic.
#[derive(Debug)]
pub struct Codec<T> {
    /// Raised when the bytes change their meaning.
    pub version: u32,
    /// Writes a value.
    pub encode: Encode<T>,
    /// Reads a value back.
    pub decode: Decode<T>,
}

impl<T: Data> Codec<T> {
    /// A codec of two functions.
    #[must_use]
    pub const fn new(version: u32, encode: Encode<T>, decode: Decode<T>) -> Self {
        Self { version, encode, decode }
    }

    /// The digest of a value's type, version and bytes.
    pub(crate) fn digest(&self, value: &T) -> Result<Key> {
        let mut hasher = KeyHasher::content();
        hasher.text(T::NAME).number(self.version.into());
        (self.encode)(value, &mut hasher).map_err(|error| {
            Error::caused(format!("a value of type `{}` cannot be encoded", T::NAME), error)
        })?;
        Ok(hasher.finish())
    }
}

/// Reads the little-endian numbers in front of the samples.
struct Header<'a>(&'a [u8]);

impl<'a> Header<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(|| {
            Error::input("the encoded value", format!("{} bytes", self.0.len()), format!("{len}"))
        })?;
        self.0 = rest;
        Ok(head)
    }

    fn u32(&mut self) -> Result<u32> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    fn len(&mut self) -> Result<usize> {
        let (low, high) = (self.u32()?, self.u32()?);
        usize::try_from(u64::from(high) << 32 | u64::from(low))
            .map_err(|_| Error::input("the encoded length", high, "a length that fits in memory"))
    }
}

fn write_layout(layout: Layout, out: &mut dyn Write) -> std::io::Result<()> {
    let sample: u32 = match layout.sample {
        SampleType::U8 => 0,
        SampleType::U16 => 1,
        SampleType::F32 => 2,
    };
    let color: u32 = match layout.color {
        ColorSpace::Srgb => 0,
        ColorSpace::LinearSrgb => 1,
        ColorSpace::Data => 2,
        ColorSpace::Hsv => 3,
        ColorSpace::Lab => 4,
    };
    for number in [layout.width, layout.height, layout.channels.into(), sample, color] {
        out.write_all(&number.to_le_bytes())?;
    }
    Ok(())
}

fn read_layout(header: &mut Header<'_>) -> Result<Layout> {
    let (width, height) = (header.u32()?, header.u32()?);
    let channels = u16::try_from(header.u32()?)
        .map_err(|_| Error::input("the encoded channel count", "too large", "at most 65535"))?;
    let sample = match header.u32()? {
        0 => SampleType::U8,
        1 => SampleType::U16,
        2 => SampleType::F32,
        other => return Err(Error::input("the encoded sample type", other, "0, 1 or 2")),
    };
    let color = match header.u32()? {
        0 => ColorSpace::Srgb,
        1 => ColorSpace::LinearSrgb,
        2 => ColorSpace::Data,
        3 => ColorSpace::Hsv,
        4 => ColorSpace::Lab,
        other => return Err(Error::input("the encoded colour space", other, "0 to 4")),
    };
    Ok(Layout { width, height, channels, sample, color })
}

/// Samples are little-endian on every machine; on a little-endian one nothing is converted.
fn write_samples(buffer: &Buffer, out: &mut dyn Write) -> std::io::Result<()> {
    if cfg!(target_endian = "little") {
        return out.write_all(buffer.bytes());
    }
    match buffer {
        Buffer::U8(samples) => out.write_all(samples),
        Buffer::U16(samples) => samples.iter().try_for_each(|s| out.write_all(&s.to_le_bytes())),
        Buffer::F32(samples) => samples.iter().try_for_each(|s| out.write_all(&s.to_le_bytes())),
    }
}

fn read_samples(sample: SampleType, bytes: &[u8]) -> Result<Buffer> {
    crate::dispatch!(sample, T => Ok(read_numbers::<T>(bytes)?.into()))
}

/// Little-endian numbers; an incomplete one at the end is left out.
fn read_numbers<T: Pod>(bytes: &[u8]) -> Result<Vec<T>> {
    let len = bytes.len() / size_of::<T>();
    let mut numbers = zeros::<T>(len, || "an encoded value".to_owned())?;
    let places = cast_slice_mut::<T, u8>(&mut numbers);
    places.copy_from_slice(&bytes[..len * size_of::<T>()]);
    if cfg!(target_endian = "big") {
        places.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    }
    Ok(numbers)
}

impl Data for Image {
    const NAME: &'static str = "image";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes().len() + self.icc().map_or(0, |icc| icc.len())
    }

    fn allocation(&self) -> Option<super::buffer::Allocation> {
        Some(Raster::allocation(self))
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(1, encode_image, decode_image))
    }
}

fn encode_image(image: &Image, out: &mut dyn Write) -> std::io::Result<()> {
    write_layout(image.layout(), out)?;
    let icc: &[u8] = image.icc().map_or(&[], |icc| icc);
    let tag = if image.icc().is_some() { icc.len() as u64 + 1 } else { 0 };
    out.write_all(&tag.to_le_bytes())?;
    out.write_all(icc)?;
    let (_, buffer, _) = image.clone().into_parts();
    write_samples(&buffer, out)
}

fn decode_image(bytes: &[u8]) -> Result<Image> {
    let mut header = Header(bytes);
    let layout = read_layout(&mut header)?;
    let icc = match header.len()? {
        0 => None,
        tag => Some(header.take(tag - 1)?.into()),
    };
    Image::assemble(layout, read_samples(layout.sample, header.0)?, icc)
}

impl Data for Mask {
    const NAME: &'static str = "mask";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes().len()
    }

    fn allocation(&self) -> Option<super::buffer::Allocation> {
        Some(Raster::allocation(self))
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |mask, out| {
                out.write_all(&mask.width().to_le_bytes())?;
                out.write_all(&mask.height().to_le_bytes())?;
                out.write_all(mask.bytes())
            },
            |bytes| {
                let mut header = Header(bytes);
                let (width, height) = (header.u32()?, header.u32()?);
                Self::from_bytes(width, height, read_numbers(header.0)?)
            },
        ))
    }
}

impl Data for Labels {
    const NAME: &'static str = "labels";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.labels())
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |labels, out| {
                out.write_all(&labels.width().to_le_bytes())?;
                out.write_all(&labels.height().to_le_bytes())?;
                labels.labels().iter().try_for_each(|label| out.write_all(&label.to_le_bytes()))
            },
            |bytes| {
                let mut header = Header(bytes);
                let (width, height) = (header.u32()?, header.u32()?);
                if !header.0.len().is_multiple_of(4) {
                    return Err(Error::input("the labels", "cut off", "four bytes each"));
                }
                Self::new(width, height, read_numbers::<u32>(header.0)?)
            },
        ))
    }
}

impl Data for Stack {
    const NAME: &'static str = "stack";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes().len()
    }

    fn allocation(&self) -> Option<super::buffer::Allocation> {
        Some(Self::allocation(self))
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |stack, out| {
                write_layout(stack.layout(), out)?;
                out.write_all(&(stack.frames() as u64).to_le_bytes())?;
                write_samples(stack.buffer(), out)
            },
            |bytes| {
                let mut header = Header(bytes);
                let layout = read_layout(&mut header)?;
                let frames = header.len()?;
                Self::new(layout, frames, read_samples(layout.sample, header.0)?)
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn survives<T: Data>(value: &T) -> T {
        let codec = T::codec().unwrap();
        let mut bytes = Vec::new();
        (codec.encode)(value, &mut bytes).unwrap();
        for len in 0..bytes.len() {
            assert!((codec.decode)(&bytes[..len]).is_err(), "truncated to {len} bytes");
        }
        (codec.decode)(&bytes).unwrap()
    }

    #[test]
    fn every_type_survives_its_codec_and_refuses_truncation() {
        let image = Image::from_samples(2, 2, 1, vec![0.5f32, -0.0, f32::INFINITY, 3.0]).unwrap();
        let image = image.with_icc(Some(vec![1, 2, 3].into())).with_color(ColorSpace::Data);
        assert_eq!(survives(&image), image);
        let mask = Mask::from_bytes(2, 2, vec![0, 1, 1, 0]).unwrap();
        assert_eq!(survives(&mask), mask);
        let labels = Labels::new(2, 2, vec![0, 2, 1, 0]).unwrap();
        assert_eq!(survives(&labels).labels(), labels.labels());
        let layout = Layout::new(2, 1, 1, SampleType::U16);
        let stack = Stack::new(layout, 2, vec![1u16, 2, 3, 4].into()).unwrap();
        assert_eq!(survives(&stack).bytes(), stack.bytes());
    }

    #[test]
    fn the_digest_sees_pixels_layout_and_profile() {
        let digest = |image: &Image| Image::codec().unwrap().digest(image).unwrap();
        let image = Image::from_samples(4, 1, 1, vec![1u8, 2, 3, 4]).unwrap();
        let other = Image::from_samples(2, 2, 1, vec![1u8, 2, 3, 4]).unwrap();
        assert_eq!(digest(&image), digest(&image.clone()));
        assert_ne!(digest(&image), digest(&other));
        assert_ne!(digest(&image), digest(&image.clone().with_icc(Some([].into()))));
    }
}
