//! Windows onto the samples of an image, as kernels see them.

use std::sync::Arc;

use super::buffer::{Allocation, Buffer};
use super::layout::Layout;
use super::region::Region;
use super::sample::{Element, Sample, SampleType};
use crate::error::{Error, Result};

/// Data that is a grid of samples and so can be read tile by tile: [`Image`](crate::Image),
/// [`Mask`](crate::Mask) and [`Labels`](crate::Labels).
///
/// Sealed: the executor looks for these three where it knows no types, so another would not be
/// found.
pub trait Raster: crate::data::Data + Clone + sealed::Sealed {
    /// All of it, for reading.
    fn view(&self) -> View<'_>;

    /// Takes it apart.
    fn into_parts(self) -> (Layout, Buffer, Option<Arc<[u8]>>);

    /// The buffer that holds the samples.
    fn allocation(&self) -> Allocation;
}

/// A raster that can be made tile by tile: [`Image`](crate::Image) and [`Mask`](crate::Mask).
///
/// Labels are none: each number up to their count has to be there, which no tile can know.
pub trait Canvas: Raster {
    /// Builds one from its parts.
    ///
    /// # Errors
    /// If the parts do not fit each other.
    fn assemble(layout: Layout, buffer: Buffer, icc: Option<Arc<[u8]>>) -> Result<Self>;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: implemented here and nowhere else")]
    pub trait Sealed {}

    impl Sealed for crate::data::Image {}
    impl Sealed for crate::data::Mask {}
    impl Sealed for crate::data::Labels {}
}

/// A window for reading: a region of an image of some layout.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    image: Layout,
    region: Region,
    /// Samples from the start of a row to the start of the next.
    stride: usize,
    /// The samples as bytes, aligned for their type.
    bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// All of an image.
    ///
    /// # Panics
    /// If the buffer is shorter than the layout says, or of another sample type; images are checked
    /// when they are made.
    #[must_use]
    pub fn whole(image: Layout, buffer: &'a Buffer) -> Self {
        let is_held = image.sample_count().is_ok_and(|count| buffer.len() >= count);
        assert!(is_held, "buffer below {image}");
        assert_eq!(buffer.sample_type(), image.sample, "samples of {image}");
        let stride = image.row_len();
        Self { image, region: image.region(), stride, bytes: buffer.bytes() }
    }

    /// Rows of `region` that lie one after the other in `samples`.
    ///
    /// # Panics
    /// If `samples` is not exactly the region's samples, or not of the image's sample type.
    #[must_use]
    pub fn packed<T: Element>(image: Layout, region: Region, samples: &'a [T]) -> Self {
        assert_eq!(T::TYPE, image.sample, "samples of {image}");
        let stride = region.width as usize * usize::from(image.channels);
        assert_eq!(samples.len(), stride * region.height as usize, "samples of {region}");
        Self { image, region, stride, bytes: bytemuck::cast_slice(samples) }
    }

    /// The layout of the whole image.
    #[must_use]
    pub const fn image(&self) -> Layout {
        self.image
    }

    /// The region of the image that can be read here.
    #[must_use]
    pub const fn region(&self) -> Region {
        self.region
    }

    /// The type of the samples.
    #[must_use]
    pub const fn sample_type(&self) -> SampleType {
        self.image.sample
    }

    /// A part of this window.
    ///
    /// # Panics
    /// If `region` does not lie within this window.
    #[must_use]
    pub fn crop(&self, region: Region) -> Self {
        assert!(self.region.contains(&region), "{region} within {}", self.region);
        let channels = usize::from(self.image.channels);
        let start = (region.y - self.region.y) as usize * self.stride
            + (region.x - self.region.x) as usize * channels;
        let rows = region.height as usize;
        let len = rows
            .checked_sub(1)
            .map_or(0, |above| above * self.stride + region.width as usize * channels);
        let size = self.image.sample.size();
        Self { region, bytes: &self.bytes[start * size..(start + len) * size], ..*self }
    }

    /// The window with its sample type known: that of labels is `u32`.
    ///
    /// # Errors
    /// [`Error::Input`] if the samples are not of type `T`.
    pub fn typed<T: Element>(&self) -> Result<Plane<'a, T>> {
        check::<T>(self.image)?;
        Ok(Plane {
            samples: bytemuck::cast_slice(self.bytes),
            region: self.region,
            channels: usize::from(self.image.channels),
            stride: self.stride,
        })
    }
}

/// Whether the samples of an image are of type `T`.
fn check<T: Element>(image: Layout) -> Result<()> {
    if T::TYPE == image.sample {
        return Ok(());
    }
    Err(Error::input("the sample type", image.sample, T::TYPE.to_string()))
}

/// A window for reading, of known sample type. Rows are addressed in image coordinates.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a, T> {
    samples: &'a [T],
    region: Region,
    channels: usize,
    stride: usize,
}

impl<'a, T> Plane<'a, T> {
    /// The region of the image that can be read here.
    #[must_use]
    pub const fn region(&self) -> Region {
        self.region
    }

    /// Samples of one pixel.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// All samples from the first of the region to its last: each row begins
    /// [`stride`](Self::stride) samples after the one above.
    #[must_use]
    pub const fn samples(&self) -> &'a [T] {
        self.samples
    }

    /// Samples from the start of one row to the start of the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The samples of row `y` of the image, as far as the region reaches.
    ///
    /// # Panics
    /// If `y` lies outside the region.
    #[must_use]
    #[inline]
    pub fn row(&self, y: u32) -> &'a [T] {
        let start = (y - self.region.y) as usize * self.stride;
        &self.samples[start..start + self.region.width as usize * self.channels]
    }

    /// The samples of one pixel of the image.
    ///
    /// # Panics
    /// If the pixel lies outside the region.
    #[must_use]
    #[inline]
    pub fn pixel(&self, x: u32, y: u32) -> &'a [T] {
        let start = (x - self.region.x) as usize * self.channels;
        &self.row(y)[start..start + self.channels]
    }

    /// The rows of the region, top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        let plane = Self { ..*self };
        (0..self.region.height).map(move |row| plane.row(plane.region.y + row))
    }
}

/// A window for writing: a region of an output image.
#[derive(Debug)]
pub struct ViewMut<'a> {
    image: Layout,
    region: Region,
    /// Samples from the start of one row to the start of the next.
    stride: usize,
    /// The samples as bytes, aligned for their type.
    bytes: &'a mut [u8],
}

impl<'a> ViewMut<'a> {
    /// A window over `samples`, which hold the rows of `region` one after the other.
    ///
    /// # Panics
    /// If `samples` is not exactly the region's samples, or not of the image's sample type.
    #[must_use]
    pub fn packed<T: Sample>(image: Layout, region: Region, samples: &'a mut [T]) -> Self {
        let stride = region.width as usize * usize::from(image.channels);
        assert_eq!(samples.len(), stride * region.height as usize, "samples of {region}");
        Self::strided(image, region, stride, samples)
    }

    /// A window over `samples`, in which each row of `region` starts `stride` samples after the one
    /// above.
    ///
    /// # Panics
    /// If a row is longer than `stride`, `samples` ends before the last row does, or they are not
    /// of the image's sample type.
    #[must_use]
    pub fn strided<T: Sample>(
        image: Layout,
        region: Region,
        stride: usize,
        samples: &'a mut [T],
    ) -> Self {
        assert_eq!(T::TYPE, image.sample, "samples of {image}");
        let row_len = region.width as usize * usize::from(image.channels);
        let end = (region.height as usize).checked_sub(1).map_or(0, |last| last * stride + row_len);
        assert!(row_len <= stride && end <= samples.len(), "samples of {region}");
        Self { image, region, stride, bytes: bytemuck::cast_slice_mut(samples) }
    }

    /// The layout of the whole output image.
    #[must_use]
    pub const fn image(&self) -> Layout {
        self.image
    }

    /// The region of the output image to fill.
    #[must_use]
    pub const fn region(&self) -> Region {
        self.region
    }

    /// The type of the samples.
    #[must_use]
    pub const fn sample_type(&self) -> SampleType {
        self.image.sample
    }

    /// Each row to fill with its row number in the output image.
    ///
    /// # Errors
    /// [`Error::Input`] if the samples are not of type `T`.
    pub fn rows<T: Sample>(&mut self) -> Result<impl Iterator<Item = (u32, &mut [T])>> {
        check::<T>(self.image)?;
        let Region { y, width, height, .. } = self.region;
        let row_len = width as usize * usize::from(self.image.channels);
        let samples: &mut [T] = bytemuck::cast_slice_mut(self.bytes);
        let rows = samples.chunks_mut(self.stride.max(1)).take(height as usize);
        Ok((y..).zip(rows.map(move |row| &mut row[..row_len])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Image;

    #[test]
    fn a_crop_is_addressed_in_image_coordinates() {
        let image = Image::from_samples(4, 3, 1, (0u8..12).collect::<Vec<_>>()).unwrap();
        let plane = image.view().crop(Region::new(1, 1, 2, 2)).typed::<u8>().unwrap();
        assert_eq!(plane.row(1), [5, 6]);
        assert_eq!(plane.row(2), [9, 10]);
        assert_eq!(plane.pixel(2, 1), [6]);
        assert_eq!(plane.rows().collect::<Vec<_>>(), [[5, 6], [9, 10]]);
        assert_eq!((plane.samples(), plane.stride()), (&[5, 6, 7, 8, 9, 10][..], 4));
    }

    #[test]
    fn the_wrong_sample_type_is_an_error_not_a_cast() {
        let image = Image::from_samples(2, 1, 1, vec![1u16, 2]).unwrap();
        assert!(image.view().typed::<u8>().is_err());
        assert!(image.view().typed::<f32>().is_err());
    }

    #[test]
    #[should_panic(expected = "buffer below")]
    fn a_layout_whose_size_wraps_around_is_not_held_by_a_small_buffer() {
        // 2⁶⁴ samples: as 64 bits count, none.
        let layout = Layout {
            width: 1 << 31,
            height: 1 << 31,
            channels: 4,
            ..Layout::new(1, 1, 1, SampleType::U8)
        };
        let _ = View::whole(layout, &Buffer::from(vec![0u8]));
    }
}
