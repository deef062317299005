//! A rectangle cut out of an image.

use pipeline_core::{
    Context, Error, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cuts out a rectangle.
///
/// `out(i, j) = in(x + i, y + j)`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// **Border**: nothing beyond the edge is seen. **NaN** is copied like any sample.
/// **Cost**: one copy of the rectangle, which is all the memory; the footprint is the region, moved
/// by `x` and `y`. Steps that run as one with it make only what it shows.
/// **Errors**: a rectangle that is empty or does not lie within the image.
///
/// **Source**: NumPy slicing and libvips 8.18 `crop`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Region, Step};
/// use pipeline_ops::geometry::Crop;
///
/// let image = Image::from_samples(4, 3, 1, vec![
///     1u8, 2, 3, 4,
///     5,   6, 7, 8,
///     9, 10, 11, 12,
/// ])?;
/// let out = Crop::to(Region::new(1, 1, 2, 2)).run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     6, 7,
///     10, 11,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Crop {
    /// First column. 0 px and more, default 0.
    #[schemars(extend("x-unit" = "px"))]
    pub x: u32,
    /// First row. 0 px and more, default 0.
    #[schemars(extend("x-unit" = "px"))]
    pub y: u32,
    /// Columns; all to the right of `x` if left out. 1 px and more.
    #[schemars(range(min = 1), extend("x-unit" = "px"))]
    pub width: Option<u32>,
    /// Rows; all below `y` if left out. 1 px and more.
    #[schemars(range(min = 1), extend("x-unit" = "px"))]
    pub height: Option<u32>,
}

impl Crop {
    /// A crop to this region.
    #[must_use]
    pub const fn to(region: Region) -> Self {
        let Region { x, y, width, height } = region;
        Self { x, y, width: Some(width), height: Some(height) }
    }

    /// The region that is kept of an image of this layout.
    fn region(&self, image: Layout) -> Result<Region> {
        let width = self.width.unwrap_or_else(|| image.width.saturating_sub(self.x));
        let height = self.height.unwrap_or_else(|| image.height.saturating_sub(self.y));
        let across = (("x", self.x), ("width", width), image.width);
        let down = (("y", self.y), ("height", height), image.height);
        for ((at_name, at), (side_name, side), all) in [across, down] {
            let expected = format!("0 to {} px, within the image", all.saturating_sub(1));
            if at >= all {
                return Err(Error::input(at_name, format_args!("{at} px"), expected));
            }
            let expected = format!("1 to {} px, as the image has from {at_name} on", all - at);
            if !(1..=all - at).contains(&side) {
                return Err(Error::input(side_name, format_args!("{side} px"), expected));
            }
        }
        Ok(Region::new(self.x, self.y, width, height))
    }
}

impl Step for Crop {
    const NAME: &'static str = "crop";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Crop {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let Region { width, height, .. } = self.region(inputs[0])?;
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, _: &[Layout]) -> Region {
        Region { x: region.x + self.x, y: region.y + self.y, ..region }
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let region = out.region();
        let input = inputs[0].crop(Region { x: region.x + self.x, y: region.y + self.y, ..region });
        dispatch!(out.sample_type(), T => {
            let input = input.typed::<T>()?;
            out.rows::<T>()?.zip(input.rows()).for_each(|((_, out), row)| out.copy_from_slice(row));
            Ok(())
        })
    }
}
