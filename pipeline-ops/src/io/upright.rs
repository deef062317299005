//! Pictures turned as the camera noted.

use image::metadata::Orientation as Exif;
use pipeline_core::{Context, Image, In, Result, Step};

use crate::geometry::{Axis, Flip, QuarterTurns, Rotate90};

/// Turns a picture that was stored by `orientation` upright.
pub(super) fn upright(image: Image, orientation: Exif) -> Result<Image> {
    let rotate = |image, turn| apply(&Rotate90 { turn }, image);
    let flip = |image, axis| apply(&Flip { axis }, image);
    match orientation {
        Exif::NoTransforms => Ok(image),
        Exif::FlipHorizontal => flip(image, Axis::Horizontal),
        Exif::FlipVertical => flip(image, Axis::Vertical),
        Exif::Rotate180 => rotate(image, QuarterTurns::Two),
        Exif::Rotate90 => rotate(image, QuarterTurns::One),
        Exif::Rotate270 => rotate(image, QuarterTurns::Three),
        Exif::Rotate90FlipH => flip(rotate(image, QuarterTurns::One)?, Axis::Horizontal),
        Exif::Rotate270FlipH => flip(rotate(image, QuarterTurns::Three)?, Axis::Horizontal),
    }
}

/// Whether the sides of a picture that was stored by `orientation` change places.
pub(super) const fn is_on_its_side(orientation: Exif) -> bool {
    matches!(
        orientation,
        Exif::Rotate90 | Exif::Rotate270 | Exif::Rotate90FlipH | Exif::Rotate270FlipH
    )
}

/// Runs a step without help from other threads: opening a file waits, and a step that waits opens
/// no loop for others to join.
fn apply<S: Step<Input = In<Image>, Output = Image>>(step: &S, image: Image) -> Result<Image> {
    step.run(In::new(image), &Context::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_is_turned_upright() {
        // Upright: 1 2 3 over 4 5 6. What each note says lies where, after the definition of EXIF.
        let rows: [(u8, (u32, u32), [u8; 6]); 8] = [
            (1, (3, 2), [1, 2, 3, 4, 5, 6]),
            (2, (3, 2), [3, 2, 1, 6, 5, 4]),
            (3, (3, 2), [6, 5, 4, 3, 2, 1]),
            (4, (3, 2), [4, 5, 6, 1, 2, 3]),
            (5, (2, 3), [1, 4, 2, 5, 3, 6]),
            (6, (2, 3), [3, 6, 2, 5, 1, 4]),
            (7, (2, 3), [6, 3, 5, 2, 4, 1]),
            (8, (2, 3), [4, 1, 5, 2, 6, 3]),
        ];
        for (number, (width, height), stored) in rows {
            let stored = Image::from_samples(width, height, 1, stored.to_vec()).unwrap();
            let image = upright(stored, Exif::from_exif(number).unwrap()).unwrap();
            assert_eq!((image.width(), image.height()), (3, 2), "{number}");
            assert_eq!(image.samples::<u8>(), Some(&[1u8, 2, 3, 4, 5, 6][..]), "{number}");
        }
    }
}
