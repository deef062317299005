//! Two samples made into one: in the sample type where that is exact, else in floats.

use pipeline_core::{Sample, SampleType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vector::widest;

/// What is made of two samples, `a` and `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `a + b`
    #[default]
    Add,
    /// `a - b`
    Subtract,
    /// `a · b`
    Multiply,
    /// `a / b`; of integers 0 where `b` is 0.
    Divide,
    /// The smaller one.
    Min,
    /// The larger one.
    Max,
    /// `|a - b|`
    Difference,
}

impl Operation {
    /// The result in floats, which follow IEEE where they are divided by zero. NaN in either gives
    /// NaN.
    #[inline(always)]
    pub(crate) fn of(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Min => least(a, b),
            Self::Max => most(a, b),
            Self::Difference => (a - b).abs(),
        }
    }
}

/// A sample type and what can be done in it without a detour through floats.
pub(crate) trait Combine: Sample {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn least(self, other: Self) -> Self;
    fn most(self, other: Self) -> Self;
    fn difference(self, other: Self) -> Self;

    /// A quotient in floats, made a sample.
    fn quotient(dividend: f32, divisor: f32) -> Self;
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl Combine for $sample {
            fn plus(self, other: Self) -> Self {
                self.saturating_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.saturating_sub(other)
            }

            fn least(self, other: Self) -> Self {
                self.min(other)
            }

            fn most(self, other: Self) -> Self {
                self.max(other)
            }

            fn difference(self, other: Self) -> Self {
                self.abs_diff(other)
            }

            fn quotient(dividend: f32, divisor: f32) -> Self {
                let quotient = Self::from_f32(dividend / divisor);
                if divisor == 0.0 { 0 } else { quotient }
            }
        })*
    };
}

integer!(u8, u16);

impl Combine for f32 {
    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn least(self, other: Self) -> Self {
        least(self, other)
    }

    fn most(self, other: Self) -> Self {
        most(self, other)
    }

    fn difference(self, other: Self) -> Self {
        (self - other).abs()
    }

    fn quotient(dividend: Self, divisor: Self) -> Self {
        dividend / divisor
    }
}

// Unlike the methods of `f32`, these do not leave NaN out.
fn least(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

fn most(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// Fills `out` with `scale · (a ∘ b)`.
///
/// Each operation has a loop of its own, which becomes vector code.
pub(crate) fn combine<T: Combine>(
    operation: Operation,
    scale: f32,
    a: &[T],
    b: &[T],
    out: &mut [T],
) {
    match (operation, scale == 1.0) {
        (Operation::Add, true) => samples(a, b, out, T::plus),
        (Operation::Subtract, true) => samples(a, b, out, T::minus),
        (Operation::Min, true) => samples(a, b, out, T::least),
        (Operation::Max, true) => samples(a, b, out, T::most),
        (Operation::Difference, true) => samples(a, b, out, T::difference),
        (Operation::Add, false) => floats(a, b, out, move |a, b| scale * (a + b)),
        (Operation::Subtract, false) => floats(a, b, out, move |a, b| scale * (a - b)),
        (Operation::Min, false) => floats(a, b, out, move |a, b| scale * least(a, b)),
        (Operation::Max, false) => floats(a, b, out, move |a, b| scale * most(a, b)),
        (Operation::Difference, false) => floats(a, b, out, move |a, b| scale * (a - b).abs()),
        // Scaled by 1, a product is what it was.
        (Operation::Multiply, _) => floats(a, b, out, move |a, b| scale * (a * b)),
        (Operation::Divide, _) => {
            converted(a, b, out, move |a, b| T::quotient(scale * a.to_f32(), b.to_f32()));
        }
    }
}

#[inline(always)]
fn samples<T: Copy>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = f(a, b);
    }
}

fn floats<T: Sample>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(f32, f32) -> f32) {
    converted(a, b, out, move |a, b| T::from_f32(f(a.to_f32(), b.to_f32())));
}

/// What computes in floats. Wider vectors are of use where that takes a conversion; the rest waits
/// for memory.
fn converted<T: Sample>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    if T::TYPE == SampleType::F32 {
        return samples(a, b, out, f);
    }
    widest(
        #[inline(always)]
        move || samples(a, b, out, f),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Operation; 7] = [
        Operation::Add,
        Operation::Subtract,
        Operation::Multiply,
        Operation::Divide,
        Operation::Min,
        Operation::Max,
        Operation::Difference,
    ];

    #[test]
    fn integers_give_what_floats_give_but_for_a_division_by_zero() {
        let pairs: Vec<[u8; 2]> = (0..=255).flat_map(|a| (1..=255).map(move |b| [a, b])).collect();
        let (a, b): (Vec<u8>, Vec<u8>) = pairs.iter().map(|&[a, b]| (a, b)).unzip();
        for operation in ALL {
            let mut out = vec![0; a.len()];
            combine(operation, 1.0, &a, &b, &mut out);
            for (&[a, b], out) in pairs.iter().zip(out) {
                let expected = u8::from_f32(operation.of(f32::from(a), f32::from(b)));
                assert_eq!(out, expected, "{operation:?} of {a} and {b}");
            }
        }
        let mut out = [9u8; 2];
        combine(Operation::Divide, 1.0, &[0, 7], &[0, 0], &mut out);
        assert_eq!(out, [0, 0]);
    }

    #[test]
    fn what_is_no_number_stays_so_on_either_side() {
        for operation in ALL {
            for scale in [1.0, 2.0] {
                let mut out = [0.0; 2];
                combine(operation, scale, &[f32::NAN, 1.0], &[1.0, f32::NAN], &mut out);
                assert!(out[0].is_nan() && out[1].is_nan(), "{operation:?}");
            }
        }
    }
}
