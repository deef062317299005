//! The image seen through a map of the plane: what rotation, affine and perspective maps render.

use pipeline_core::data::Plane;
use pipeline_core::{Context, Layout, Region, Result, Sample, View, ViewMut, dispatch};

use super::shift::{constant, reach};
use crate::kernel::{Border, Field, Places, Sampling, Transform};

/// An output whose pixels are samples of the input at mapped places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Warp {
    /// From places of the output to places of the input.
    pub(super) map: Transform,
    pub(super) filter: Sampling,
    pub(super) border: Border,
}

/// The columns and rows that are sampled together: a turned row crosses many rows of the input, and
/// the next ones cross the same.
const TOGETHER: (u32, u32) = (256, 64);

/// How many times as many pixels as are made together may be fetched beforehand.
const FETCHED: u64 = 4;

/// Bytes of a cache line; what is fetched twice where lines are longer costs little.
const LINE: usize = 64;

impl Warp {
    /// The input region that an output region is made of: what holds the mapped corners, and what
    /// the samples there reach for. The whole image where the horizon of the map crosses the
    /// region.
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
            samples: plane.samples(),
            stride: plane.stride(),
            origin: (source.x as usize, source.y as usize),
            size: (image.width as usize, image.height as usize),
            channels,
            alpha: image.has_alpha(),
            border: self.border,
            constant: &vec![constant::<T>(self.border); channels],
        };
        let (columns, rows) = TOGETHER;
        let (mut us, mut vs) = ([0.0; TOGETHER.0 as usize], [0.0; TOGETHER.0 as usize]);
        let mut out: Vec<_> = out.rows::<T>()?.collect();
        for (top, out) in (0..).step_by(rows as usize).zip(out.chunks_mut(rows as usize)) {
            let height = rows.min(region.height - top);
            for left in (0..region.width).step_by(columns as usize) {
                let width = columns.min(region.width - left);
                let part = Region::new(region.x + left, region.y + top, width, height);
                fetch(plane, self.footprint(part, image), part);
                let (us, vs) = (&mut us[..width as usize], &mut vs[..width as usize]);
                let from = left as usize * channels;
                let end = from + width as usize * channels;
                for (y, row) in &mut *out {
                    ctx.check()?;
                    self.map.row(part.x, *y, us, vs);
                    field.sample(self.filter, Places { u: us, v: vs }, &mut row[from..end]);
                }
            }
        }
        Ok(())
    }
}

/// Brings what a part of the output is made of into the cache, if that is not much.
///
/// A turned row meets a new cache line every few pixels, in another row each, which no processor
/// foresees: waiting for one after the other takes more than half of the time. Here nothing waits
/// for what is read.
fn fetch<T: Sample>(plane: Plane<'_, T>, seen: Region, part: Region) {
    let pixels = |region: Region| u64::from(region.width) * u64::from(region.height);
    if pixels(seen) > FETCHED * pixels(part) || !plane.region().contains(&seen) {
        return;
    }
    let (left, channels) = ((seen.x - plane.region().x) as usize, plane.channels());
    let (from, end) = (left * channels, (left + seen.width as usize) * channels);
    for y in seen.y..seen.y + seen.height {
        for sample in plane.row(y)[from..end].iter().step_by(LINE / size_of::<T>()) {
            std::hint::black_box(*sample);
        }
    }
}

/// The whole number below a place, which a map keeps within what integers hold.
#[expect(clippy::cast_possible_truncation, reason = "places are at most 2⁴⁵ away")]
fn whole(place: f64) -> i64 {
    place.floor() as i64
}
