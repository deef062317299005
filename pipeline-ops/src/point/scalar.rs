//! Every sample with one number.

use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Spec, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each;
use crate::check;
use crate::kernel::Operation;

/// Adds a number to every sample, or subtracts, multiplies, divides or compares.
///
/// `out = in ∘ value`, in the numbers of the samples.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// Integers saturate and round half to even, floats may pass 1. `min` keeps samples at `value` or
/// below it, `max` at `value` or above.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one operation per sample; a table of 256 entries for u8; no memory where it works in
/// place, else that of the result; the footprint is the region itself.
/// **Errors**: a value that is not finite; a division by 0.
///
/// **Source**: NumPy 2.4 on 32-bit floats, rounded once: equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::{Operation, Scalar};
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 10, 20,
///     40, 100, 200,
/// ])?;
/// let step = Scalar { operation: Operation::Subtract, value: 15.0 };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 0, 5,
///     25, 85, 185,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scalar {
    /// What is made of a sample `a` and the value `b`; default `add`.
    pub operation: Operation,
    /// The number, in the unit of the samples: up to 255 in u8, 65535 in u16; default 0.
    #[schemars(extend("x-unit" = "sample"))]
    pub value: f32,
}

impl Step for Scalar {
    const NAME: &'static str = "scalar";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().by_sample()
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Scalar {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::finite("value", self.value)?;
        if self.operation == Operation::Divide && self.value == 0.0 {
            return Err(Error::input("value", self.value, "a number other than 0 to divide by"));
        }
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let (operation, value) = (self.operation, self.value);
        let input = &inputs[0];
        // Each operation has a loop of its own, which becomes vector code.
        match operation {
            Operation::Add => each(input, out, ctx, |a, _| Operation::Add.of(a, value)),
            Operation::Subtract => each(input, out, ctx, |a, _| Operation::Subtract.of(a, value)),
            Operation::Multiply => each(input, out, ctx, |a, _| Operation::Multiply.of(a, value)),
            Operation::Divide => each(input, out, ctx, |a, _| Operation::Divide.of(a, value)),
            Operation::Min => each(input, out, ctx, |a, _| Operation::Min.of(a, value)),
            Operation::Max => each(input, out, ctx, |a, _| Operation::Max.of(a, value)),
            Operation::Difference => {
                each(input, out, ctx, |a, _| Operation::Difference.of(a, value))
            }
        }
    }
}
