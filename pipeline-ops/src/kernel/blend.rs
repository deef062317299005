//! Rows of one image over rows of another.

use pipeline_core::Sample;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::color::{OfWhite, Share};
use super::vector::widest;

/// How two colours mix; `b` is the bottom, `t` the top, 1 is white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlendMode {
    /// `t`
    #[default]
    Normal,
    /// `b · t`: never brighter.
    Multiply,
    /// `1 - (1 - b)(1 - t)`: never darker.
    Screen,
    /// `2 b t` where `b ≤ ½`, else `1 - 2 (1 - b)(1 - t)`: more contrast.
    Overlay,
    /// `min(b, t)`
    Darken,
    /// `max(b, t)`
    Lighten,
    /// `|b - t|`
    Difference,
    /// `b + t`
    Add,
    /// `b - t`
    Subtract,
}

impl BlendMode {
    /// The mixed colour. Here white is as the samples have it, so that nothing is divided and
    /// multiplied by it again.
    #[inline(always)]
    fn mix<T: Sample>(self, b: f32, t: f32) -> f32 {
        let product = b * t * (1.0 / T::WHITE);
        match self {
            Self::Normal => t,
            Self::Multiply => product,
            Self::Screen => b + t - product,
            Self::Overlay if b <= 0.5 * T::WHITE => 2.0 * product,
            Self::Overlay => T::WHITE - 2.0 * (T::WHITE - b) * (T::WHITE - t) * (1.0 / T::WHITE),
            Self::Darken if t < b => t,
            Self::Lighten if t > b => t,
            Self::Darken | Self::Lighten => b,
            Self::Difference => (b - t).abs(),
            Self::Add => b + t,
            Self::Subtract => b - t,
        }
    }
}

/// `a` and `b` in the shares `1 - share` and `share`; either alone comes out as it is.
#[inline(always)]
fn between(a: f32, b: f32, share: f32) -> f32 {
    if share <= 0.0 || a == b {
        a
    } else if share >= 1.0 {
        b
    } else {
        a + share * (b - a)
    }
}

/// Blends rows of opaque pixels.
pub(crate) fn blend_opaque<T: Sample>(
    mode: BlendMode,
    opacity: f32,
    bottom: &[T],
    top: &[T],
    out: &mut [T],
) {
    if opacity <= 0.0 {
        out.copy_from_slice(bottom);
        return;
    }
    let rows = (bottom, top);
    macro_rules! mix_by {
        ($($name:ident),*) => {
            match mode {
                $(BlendMode::$name => {
                    mix_rows(rows, opacity, out, |b, t| BlendMode::$name.mix::<T>(b, t));
                })*
            }
        };
    }
    // Each mode has loops of its own, which become vector code.
    mix_by!(Normal, Multiply, Screen, Overlay, Darken, Lighten, Difference, Add, Subtract);
}

#[inline(always)]
fn mix_rows<T: Sample>(
    rows: (&[T], &[T]),
    opacity: f32,
    out: &mut [T],
    mix: impl Fn(f32, f32) -> f32,
) {
    // The top alone comes out as it is, and has a loop without the sum.
    if opacity >= 1.0 {
        shares(rows, out, mix);
    } else {
        shares(rows, out, move |b, t| b + opacity * (mix(b, t) - b));
    }
}

#[inline(always)]
fn shares<T: Sample>((bottom, top): (&[T], &[T]), out: &mut [T], f: impl Fn(f32, f32) -> f32) {
    widest(
        #[inline(always)]
        move || {
            for ((out, &b), &t) in out.iter_mut().zip(bottom).zip(top) {
                *out = T::from_f32(f(b.to_f32(), t.to_f32()));
            }
        },
    );
}

/// A row of pixels and what they are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer<'a, T> {
    pub(crate) row: &'a [T],
    pub(crate) has_alpha: bool,
}

/// Blends rows of pixels of `colors` colours, one or three if either has alpha; `out` is as the
/// bottom.
pub(crate) fn blend_layers<T: Sample>(
    mode: BlendMode,
    opacity: f32,
    (bottom, top): (Layer<'_, T>, Layer<'_, T>),
    colors: usize,
    out: &mut [T],
) {
    // What is most often wanted has a loop of its own.
    if mode == BlendMode::Normal {
        let mix = |b, t| BlendMode::Normal.mix::<T>(b, t);
        return mix_layers(mix, opacity, (bottom, top), colors, out);
    }
    mix_layers(move |b, t| mode.mix::<T>(b, t), opacity, (bottom, top), colors, out);
}

#[inline(always)]
fn mix_layers<T: Sample>(
    mix: impl Fn(f32, f32) -> f32,
    opacity: f32,
    (bottom, top): (Layer<'_, T>, Layer<'_, T>),
    colors: usize,
    out: &mut [T],
) {
    let (rows, has_alpha) = ((bottom.row, top.row), (bottom.has_alpha, top.has_alpha));
    widest(
        #[inline(always)]
        move || match (colors, has_alpha) {
            (_, (false, false)) => pixels::<T, 1, 1>(mix, opacity, rows, out),
            (1, (true, true)) => pixels::<T, 2, 2>(mix, opacity, rows, out),
            (1, (true, false)) => pixels::<T, 2, 1>(mix, opacity, rows, out),
            (1, (false, true)) => pixels::<T, 1, 2>(mix, opacity, rows, out),
            (_, (true, true)) => pixels::<T, 4, 4>(mix, opacity, rows, out),
            (_, (true, false)) => pixels::<T, 4, 3>(mix, opacity, rows, out),
            (_, (false, true)) => pixels::<T, 3, 4>(mix, opacity, rows, out),
        },
    );
}

/// Blends pixels of `T` channels over pixels of `B`, two or four of which have alpha.
#[inline(always)]
fn pixels<S: Sample, const B: usize, const T: usize>(
    mix: impl Fn(f32, f32) -> f32,
    opacity: f32,
    (bottom, top): (&[S], &[S]),
    out: &mut [S],
) {
    let (has_below, has_above) = (matches!(B, 2 | 4), matches!(T, 2 | 4));
    let layers = bottom.as_chunks::<B>().0.iter().zip(top.as_chunks::<T>().0);
    for (out, (bottom, top)) in out.as_chunks_mut::<B>().0.iter_mut().zip(layers) {
        let below = if has_below { OfWhite.of(bottom[B - 1]) } else { 1.0 };
        let above = if has_above { OfWhite.of(top[T - 1]) } else { 1.0 } * opacity;
        let whole = above + below * (1.0 - above);
        *out = std::array::from_fn(|channel| {
            if has_below && channel == B - 1 {
                return S::from_f32(whole * S::WHITE);
            }
            let (b, t) = (bottom[channel].to_f32(), top[channel].to_f32());
            let mixed = between(t, mix(b, t), below);
            let color = if whole <= 0.0 {
                0.0
            } else if above >= 1.0 {
                mixed
            } else if above <= 0.0 {
                b
            } else if below == 1.0 {
                // As rows without alpha have it, bit by bit.
                b + above * (mixed - b)
            } else {
                (above * mixed + (1.0 - above) * below * b) / whole
            };
            S::from_f32(color)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_top_of_full_opacity_comes_out_bit_by_bit() {
        let bottom = [0.1f32, -7.5, f32::NAN, f32::INFINITY, 1e30];
        let top = [0.3f32, 1e-20, 0.7, -0.2, 1.0 / 3.0];
        let mut out = [0.0; 5];
        blend_opaque(BlendMode::Normal, 1.0, &bottom, &top, &mut out);
        assert_eq!(out, top);
        blend_opaque(BlendMode::Multiply, 0.0, &bottom, &top, &mut out);
        assert_eq!(out.map(f32::to_bits), bottom.map(f32::to_bits));

        // Over a bottom that is half seen through, the top covers all of it.
        let bottom = Layer { row: &[0.1f32, 0.5, 0.9, 0.3], has_alpha: true };
        let top = Layer { row: &[0.3f32, 1.0 / 3.0], has_alpha: false };
        let mut out = [0.0; 4];
        blend_layers(BlendMode::Normal, 1.0, (bottom, top), 1, &mut out);
        assert_eq!(out, [0.3, 1.0, 1.0 / 3.0, 1.0]);
    }

    #[test]
    fn opaque_layers_are_what_opaque_rows_are() {
        let pairs = (0..=255u8).flat_map(|b| (0..=255u8).map(move |t| (b, t)));
        let (bottom, top): (Vec<u8>, Vec<u8>) = pairs.unzip();
        let layer = |row: &[u8]| row.iter().flat_map(|&v| [v, 255]).collect::<Vec<u8>>();
        let (below, above) = (layer(&bottom), layer(&top));
        for mode in [BlendMode::Normal, BlendMode::Screen, BlendMode::Overlay, BlendMode::Add] {
            for opacity in [0.1, 0.4, 0.5, 1.0] {
                let (mut plain, mut layered) = (vec![0; bottom.len()], vec![0; below.len()]);
                blend_opaque(mode, opacity, &bottom, &top, &mut plain);
                let bottom = Layer { row: &below[..], has_alpha: true };
                let top = Layer { row: &above[..], has_alpha: true };
                blend_layers(mode, opacity, (bottom, top), 1, &mut layered);
                assert_eq!(layered, layer(&plain), "{mode:?} {opacity}");
            }
        }
    }
}
