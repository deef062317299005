//! Sums of every so many successive pixels of a row of integers.
//!
//! They are exact modulo what the integers hold, or up to the most that they hold, so they may be
//! taken in any order.

use super::vector::widest;

/// Sums that are made at a time, from samples that stay in the nearest cache.
const PART: usize = 1024;

/// What the runs of a part may reach beyond it for their sums to be doubled.
const REACH: usize = 256;

/// An integer that sums are made of.
pub(crate) trait Added: Copy + Default {
    fn plus(self, other: Self) -> Self;
}

/// A byte stays the largest one if a sum is more.
impl Added for u8 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

/// An integer whose sums are taken modulo the first that it does not hold.
pub(crate) trait Whole: Added {
    fn less(self, other: Self) -> Self;
}

macro_rules! whole {
    ($($whole:ty),*) => {
        $(impl Added for $whole {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
        }

        impl Whole for $whole {
            #[inline(always)]
            fn less(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
        })*
    };
}

whole!(u16, u32);

/// Fills `out` with `f` of the sums of every `size` successive pixels of `padded`, which is
/// overwritten.
///
/// # Panics
/// If `padded` is shorter than `out` and the reach of its last run.
pub(super) fn each_run<S: Whole, T: Copy>(
    padded: &mut [S],
    size: usize,
    channels: usize,
    out: &mut [T],
    f: impl Fn(S) -> T + Copy,
) {
    if (size - 1) * channels <= REACH {
        return each_short_run(padded, size, channels, out, f);
    }
    widest(
        #[inline(always)]
        || differences(padded, size, channels, out, f),
    );
}

/// The same for sizes of which `size - 1` pixels are at most [`REACH`] integers.
///
/// # Panics
/// If they are more, or `padded` is shorter than `out` and the reach of its last run.
pub(super) fn each_short_run<S: Added, T: Copy>(
    padded: &[S],
    size: usize,
    channels: usize,
    out: &mut [T],
    f: impl Fn(S) -> T + Copy,
) {
    let reach = (size - 1) * channels;
    let zero = S::default();
    let mut memory = Doubling { total: [zero; PART], sums: [[zero; PART + REACH]; 2] };
    for (place, out) in out.chunks_mut(PART).enumerate() {
        let padded = &padded[place * PART..][..out.len() + reach];
        widest(
            #[inline(always)]
            || memory.each(padded, size, channels, out, f),
        );
    }
}

/// Sums of 2, 4, 8 … pixels, each made of two of the one before. Those that add up to a size are
/// taken, one after the other.
struct Doubling<S> {
    total: [S; PART],
    sums: [[S; PART + REACH]; 2],
}

impl<S: Added> Doubling<S> {
    #[inline(always)]
    fn each<T>(
        &mut self,
        padded: &[S],
        size: usize,
        channels: usize,
        out: &mut [T],
        f: impl Fn(S) -> T,
    ) {
        let total = &mut self.total[..out.len()];
        let [from, to] = &mut self.sums;
        let (mut from, mut to) = (&mut from[..padded.len()], &mut to[..padded.len()]);
        if size == 1 {
            out.iter_mut().zip(padded).for_each(|(out, &sum)| *out = f(sum));
            return;
        }
        let mut len = padded.len() - channels;
        add(padded, &padded[channels..], &mut from[..len]);
        let (mut covered, mut step) = (1, 2);
        loop {
            let is_last = 2 * step > size;
            if size & step != 0 {
                let added = &from[covered * channels..][..total.len()];
                let before = if covered == 1 { &padded[..total.len()] } else { &*total };
                if is_last {
                    for ((out, &before), &added) in out.iter_mut().zip(before).zip(added) {
                        *out = f(before.plus(added));
                    }
                    return;
                }
                if covered == 1 {
                    add(&padded[..total.len()], added, total);
                } else {
                    total.iter_mut().zip(added).for_each(|(to, &by)| *to = to.plus(by));
                }
                covered += step;
            }
            len -= step * channels;
            add(&from[..len], &from[step * channels..][..len], &mut to[..len]);
            (from, to) = (to, from);
            step *= 2;
        }
    }
}

/// `to[i] = a[i] + b[i]`.
#[inline(always)]
fn add<S: Added>(a: &[S], b: &[S], to: &mut [S]) {
    for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *to = a.plus(b);
    }
}

/// By the difference of two totals from the beginning of the row.
#[inline(always)]
fn differences<S: Whole, T: Copy>(
    padded: &mut [S],
    size: usize,
    channels: usize,
    out: &mut [T],
    f: impl Fn(S) -> T,
) {
    match channels {
        1 => accumulate::<S, 1>(padded),
        2 => accumulate::<S, 2>(padded),
        3 => accumulate::<S, 3>(padded),
        4 => accumulate::<S, 4>(padded),
        _ => {
            for at in channels..padded.len() {
                padded[at] = padded[at].plus(padded[at - channels]);
            }
        }
    }
    let last = &padded[(size - 1) * channels..][..out.len()];
    let (first, rest) = out.split_at_mut(channels);
    first.iter_mut().zip(last).for_each(|(out, &total)| *out = f(total));
    for ((out, &last), &before) in rest.iter_mut().zip(&last[channels..]).zip(&*padded) {
        *out = f(last.less(before));
    }
}

/// Replaces every sum by the total of its channel up to there.
#[inline(always)]
fn accumulate<S: Whole, const CHANNELS: usize>(sums: &mut [S]) {
    let mut totals = [S::default(); CHANNELS];
    for pixel in sums.as_chunks_mut::<CHANNELS>().0 {
        for (total, sum) in totals.iter_mut().zip(pixel) {
            *total = total.plus(*sum);
            *sum = *total;
        }
    }
}
