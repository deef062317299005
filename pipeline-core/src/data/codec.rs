//! Values to bytes and back.

use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use bytemuck::{Pod, cast_slice, cast_slice_mut, try_cast_slice};

use super::buffer::{Buffer, Samples, leftovers};
use super::image::Image;
use super::layout::{ColorSpace, Layout};
use super::mask::{Labels, Mask};
use super::sample::{Sample, SampleType};
use super::stack::Stack;
use super::value::Data;
use super::view::{Canvas, Raster};
use crate::error::{Error, Result};
use crate::key::{Key, KeyHasher};

type Encode<T> = fn(&T, &mut dyn Write) -> std::io::Result<()>;
type Decode<T> = fn(&Samples<u8>) -> Result<T>;

/// How one [`Data`] type is written as bytes and read back.
///
/// `encode` must write the same bytes for equal values and different bytes for different ones: the
/// digest of these bytes is the value's identity where content decides.
/// `decode` must accept anything and answer with an error, never a panic. It may share the bytes
/// instead of copying them, as those of a mapped file are.
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

/// Encoded samples begin at a multiple of this, so that in memory that does too they are read in
/// place.
const ALIGNMENT: usize = 64;

/// Reads the little-endian numbers in front of the samples.
struct Header<'a> {
    bytes: &'a Samples<u8>,
    read: usize,
}

impl<'a> Header<'a> {
    fn new(bytes: &'a Samples<u8>) -> Self {
        Self { bytes, read: 0 }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let taken = self.bytes[self.read..].get(..len).ok_or_else(|| self.cut_off(len))?;
        self.read += len;
        Ok(taken)
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

    /// What lies behind, from the next multiple of the alignment on.
    fn samples(self) -> Result<Samples<u8>> {
        let start = self.read.next_multiple_of(ALIGNMENT);
        if start > self.bytes.len() {
            return Err(self.cut_off(start - self.read));
        }
        Ok(self.bytes.window(start..self.bytes.len()))
    }

    fn cut_off(&self, len: usize) -> Error {
        let found = format!("{} bytes", self.bytes.len());
        Error::input("the encoded value", found, format!("{len} from byte {} on", self.read))
    }
}

/// Zeros from the end of a header of that length to where the samples begin.
fn pad(header: usize, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(&[0; ALIGNMENT][..header.next_multiple_of(ALIGNMENT) - header])
}

/// Bytes of an encoded layout.
const LAYOUT: usize = 20;

fn write_layout(layout: Layout, out: &mut dyn Write) -> std::io::Result<()> {
    let sample: u32 = match layout.sample {
        SampleType::U8 => 0,
        SampleType::U16 => 1,
        SampleType::F32 => 2,
        // No image and no stack has it.
        SampleType::U32 => 3,
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
        Buffer::U32(samples) => samples.iter().try_for_each(|s| out.write_all(&s.to_le_bytes())),
    }
}

fn read_samples(sample: SampleType, bytes: &Samples<u8>) -> Result<Buffer> {
    crate::dispatch!(sample, T => Ok(T::wrap(read_numbers::<T>(bytes)?)))
}

/// Little-endian numbers: in place where something else owns the bytes, the machine has them so and
/// they lie right, copied otherwise, so that they can be written to.
fn read_numbers<T: Pod + Send + Sync>(bytes: &Samples<u8>) -> Result<Samples<T>> {
    if !bytes.len().is_multiple_of(size_of::<T>()) {
        let expected = format!("a multiple of {}", size_of::<T>());
        return Err(Error::input("the number of encoded bytes", bytes.len(), expected));
    }
    let is_in_order = cfg!(target_endian = "little") && try_cast_slice::<u8, T>(bytes).is_ok();
    if bytes.is_foreign() && is_in_order {
        let numbers = Numbers { bytes: bytes.clone(), number: PhantomData::<fn() -> T> };
        return Ok(Samples::foreign(Arc::new(numbers)));
    }
    let what = || "an encoded value".to_owned();
    let mut numbers = leftovers::<T>(bytes.len() / size_of::<T>(), what)?;
    let places = cast_slice_mut::<T, u8>(&mut numbers);
    places.copy_from_slice(bytes);
    if cfg!(target_endian = "big") {
        places.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    }
    Ok(numbers.into())
}

/// Bytes that are read as numbers, which was tried.
struct Numbers<T> {
    bytes: Samples<u8>,
    number: PhantomData<fn() -> T>,
}

impl<T: Pod> AsRef<[T]> for Numbers<T> {
    fn as_ref(&self) -> &[T] {
        cast_slice(&self.bytes)
    }
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
        Some(Codec::new(2, encode_image, decode_image))
    }
}

fn encode_image(image: &Image, out: &mut dyn Write) -> std::io::Result<()> {
    write_layout(image.layout(), out)?;
    let icc: &[u8] = image.icc().map_or(&[], |icc| icc);
    let tag = if image.icc().is_some() { icc.len() as u64 + 1 } else { 0 };
    out.write_all(&tag.to_le_bytes())?;
    out.write_all(icc)?;
    pad(LAYOUT + 8 + icc.len(), out)?;
    let (_, buffer, _) = image.clone().into_parts();
    write_samples(&buffer, out)
}

fn decode_image(bytes: &Samples<u8>) -> Result<Image> {
    let mut header = Header::new(bytes);
    let layout = read_layout(&mut header)?;
    let icc = match header.len()? {
        0 => None,
        tag => Some(header.take(tag - 1)?.into()),
    };
    Image::assemble(layout, read_samples(layout.sample, &header.samples()?)?, icc)
}

/// Bytes of a width and a height.
const SIDES: usize = 8;

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
            2,
            |mask, out| {
                out.write_all(&mask.width().to_le_bytes())?;
                out.write_all(&mask.height().to_le_bytes())?;
                pad(SIDES, out)?;
                out.write_all(mask.bytes())
            },
            |bytes| {
                let mut header = Header::new(bytes);
                let (width, height) = (header.u32()?, header.u32()?);
                let bytes = header.samples()?;
                if let Some(byte) = bytes.iter().find(|&&byte| byte > 1) {
                    return Err(Error::input("a byte of the mask", byte, "0 or 1"));
                }
                let layout = Layout::new(width, height, 1, SampleType::U8);
                Self::assemble(layout, Buffer::U8(read_numbers(&bytes)?), None)
            },
        ))
    }
}

impl Data for Labels {
    const NAME: &'static str = "labels";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.labels())
    }

    fn allocation(&self) -> Option<super::buffer::Allocation> {
        Some(Raster::allocation(self))
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            2,
            |labels, out| {
                out.write_all(&labels.width().to_le_bytes())?;
                out.write_all(&labels.height().to_le_bytes())?;
                pad(SIDES, out)?;
                let (_, buffer, _) = labels.clone().into_parts();
                write_samples(&buffer, out)
            },
            |bytes| {
                let mut header = Header::new(bytes);
                let (width, height) = (header.u32()?, header.u32()?);
                Self::new(width, height, read_numbers::<u32>(&header.samples()?)?)
            },
        ))
    }
}

impl Data for Stack {
    const NAME: &'static str = "stack";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes().map_or(0, <[u8]>::len)
    }

    fn allocation(&self) -> Option<super::buffer::Allocation> {
        Self::allocation(self)
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            2,
            |stack, out| {
                write_layout(stack.layout(), out)?;
                out.write_all(&(stack.frames() as u64).to_le_bytes())?;
                pad(LAYOUT + 8, out)?;
                (0..stack.frames()).try_for_each(|t| {
                    let frame = stack.frame(t).map_err(std::io::Error::other)?;
                    write_samples(&frame.into_parts().1, out)
                })
            },
            |bytes| {
                let mut header = Header::new(bytes);
                let layout = read_layout(&mut header)?;
                let frames = header.len()?;
                Self::new(layout, frames, read_samples(layout.sample, &header.samples()?)?)
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
            let cut = Samples::from(bytes[..len].to_vec());
            assert!((codec.decode)(&cut).is_err(), "truncated to {len} bytes");
        }
        (codec.decode)(&bytes.into()).unwrap()
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
        // Frames that are read are written as those of a buffer.
        let read = Stack::read_by(layout, 2, Arc::new(Again(stack.clone()))).unwrap();
        assert_eq!(survives(&read).bytes(), stack.bytes());
    }

    /// The frames of another stack.
    #[derive(Debug)]
    struct Again(Stack);

    impl crate::data::ReadFrames for Again {
        fn read(&self, t: usize) -> Result<Image> {
            self.0.frame(t)
        }
    }

    #[test]
    fn samples_are_read_in_place_where_the_bytes_lie_right() {
        let image = Image::from_samples(100, 1, 1, vec![1.5f32; 100]).unwrap();
        let mut encoded = Vec::new();
        encode_image(&image, &mut encoded).unwrap();
        // Such a place, with some room in front.
        let mut memory = vec![0; encoded.len() + 2 * ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT) + ALIGNMENT;
        memory[start..][..encoded.len()].copy_from_slice(&encoded);
        let memory = Samples::foreign(Arc::new(memory));
        let place = memory.as_ptr().addr() + start;
        let decoded = decode_image(&memory.window(start..start + encoded.len())).unwrap();
        assert_eq!(decoded, image);
        assert_eq!(decoded.bytes().as_ptr().addr(), place + ALIGNMENT);

        // What lies elsewhere, or in a vector of one's own, is copied.
        let apart = memory.window(start - 1..start + encoded.len());
        assert_eq!(decode_image(&apart.window(1..apart.len())).unwrap(), image);
        let mut owned = decode_image(&encoded.into()).unwrap();
        let place = owned.bytes().as_ptr();
        owned.samples_mut::<f32>().unwrap()[0] = 2.0;
        assert_eq!(owned.bytes().as_ptr(), place);
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
