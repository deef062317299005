//! Powers of single floats that become vector code.

/// `x` raised to an exponent above 0, for an `x` above 0, rounded from 64 bits that are right to
/// 1e-9 of themselves for exponents up to 20.
///
/// Unlike a call it becomes vector code, and is the same on every machine: twice the logarithm by
/// the series of the inverse hyperbolic tangent, times the exponent, and Taylor's series of the
/// power of 2 around the nearest whole number. Sums are written out, because loops over terms stay
/// loops.
#[inline(always)]
pub(crate) fn power(x: f32, exponent: f32) -> f32 {
    // Where the result is beyond all floats, it still is at these.
    let result = power_of_two((logarithm(f64::from(x)) * f64::from(exponent)).clamp(-300.0, 300.0));
    if x == f32::INFINITY { x } else { result as f32 }
}

/// Bits of the fraction of a float.
const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;

/// 2^52, the last bits of which count ones: so whole numbers become floats and back by additions,
/// for which all machines have vectors.
pub(super) const COUNTS: f64 = (1u64 << FRACTION) as f64;

/// The logarithm to the base 2 of a finite number above 0 that is not subnormal.
#[inline(always)]
pub(super) fn logarithm(x: f64) -> f64 {
    /// The bits of the square root of one half: fractions are from there to that of 2.
    const LEAST: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    /// What is added, so that no exponent is negative.
    const BIAS: f64 = 1024.0;

    let above = x.to_bits().wrapping_sub(LEAST).wrapping_add((BIAS as u64) << FRACTION);
    let exponent = f64::from_bits(above >> FRACTION | COUNTS.to_bits()) - COUNTS - BIAS;
    let fraction = f64::from_bits((above & ((1 << FRACTION) - 1)).wrapping_add(LEAST));
    let ratio = (fraction - 1.0) / (fraction + 1.0);
    let square = ratio * ratio;
    let far = (square * (1.0 / 13.0) + 1.0 / 11.0) * square + 1.0 / 9.0;
    let sum = (((far * square + 1.0 / 7.0) * square + 1.0 / 5.0) * square + 1.0 / 3.0) * square;
    exponent + ratio * (sum + 1.0) * (2.0 * std::f64::consts::LOG2_E)
}

/// 2 to the power of a number between -1000 and 1000.
#[inline(always)]
fn power_of_two(x: f64) -> f64 {
    /// A half more of 2^52, so that negative numbers count too.
    const ZERO: f64 = 1.5 * COUNTS;

    let nearest = x + ZERO;
    let rest = (x - (nearest - ZERO)) * std::f64::consts::LN_2;
    let far = ((rest * (1.0 / 40_320.0) + 1.0 / 5_040.0) * rest + 1.0 / 720.0) * rest + 1.0 / 120.0;
    let sum =
        ((((far * rest + 1.0 / 24.0) * rest + 1.0 / 6.0) * rest + 0.5) * rest + 1.0) * rest + 1.0;
    // The exponent of the power of the whole number, above those bits that say it is a count.
    f64::from_bits(sum.to_bits().wrapping_add(nearest.to_bits() << FRACTION))
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::*;

    /// Floats of every size, each with many fractions.
    fn floats() -> impl Iterator<Item = f32> {
        (1..f32::INFINITY.to_bits()).step_by(65_537).map(f32::from_bits)
    }

    #[test]
    fn powers_are_those_of_64_bits() {
        for exponent in [0.05, 0.25, 1.0 / 2.4, 0.45, 1.0, 2.0, 2.4, 7.5, 20.0] {
            for x in floats() {
                let expected = f64::from(x).powf(f64::from(exponent));
                let found = power(x, exponent);
                // Rounded once: half of the last bit, or of the smallest number.
                let off = (f64::from(found) - expected).abs();
                let allowed = expected * 6.1e-8 + f64::from(f32::from_bits(1)) * 0.501;
                let is_near = off <= allowed || found == expected as f32;
                assert!(is_near, "{x}^{exponent}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn one_is_one_and_the_ends_stay() {
        for exponent in [0.05, 0.45, 1.0, 2.4, 20.0] {
            assert_eq!(power(1.0, exponent).to_bits(), 1f32.to_bits());
            assert_eq!(power(f32::INFINITY, exponent), f32::INFINITY);
        }
        assert_eq!(power(1e30, 2.0), f32::INFINITY);
        assert_eq!(power(1e-30, 2.0), 0.0);
        assert!(floats().all(|x| power(x, 1.0).to_bits() == x.to_bits()));
    }

    #[test]
    fn every_width_gives_the_same_bits() {
        let samples: Vec<f32> = floats().collect();
        let rows = every_width(
            #[inline(always)]
            || samples.iter().map(|&x| power(x, 0.45).to_bits()).collect::<Vec<_>>(),
        );
        assert!(rows.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
