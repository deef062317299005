//! The median over a square window.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::{Border, Rank, RankHistogram, median_3x3, median_row, pad_row};
use crate::neighborhood::{self, Rows};

/// The radii that are taken: above them a window has more pixels than most images.
const RADIUS: RangeInclusive<u32> = 0..=255;

/// Pixels that a histogram slides over between two looks for a cancel.
const STRETCH: usize = 128;

/// Window samples that are selected from between two looks for a cancel.
const SELECTED: usize = 1 << 15;

/// Replaces each sample by the median of a square of side `2 · radius + 1`; removes single wrong
/// pixels and keeps edges.
///
/// The window has an odd number of samples, so the median is always one of them: exact.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Every channel, alpha included, is filtered on its own.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** counts as larger than every number, infinity included: the median is NaN only where NaN
/// are more than half of the window.
/// **Cost**: a network of comparisons for radius 1; above it, time in proportion to the radius for
/// u8 (sliding histogram of 256 bins) and u16 (65536 bins), and to the window's area for f32;
/// memory as the footprint, which is the region and `radius` pixels on each side.
/// **Errors**: a radius outside its range.
///
/// **Source**: `scipy.ndimage.median_filter` 1.17, equal. Sliding histogram: Huang, Yang, Tang
/// (1979).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::rank::Median;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     5u8, 5,  5, 5, 5,
///     5, 255,  5, 9, 9,
///     5,   5, 19, 9, 9,
/// ])?;
/// let out = Median { radius: 1, ..Default::default() }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     5, 5, 5, 5, 5,
///     5, 5, 5, 9, 9,
///     5, 5, 9, 9, 9,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Median {
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 255 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Median {
    fn default() -> Self {
        Self { radius: 1, border: Border::Replicate }
    }
}

impl Median {
    fn render_as<T: Rank>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (region, radius) = (out.region(), self.radius);
        let rows = Rows::<T>::new(input, region, (radius, radius), self.border)?;
        let span = rows.span(region, radius);
        let size = 2 * radius as usize + 1;
        let padded_len = (region.width as usize + size - 1) * span.channels;
        let padded_rows = region.height as usize + size - 1;

        ctx.scratch(|scratch| {
            scratch.samples::<T::Key, _>(padded_len * padded_rows, |keys, scratch| {
                scratch.samples::<T, _>(padded_len, |padded, _| {
                    let first = i64::from(region.y) - i64::from(radius);
                    for (y, keys) in (first..).zip(keys.chunks_exact_mut(padded_len)) {
                        ctx.check()?;
                        pad_row(rows.row(y), padded, span, self.border, rows.constant());
                        keys.iter_mut().zip(&*padded).for_each(|(key, sample)| *key = sample.key());
                    }
                    Ok::<_, pipeline_core::Error>(())
                })?;
                let keys: Vec<&[T::Key]> = keys.chunks_exact(padded_len).collect();
                let windows = keys.windows(size);
                let mut medians = Medians::<T>::new(radius as usize);
                for (window, (_, out)) in windows.zip(out.rows::<T>()?) {
                    medians.row(window, span.channels, out, ctx)?;
                }
                Ok(())
            })
        })
    }
}

/// Finds the medians of rows in the way that suits sample type and radius.
enum Medians<T: Rank> {
    /// By a network or a selection, which work in this memory.
    Compared(Vec<T::Key>),
    /// By counting what is in a window that slides.
    Counted(RankHistogram),
}

impl<T: Rank> Medians<T> {
    fn new(radius: usize) -> Self {
        match T::BITS {
            // The network for radius 1 beats counting.
            Some(bits) if radius > 1 => Self::Counted(RankHistogram::new(bits)),
            _ => Self::Compared(Vec::new()),
        }
    }

    /// Fills `out` from rows that are padded by the radius, of which there are 2 · radius + 1.
    fn row(
        &mut self,
        rows: &[&[T::Key]],
        channels: usize,
        out: &mut [T],
        ctx: &Context<'_>,
    ) -> Result<()> {
        let window = match self {
            Self::Compared(window) => window,
            Self::Counted(histogram) => {
                let mut channel = 0..channels;
                return channel.try_for_each(|at| slide(histogram, rows, (at, channels), out, ctx));
            }
        };
        let stretch = (SELECTED / (rows.len() * rows.len())).max(1) * channels;
        for (place, out) in out.chunks_mut(stretch).enumerate() {
            ctx.check()?;
            let from = place * stretch;
            if let [a, b, c] = rows {
                median_3x3([&a[from..], &b[from..], &c[from..]], channels, out, window);
            } else {
                let rows: Vec<_> = rows.iter().map(|row| &row[from..]).collect();
                median_row(&rows, channels, out, window);
            }
        }
        Ok(())
    }
}

/// Slides an empty histogram along one channel of a row, and empties it again: that is less work
/// than clearing all bins.
fn slide<T: Rank>(
    histogram: &mut RankHistogram,
    rows: &[&[T::Key]],
    (channel, channels): (usize, usize),
    out: &mut [T],
    ctx: &Context<'_>,
) -> Result<()> {
    let size = rows.len();
    let below = u32::try_from(size * size / 2).unwrap_or(u32::MAX);
    let at = |pixel: usize| pixel * channels + channel;
    let pixels = out.len() / channels;

    for pixel in 0..size - 1 {
        histogram.add::<T>(rows, at(pixel));
    }
    for pixel in 0..pixels {
        if pixel.is_multiple_of(STRETCH) {
            ctx.check()?;
        }
        histogram.add::<T>(rows, at(pixel + size - 1));
        out[at(pixel)] = T::from_key(histogram.nth::<T>(below));
        histogram.remove::<T>(rows, at(pixel));
    }
    for pixel in pixels..pixels + size - 1 {
        histogram.remove::<T>(rows, at(pixel));
    }
    Ok(())
}

impl Step for Median {
    const NAME: &'static str = "median";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Median {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
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
