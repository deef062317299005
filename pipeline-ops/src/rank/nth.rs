//! The sample of a given place in the order of each window: what the rank filters have in common.

use std::ops::RangeInclusive;

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::step::Scratch;
use pipeline_core::{Context, Layout, Region, Result, View, ViewMut};

use super::networks;
use super::straight::medians_of_nine;
use crate::check;
use crate::kernel::{
    self, Bisection, Border, MOST, Order, Rank, RankHistogram, Sought, Span, TALL, color_unseen,
    copy_unseen, count_seen, is_seen, median_3x3, median_5x5, pad_made, pad_row,
};
use crate::line_buffer::LineBuffer;
use crate::neighborhood::{self, BorderedRows};

/// The radii that are taken: above them a window has more pixels than most images.
pub(super) const RADIUS: RangeInclusive<u32> = 0..=255;

/// Pixels that a histogram slides over between two looks for a cancel.
const STRETCH: usize = 128;

/// Samples of a block of floats that are counted by their places in its order, what lies around it
/// included, unless that alone is more.
const NUMBERED: usize = 1 << 15;

/// Bytes of a row whose columns are sorted at a time: what is sorted stays in the nearest cache.
const BLOCK: usize = 4096;

/// How many of nine samples are before their median.
const MIDDLE_OF_9: u32 = 4;

/// How many of twenty-five samples are before their median.
const MIDDLE_OF_25: u32 = 12;

/// Gives each place the sample of its window that has that percentage of others before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nth {
    pub(super) radius: u32,
    pub(super) percentile: f32,
    pub(super) border: Border,
}

impl Nth {
    /// Pixels of a window; saturates for radii that `layout` refuses.
    fn count(&self) -> u32 {
        self.radius.saturating_mul(2).saturating_add(1).saturating_pow(2)
    }

    /// How many of so many samples are before the one that is taken.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, and the cast saturates for what `layout` refuses"
    )]
    fn below(&self, count: u32) -> u32 {
        let below = f64::from(count) * f64::from(self.percentile) / 100.0;
        (below as u32).min(count.saturating_sub(1))
    }

    pub(super) fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        Ok(inputs[0])
    }

    pub(super) fn footprint(&self, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    /// Fills `out`. Alpha is copied, and so are pixels of which nothing is seen; around others
    /// these are not counted.
    pub(super) fn render<T: Rank>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (layout, region) = (input.image(), out.region());
        if self.radius == 0 {
            let own = input.crop(region).typed::<T>()?;
            for (y, out) in out.rows::<T>()? {
                out.iter_mut().zip(own.row(y)).for_each(|(out, own)| *out = T::from_key(own.key()));
            }
            return Ok(());
        }
        let radius = (self.radius, self.radius);
        let rows = BorderedRows::<T>::new(input, region, radius, self.border)?;
        if !layout.has_alpha() {
            return self.every_channel(&rows, out, ctx);
        }
        let channels = usize::from(layout.channels);
        let looked_at = input.crop(self.footprint(region, &[layout])).typed::<T>()?;
        let alphas =
            |row: &[T]| row.iter().skip(channels - 1).step_by(channels).copied().all(is_seen);
        let is_all_seen = looked_at.rows().all(alphas)
            && (!matches!(self.border, Border::Constant(_)) || is_seen(rows.constant()));
        if is_all_seen {
            self.every_channel(&rows, out, ctx)?;
        } else {
            self.among_seen(&rows, out, ctx)?;
        }
        let own = input.crop(region).typed::<T>()?;
        for (y, out) in out.rows::<T>()? {
            copy_unseen(own.row(y), channels, out);
        }
        Ok(())
    }

    /// Fills `out` with what is found in each channel on its own.
    fn every_channel<T: Rank>(
        &self,
        rows: &BorderedRows<'_, T>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        match (self.radius, self.below(self.count())) {
            (1, MIDDLE_OF_9) => {
                if medians_of_nine(rows, self.border, out, ctx)? {
                    return Ok(());
                }
                self.in_pairs(rows, out, ctx, |rows, channels, out| {
                    // A row takes microseconds.
                    ctx.check()?;
                    median_3x3(rows, channels, out);
                    Ok(())
                })
            }
            (2, MIDDLE_OF_25) => {
                let mut sorted = Vec::new();
                self.in_pairs(rows, out, ctx, |rows, channels, [above, below]| {
                    let len = BLOCK / size_of::<T>();
                    let out = above.chunks_mut(len).zip(below.chunks_mut(len));
                    for (place, (above, below)) in out.enumerate() {
                        ctx.check()?;
                        let rows = rows.map(|row| &row[place * len..]);
                        median_5x5(rows, channels, [above, below], &mut sorted);
                    }
                    Ok(())
                })
            }
            _ => self.by_size(rows, out, ctx),
        }
    }

    /// Fills `out` two rows at a time: `fill` is given the `SEEN` rows that the windows of both
    /// see, padded by the radius.
    fn in_pairs<T: Rank, const SEEN: usize>(
        &self,
        rows: &BorderedRows<'_, T>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        mut fill: impl FnMut([&[T::Key]; SEEN], usize, [&mut [T]; 2]) -> Result<()>,
    ) -> Result<()> {
        let (region, radius) = (out.region(), self.radius);
        let span = rows.span(region, radius);
        let row_len = region.width as usize * span.channels;
        let padded_len = row_len + 2 * radius as usize * span.channels;
        let first = i64::from(region.y) - i64::from(radius);
        let end = (region.height + 2 * radius) as usize;
        ctx.scratch(|scratch| {
            scratch.samples::<T::Key, _>(SEEN * padded_len, |keys, scratch| {
                scratch.samples::<T, _>(row_len, |spare, _| {
                    let mut keys = LineBuffer::new(keys, padded_len);
                    let mut top = 0;
                    let mut out = out.rows::<T>()?;
                    while let Some((_, above)) = out.next() {
                        let below = out.next().map_or(&mut *spare, |(_, below)| below);
                        keys.fill_to(end.min(top + SEEN), |row, keys| {
                            self.pad(rows, first + row as i64, span, keys);
                            Ok(())
                        })?;
                        fill(keys.window(top), span.channels, [above, below])?;
                        top += 2;
                    }
                    Ok(())
                })
            })
        })
    }

    /// Fills `keys` with those of row `y`, padded by the radius.
    fn pad<T: Rank>(&self, rows: &BorderedRows<'_, T>, y: i64, span: Span, keys: &mut [T::Key]) {
        if T::BITS.is_some() {
            // Integers are their own keys.
            pad_row(rows.row(y), cast_slice_mut(keys), span, self.border, rows.constant());
        } else {
            let constant = [rows.constant().key()];
            let border = (self.border, &constant[..]);
            let stored = rows.row(y);
            pad_made(keys, span, border, |from, keys| {
                kernel::keys(&stored[from..][..keys.len()], keys);
            });
        }
    }

    /// Fills `out` in the way that takes the least time for such windows of such samples.
    fn by_size<T: Rank>(
        &self,
        rows: &BorderedRows<'_, T>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (region, radius) = (out.region(), self.radius);
        let (channels, below) = (rows.span(region, radius).channels, self.below(self.count()));
        let as_it_is = |_: &mut [T::Key]| {};
        self.padded((rows, region), as_it_is, ctx, |keys, scratch| {
            if radius <= networks::largest_radius::<T>() {
                let sought = Sought { size: 2 * radius as usize + 1, below: below as usize };
                return networks::select::<T>(sought, (keys, channels), out, (ctx, scratch));
            }
            match T::BITS {
                None => self.count_in_order::<T>((keys, channels), |_, _| below, out, ctx),
                Some(8) if radius <= MOST => self.bisect::<T>(keys, channels, out, ctx),
                Some(bits) => self.in_histogram::<T>((keys, channels), bits, out, ctx),
            }
        })
    }

    /// Fills `out` where there are pixels of which nothing is seen. Their colours come after all
    /// others, and the place in the order is a share of those that are seen.
    fn among_seen<T: Rank>(
        &self,
        rows: &BorderedRows<'_, T>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let channels = rows.span(region, self.radius).channels;
        let width = region.width as usize;
        let hide = |keys: &mut [T::Key]| {
            color_unseen(keys, channels, T::LAST.key(), |key| is_seen(T::from_key(key)));
        };
        self.padded((rows, region), hide, ctx, |keys, scratch| {
            scratch.samples::<u32, _>(width * region.height as usize, |counts, _| {
                let windows = keys.windows(2 * self.radius as usize + 1);
                for (window, counts) in windows.zip(counts.chunks_exact_mut(width)) {
                    ctx.check()?;
                    count_seen::<T>(window, channels, counts);
                }
                let below = |y: usize, x: usize| self.below(counts[y * width + x]);
                self.count_in_order::<T>((keys, channels), below, out, ctx)
            })
        })
    }

    /// Gives `f` the keys of all rows that are looked at from a region, padded by the radius, each
    /// after `prepare` has had it.
    fn padded<T: Rank>(
        &self,
        (rows, region): (&BorderedRows<'_, T>, Region),
        prepare: impl Fn(&mut [T::Key]),
        ctx: &Context<'_>,
        f: impl FnOnce(&[&[T::Key]], &mut Scratch) -> Result<()>,
    ) -> Result<()> {
        let span = rows.span(region, self.radius);
        let around = 2 * self.radius as usize;
        let padded_len = (region.width as usize + around) * span.channels;
        let padded_rows = region.height as usize + around;
        ctx.scratch(|scratch| {
            scratch.samples::<T::Key, _>(padded_len * padded_rows, |keys, scratch| {
                let first = i64::from(region.y) - i64::from(self.radius);
                for (y, keys) in (first..).zip(keys.chunks_exact_mut(padded_len)) {
                    ctx.check()?;
                    self.pad(rows, y, span, keys);
                    prepare(keys);
                }
                let keys: Vec<&[T::Key]> = keys.chunks_exact(padded_len).collect();
                f(&keys, scratch)
            })
        })
    }

    /// Fills `out` from rows that are padded by the radius, row by row: keys are counted.
    fn in_histogram<T: Rank>(
        &self,
        (rows, channels): (&[&[T::Key]], usize),
        bits: u32,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let below = self.below(self.count());
        let mut histogram = RankHistogram::new(bits);
        let windows = rows.windows(2 * self.radius as usize + 1);
        for (rows, (_, out)) in windows.zip(out.rows::<T>()?) {
            for channel in 0..channels {
                let out = out.iter_mut().skip(channel).step_by(channels);
                let keys = Counted { rows, of: (channel, channels), bin: T::bin };
                let sample = |bin| T::from_key(T::at_bin(bin));
                keys.slide((&mut histogram, |_| below), ctx, out, sample)?;
            }
        }
        Ok(())
    }

    /// Fills `out` from rows that are padded by the radius, block by block: keys are counted by
    /// their numbers in the order of the block. How many are to be before the one that is taken is
    /// asked for each row and pixel.
    fn count_in_order<T: Rank>(
        &self,
        (rows, channels): (&[&[T::Key]], usize),
        below: impl Fn(usize, usize) -> u32,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let around = 2 * self.radius as usize;
        let width = out.region().width as usize;
        // Of a narrower block, most that is put in order would be what lies around it.
        let block = around.max((NUMBERED / rows.len()).saturating_sub(around));
        let mut out: Vec<&mut [T]> = out.rows::<T>()?.map(|(_, row)| row).collect();
        let mut order = Order::new();
        for left in (0..width).step_by(block) {
            let right = width.min(left + block);
            for channel in 0..channels {
                ctx.check()?;
                order.number(rows, left..right + around, (channel, channels));
                let mut histogram = RankHistogram::new(order.bits());
                let numbers = order.rows();
                let windows = numbers.windows(around + 1);
                for (y, (rows, out)) in windows.zip(&mut out).enumerate() {
                    let out = out[left * channels..right * channels].iter_mut();
                    let out = out.skip(channel).step_by(channels);
                    let numbers = Counted { rows, of: (0, 1), bin: |number: u32| number as usize };
                    let below = |pixel: usize| below(y, left + pixel);
                    numbers.slide((&mut histogram, below), ctx, out, |number| {
                        T::from_key(order.key(number))
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Fills `out` from rows of bytes that are padded by the radius, block by block.
    fn bisect<T: Rank>(
        &self,
        rows: &[&[T::Key]],
        channels: usize,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let mut search = Bisection::new(self.radius, channels, self.below(self.count()));
        let mut out: Vec<&mut [u8]> =
            out.rows::<T>()?.map(|(_, row)| cast_slice_mut(row)).collect();
        let row_len = out.first().map_or(0, |row| row.len());
        for (place, out) in out.chunks_mut(TALL).enumerate() {
            let rows = &rows[place * TALL..][..out.len() + 2 * self.radius as usize];
            for left in (0..row_len).step_by(search.width() * channels) {
                let right = row_len.min(left + search.width() * channels);
                for start in left..left + channels {
                    ctx.check()?;
                    let rows: Vec<&[u8]> =
                        rows.iter().map(|row| &cast_slice(row)[start..]).collect();
                    let mut part: Vec<_> =
                        out.iter_mut().map(|row| &mut row[start..right]).collect();
                    search.block(&rows, &mut part);
                }
            }
        }
        Ok(())
    }
}

/// Rows of keys that are counted: one channel of them.
struct Counted<'a, K, B> {
    rows: &'a [&'a [K]],
    /// The channel, and how many there are.
    of: (usize, usize),
    bin: B,
}

impl<K: Copy, B: Fn(K) -> usize + Copy> Counted<'_, K, B> {
    /// Slides an empty histogram along the rows, and empties it again: that is less work than
    /// clearing all bins.
    fn slide<'o, T: 'o>(
        &self,
        (histogram, below): (&mut RankHistogram, impl Fn(usize) -> u32),
        ctx: &Context<'_>,
        out: impl ExactSizeIterator<Item = &'o mut T>,
        sample: impl Fn(usize) -> T,
    ) -> Result<()> {
        let &Self { rows, of: (channel, channels), bin } = self;
        let at = |pixel: usize| pixel * channels + channel;
        let (size, pixels) = (rows.len(), out.len());

        for pixel in 0..size - 1 {
            histogram.add(rows, at(pixel), bin);
        }
        for (pixel, out) in out.enumerate() {
            if pixel.is_multiple_of(STRETCH) {
                ctx.check()?;
            }
            histogram.add(rows, at(pixel + size - 1), bin);
            *out = sample(histogram.nth(below(pixel)));
            histogram.remove(rows, at(pixel), bin);
        }
        for pixel in pixels..pixels + size - 1 {
            histogram.remove(rows, at(pixel), bin);
        }
        Ok(())
    }
}
