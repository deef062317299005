//! Rows of one image over rows of another.

use pipeline_core::Sample;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How two colours mix; `b` is the bottom, `t` the top, both as shares of white.
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
    fn mix(self, b: f32, t: f32) -> f32 {
        match self {
            Self::Normal => t,
            Self::Multiply => b * t,
            Self::Screen => b + t - b * t,
            Self::Overlay if b <= 0.5 => 2.0 * b * t,
            Self::Overlay => 1.0 - 2.0 * (1.0 - b) * (1.0 - t),
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
    // Either image alone has a loop of its own: a choice per sample makes the mixtures take nearly
    // twice as long.
    if opacity <= 0.0 {
        out.copy_from_slice(bottom);
    } else if opacity >= 1.0 {
        mix_rows(bottom, top, out, |b, t| mode.mix(b, t));
    } else {
        mix_rows(bottom, top, out, |b, t| b + opacity * (mode.mix(b, t) - b));
    }
}

fn mix_rows<T: Sample>(bottom: &[T], top: &[T], out: &mut [T], f: impl Fn(f32, f32) -> f32) {
    for ((out, b), t) in out.iter_mut().zip(bottom).zip(top) {
        *out = T::from_f32(f(b.to_f32() / T::WHITE, t.to_f32() / T::WHITE) * T::WHITE);
    }
}

/// A row of pixels and what they are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer<'a, T> {
    pub(crate) row: &'a [T],
    pub(crate) has_alpha: bool,
}

/// Blends rows of which at least one has alpha, both of `colors` colours; `out` is as the bottom.
pub(crate) fn blend_layers<T: Sample>(
    mode: BlendMode,
    opacity: f32,
    (bottom, top): (Layer<'_, T>, Layer<'_, T>),
    colors: usize,
    out: &mut [T],
) {
    let channels = |layer: &Layer<'_, T>| colors + usize::from(layer.has_alpha);
    let alpha = |layer: &Layer<'_, T>, pixel: &[T]| {
        if layer.has_alpha { pixel[colors].to_f32() / T::WHITE } else { 1.0 }
    };
    let tops = top.row.chunks_exact(channels(&top));
    let pixels = bottom.row.chunks_exact(channels(&bottom)).zip(tops);
    for (out, (b, t)) in out.chunks_exact_mut(channels(&bottom)).zip(pixels) {
        let below = alpha(&bottom, b);
        let above = alpha(&top, t) * opacity;
        let whole = above + below * (1.0 - above);
        for channel in 0..colors {
            let (b, t) = (b[channel].to_f32() / T::WHITE, t[channel].to_f32() / T::WHITE);
            let mixed = between(t, mode.mix(b, t), below);
            let color = if whole <= 0.0 {
                0.0
            } else if above >= 1.0 {
                mixed
            } else if above <= 0.0 {
                b
            } else {
                (above * mixed + (1.0 - above) * below * b) / whole
            };
            out[channel] = T::from_f32(color * T::WHITE);
        }
        if bottom.has_alpha {
            out[colors] = T::from_f32(whole * T::WHITE);
        }
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
        let (bottom, top) = ([10u8, 100, 200, 255], [90u8, 0, 255, 30]);
        let layer = |row: &[u8; 4]| row.iter().flat_map(|&v| [v, 255]).collect::<Vec<u8>>();
        let (below, above) = (layer(&bottom), layer(&top));
        for mode in [BlendMode::Screen, BlendMode::Overlay, BlendMode::Darken, BlendMode::Add] {
            let (mut plain, mut layered) = ([0; 4], [0; 8]);
            blend_opaque(mode, 0.4, &bottom, &top, &mut plain);
            let bottom = Layer { row: &below, has_alpha: true };
            let top = Layer { row: &above, has_alpha: true };
            blend_layers(mode, 0.4, (bottom, top), 1, &mut layered);
            assert_eq!(layered.to_vec(), layer(&plain), "{mode:?}");
        }
    }
}
