//! The image moved by whole pixels over its border: what padding and translation render.

use pipeline_core::{Context, Layout, Region, Result, Sample, View, ViewMut, dispatch};

use crate::kernel::{Border, Span, pad_row};

/// An output in which the input lies somewhere, with a border around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    /// The output column of the first input pixel.
    pub(super) x: i64,
    /// The output row of the first input pixel.
    pub(super) y: i64,
    pub(super) border: Border,
}

impl Shift {
    /// The input region that an output region shows.
    pub(super) fn footprint(self, region: Region, image: Layout) -> Region {
        let start = (i64::from(region.x) - self.x, i64::from(region.y) - self.y);
        let end = (start.0 + i64::from(region.width), start.1 + i64::from(region.height));
        reach(self.border, start, end, image)
    }

    /// Fills `out` from the input and its border.
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
        let constant = constant(self.border);
        let span = Span {
            stored: source.x as usize,
            padded: i64::from(region.x) - self.x,
            width: image.width as usize,
            channels: plane.channels(),
        };
        for (y, out) in out.rows::<T>()? {
            ctx.check()?;
            let row = self.border.place(i64::from(y) - self.y, image.height as usize);
            match row.and_then(|row| u32::try_from(row).ok()) {
                Some(row) => pad_row(plane.row(row), out, span, self.border, constant),
                None => out.fill(constant),
            }
        }
        Ok(())
    }
}

/// The region of an image that a window from `start` to `end` shows, in and beyond it.
pub(super) fn reach(border: Border, start: (i64, i64), end: (i64, i64), image: Layout) -> Region {
    let span = |start: i64, end: i64, len: u32| {
        let reach = border.reach(start..end, len as usize);
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        (number(reach.start), number(reach.len()))
    };
    let (x, width) = span(start.0, end.0, image.width);
    let (y, height) = span(start.1, end.1, image.height);
    Region { x, y, width, height }
}

/// The sample that a constant border shows.
pub(super) fn constant<T: Sample>(border: Border) -> T {
    match border {
        Border::Constant(value) => T::from_f32(value),
        Border::Replicate | Border::Reflect | Border::Mirror | Border::Wrap => T::default(),
    }
}
