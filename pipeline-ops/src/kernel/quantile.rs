//! Which sample has so many before it, found by counting digits: exact for every sample type, and
//! with no copy of the samples.

use pipeline_core::Sample;

use super::rank::{Rank, mirrored};
use super::vector::widest;

/// A sample type and two digits of each sample, which together order as the samples do.
pub(crate) trait Digits: Sample {
    /// How many first digits there are.
    const FIRST: usize;

    /// How many second digits there are; 1 if the first says it all.
    const SECOND: usize;

    /// The digits of a sample, which may be infinite; those of NaN come after all others.
    fn split(self) -> (usize, usize);

    /// The digits of a sample; none if it is not finite.
    fn digits(self) -> Option<(usize, usize)>;

    /// Adds the first digits of samples to their counts.
    fn count_firsts(samples: impl Iterator<Item = Self>, counts: &mut [u64]);

    /// The smallest and the largest finite sample; none if there is none.
    fn extremes(samples: &[Self]) -> Option<(Self, Self)>;

    /// The sample of these digits.
    fn from_digits(first: usize, second: usize) -> Self;
}

macro_rules! integer {
    ($($sample:ty => $count:ident),*) => {
        $(impl Digits for $sample {
            const FIRST: usize = 1 << Self::BITS;
            const SECOND: usize = 1;

            fn split(self) -> (usize, usize) {
                (self.into(), 0)
            }

            fn digits(self) -> Option<(usize, usize)> {
                Some(self.split())
            }

            fn count_firsts(samples: impl Iterator<Item = Self>, counts: &mut [u64]) {
                $count(samples, counts);
            }

            fn extremes(samples: &[Self]) -> Option<(Self, Self)> {
                let (least, most) = widest(
                    #[inline(always)]
                    || {
                        samples.iter().fold((Self::MAX, Self::MIN), |(least, most), &sample| {
                            (least.min(sample), most.max(sample))
                        })
                    },
                );
                (least <= most).then_some((least, most))
            }

            fn from_digits(first: usize, _: usize) -> Self {
                first as Self
            }
        })*
    };
}

integer!(u8 => count_in_four, u16 => count_each);

/// Bytes are counted in four places in turn: neighbours are often equal, and a count waits for the
/// one before it in the same place.
fn count_in_four(samples: impl Iterator<Item = u8>, counts: &mut [u64]) {
    let mut places = [[0u64; 256]; 4];
    samples.enumerate().for_each(|(at, sample)| places[at % 4][usize::from(sample)] += 1);
    for (bin, count) in counts.iter_mut().enumerate() {
        *count += places.iter().map(|counts| counts[bin]).sum::<u64>();
    }
}

fn count_each<T: Digits>(samples: impl Iterator<Item = T>, counts: &mut [u64]) {
    samples.for_each(|sample| counts[sample.split().0] += 1);
}

/// Turns a key with a sign into one without that orders as it does.
const SIGN: u32 = 1 << 31;

impl Digits for f32 {
    const FIRST: usize = 1 << 16;
    const SECOND: usize = 1 << 16;

    fn split(self) -> (usize, usize) {
        let key = (self.key() as u32 ^ SIGN) as usize;
        (key >> 16, key & 0xFFFF)
    }

    fn digits(self) -> Option<(usize, usize)> {
        self.is_finite().then(|| self.split())
    }

    fn count_firsts(samples: impl Iterator<Item = Self>, counts: &mut [u64]) {
        count_each(samples, counts);
    }

    /// Found by keys: integers are compared in any order. A loop over two variables becomes vector
    /// code, a fold over a pair does not.
    fn extremes(samples: &[Self]) -> Option<(Self, Self)> {
        let (least, most) = widest(
            #[inline(always)]
            || {
                let (mut least, mut most) = (i32::MAX, i32::MIN);
                for sample in samples {
                    let (key, is_finite) = (mirrored(sample.to_bits() as i32), sample.is_finite());
                    least = least.min(if is_finite { key } else { i32::MAX });
                    most = most.max(if is_finite { key } else { i32::MIN });
                }
                (least, most)
            },
        );
        (least <= most).then(|| (Self::from_key(least), Self::from_key(most)))
    }

    fn from_digits(first: usize, second: usize) -> Self {
        Self::from_key(((first << 16 | second) as u32 ^ SIGN) as i32)
    }
}

/// The digit of the sample with `rank` samples before it, and how many of those have the same
/// digit.
///
/// # Panics
/// If there are not that many samples.
#[must_use]
pub(crate) fn place_of(counts: &[u64], rank: u64) -> (usize, u64) {
    let mut before = rank;
    let digit = counts.iter().position(|&count| {
        let is_here = before < count;
        before -= if is_here { 0 } else { count };
        is_here
    });
    let digit = digit.expect("there are more samples than ranks");
    (digit, before)
}

/// The middle of samples, or the mean of the middle two, by the counts of their first digits, and
/// for one of these those of the second digits beside it; NaN if there is no sample.
pub(crate) fn median<T: Digits, E>(
    firsts: &[u64],
    seconds: impl Fn(usize) -> Result<Vec<u64>, E>,
) -> Result<f64, E> {
    let Some(last) = firsts.iter().sum::<u64>().checked_sub(1) else { return Ok(f64::NAN) };
    let [lower, upper] = [last / 2, last.div_ceil(2)].map(|rank| place_of(firsts, rank));
    let counts = if T::SECOND == 1 { vec![u64::MAX] } else { seconds(lower.0)? };
    let others = if T::SECOND == 1 || upper.0 == lower.0 { None } else { Some(seconds(upper.0)?) };
    let sample = |(first, rank): (usize, u64), seconds: &[u64]| {
        f64::from(T::from_digits(first, place_of(seconds, rank).0).to_f32())
    };
    let upper = sample(upper, others.as_deref().unwrap_or(&counts));
    Ok(f64::midpoint(sample(lower, &counts), upper))
}

/// The number that lies `part` of the way from `a` to `b`.
#[must_use]
pub(crate) fn between(a: f64, b: f64, part: f64) -> f64 {
    // From the nearer end, so that both ends come out as they are.
    if part < 0.5 { a + (b - a) * part } else { b - (b - a) * (1.0 - part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_order_as_samples_do_and_give_them_back() {
        let samples = [-2.5f32, -1e-40, 0.0, 1e-40, 1.0, 1.000_000_1, f32::MAX];
        let digits: Vec<_> = samples.iter().filter_map(|sample| sample.digits()).collect();
        assert!(digits.is_sorted() && digits.len() == samples.len());
        for (sample, (first, second)) in samples.into_iter().zip(digits) {
            assert_eq!(f32::from_digits(first, second).to_bits(), sample.to_bits());
        }
        assert_eq!(f32::NAN.digits(), None);
        assert_eq!(f32::NEG_INFINITY.digits(), None);
        assert!(f32::NEG_INFINITY.split() < samples[0].split());
        assert!(f32::INFINITY.split() > samples[6].split());
        assert!((-f32::NAN).split() > f32::INFINITY.split());
        assert_eq!(7u16.digits(), Some((7, 0)));
    }

    #[test]
    fn extremes_are_finite() {
        assert_eq!(u8::extremes(&[7, 3, 200, 9]), Some((3, 200)));
        assert_eq!(u16::extremes(&[65_535]), Some((65_535, 65_535)));
        assert_eq!(u16::extremes(&[]), None);
        let samples = [f32::NAN, -f32::NAN, 1.5, -2.5, f32::INFINITY, f32::NEG_INFINITY, -1e-40];
        assert_eq!(f32::extremes(&samples), Some((-2.5, 1.5)));
        assert_eq!(f32::extremes(&samples[4..6]), None);
    }

    #[track_caller]
    fn check_median<T: Digits>(samples: &[T], expected: f64) {
        let mut firsts = vec![0; T::FIRST];
        T::count_firsts(samples.iter().copied(), &mut firsts);
        let seconds = |first| {
            let mut counts = vec![0; T::SECOND];
            let digits = samples.iter().map(|sample| sample.split());
            digits.filter(|&(at, _)| at == first).for_each(|(_, at)| counts[at] += 1);
            Ok::<_, ()>(counts)
        };
        assert_eq!(median::<T, ()>(&firsts, seconds).unwrap().to_bits(), expected.to_bits());
    }

    #[test]
    fn the_middle_is_a_sample_or_between_two() {
        check_median(&[7u8, 1, 7, 200, 3], 7.0);
        check_median(&[7u8, 1, 200, 8], 7.5);
        check_median(&[7u16, 1, 60000, 60000], 30003.5);
        check_median(&[1.0f32, 1.000_000_1, 5.0], f64::from(1.000_000_1f32));
        check_median(&[1.0f32, 1.000_000_1], f64::midpoint(1.0, 1.000_000_1f32.into()));
        check_median(&[-8.0f32, 1e30, -3.0, f32::NEG_INFINITY, f32::INFINITY, 2.0], -0.5);
        check_median(&[f32::INFINITY; 2], f64::INFINITY);
        check_median(&[-0.0f32], -0.0);
        check_median::<u8>(&[], f64::NAN);
    }

    #[test]
    fn ranks_are_counted_from_the_first_digit() {
        let counts = [0, 2, 0, 3];
        let found: Vec<_> = (0..5).map(|rank| place_of(&counts, rank)).collect();
        assert_eq!(found, [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2)]);
    }
}
