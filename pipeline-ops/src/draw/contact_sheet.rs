//! Many images on one.

use std::ops::RangeInclusive;

use pipeline_core::data::{Plane, Raster, leftovers, zeros};
use pipeline_core::{Context, Error, Image, In, Layout, Result, Sample, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{self, SHARE};
use crate::geometry::{Framing, Thumbnail};
use crate::passes;

/// The sides of a cell.
const SIDE: RangeInclusive<u32> = 1..=1 << 16;

/// Columns of a sheet.
const COLUMNS: RangeInclusive<u32> = 1..=4096;

/// Pixels between cells.
const GAP: RangeInclusive<u32> = 0..=4096;

/// Puts images into a grid, row by row, each in the middle of a cell.
///
/// Cells are as large as the largest image, or of the given size: what is larger is then shrunk to
/// fit, without being stretched. Rows are as many as needed.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | images, one or more | Y X C | u8, u16, f32, all alike | any | any, all alike |
/// | `out` | image | Y X C | as `in` | those of `in`, and the background | as `in` |
///
/// The background is opaque where there is alpha. The ICC profile stays if all images have the
/// same.
///
/// **Border**: as `thumbnail` for images that are shrunk. **NaN** is copied like any sample, or
/// spreads over the pixels that see it where images are shrunk.
/// **Cost**: one copy of every image, and a resize by Lanczos for those that are shrunk; the memory
/// of the result and of the shrunk images.
/// **Errors**: no image at all; images of different channels, sample type or colour space; a
/// parameter outside its range; a result above the limit of one image.
///
/// **Source**: `skimage.util.montage` 0.26, equal for images of one size.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::draw::ContactSheet;
///
/// let tall = Image::from_samples(1, 3, 1, vec![10u8, 20, 30])?;
/// let wide = Image::from_samples(2, 1, 1, vec![80u8, 90])?;
/// let step = ContactSheet { gap: 1, ..Default::default() };
/// let out = step.run(vec![In::new(tall), In::new(wide)], &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0,  0, 0, 0,  0,  0, 0,
///     0, 10, 0, 0,  0,  0, 0,
///     0, 20, 0, 0, 80, 90, 0,
///     0, 30, 0, 0,  0,  0, 0,
///     0,  0, 0, 0,  0,  0, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContactSheet {
    /// Images in a row; if left out as many as make the grid a square. 1 to 4096, a unit each.
    #[schemars(range(min = *COLUMNS.start(), max = *COLUMNS.end()), extend("x-unit" = "images"))]
    pub columns: Option<u32>,
    /// Width of a cell; that of the widest image if left out. 1 to 65536 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub width: Option<u32>,
    /// Height of a cell; that of the highest image if left out. 1 to 65536 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub height: Option<u32>,
    /// Pixels between cells and around them. 0 to 4096 px, default 4.
    #[schemars(range(min = *GAP.start(), max = *GAP.end()), extend("x-unit" = "px"))]
    pub gap: u32,
    /// The brightness of what no image covers. 0 to 1 of white, default 0.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "white"))]
    pub background: f32,
}

impl Default for ContactSheet {
    fn default() -> Self {
        Self { columns: None, width: None, height: None, gap: 4, background: 0.0 }
    }
}

/// The places of a sheet.
struct Grid {
    columns: u32,
    cell: (u32, u32),
    gap: u32,
    sheet: Layout,
}

impl Grid {
    /// The place of the first pixel of an image of this layout.
    fn place(&self, number: u32, image: Layout) -> (usize, usize) {
        // It lies within the sheet, whose sides fit.
        let place = |at: u32, cell: u32, side: u32| {
            (at * (cell + self.gap) + self.gap + (cell - side) / 2) as usize
        };
        let (column, row) = (number % self.columns, number / self.columns);
        (place(column, self.cell.0, image.width), place(row, self.cell.1, image.height))
    }
}

impl ContactSheet {
    fn grid(&self, images: &[Layout]) -> Result<Grid> {
        if let Some(columns) = self.columns {
            check::within("columns", columns, &COLUMNS, "images")?;
        }
        for (name, side) in [("width", self.width), ("height", self.height)] {
            side.map_or(Ok(()), |side| check::within(name, side, &SIDE, "px"))?;
        }
        check::within("gap", self.gap, &GAP, "px")?;
        check::within("background", self.background, &SHARE, "of white")?;
        let Some(&first) = images.first() else {
            return Err(Error::input("`in`", "no image", "one or more"));
        };
        let kind = |layout: Layout| (layout.channels, layout.sample, layout.color);
        if let Some(at) = images.iter().position(|&image| kind(image) != kind(first)) {
            let found = format!("{} of {:?} samples", images[at], images[at].color);
            let Layout { channels, sample, color, .. } = first;
            let expected = format!("{channels} channels of {sample}, {color:?}, as the first");
            return Err(Error::input(format!("`in[{at}]`"), found, expected));
        }

        let count = u32::try_from(images.len()).unwrap_or(u32::MAX);
        let square = count.isqrt() + u32::from(count.isqrt().pow(2) < count);
        let columns = self.columns.unwrap_or(square.min(*COLUMNS.end()));
        let largest = |side: fn(&Layout) -> u32| images.iter().map(side).max().unwrap_or(1);
        let cell = (
            self.width.unwrap_or_else(|| largest(|image| image.width)),
            self.height.unwrap_or_else(|| largest(|image| image.height)),
        );
        let side = |cells: u32, cell: u32| {
            let gap = u64::from(self.gap);
            let side = u64::from(cells) * (u64::from(cell) + gap) + gap;
            let most = format!("up to {} px", u32::MAX);
            u32::try_from(side).map_err(|_| Error::input("a side of the sheet", side, most))
        };
        let rows = count.div_ceil(columns);
        let (width, height) = (side(columns, cell.0)?, side(rows, cell.1)?);
        let sheet = Layout { width, height, ..first };
        sheet.sample_count()?;
        Ok(Grid { columns, cell, gap: self.gap, sheet })
    }

    fn draw<T: Sample>(
        &self,
        images: Vec<In<Image>>,
        grid: &Grid,
        ctx: &Context<'_>,
    ) -> Result<Image> {
        let (row_len, channels) = (grid.sheet.row_len(), usize::from(grid.sheet.channels));
        let what = || format!("an image of {}", grid.sheet);
        let mut samples = leftovers::<T>(grid.sheet.sample_count()?, what)?;
        let mut pixel = vec![T::from_f32(self.background * T::WHITE); channels];
        if grid.sheet.has_alpha() {
            pixel[channels - 1] = T::from_f32(T::WHITE);
        }
        let mut background = zeros::<T>(row_len, || format!("a row of {}", grid.sheet))?;
        background.chunks_exact_mut(channels).for_each(|place| place.copy_from_slice(&pixel));

        let (width, height) = grid.cell;
        let shrink = Thumbnail { width, height, framing: Framing::Shrink, ..Thumbnail::default() };
        let shrunk = images.into_iter().map(|image| {
            if image.width() > width || image.height() > height {
                return Ok(In::new(shrink.run(image, ctx)?));
            }
            Ok(image)
        });
        let images = shrunk.collect::<Result<Vec<_>>>()?;
        let planes = (0..).zip(&images).map(|(number, image)| {
            let (x, y) = grid.place(number, image.layout());
            Ok((x * channels, y, image.view().typed::<T>()?))
        });
        let planes = planes.collect::<Result<Vec<_>>>()?;

        let (columns, pitch) = (grid.columns as usize, (height + grid.gap) as usize);
        ctx.fill_rows(&mut samples, row_len, passes::grain(grid.sheet.width), |first, rows| {
            for (row, y) in rows.chunks_exact_mut(row_len).zip(first..) {
                let mut end = 0;
                for &(start, top, ref plane) in
                    planes.iter().skip(y / pitch * columns).take(columns)
                {
                    let Some(own) = row_of(plane, y.checked_sub(top)) else { continue };
                    row[end..start].copy_from_slice(&background[end..start]);
                    end = start + own.len();
                    row[start..end].copy_from_slice(own);
                }
                row[end..].copy_from_slice(&background[end..]);
            }
            Ok(())
        })?;
        Image::from_buffer(grid.sheet, samples.into())
    }
}

/// A row of an image, if it has that many.
fn row_of<'a, T: Sample>(plane: &Plane<'a, T>, number: Option<usize>) -> Option<&'a [T]> {
    let number = u32::try_from(number?).ok()?;
    (number < plane.region().height).then(|| plane.row(number))
}

impl Step for ContactSheet {
    const NAME: &'static str = "contact_sheet";
    type Input = Vec<In<Image>>;
    type Output = Image;

    fn run(&self, images: Vec<In<Image>>, ctx: &Context<'_>) -> Result<Image> {
        let layouts: Vec<_> = images.iter().map(|image| image.layout()).collect();
        let grid = self.grid(&layouts)?;
        let profile = images.first().and_then(|first| first.icc().cloned());
        let is_shared = images.iter().all(|image| image.icc() == profile.as_ref());
        let sheet = dispatch!(grid.sheet.sample, T => self.draw::<T>(images, &grid, ctx))?;
        Ok(sheet.with_icc(profile.filter(|_| is_shared)))
    }
}
