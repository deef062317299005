//! Masks and label images: which pixels belong to what.

use std::sync::Arc;

use super::buffer::{Allocation, Buffer, Samples, zeros};
use super::layout::{ColorSpace, Layout};
use super::sample::SampleType;
use super::view::{Canvas, Raster, View};
use crate::error::{Error, Result};

/// True or false per pixel, one byte each: 0 is background, 1 is foreground.
#[derive(Debug, Clone)]
pub struct Mask {
    layout: Layout,
    buffer: Buffer,
}

impl Mask {
    /// A mask from one byte per pixel; anything but 0 is foreground.
    ///
    /// # Errors
    /// [`Error::Input`] if a side is zero or the number of bytes is not width × height.
    pub fn from_bytes(width: u32, height: u32, mut bytes: Vec<u8>) -> Result<Self> {
        for byte in &mut bytes {
            *byte = u8::from(*byte != 0);
        }
        Self::assemble(Layout::new(width, height, 1, SampleType::U8), bytes.into(), None)
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

    /// One byte per pixel, row by row: 0 is background, 1 is foreground.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// The number of foreground pixels.
    #[must_use]
    pub fn area(&self) -> usize {
        self.bytes().iter().map(|&byte| usize::from(byte)).sum()
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.layout == other.layout && self.bytes() == other.bytes()
    }
}

impl Raster for Mask {
    fn view(&self) -> View<'_> {
        View::whole(self.layout, &self.buffer)
    }

    fn into_parts(self) -> (Layout, Buffer, Option<Arc<[u8]>>) {
        (self.layout, self.buffer, None)
    }

    fn allocation(&self) -> Allocation {
        self.buffer.allocation()
    }
}

impl Canvas for Mask {
    fn assemble(mut layout: Layout, buffer: Buffer, _: Option<Arc<[u8]>>) -> Result<Self> {
        if layout.channels != 1 || layout.sample != SampleType::U8 {
            return Err(Error::input("the mask", layout, "one channel of u8"));
        }
        layout.color = ColorSpace::Data;
        let expected = layout.sample_count()?;
        if buffer.sample_type() != SampleType::U8 || buffer.len() != expected {
            return Err(Error::input("the buffer", buffer.len(), format!("{expected} bytes")));
        }
        Ok(Self { layout, buffer })
    }
}

/// One object number per pixel: 0 is background, objects are 1 to [`count`](Self::count), dense.
#[derive(Debug, Clone)]
pub struct Labels {
    layout: Layout,
    count: u32,
    labels: Samples<u32>,
}

impl Labels {
    /// A label image of one number per pixel.
    ///
    /// # Errors
    /// [`Error::Input`] if a side is zero, the number of labels is not width × height, or the
    /// labels are not dense from 1.
    pub fn new(width: u32, height: u32, labels: impl Into<Samples<u32>>) -> Result<Self> {
        let labels = labels.into();
        let count = labels.iter().copied().max().unwrap_or(0);
        let labels = Self::counted(width, height, labels, count)?;
        labels.check_dense()?;
        Ok(labels)
    }

    /// Labels that were numbered from 1 to `count` by whoever calls: as [`new`](Self::new), which
    /// looks at each of them twice, on one thread.
    ///
    /// Steps that measure objects give wrong numbers, or panic, where this is not so.
    ///
    /// # Errors
    /// [`Error::Input`] if a side is zero, or there are not `width · height` labels.
    pub fn numbered(
        width: u32,
        height: u32,
        labels: impl Into<Samples<u32>>,
        count: u32,
    ) -> Result<Self> {
        let labels = Self::counted(width, height, labels.into(), count)?;
        debug_assert!(labels.check_dense().is_ok(), "labels are numbered from 1 to {count}");
        Ok(labels)
    }

    fn counted(width: u32, height: u32, labels: Samples<u32>, count: u32) -> Result<Self> {
        let layout = Layout::new(width, height, 1, SampleType::U32);
        let layout = Layout { color: ColorSpace::Data, ..layout };
        let expected = layout.sample_count()?;
        if labels.len() != expected {
            return Err(Error::input("the labels", labels.len(), format!("{expected} numbers")));
        }
        Ok(Self { layout, count, labels })
    }

    /// Nothing if each number from 1 to the count is there.
    fn check_dense(&self) -> Result<()> {
        let Self { count, labels, .. } = self;
        // More labels than pixels cannot be dense, so this bounds the table below.
        let entries = (*count as usize).min(labels.len()) + 1;
        let mut seen = zeros::<bool>(entries, || format!("a table of {count} labels"))?;
        for &label in labels.iter() {
            if let Some(seen) = seen.get_mut(label as usize) {
                *seen = true;
            }
        }
        if *count as usize > labels.len() || !seen[1..].iter().all(|&seen| seen) {
            return Err(Error::input("the labels", "not dense", format!("each of 1 to {count}")));
        }
        Ok(())
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

    /// The number of objects.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// One number per pixel, row by row.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}

impl Raster for Labels {
    fn view(&self) -> View<'_> {
        View::packed(self.layout, self.layout.region(), &self.labels)
    }

    fn into_parts(self) -> (Layout, Buffer, Option<Arc<[u8]>>) {
        (self.layout, Buffer::U32(self.labels), None)
    }

    fn allocation(&self) -> Allocation {
        self.labels.allocation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_but_zero_is_foreground() {
        let mask = Mask::from_bytes(3, 1, vec![0, 255, 1]).unwrap();
        assert_eq!(mask.bytes(), [0, 1, 1]);
        assert_eq!(mask.area(), 2);
    }

    #[test]
    fn labels_must_be_dense() {
        assert_eq!(Labels::new(2, 2, vec![0, 1, 2, 1]).unwrap().count(), 2);
        assert_eq!(Labels::numbered(2, 2, vec![0, 1, 2, 1], 2).unwrap().count(), 2);
        assert!(Labels::numbered(2, 2, vec![0, 1, 2], 2).is_err());
        assert!(Labels::new(2, 2, vec![0, 1, 3, 1]).is_err());
        assert!(Labels::new(2, 2, vec![0, 0, u32::MAX, 0]).is_err());
    }
}
