//! A row taken part by part, each as long as the widest vectors.
//!
//! Inside a part all lengths are known, so that what is done to it becomes vector code without a
//! look at what overlaps what, and the samples at the end of a row are not done one by one.

/// What is done to a part of a row. What it fills it may fill again.
pub(super) trait Parts {
    /// Does it to `LEN` samples from `at` on.
    fn part<const LEN: usize>(&mut self, at: usize);
}

/// Does it to all parts of a row of `len` samples of type `S`. The last part ends where the row
/// does and takes some samples again.
#[inline(always)]
pub(super) fn each_part<S>(len: usize, parts: &mut impl Parts) {
    match size_of::<S>() {
        1 => of_length::<64>(len, parts),
        2 => of_length::<32>(len, parts),
        _ => of_length::<16>(len, parts),
    }
}

/// The same for parts of `LEN` samples; a shorter row is taken in parts of [`SHORT`], if it has
/// one.
#[inline(always)]
pub(super) fn of_length<const LEN: usize>(len: usize, parts: &mut impl Parts) {
    if len >= LEN {
        long::<LEN>(len, parts);
    } else if len >= SHORT {
        long::<SHORT>(len, parts);
    } else {
        (0..len).for_each(|at| parts.part::<1>(at));
    }
}

/// Samples of a part of a row that has no longer one.
const SHORT: usize = 16;

#[inline(always)]
fn long<const LEN: usize>(len: usize, parts: &mut impl Parts) {
    let mut at = 0;
    while at + LEN <= len {
        parts.part::<LEN>(at);
        at += LEN;
    }
    if at < len {
        parts.part::<LEN>(len - LEN);
    }
}

/// Sums that are made part by part.
pub(super) trait Sums {
    /// Those from `at` on.
    fn part<const LEN: usize>(&self, at: usize) -> [f32; LEN];
}

/// Sums that are made at a time, where a row has that many.
const TOGETHER: usize = 64;

/// Fills a row with sums.
#[inline(always)]
pub(super) fn fill(out: &mut [f32], sums: &impl Sums) {
    of_length::<TOGETHER>(out.len(), &mut Filled { out, sums });
}

struct Filled<'a, S> {
    out: &'a mut [f32],
    sums: &'a S,
}

impl<S: Sums> Parts for Filled<'_, S> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        self.out[at..][..LEN].copy_from_slice(&self.sums.part::<LEN>(at));
    }
}
