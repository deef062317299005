//! Every brightness equally often, region by region.

use std::ops::RangeInclusive;

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Error, Image, In, Layout, Result, SampleType, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::{Digits, Grid, equalize_clipped};

/// How many tiles a side may have: their tables stay below 128 MiB.
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
/// | `in` | image | Y X C | u8, u16 | any | 1 |
/// | `out` | image | Y X C | as `in` | 0 to white | 1 |
///
/// For colour, `shuffle_channels` takes the value out of `to_hsv` and `merge_channels` puts it back.
///
/// **Border**: where the tiles do not fit, the image goes on as a mirror: `dcb│abcd│cba`.
/// **NaN**: integers have none.
/// **Cost**: one pass to count and one of four look-ups per pixel; of memory the result and one
/// table per tile, 512 bytes for u8 and 128 KiB for u16. The tables need the whole image, so there
/// are no tiles for the engine.
/// **Errors**: more than one channel; f32; a parameter outside its range.
///
/// **Source**: Zuiderveld (1994); OpenCV 5 `createCLAHE`, equal.
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

impl Clahe {
    fn run_as<T: Digits>(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        let size = (image.width() as usize, image.height() as usize);
        let grid = Grid::new(size, (self.columns as usize, self.rows as usize));
        let view = image.view().typed::<T>()?;
        let row_len = grid.tiles.0 * T::FIRST;
        let total = grid.tile.0 as u64 * grid.tile.1 as u64;
        let mut tables = vec![0u16; grid.tiles.1 * row_len];
        ctx.fill_rows(&mut tables, row_len, 1, |row, tables| {
            let mut counts = vec![0u64; row_len];
            for y in grid.rows(row) {
                ctx.check()?;
                // Rows of an image fit in 32 bits.
                grid.count(view.row(u32::try_from(y).unwrap_or(u32::MAX)), &mut counts);
            }
            let tiles = counts.chunks_exact_mut(T::FIRST).zip(tables.chunks_exact_mut(T::FIRST));
            for (counts, table) in tiles {
                equalize_clipped::<T>(counts, total, self.clip, table);
            }
            Ok(())
        })?;
        tile(&Apply { grid, tables }, image, &[], ctx)
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
        check::single_channel(image.layout())?;
        if image.sample_type() == SampleType::F32 {
            let expected = "u8 or u16; put a `convert` step before";
            return Err(Error::input("the image", image.layout(), expected));
        }
        dispatch!(image.sample_type(), T => self.run_as::<T>(image, ctx))
    }
}

/// The tables of all tiles, row by row.
struct Apply {
    grid: Grid,
    tables: Vec<u16>,
}

impl Tile for Apply {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let region = out.region();
        dispatch!(out.sample_type(), T => {
            let columns = self.grid.columns(region.x as usize, region.width as usize, T::FIRST);
            let input = inputs[0].crop(region).typed::<T>()?;
            for (y, row) in out.rows::<T>()? {
                ctx.check()?;
                self.grid.blend(&self.tables, (&columns, y as usize), input.row(y), row);
            }
            Ok(())
        })
    }
}
