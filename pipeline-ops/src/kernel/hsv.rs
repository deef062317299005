//! Red, green and blue as hue, saturation and value, and back; all as shares of 1.

/// Hue, saturation and value of a colour. NaN in any colour makes all three NaN.
///
/// What depends on the largest colour is chosen, not jumped to: which one it is changes from pixel
/// to pixel.
#[must_use]
#[inline(always)]
pub(crate) fn hsv_of([r, g, b]: [f32; 3]) -> [f32; 3] {
    let value = r.max(g).max(b);
    let delta = value - r.min(g).min(b);
    let (base, from, to) = if g == value { (2.0, b, r) } else { (0.0, g, b) };
    let (base, from, to) = if b == value { (4.0, r, g) } else { (base, from, to) };
    let sixths = base + (from - to) / delta;
    let hue = if sixths < 0.0 { sixths / 6.0 + 1.0 } else { sixths / 6.0 };
    let is_gray = delta == 0.0;
    // Just below 0 it rounds to a whole turn.
    let hue = if is_gray || hue >= 1.0 { 0.0 } else { hue };
    let saturation = if is_gray { 0.0 } else { delta / value };
    // Largest and smallest leave NaN out; a sum does not.
    let any_nan = (r + g + b).is_nan();
    [hue, saturation, value].map(|share| if any_nan { f32::NAN } else { share })
}

/// The colour of a hue, saturation and value; hues repeat after 1.
///
/// Each colour is `value` less a part of `value · saturation` that rises, stays and falls with the
/// hue, which is the usual table of six cases without a case.
#[must_use]
#[inline(always)]
pub(crate) fn rgb_of_hsv([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    let sixths = turn(hue) * 6.0;
    [5.0, 3.0, 1.0].map(|shift| {
        let place = sixths + shift;
        let place = if place >= 6.0 { place - 6.0 } else { place };
        value - value * saturation * place.min(4.0 - place).clamp(0.0, 1.0)
    })
}

/// What is left of `hue` after whole turns. The cast cuts off the fraction, in vector code too.
fn turn(hue: f32) -> f32 {
    let part = hue - hue as i32 as f32;
    let part = if part < 0.0 { part + 1.0 } else { part };
    // Just below 0 it rounds to a whole turn; a hue that no integer holds has no fraction. NaN
    // stays.
    if part.abs() >= 1.0 { 0.0 } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_colours_have_their_hues() {
        let rows = [
            ([1.0, 0.0, 0.0], 0.0),
            ([1.0, 1.0, 0.0], 1.0 / 6.0),
            ([0.0, 1.0, 0.0], 2.0 / 6.0),
            ([0.0, 1.0, 1.0], 3.0 / 6.0),
            ([0.0, 0.0, 1.0], 4.0 / 6.0),
            ([1.0, 0.0, 1.0], 5.0 / 6.0),
        ];
        for (color, hue) in rows {
            assert_eq!(hsv_of(color), [hue, 1.0, 1.0]);
            for turns in [-2.0, 0.0, 1.0] {
                let found = rgb_of_hsv([hue + turns, 1.0, 1.0]);
                let off = found.iter().zip(color).map(|(a, b): (&f32, f32)| (a - b).abs());
                assert!(off.fold(0.0, f32::max) < 1e-5, "{found:?} for {color:?}");
            }
        }
    }

    #[test]
    fn hues_without_a_fraction_are_red() {
        for hue in [3e9, -3e9, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(rgb_of_hsv([hue, 1.0, 1.0]), [1.0, 0.0, 0.0], "{hue}");
        }
    }

    #[test]
    fn gray_has_no_hue() {
        assert_eq!(hsv_of([0.25; 3]), [0.0, 0.0, 0.25]);
        assert_eq!(rgb_of_hsv([0.7, 0.0, 0.25]), [0.25; 3]);
        assert!(hsv_of([0.0, f32::NAN, 1.0]).iter().all(|share| share.is_nan()));
        for at in 0..3 {
            let mut hsv = [0.3, 0.5, 0.7];
            hsv[at] = f32::NAN;
            assert!(rgb_of_hsv(hsv).iter().all(|share| share.is_nan()), "{hsv:?}");
        }
    }
}
