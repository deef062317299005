//! One frame of a stack.

use pipeline_core::{Context, Error, Image, In, Result, Stack, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Takes one frame out of a stack, or reads it from its file.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | stack | T Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | as `in` | as `in` |
///
/// **Border**: nothing beyond the frame is seen. **NaN** and infinity stay, or are an error if the
/// samples have to be `finite`.
/// **Cost**: none where the stack is in memory; else that of reading and decoding the frame; of
/// memory the frame. It is read by a thread that computes, so that no more frames are read than are
/// made use of. There are no tiles.
/// **Errors**: a frame that the stack does not have; one of another layout than the first; samples
/// that are not `finite` and have to be; what the file fails with, such as one that was cut off.
///
/// **Source**: `numpy` 2.4, `stack[frame]`, equal.
///
/// ```
/// use pipeline_core::{Context, In, Layout, SampleType, Stack, Step};
/// use pipeline_ops::io::Frame;
///
/// let layout = Layout::new(2, 1, 1, SampleType::U16);
/// let stack = Stack::new(layout, 2, vec![1u16, 2, 3, 4].into())?;
/// let out = Frame { frame: 1, ..Frame::default() }.run(In::new(stack), &Context::default())?;
/// assert_eq!(out.samples::<u16>(), Some(&[3, 4][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Frame {
    /// Which one, from 0 on. 0 to 16777215, a number without a unit, default 0.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub frame: u32,
    /// Whether a sample that is NaN or infinite is an error; default false.
    pub finite: bool,
}

impl Step for Frame {
    const NAME: &'static str = "frame";
    type Input = In<Stack>;
    type Output = Image;

    fn run(&self, stack: In<Stack>, _: &Context<'_>) -> Result<Image> {
        let image = stack.frame(self.frame as usize)?;
        if let Some(samples) = image.samples::<f32>().filter(|_| self.finite) {
            let count = samples.iter().filter(|sample| !sample.is_finite()).count();
            if count > 0 {
                let found = format!("{count} samples that are NaN or infinite");
                return Err(Error::input(format!("frame {}", self.frame), found, "none"));
            }
        }
        Ok(image)
    }
}
