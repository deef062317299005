//! Which rows and columns of a frame show anything: those of one value are of a broken camera.

use std::ops::Range;

use pipeline_core::data::{Raster, leftovers};
use pipeline_core::{Context, Error, Image, Result, Sample};

use crate::kernel::Digits;
use crate::memory::copies;
use crate::passes;

/// The rows and columns of an image whose samples are not all equal.
#[derive(Debug)]
pub(super) struct Live {
    rows: Vec<bool>,
    columns: Vec<bool>,
}

impl Live {
    /// Those of an image of one channel.
    ///
    /// # Errors
    /// [`Error::Input`] if a sample is NaN or infinite.
    pub(super) fn of<T: Digits>(image: &Image, ctx: &Context<'_>) -> Result<Self> {
        let plane = image.view().typed::<T>()?;
        let size = (image.width(), image.height());
        let limits = passes::each_row(size, ctx, |y| limits(plane.row(y)))?;
        let strange: usize = limits.iter().map(|limits| limits.strange).sum();
        if strange > 0 {
            let found = format!("{strange} samples that are NaN or infinite");
            return Err(Error::input("the image", found, "finite samples"));
        }
        let rows: Vec<bool> = limits.iter().map(|limits| limits.low < limits.high).collect();
        let mut columns = copies(false, size.0 as usize, || format!("{} columns", size.0))?;
        let mut live_rows = (0..size.1).zip(&rows).filter(|(_, live)| **live).map(|(y, _)| y);
        let first = live_rows.next().map_or(&[][..], |y| plane.row(y));
        for y in live_rows {
            ctx.check()?;
            let pairs = plane.row(y).iter().zip(first);
            columns.iter_mut().zip(pairs).for_each(|(live, (a, b))| *live |= a != b);
        }
        Ok(Self { rows, columns })
    }

    /// Whether there are no live pixels.
    pub(super) fn is_none(&self) -> bool {
        !self.rows.contains(&true) || !self.columns.contains(&true)
    }

    /// Whether a pixel is in a live row and column.
    pub(super) fn contains(&self, x: usize, y: usize) -> bool {
        self.rows[y] && self.columns[x]
    }

    /// Ranges of live columns of a row.
    pub(super) fn runs(&self, y: usize) -> impl Iterator<Item = Range<usize>> {
        let columns = if self.rows[y] { self.columns.as_slice() } else { &[] };
        let mut from = 0;
        columns.chunk_by(|a, b| a == b).filter_map(move |run| {
            let range = from..from + run.len();
            from = range.end;
            run[0].then_some(range)
        })
    }

    /// The samples less a `base`, row by row; dead rows and columns are as the live ones next to
    /// them. There are live pixels.
    pub(super) fn filled<T: Sample>(
        &self,
        image: &Image,
        base: f32,
        ctx: &Context<'_>,
    ) -> Result<Vec<f32>> {
        let plane = image.view().typed::<T>()?;
        let (rows, columns) = (nearest(&self.rows), nearest(&self.columns));
        let is_whole = !self.columns.contains(&false);
        let row_len = columns.len();
        let pixels = passes::countable(image.width(), image.height())?;
        let mut filled = leftovers(pixels, || format!("{pixels} samples"))?;
        ctx.fill_rows(&mut filled, row_len, passes::grain(image.width()), |first, out| {
            for (out, &y) in out.chunks_exact_mut(row_len).zip(&rows[first..]) {
                let row = plane.row(y);
                if is_whole {
                    out.iter_mut().zip(row).for_each(|(out, v)| *out = v.to_f32() - base);
                } else {
                    let columns = columns.iter().map(|&x| row[x as usize].to_f32() - base);
                    out.iter_mut().zip(columns).for_each(|(out, v)| *out = v);
                }
            }
            Ok(())
        })?;
        Ok(filled)
    }
}

/// A sample in the middle of some, as a number to count from: what is added to all samples of a
/// picture then makes no difference. There is a sample.
pub(super) fn base<T: Sample>(image: &Image) -> f32 {
    /// How many are looked at, about.
    const SOME: usize = 4096;

    let samples = image.samples::<T>().unwrap_or_default();
    let some = samples.iter().step_by(samples.len() / SOME + 1);
    let mut some: Vec<f32> = some.map(|sample| sample.to_f32()).collect();
    let middle = some.len() / 2;
    *some.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The smallest and the largest sample of a row, and how many are no finite numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    low: f32,
    high: f32,
    strange: usize,
}

fn limits<T: Digits>(row: &[T]) -> Limits {
    let strange = row.iter().filter(|sample| !sample.to_f32().is_finite()).count();
    let (low, high) = T::extremes(row).map_or((0.0, 0.0), |(a, b)| (a.to_f32(), b.to_f32()));
    Limits { low, high, strange }
}

/// For each place the nearest live one, of two as near the first. There is one.
fn nearest(live: &[bool]) -> Vec<u32> {
    let places = (0u32..).zip(live).filter(|&(_, &live)| live).map(|(at, _)| at);
    let mut places = places.peekable();
    let mut last = places.next().unwrap_or(0);
    let count = u32::try_from(live.len()).unwrap_or(u32::MAX);
    let nearest = |at: u32| {
        while let Some(next) = places.next_if(|next| next.abs_diff(at) < last.abs_diff(at)) {
            last = next;
        }
        last
    };
    (0..count).map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_rows_and_columns_are_as_the_nearest_live_ones() {
        let samples: Vec<u16> =
            vec![7, 7, 7, 7, 1, 2, 9, 4, 9, 9, 9, 9, 0, 0, 9, 0, 5, 6, 9, 8, 9, 9, 9, 9];
        let image = Image::from_samples(4, 6, 1, samples).unwrap();
        let ctx = Context::default();
        let live = Live::of::<u16>(&image, &ctx).unwrap();
        assert_eq!(live.rows, [false, true, false, true, true, false]);
        assert_eq!(live.columns, [true, true, false, true]);
        assert_eq!(live.runs(1).collect::<Vec<_>>(), [0..2, 3..4]);
        assert_eq!(
            (live.runs(0).count(), live.contains(2, 1), live.contains(1, 4)),
            (0, false, true)
        );
        let filled = live.filled::<u16>(&image, 1.0, &ctx).unwrap();
        assert_eq!(filled[..8], [0.0, 1.0, 1.0, 3.0, 0.0, 1.0, 1.0, 3.0]);
        assert_eq!(filled[8..12], filled[..4]);
        assert_eq!(filled[20..], [4.0, 5.0, 5.0, 7.0]);
    }

    #[test]
    fn strange_samples_are_counted() {
        let samples = vec![f32::NAN, 1.0, f32::INFINITY, 2.0];
        let image = Image::from_samples(2, 2, 1, samples).unwrap();
        let error = Live::of::<f32>(&image, &Context::default()).unwrap_err().to_string();
        let expected = "the image is 2 samples that are NaN or infinite, expected finite samples";
        assert_eq!(error, expected);
    }
}
