//! Every brightness equally often, region by region.

use std::ops::RangeInclusive;

use pipeline_core::data::Raster;
use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, SampleType, Step, Tile, View, ViewMut,
    dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::color;
use crate::check;
use crate::kernel::{Bins, Grid, Seen, Tabled, copy_unseen, equalize_clipped, value_range};
use crate::memory::copies;
use crate::statistics;

/// How many tiles a side may have: their tables take at most 128 MiB.
const TILES: RangeInclusive<u32> = 1..=32;

/// The clip limits that are taken.
const CLIP: RangeInclusive<f64> = 0.0..=65536.0;

/// Spreads brightness within each region of an image, and no more than `clip` allows: contrast in
/// shadows and lights alike (contrast limited adaptive histogram equalization).
///
/// The image is divided into tiles. Each histogram is cut off at `clip` times its mean, what is cut
/// off is spread over all bins, and its table is `white · cdf`. A pixel is changed by the tables of
/// the four tiles whose middles are nearest, blended by its distance to each.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 or 3, or 2 or 4 of which the last is kept |
/// | `out` | image | Y X C | as `in` | 0 to white; what stays any | as `in` |
///
/// Of colours the value is spread, which is the largest of the three, and all three are changed in
/// one ratio: hue and saturation stay, gray stays gray, and nothing passes white, as it would if
/// L\* of L\*a\*b\* were spread. What is black has no hue and becomes gray. Pixels of which nothing
/// is seen, because their alpha is 0, are not counted and stay as they are; the table of a tile
/// that has no others rises evenly from black to white.
///
/// Integers have one bin per value. Floats have 256 bins between the smallest and the largest
/// finite value of the image, and are interpolated between the middles of two bins; a single speck
/// that is far too bright takes all of them, and is to be cut off by a `levels` step before. Floats
/// that are all equal stay as they are.
///
/// **Border**: where the tiles do not fit, the image goes on as a mirror: `dcb│abcd│cba`.
/// **NaN** in any colour gives NaN in all and is not counted. Neither is infinity, which becomes
/// what the smallest or the largest value becomes; colours below 0 become 0.
/// **Cost**: one pass to count, one more for f32, and one of four look-ups per pixel, eight for
/// f32; of memory the result and one table per tile: 512 bytes for u8, 128 KiB for u16, 1 KiB for
/// f32, and per thread the counts of a row of tiles, 8 bytes for each entry of their tables. The
/// tables need the whole image, so there are no tiles for the engine.
/// **Errors**: more than four channels; colours in another space than sRGB, data excepted; a
/// parameter outside its range.
///
/// **Source**: Zuiderveld (1994); OpenCV 5 `createCLAHE`, equal for one channel of integers, and
/// its formula in NumPy 2.4 for all others, within 1 for integers and 1e-5 for f32. Colour by its
/// value as `skimage.exposure.equalize_adapthist` 0.26 has it.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Clahe;
///
/// let image = Image::from_samples(6, 2, 1, vec![
///     10u8, 11, 12, 200, 202, 204,
///     13,   14, 15, 206, 208, 210,
/// ])?;
/// let step = Clahe { columns: 2, rows: 1, clip: 0.0 };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     42,   85, 107, 148, 113, 128,
///     170, 212, 212, 212, 219, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clahe {
    /// Tiles beside each other. 1 to 32 tiles, default 8.
    #[schemars(range(min = *TILES.start(), max = *TILES.end()), extend("x-unit" = "tiles"))]
    pub columns: u32,
    /// Tiles below each other. 1 to 32 tiles, default 8.
    #[schemars(range(min = *TILES.start(), max = *TILES.end()), extend("x-unit" = "tiles"))]
    pub rows: u32,
    /// How often a value may be, as a multiple of the mean of all; 0 is any number of times. 0 to
    /// 65536, default 2.
    #[schemars(range(min = *CLIP.start(), max = *CLIP.end()), extend("x-unit" = "ratio"))]
    pub clip: f32,
}

impl Default for Clahe {
    fn default() -> Self {
        Self { columns: 8, rows: 8, clip: 2.0 }
    }
}

impl Step for Clahe {
    const NAME: &'static str = "clahe";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        check::within("columns", self.columns, &TILES, "tiles")?;
        check::within("rows", self.rows, &TILES, "tiles")?;
        check::within("clip", self.clip, &CLIP, "")?;
        let layout = image.layout();
        if layout.channels > 4 {
            return Err(Error::input("the image", layout, "1 to 4 channels"));
        }
        if layout.channels > 2 {
            color::check(layout, ColorSpace::Srgb)?;
        }
        dispatch!(layout.sample, T => match layout.channels {
            1 => self.run_as::<T, 1>(image, ctx),
            2 => self.run_as::<T, 2>(image, ctx),
            3 => self.run_as::<T, 3>(image, ctx),
            _ => self.run_as::<T, 4>(image, ctx),
        })
    }
}

impl Clahe {
    fn run_as<T: Tabled, const C: usize>(
        &self,
        image: In<Image>,
        ctx: &Context<'_>,
    ) -> Result<Image> {
        let Some(bins) = bins::<T, C>(&image, ctx)? else {
            return Ok(image.into_owned());
        };
        let size = (image.width() as usize, image.height() as usize);
        let grid = Grid::new(size, (self.columns as usize, self.rows as usize));
        let (view, seen) = (image.view().typed::<T>()?, seen(&image));
        let row_len = grid.tiles.0 * bins.len;
        let what = || format!("the tables of {} × {} tiles", grid.tiles.0, grid.tiles.1);
        let mut tables = copies(T::Entry::default(), grid.tiles.1 * row_len, what)?;
        ctx.fill_rows(&mut tables, row_len, 1, |row, tables| {
            let mut counts = copies(0u64, row_len, || "the counts of a row of tiles".to_owned())?;
            for y in grid.rows(row) {
                ctx.check()?;
                // Rows of an image fit in 32 bits.
                let row = view.row(u32::try_from(y).unwrap_or(u32::MAX));
                grid.count::<T, C>(row, seen, &bins, &mut counts);
            }
            let tiles = counts.chunks_exact_mut(bins.len).zip(tables.chunks_exact_mut(bins.len));
            for (counts, table) in tiles {
                equalize_clipped::<T>(counts, self.clip, table);
            }
            Ok(())
        })?;
        tile(&Apply::<T, C> { grid, bins, tables, seen }, image, &[], ctx)
    }
}

fn seen(image: &Image) -> Seen {
    if image.layout().has_alpha() { Seen::ByAlpha } else { Seen::All }
}

/// The bins of an image; none if there are fewer than two values to be told apart.
fn bins<T: Tabled, const C: usize>(image: &Image, ctx: &Context<'_>) -> Result<Option<Bins>> {
    if T::TYPE != SampleType::F32 {
        return Ok(Some(T::bins(0.0, T::WHITE)));
    }
    let (view, seen) = (image.view().typed::<T>()?, seen(image));
    let size = (image.width(), image.height());
    let range = statistics::widest(size, ctx, |y| value_range::<T, C>(view.row(y), seen))?;
    Ok(range.filter(|(low, high)| low < high).map(|(low, high)| T::bins(low, high)))
}

/// The tables of all tiles, row by row, for images of `C` channels.
struct Apply<T: Tabled, const C: usize> {
    grid: Grid,
    bins: Bins,
    tables: Vec<T::Entry>,
    seen: Seen,
}

impl<T: Tabled, const C: usize> Tile for Apply<T, C> {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let region = out.region();
        let tables = (self.tables.as_slice(), &self.bins);
        let columns = self.grid.columns(region.x as usize, region.width as usize, self.bins.len);
        let input = inputs[0].crop(region).typed::<T>()?;
        for (y, row) in out.rows::<T>()? {
            ctx.check()?;
            self.grid.blend::<T, C>(tables, (&columns, y as usize), input.row(y), row);
            if self.seen == Seen::ByAlpha {
                copy_unseen(input.row(y), C, row);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pipeline_core::Sample;

    use super::*;

    fn run<T: Sample>(channels: u16, samples: Vec<T>) -> Vec<T> {
        let width = u32::try_from(samples.len()).unwrap() / u32::from(channels) / 4;
        let image = Image::from_samples(width, 4, channels, samples).unwrap();
        let step = Clahe { columns: 3, rows: 2, ..Clahe::default() };
        let out = step.run(In::new(image), &Context::default()).unwrap();
        out.samples::<T>().unwrap().to_vec()
    }

    #[test]
    fn gray_is_the_same_in_colour() {
        let gray: Vec<u16> = (0..52u16).map(|n| n.wrapping_mul(40_503)).collect();
        let color = run(3, gray.iter().flat_map(|&sample| [sample; 3]).collect());
        let opaque = run(4, gray.iter().flat_map(|&s| [s, s, s, 65535]).collect());
        for (at, sample) in run(1, gray).into_iter().enumerate() {
            assert_eq!(color[3 * at..][..3], [sample; 3]);
            assert_eq!(opaque[4 * at..][..4], [sample, sample, sample, 65535]);
        }
    }

    #[test]
    fn what_is_no_number_stays_and_infinity_is_the_darkest_or_the_brightest() {
        let samples: Vec<f32> = (0..52u8).map(|n| f32::from(n.wrapping_mul(37)) - 90.0).collect();
        let whole = run(1, samples.clone());
        assert!(whole.iter().all(|sample| (0.0..=1.0).contains(sample)));
        let mut row = samples.clone();
        row.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
        let out = run(1, row);
        assert!(out[52].is_nan() && out[55].is_nan());
        assert!(
            (0.9..=1.0).contains(&out[53]) && (0.0..0.1).contains(&out[54]),
            "{:?}",
            &out[52..]
        );
    }

    #[test]
    fn floats_without_a_range_stay() {
        for sample in [7.5f32, f32::INFINITY] {
            let samples = vec![sample; 8];
            assert_eq!(run(1, samples.clone()), samples);
        }
        let hidden: Vec<f32> = (0..8u8).flat_map(|n| [n.into(), 0.0]).collect();
        assert_eq!(run(2, hidden.clone()), hidden);
        assert!(run(1, vec![f32::NAN; 8]).iter().all(|sample| sample.is_nan()));
    }
}
