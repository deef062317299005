//! Colours of things that have a number, so that one number has one hue in every picture.

/// A hue as it shows on an image and as it shows in thin lines on white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hue {
    pub(crate) light: [u8; 3],
    pub(crate) dark: [u8; 3],
}

const fn hue(light: u32, dark: u32) -> Hue {
    let [_, red, green, blue] = light.to_be_bytes();
    let light = [red, green, blue];
    let [_, red, green, blue] = dark.to_be_bytes();
    Hue { light, dark: [red, green, blue] }
}

/// Blue, orange, green, red, purple, cyan, pink and yellow.
const HUES: [Hue; 8] = [
    hue(0x5aa9ff, 0x2b6fb3),
    hue(0xff9a2e, 0xdb6a00),
    hue(0x52d869, 0x2a9134),
    hue(0xff5f5f, 0xcc2b3a),
    hue(0xc796ff, 0x8252b8),
    hue(0x35e0e0, 0x0f99a3),
    hue(0xff80cc, 0xc9418f),
    hue(0xf2e23a, 0x9a8a00),
];

/// The hue of a number from 1 on; what is no such number has one too.
pub(crate) fn hue_of(number: f64) -> Hue {
    HUES[(number - 1.0).rem_euclid(HUES.len() as f64) as usize % HUES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_hue_and_neighbours_have_others() {
        assert_eq!((hue_of(1.0), hue_of(8.0), hue_of(9.0)), (HUES[0], HUES[7], HUES[0]));
        assert_eq!(hue_of(1.0).light, [0x5a, 0xa9, 0xff]);
        for number in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY, f64::MAX, -1e-300] {
            assert!(HUES.contains(&hue_of(number)), "{number}");
        }
    }
}
