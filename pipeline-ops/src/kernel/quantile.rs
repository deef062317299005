//! Which sample has so many before it, found by counting digits: exact for every sample type, and
//! with no copy of the samples.

use pipeline_core::Sample;

use super::rank::Rank;

/// A sample type and two digits of each sample, which together order as the samples do.
pub(crate) trait Digits: Sample {
    /// How many first digits there are.
    const FIRST: usize;

    /// How many second digits there are; 1 if the first says it all.
    const SECOND: usize;

    /// The digits of a sample; none if it is not finite.
    fn digits(self) -> Option<(usize, usize)>;

    /// The sample of these digits.
    fn from_digits(first: usize, second: usize) -> Self;
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl Digits for $sample {
            const FIRST: usize = 1 << Self::BITS;
            const SECOND: usize = 1;

            fn digits(self) -> Option<(usize, usize)> {
                Some((self.into(), 0))
            }

            fn from_digits(first: usize, _: usize) -> Self {
                first as Self
            }
        })*
    };
}

integer!(u8, u16);

/// Turns a key with a sign into one without that orders as it does.
const SIGN: u32 = 1 << 31;

impl Digits for f32 {
    const FIRST: usize = 1 << 16;
    const SECOND: usize = 1 << 16;

    fn digits(self) -> Option<(usize, usize)> {
        let key = (self.key() as u32 ^ SIGN) as usize;
        self.is_finite().then_some((key >> 16, key & 0xFFFF))
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
        assert_eq!(7u16.digits(), Some((7, 0)));
    }

    #[test]
    fn ranks_are_counted_from_the_first_digit() {
        let counts = [0, 2, 0, 3];
        let found: Vec<_> = (0..5).map(|rank| place_of(&counts, rank)).collect();
        assert_eq!(found, [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2)]);
    }
}
