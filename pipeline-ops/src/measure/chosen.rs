//! The samples of an image that a measurement counts.

use std::ops::Range;

use pipeline_core::data::{Plane, Raster};
use pipeline_core::{Image, Mask, Result, Sample};

use crate::kernel::Digits;
use crate::{check, kernel};

/// An image, and where it counts if that is not everywhere.
#[derive(Debug)]
pub(super) struct Chosen<'a, T> {
    plane: Plane<'a, T>,
    mask: Option<&'a [u8]>,
}

impl<'a, T: Sample> Chosen<'a, T> {
    /// The samples of an image, within a mask.
    pub(super) fn new(image: &'a Image, mask: Option<&'a Mask>) -> Result<Self> {
        if let Some(mask) = mask {
            let size = (image.width(), image.height());
            check::same_size(("`mask`", (mask.width(), mask.height())), ("`in`", size))?;
        }
        Ok(Self { plane: image.view().typed::<T>()?, mask: mask.map(Mask::bytes) })
    }

    /// Width and height, in pixels.
    pub(super) const fn size(&self) -> (u32, u32) {
        (self.plane.region().width, self.plane.region().height)
    }

    /// Samples of one pixel.
    pub(super) const fn channels(&self) -> usize {
        self.plane.channels()
    }

    /// The rows of an image all of which counts.
    pub(super) fn whole(&self) -> Option<Plane<'a, T>> {
        self.mask.is_none().then_some(self.plane)
    }

    /// The samples of one channel of a row that count and are a number.
    pub(super) fn row(&self, y: u32, channel: usize) -> impl Iterator<Item = f64> + use<'a, T> {
        self.row_of_samples(y, channel).map(|sample| f64::from(sample.to_f32()))
    }

    /// The same of some rows, of their own type.
    pub(super) fn samples(&self, rows: Range<usize>, channel: usize) -> impl Iterator<Item = T> {
        let rows = rows.filter_map(|y| u32::try_from(y).ok());
        rows.flat_map(move |y| self.row_of_samples(y, channel))
    }

    /// The smallest and the largest finite sample of a row that count, of all channels.
    pub(super) fn extremes(&self, y: u32) -> Option<(f64, f64)>
    where
        T: Digits,
    {
        let found = if self.mask.is_none() {
            T::extremes(self.plane.row(y))
        } else {
            let channels = 0..self.channels();
            let samples = channels.flat_map(|channel| self.row_of_samples(y, channel));
            T::extremes(&samples.collect::<Vec<T>>())
        };
        found.map(|(least, most)| (f64::from(least.to_f32()), f64::from(most.to_f32())))
    }

    fn row_of_samples(&self, y: u32, channel: usize) -> impl Iterator<Item = T> + use<'a, T> {
        let width = self.plane.region().width as usize;
        let mask = self.mask.map(|mask| &mask[y as usize * width..][..width]);
        kernel::chosen(self.plane.row(y), (channel, self.plane.channels()), mask)
    }
}
