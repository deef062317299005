//! Black point, white point and mid-tones, in and out.

use pipeline_core::{Context, Image, In, Layout, Result, Spec, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::{each, each_by_table};
use super::gamma::{GAMMA, curve};
use crate::check::{self, SHARE};

/// Stretches samples between a black and a white point, bends the mid-tones, and puts the result
/// between two others.
///
/// `t = clamp((in / white - in_black) / (in_white - in_black), 0, 1)`,
/// `out = white · (out_black + t^(1 / gamma) · (out_white - out_black))`, white being 255, 65535 or
/// 1.0. An `out_black` above `out_white` gives a negative.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | `out_black` to `out_white` | as `in` |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one power per sample, none if gamma is 1; a table of 256 entries for u8, and of 65 536
/// per thread for large images of u16; no memory where it works in place, else that of the result;
/// the footprint is the region itself.
/// **Errors**: a parameter outside its range; `in_white` not above `in_black`.
///
/// **Source**: `skimage.exposure.rescale_intensity` 0.26 on floats, rounded once, for gamma 1:
/// within 1 for integers, 1e-5 of the sample for f32. ImageMagick's `-level` has the same gamma.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Levels;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 51, 102,
///     153, 204, 255,
/// ])?;
/// let step = Levels { in_black: 0.2, in_white: 0.8, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 0, 85,
///     170, 255, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// What becomes black, as a share of white. 0 to 1, default 0.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "white"))]
    pub in_black: f32,
    /// What becomes white, as a share of white; above `in_black`. 0 to 1, default 1.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "white"))]
    pub in_white: f32,
    /// The reciprocal of the exponent; more than 1 brightens the mid-tones. 0.05 to 20, default 1.
    #[schemars(range(min = *GAMMA.start(), max = *GAMMA.end()), extend("x-unit" = "ratio"))]
    pub gamma: f32,
    /// What black becomes, as a share of white. 0 to 1, default 0.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "white"))]
    pub out_black: f32,
    /// What white becomes, as a share of white. 0 to 1, default 1.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "white"))]
    pub out_white: f32,
}

impl Default for Levels {
    fn default() -> Self {
        Self { in_black: 0.0, in_white: 1.0, gamma: 1.0, out_black: 0.0, out_white: 1.0 }
    }
}

impl Step for Levels {
    const NAME: &'static str = "levels";
    const VERSION: u32 = 3;
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

impl Tile for Levels {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        for (name, level) in [
            ("in_black", self.in_black),
            ("in_white", self.in_white),
            ("out_black", self.out_black),
            ("out_white", self.out_white),
        ] {
            check::within(name, level, &SHARE, "of white")?;
        }
        check::within("gamma", self.gamma, &GAMMA, "")?;
        if self.in_white <= self.in_black {
            let black = ("in_black", self.in_black);
            return Err(check::not_above("in_white", self.in_white, black, "of white"));
        }
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let (low, exponent) = (self.in_black, 1.0 / self.gamma);
        // Of levels that are next to one, everything above black is white.
        let scale = (1.0 / (self.in_white - self.in_black)).min(f32::MAX);
        let (base, span) = (self.out_black, self.out_white - self.out_black);
        // A power of 1 is exact, so leaving it out changes no sample.
        if self.gamma == 1.0 {
            return each(&inputs[0], out, ctx, move |sample, white| {
                let share = ((sample - low * white) * (scale / white)).clamp(0.0, 1.0);
                base * white + share * (span * white)
            });
        }
        each_by_table(self, &inputs[0], out, ctx, move |sample, white| {
            let share = ((sample - low * white) * (scale / white)).clamp(0.0, 1.0);
            base * white + curve(share, 1.0, exponent) * (span * white)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_are_next_to_one_divide_black_from_white() {
        let image = Image::from_samples(3, 1, 1, vec![-1.0f32, 0.0, 1e-30]).unwrap();
        for gamma in [1.0, 2.0] {
            let levels = Levels { in_white: f32::from_bits(1), gamma, ..Levels::default() };
            let out = levels.run(In::new(image.clone()), &Context::default()).unwrap();
            assert_eq!(out.samples::<f32>(), Some(&[0.0, 0.0, 1.0][..]));
        }
    }
}
