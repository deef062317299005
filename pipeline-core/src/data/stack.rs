//! Frames over time.

use std::fmt::Debug;
use std::sync::Arc;

use super::buffer::{Allocation, Buffer};
use super::image::Image;
use super::layout::Layout;
use crate::error::{Error, Result};

/// Frames of one layout, axes `[t, y, x, channel]`: in one buffer, or read when they are asked for.
///
/// A buffer is owned, or belongs to something else such as a memory-mapped file
/// ([`Samples::foreign`](crate::data::Samples::foreign)); a frame shares it and copies nothing.
/// What is read takes memory for the frames that somebody holds, however many there are.
#[derive(Debug, Clone)]
pub struct Stack {
    frame: Layout,
    frames: usize,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Buffer(Buffer),
    Read(Arc<dyn ReadFrames>),
}

/// Reads the frames of a stack, as from a file that is too large for memory.
///
/// Every thread may ask for any frame at any time, also again: it must be the same then.
pub trait ReadFrames: Debug + Send + Sync {
    /// Reads frame `t`, of those that there are.
    ///
    /// # Errors
    /// What went wrong, with the file.
    fn read(&self, t: usize) -> Result<Image>;
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
        has_frames(frames)?;
        if buffer.sample_type() != frame.sample || buffer.len() != expected {
            return Err(Error::input(
                "the buffer",
                format_args!("{} {} samples", buffer.len(), buffer.sample_type()),
                format!("{expected} {} samples for {frames} frames of {frame}", frame.sample),
            ));
        }
        Ok(Self { frame, frames, source: Source::Buffer(buffer) })
    }

    /// A stack whose frames are read when they are asked for.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no frame or a frame is empty; [`Error::TooLarge`] if a frame
    /// cannot exist.
    pub fn read_by(frame: Layout, frames: usize, reader: Arc<dyn ReadFrames>) -> Result<Self> {
        frame.image_samples()?;
        has_frames(frames)?;
        Ok(Self { frame, frames, source: Source::Read(reader) })
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

    /// Frame `t`: it shares the buffer, or is read.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no frame `t`, or it has another layout than the first one; what
    /// reading it fails with.
    pub fn frame(&self, t: usize) -> Result<Image> {
        if t >= self.frames {
            return Err(Error::input("the frame", t, format!("0 to {}", self.frames - 1)));
        }
        let image = match &self.source {
            Source::Buffer(buffer) => {
                let each = buffer.len() / self.frames;
                Image::from_buffer(self.frame, buffer.window(t * each..(t + 1) * each))?
            }
            Source::Read(reader) => reader.read(t)?,
        };
        if image.layout() != self.frame {
            let found = format!("{}, frame {t}", image.layout());
            return Err(Error::input("the frame", found, format!("{}, as frame 0", self.frame)));
        }
        Ok(image)
    }

    /// All samples as bytes in this machine's byte order; none if frames are read.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Buffer(buffer) => Some(buffer.bytes()),
            Source::Read(_) => None,
        }
    }

    /// The buffer that holds the frames, if there is one.
    #[must_use]
    pub fn allocation(&self) -> Option<Allocation> {
        match &self.source {
            Source::Buffer(buffer) => Some(buffer.allocation()),
            Source::Read(_) => None,
        }
    }
}

fn has_frames(frames: usize) -> Result<()> {
    if frames == 0 {
        return Err(Error::input("the number of frames", 0, "at least 1"));
    }
    Ok(())
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
        assert_eq!(Some(frame.allocation()), stack.allocation());
        assert!(stack.frame(3).is_err());
    }

    /// Frames that are one pixel wider each.
    #[derive(Debug)]
    struct Wider;

    impl ReadFrames for Wider {
        fn read(&self, t: usize) -> Result<Image> {
            let width = u32::try_from(t).unwrap() + 1;
            Image::from_samples(width, 1, 1, vec![7u8; t + 1])
        }
    }

    #[test]
    fn frames_are_read_when_they_are_asked_for_and_held_to_the_layout() {
        let layout = Layout::new(1, 1, 1, SampleType::U8);
        let stack = Stack::read_by(layout, 2, Arc::new(Wider)).unwrap();
        assert_eq!(stack.frame(0).unwrap().bytes(), [7]);
        assert_eq!((stack.bytes(), stack.allocation()), (None, None));
        let error = stack.frame(1).unwrap_err().to_string();
        assert!(error.contains("frame 1") && error.contains("as frame 0"), "{error}");
        assert!(stack.frame(2).is_err() && Stack::read_by(layout, 0, Arc::new(Wider)).is_err());
    }
}
