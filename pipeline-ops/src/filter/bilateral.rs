//! Smoothing that stops at edges.

use std::f64::consts::LOG2_E;
use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::{Border, LikenessSums, copy_alpha};
use crate::line_buffer::LineBuffer;
use crate::neighborhood::{self, BorderedRows};

/// The radii that are taken: the cost grows with their square.
const RADIUS: RangeInclusive<u32> = 0..=32;

/// The deviations in space that are taken, in pixels.
const SPACE: RangeInclusive<f64> = 0.1..=1000.0;

/// The deviations in brightness that are taken, in the unit of the samples.
const RANGE: RangeInclusive<f64> = 0.000_001..=1_000_000.0;

/// Smooths by the mean of the pixels around, weighted by how near and how alike they are: noise
/// goes, edges stay.
///
/// `out = Σ w in / Σ w` over the disc `√(i² + j²) ≤ radius`, where the pixel at `(i, j)` from the
/// middle weighs `w = exp(-(i² + j²) / 2 sigma_space²) · exp(-d² / 2 sigma_range²)` and `d` is how
/// much it differs from the middle: the sum of the differences of all colours, which share `w`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Alpha is kept, so that outlines stay sharp too. Each weight is multiplied by the alpha of its
/// pixel, so that what is transparent does not show; colours become 0 where nothing else is on the
/// disc.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over their disc.
/// **Cost**: about 3 · radius² weights per pixel, each an exponential function; memory of as many
/// rows of floats as the disc has; the footprint is the region and `radius` pixels on each side.
/// **Errors**: a parameter outside its range.
///
/// **Source**: Tomasi, Manduchi (1998); OpenCV 5.0 `bilateralFilter`, whose `d` is `2 · radius +
/// 1`: within 1 for integers and 1e-5 of the largest sample for f32. With alpha the formula above.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::Bilateral;
///
/// let image = Image::from_samples(6, 3, 1, vec![
///     10u8, 10, 10, 200, 200, 200,
///     10,   20, 10, 200, 190, 200,
///     10,   10, 10, 200, 200, 200,
/// ])?;
/// let step = Bilateral { radius: 1, sigma_range: 20.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     10, 12, 10, 200, 198, 200,
///     12, 12, 12, 198, 198, 198,
///     10, 12, 10, 200, 198, 200,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bilateral {
    /// Radius of the disc; 0 changes nothing. 0 to 32 px, default 3.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// Standard deviation of the nearness. 0.1 to 1000 px, default 2.
    #[schemars(range(min = *SPACE.start(), max = *SPACE.end()), extend("x-unit" = "px"))]
    pub sigma_space: f32,
    /// Standard deviation of the likeness, in the unit of the samples; edges much higher than that
    /// stay. 0.000001 to 1000000, default 25.
    #[schemars(range(min = *RANGE.start(), max = *RANGE.end()), extend("x-unit" = "sample"))]
    pub sigma_range: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Bilateral {
    fn default() -> Self {
        Self { radius: 3, sigma_space: 2.0, sigma_range: 25.0, border: Border::Replicate }
    }
}

/// A place of the disc, counted from the upper left corner of the square around it.
struct Tap {
    x: usize,
    y: usize,
    weight: f32,
}

/// Pixels whose sums are taken together: they stay in the nearest cache.
const BLOCK: usize = 512;

impl Bilateral {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a weight has no more digits than a sample"
    )]
    fn taps(&self) -> Vec<Tap> {
        let size = 2 * self.radius as usize + 1;
        let steepness = -0.5 / f64::from(self.sigma_space).powi(2);
        let places = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
        let taps = places.filter_map(|(x, y)| {
            let apart = |place: usize| place.abs_diff(self.radius as usize).pow(2);
            let squared = apart(x) + apart(y);
            let weight = (steepness * squared as f64).exp() as f32;
            (squared <= (self.radius as usize).pow(2)).then_some(Tap { x, y, weight })
        });
        taps.collect()
    }

    #[expect(clippy::cast_possible_truncation, reason = "as above")]
    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (region, radius) = (out.region(), self.radius);
        let alpha = out.image().has_alpha();
        let own = input.crop(region).typed::<T>()?;
        let rows = BorderedRows::<T>::new(input, region, (radius, radius), self.border)?;
        let span = rows.span(region, radius);
        let (channels, colors) = (span.channels, span.channels - usize::from(alpha));
        let size = 2 * radius as usize + 1;
        let width = region.width as usize + size - 1;
        let taps = self.taps();
        let steepness = 0.5 * LOG2_E / f64::from(self.sigma_range).powi(2);
        let block =
            neighborhood::block(4 * taps.len() * colors).min(BLOCK.min(region.width as usize));

        let lens = [width * channels, size * channels * width];
        let sums_len = LikenessSums::len(block, colors);
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(lens.iter().sum::<usize>() + sums_len, |memory, _| {
                let (padded, memory) = memory.split_at_mut(lens[0]);
                let (planes, memory) = memory.split_at_mut(lens[1]);
                let first = i64::from(region.y) - i64::from(radius);
                let mut planes = LineBuffer::new(planes, channels * width);
                for (top, (y, out)) in out.rows::<T>()?.enumerate() {
                    planes.fill_to(top + size, |row, planes| {
                        ctx.check()?;
                        rows.padded_floats(first + row as i64, span, padded);
                        for (channel, plane) in planes.chunks_exact_mut(width).enumerate() {
                            let samples = padded[channel..].iter().step_by(channels);
                            plane.iter_mut().zip(samples).for_each(|(to, &from)| *to = from);
                        }
                        if alpha {
                            let opacities = &mut planes[colors * width..];
                            let share = |alpha: f32| (alpha / T::WHITE).max(0.0);
                            opacities.iter_mut().for_each(|alpha| *alpha = share(*alpha));
                        }
                        Ok(())
                    })?;
                    for (place, out) in out.chunks_mut(block * channels).enumerate() {
                        ctx.check()?;
                        let mut sums = LikenessSums::new(memory, out.len() / channels, colors);
                        let at = |row: usize, x: usize, channel: usize| {
                            &planes.row(top + row)[channel * width + place * block + x..]
                        };
                        let middle = radius as usize;
                        for &Tap { x, y, weight } in &taps {
                            let pairs = (0..colors).map(|c| (at(middle, middle, c), at(y, x, c)));
                            let opacities = alpha.then(|| at(y, x, colors));
                            sums.add(pairs, opacities, (weight, steepness as f32));
                        }
                        for color in 0..colors {
                            let out = out[color..].iter_mut().step_by(channels);
                            out.zip(sums.means(color)).for_each(|(out, v)| *out = T::from_f32(v));
                        }
                    }
                    if alpha {
                        copy_alpha(own.row(y), channels, out);
                    }
                }
                Ok(())
            })
        })
    }
}

impl Step for Bilateral {
    const NAME: &'static str = "bilateral";
    const VERSION: u32 = 3;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Bilateral {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        check::within("sigma_space", self.sigma_space, &SPACE, "px")?;
        check::within("sigma_range", self.sigma_range, &RANGE, "")?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
