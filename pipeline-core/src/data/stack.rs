//! Frames over time.

use super::buffer::{Allocation, Buffer};
use super::image::Image;
use super::layout::Layout;
use crate::error::{Error, Result};

/// Frames of one layout in one buffer, axes `[t, y, x, channel]`.
///
/// The buffer is owned, or belongs to something else such as a memory-mapped file
/// ([`Samples::foreign`](crate::data::Samples::foreign)); a frame shares it and copies nothing.
#[derive(Debug, Clone)]
pub struct Stack {
    frame: Layout,
    frames: usize,
    buffer: Buffer,
}

impl Stack {
    /// A stack of `frames` frames of layout `frame`.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no frame, a frame is empty, or the buffer does not hold exactly
    /// these frames; [`Error::TooLarge`] if they cannot exist.
    pub fn new(frame: Layout, frames: usize, buffer: Buffer) -> Result<Self> {
        let each = frame.image_samples()?;
        let expected = each.checked_mul(frames).ok_or_else(|| Error::TooLarge {
            what: format!("a stack of {frames} frames of {frame}"),
            needed: u64::MAX,
            allowed: isize::MAX.unsigned_abs() as u64,
        })?;
        if frames == 0 {
            return Err(Error::input("the number of frames", 0, "at least 1"));
        }
        if buffer.sample_type() != frame.sample || buffer.len() != expected {
            return Err(Error::input(
                "the buffer",
                format_args!("{} {} samples", buffer.len(), buffer.sample_type()),
                format!("{expected} {} samples for {frames} frames of {frame}", frame.sample),
            ));
        }
        Ok(Self { frame, frames, buffer })
    }

    /// The layout of each frame.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.frame
    }

    /// The number of frames.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Frame `t`, sharing the buffer.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no frame `t`.
    pub fn frame(&self, t: usize) -> Result<Image> {
        if t >= self.frames {
            return Err(Error::input("the frame", t, format!("0 to {}", self.frames - 1)));
        }
        let each = self.buffer.len() / self.frames;
        Image::from_buffer(self.frame, self.buffer.window(t * each..(t + 1) * each))
    }

    pub(super) const fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// All samples as bytes in this machine's byte order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// The buffer that holds the frames.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        self.buffer.allocation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Raster, SampleType};

    #[test]
    fn a_frame_shares_the_stacks_buffer() {
        let layout = Layout::new(2, 2, 1, SampleType::U16);
        let stack = Stack::new(layout, 3, (0u16..12).collect::<Vec<_>>().into()).unwrap();
        let frame = stack.frame(1).unwrap();
        assert_eq!(frame.samples::<u16>(), Some(&[4u16, 5, 6, 7][..]));
        assert_eq!(frame.allocation(), stack.allocation());
        assert!(stack.frame(3).is_err());
    }
}
