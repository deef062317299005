//! One number of an image: the sample types, their conversions, and the one dispatch.
//!
//! Rounding and saturation are decided here and nowhere else: a float becomes an integer sample by
//! rounding half to even, values outside the range saturate, and NaN becomes 0.

use bytemuck::Pod;
use serde::{Deserialize, Serialize};

use super::buffer::{Buffer, Samples};

/// The type of every sample of an image, or of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// Unsigned 8-bit, 0 to 255.
    U8,
    /// Unsigned 16-bit, 0 to 65535.
    U16,
    /// 32-bit float; photographs use 0 to 1, measurements their own unit.
    F32,
    /// Unsigned 32-bit: the numbers of objects in [`Labels`](crate::Labels). No image has it, and
    /// no parameter can ask for it.
    #[serde(skip_deserializing)]
    U32,
}

impl SampleType {
    /// Bytes of one sample.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::F32 | Self::U32 => 4,
        }
    }
}

impl std::fmt::Display for SampleType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::F32 => "f32",
            Self::U32 => "u32",
        })
    }
}

/// A type that a view can show: a [`Sample`], or `u32`, the number of an object.
pub trait Element:
    Copy + Default + PartialEq + PartialOrd + Send + Sync + std::fmt::Debug + Pod + sealed::Sealed
{
    /// The tag of this type.
    const TYPE: SampleType;
}

/// A type that can be a sample of an image: `u8`, `u16` or `f32`.
///
/// Sealed: kernels are generic over it, [`dispatch!`](crate::dispatch) picks the type.
pub trait Sample: Element {
    /// The sample that shows as white: 255, 65535 or 1.
    const WHITE: f32;

    /// This sample as a float, unscaled.
    fn to_f32(self) -> f32;

    /// The sample nearest to `value`: rounded half to even, saturated, NaN becomes 0.
    /// For `f32` the value itself.
    fn from_f32(value: f32) -> Self;

    #[doc(hidden)]
    fn wrap(samples: Samples<Self>) -> Buffer;
    #[doc(hidden)]
    fn peek(buffer: &Buffer) -> Option<&Samples<Self>>;
    #[doc(hidden)]
    fn peek_mut(buffer: &mut Buffer) -> Option<&mut Samples<Self>>;
}

macro_rules! element {
    ($type:ty, $tag:ident) => {
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const TYPE: SampleType = SampleType::$tag;
        }
    };
}

macro_rules! sample {
    ($type:ty, $tag:ident, $white:expr, $from:expr) => {
        element!($type, $tag);

        impl Sample for $type {
            const WHITE: f32 = $white;

            #[inline(always)]
            fn to_f32(self) -> f32 {
                self.into()
            }

            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                let convert: fn(f32) -> Self = $from;
                convert(value)
            }

            fn wrap(samples: Samples<Self>) -> Buffer {
                Buffer::$tag(samples)
            }

            fn peek(buffer: &Buffer) -> Option<&Samples<Self>> {
                if let Buffer::$tag(samples) = buffer { Some(samples) } else { None }
            }

            fn peek_mut(buffer: &mut Buffer) -> Option<&mut Samples<Self>> {
                if let Buffer::$tag(samples) = buffer { Some(samples) } else { None }
            }
        }
    };
}

#[expect(clippy::cast_possible_truncation, reason = "the last bits of a sum are the sample")]
mod conversions {
    use super::{Buffer, Element, Sample, SampleType, Samples, sealed};

    /// Added to a float below 2^22, it leaves no room for a fraction: the last bits of the sum are
    /// the nearest integer, half to even. Unlike a call of the rounding function, and unlike a
    /// cast, which saturates, that becomes vector code of every width.
    const NO_FRACTION: f32 = 12_582_912.0;

    // `max` answers with its other operand for NaN.
    #[inline(always)]
    fn nearest(value: f32, white: f32) -> u32 {
        (value.max(0.0).min(white) + NO_FRACTION).to_bits()
    }

    sample!(u8, U8, 255.0, |value| nearest(value, 255.0) as Self);
    sample!(u16, U16, 65535.0, |value| nearest(value, 65535.0) as Self);
    sample!(f32, F32, 1.0, |value| value);
    element!(u32, U32);
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: implemented here and nowhere else")]
    pub trait Sealed {}
}

/// Runs a body with a type name bound to the Rust type behind the [`SampleType`] of an image.
///
/// Labels are no image. Should a body meet theirs, it takes them for floats of the same size, and
/// the first view that it asks for samples answers with an error.
///
/// ```
/// use pipeline_core::{Sample, SampleType, dispatch};
///
/// fn white(sample: SampleType) -> f32 {
///     dispatch!(sample, T => T::WHITE)
/// }
/// assert_eq!(white(SampleType::U16), 65535.0);
/// ```
#[macro_export]
macro_rules! dispatch {
    ($sample:expr, $T:ident => $body:expr) => {
        match $sample {
            $crate::SampleType::U8 => {
                type $T = u8;
                $body
            }
            $crate::SampleType::U16 => {
                type $T = u16;
                $body
            }
            $crate::SampleType::F32 | $crate::SampleType::U32 => {
                type $T = f32;
                $body
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Layout;

    #[test]
    fn no_parameter_asks_for_the_numbers_of_objects() {
        let read = |text: &str| serde_json::from_str::<SampleType>(text);
        assert_eq!(read(r#""u16""#).unwrap(), SampleType::U16);
        let error = read(r#""u32""#).unwrap_err().to_string();
        assert!(error.contains("expected one of `u8`, `u16`, `f32`"), "{error}");
        // It can be told of.
        let layout = Layout::new(2, 1, 1, SampleType::U32);
        assert!(serde_json::to_string(&layout).unwrap().contains(r#""sample":"u32""#));
        let schema = schemars::schema_for!(SampleType).to_value().to_string();
        assert!(schema.contains("u16") && !schema.contains("u32"), "{schema}");
    }

    #[test]
    fn floats_round_half_to_even_and_saturate() {
        let cases = [(0.5, 0), (1.5, 2), (2.5, 2), (254.5, 254), (255.5, 255), (-3.0, 0)];
        for (value, expected) in cases {
            assert_eq!(u8::from_f32(value), expected, "{value}");
        }
        for value in 0..=u16::MAX {
            for part in [-0.499, -0.25, 0.0, 0.25, 0.499] {
                let float = f32::from(value) + part;
                assert_eq!(
                    f32::from(u16::from_f32(float)),
                    float.round_ties_even().clamp(0.0, 65535.0)
                );
            }
        }
        assert_eq!(u8::from_f32(f32::NAN), 0);
        assert_eq!(u8::from_f32(f32::INFINITY), 255);
        assert_eq!(u16::from_f32(1e9), 65535);
        assert!(f32::from_f32(f32::NAN).is_nan());
    }
}
