//! The image seen through a map of the plane: what rotation, affine and perspective maps render.

use pipeline_core::{Context, Layout, Region, Result, Sample, View, ViewMut, dispatch};

use super::shift::{constant, reach};
use crate::kernel::{Border, Field, Sampling, Transform};

/// An output whose pixels are samples of the input at mapped places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Warp {
    /// From places of the output to places of the input.
    pub(super) map: Transform,
    pub(super) filter: Sampling,
    pub(super) border: Border,
}

/// Columns that are sampled before the next row is: a turned row crosses many rows of the input,
/// and the next one crosses the same while they are near.
const BLOCK: usize = 64;

impl Warp {
    /// The input region that an output region is made of: what holds the mapped corners, and what
    /// the samples there reach for. The whole image where the horizon of the map crosses the region.
    pub(super) fn footprint(self, region: Region, image: Layout) -> Region {
        let corner = |x: u64, y: u64| (x as f64 + 0.5, y as f64 + 0.5);
        let first = corner(region.x.into(), region.y.into());
        let last = corner(region.right().max(1) - 1, region.bottom().max(1) - 1);
        let Some([least, most]) = self.map.bounds(first, last) else {
            return image.region();
        };
        // One pixel more than the filter sees, since a pixel's place is rounded otherwise than that
        // of a corner.
        let before = i64::from(self.filter.reach());
        let place = |place: f64| whole(place - 0.5);
        let start = (place(least.0) - before, place(least.1) - before);
        let end = (place(most.0) + before + 2, place(most.1) + before + 2);
        reach(self.border, start, end, image)
    }

    /// Fills `out` with samples of the input.
    pub(super) fn render(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(input, out, ctx))
    }

    fn render_as<T: Sample>(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (image, region) = (input.image(), out.region());
        let source = self.footprint(region, image);
        let plane = input.crop(source).typed::<T>()?;
        let channels = plane.channels();
        let field = Field {
            rows: &plane.rows().collect::<Vec<_>>(),
            origin: (source.x as usize, source.y as usize),
            size: (image.width as usize, image.height as usize),
            channels,
            alpha: image.has_alpha(),
            border: self.border,
            constant: &vec![constant::<T>(self.border); channels],
        };
        let mut places = [(0.0, 0.0); BLOCK];
        for left in (0..region.width).step_by(BLOCK) {
            let places = &mut places[..BLOCK.min((region.width - left) as usize)];
            for (y, row) in out.rows::<T>()? {
                ctx.check()?;
                self.map.row(region.x + left, y, places);
                let from = left as usize * channels;
                field.sample(self.filter, places, &mut row[from..from + places.len() * channels]);
            }
        }
        Ok(())
    }
}

/// The whole number below a place, which a map keeps within what integers hold.
#[expect(clippy::cast_possible_truncation, reason = "places are at most 2⁴⁵ away")]
fn whole(place: f64) -> i64 {
    place.floor() as i64
}
