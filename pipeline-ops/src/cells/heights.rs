//! Heights of a relief: brightness beside that of bright halos, in 16 bits.

/// The height of a halo above that of the background.
const ONE: f32 = 4096.0;

/// The height of the background.
pub(super) const ZERO: u16 = 16_384;

/// The height of a brightness of which 0 is the background and 1 a bright halo. What does not fit,
/// below -4 or from 12 on, is as low or as high as heights are.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn height(brightness: f32) -> u16 {
    (brightness * ONE + ZERO as f32) as u16
}

/// The brightness of a height.
pub(super) const fn brightness(height: u16) -> f32 {
    (height as f32 - ZERO as f32) / ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_order_as_brightness_and_saturate() {
        assert_eq!(height(0.0), ZERO);
        assert!((brightness(height(1.3)) - 1.3).abs() < 1e-3);
        assert_eq!([-9.0, f32::NAN, 99.0].map(height), [0, 0, u16::MAX]);
    }
}
