//! An image: shared samples and what they mean.

use std::sync::Arc;

use super::buffer::{Allocation, Buffer, Samples, blank};
use super::layout::{ColorSpace, Layout};
use super::sample::{Sample, SampleType};
use super::view::{Canvas, Raster, View};
use crate::error::{Error, Result};

/// A picture: interleaved samples `[y, x, channel]` in a shared buffer, with size, colour space and
/// an optional ICC profile.
///
/// Cloning shares the buffer. Writing through [`samples_mut`](Self::samples_mut) happens in place
/// for the only owner and on a copy otherwise.
///
/// ```
/// use pipeline_core::Image;
///
/// let gray = Image::from_samples(3, 2, 1, vec![0u8, 50, 100, 150, 200, 250])?;
/// assert_eq!(gray.samples::<u8>().map(|s| s[4]), Some(200));
/// assert!(Image::from_samples(3, 2, 3, vec![0u8; 6]).is_err());
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Image {
    layout: Layout,
    buffer: Buffer,
    icc: Option<Arc<[u8]>>,
}

impl Image {
    /// An image of the given samples.
    ///
    /// # Errors
    /// [`Error::Input`] if a side or the channel count is zero or the number of samples is not
    /// width × height × channels; [`Error::TooLarge`] if that product cannot exist.
    pub fn from_samples<T: Sample>(
        width: u32,
        height: u32,
        channels: u16,
        samples: impl Into<Samples<T>>,
    ) -> Result<Self> {
        let layout = Layout::new(width, height, channels, T::TYPE);
        Self::from_buffer(layout, T::wrap(samples.into()))
    }

    /// An image of `layout` over `buffer`.
    ///
    /// # Errors
    /// As [`Image::from_samples`], and if the buffer's sample type is not the layout's.
    pub fn from_buffer(layout: Layout, buffer: Buffer) -> Result<Self> {
        let expected = layout.image_samples()?;
        if buffer.sample_type() != layout.sample || buffer.len() != expected {
            return Err(Error::input(
                "the buffer",
                format_args!("{} {} samples", buffer.len(), buffer.sample_type()),
                format!("{expected} {} samples for {layout}", layout.sample),
            ));
        }
        Ok(Self { layout, buffer, icc: None })
    }

    /// An image with every sample 0.
    ///
    /// # Errors
    /// As [`Layout::sample_count`], and [`Error::TooLarge`] if there is no memory for it.
    pub fn zeros(layout: Layout) -> Result<Self> {
        let count = layout.image_samples()?;
        let buffer = crate::dispatch!(layout.sample, T => {
            Buffer::from(blank::<T>(count, || format!("an image of {layout}"))?)
        });
        Self::from_buffer(layout, buffer)
    }

    /// Size, channels, sample type and colour space.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Columns, in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.layout.width
    }

    /// Rows, in pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.layout.height
    }

    /// Samples of one pixel.
    #[must_use]
    pub const fn channels(&self) -> u16 {
        self.layout.channels
    }

    /// The type of the samples.
    #[must_use]
    pub const fn sample_type(&self) -> SampleType {
        self.layout.sample
    }

    /// The samples, if they are of type `T`: row by row, pixel by pixel, channel by channel.
    #[must_use]
    pub fn samples<T: Sample>(&self) -> Option<&[T]> {
        self.buffer.samples::<T>()
    }

    /// The samples for writing, if they are of type `T`; copies them if they are shared.
    pub fn samples_mut<T: Sample>(&mut self) -> Option<&mut [T]> {
        T::peek_mut(&mut self.buffer).map(Samples::make_mut)
    }

    /// The samples as bytes in this machine's byte order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// The embedded ICC profile, if there is one.
    #[must_use]
    pub fn icc(&self) -> Option<&Arc<[u8]>> {
        self.icc.as_ref()
    }

    /// The same pixels with another ICC profile, or none.
    #[must_use]
    pub fn with_icc(mut self, icc: Option<Arc<[u8]>>) -> Self {
        self.icc = icc;
        self
    }

    /// The same pixels in another colour space; no sample is changed.
    #[must_use]
    pub fn with_color(mut self, color: ColorSpace) -> Self {
        self.layout.color = color;
        self
    }
}

impl PartialEq for Image {
    /// Equal layout, equal bits of every sample, equal profile.
    fn eq(&self, other: &Self) -> bool {
        self.layout == other.layout && self.icc == other.icc && self.bytes() == other.bytes()
    }
}

impl Raster for Image {
    fn view(&self) -> View<'_> {
        View::whole(self.layout, &self.buffer)
    }

    fn into_parts(self) -> (Layout, Buffer, Option<Arc<[u8]>>) {
        (self.layout, self.buffer, self.icc)
    }

    fn allocation(&self) -> Allocation {
        self.buffer.allocation()
    }
}

impl Canvas for Image {
    fn assemble(layout: Layout, buffer: Buffer, icc: Option<Arc<[u8]>>) -> Result<Self> {
        Ok(Self::from_buffer(layout, buffer)?.with_icc(icc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shares_until_one_is_written() {
        let first = Image::from_samples(2, 1, 1, vec![1u16, 2]).unwrap();
        let mut second = first.clone();
        assert_eq!(first.allocation(), second.allocation());
        second.samples_mut::<u16>().unwrap()[0] = 9;
        assert_eq!(first.samples::<u16>(), Some(&[1u16, 2][..]));
    }

    #[test]
    fn a_wrong_number_of_samples_names_both_numbers() {
        let error = Image::from_samples(2, 2, 3, vec![0u8; 11]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the buffer is 11 u8 samples, expected 12 u8 samples for 2×2×3 u8"
        );
    }
}
