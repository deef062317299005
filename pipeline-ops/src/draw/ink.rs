//! The colour of what is drawn on an image.

use pipeline_core::{Error, Layout, Result, Sample};

use crate::check::{self, SHARE};
use crate::kernel::{BlendMode, Layer, blend_layers};
use crate::point::Luma;

/// Refuses images that nothing can be drawn on, and shares outside 0 to 1.
pub(super) fn allow(image: Layout, color: [f32; 3], opacity: f32) -> Result<()> {
    for (at, share) in color.into_iter().enumerate() {
        check::within(&format!("color[{at}]"), share, &SHARE, "")?;
    }
    check::within("opacity", opacity, &SHARE, "")?;
    if matches!(image.channels - u16::from(image.has_alpha()), 1 | 3) {
        return check::rgb(image);
    }
    Err(Error::input("the image", image, "gray or RGB, with or without alpha"))
}

/// A colour in the samples of an image, for some pixels.
#[derive(Debug)]
pub(super) struct Ink<T> {
    samples: Vec<T>,
    colors: usize,
    channels: usize,
    opacity: f32,
}

impl<T: Sample> Ink<T> {
    /// Ink for up to `most` pixels side by side. Gray images take the brightness of the colour.
    pub(super) fn new(color: [f32; 3], opacity: f32, image: Layout, most: usize) -> Self {
        let channels = usize::from(image.channels);
        let colors = channels - usize::from(image.has_alpha());
        let pixel = if colors == 3 {
            color.map(|share| T::from_f32(share * T::WHITE)).to_vec()
        } else {
            let weighted = color.iter().zip(Luma::Rec601.weights());
            let gray: f32 = weighted.map(|(share, weight)| share * weight).sum();
            vec![T::from_f32(gray * T::WHITE)]
        };
        Self { samples: pixel.repeat(most), colors, channels, opacity }
    }

    /// Draws over the pixels of `before`.
    pub(super) fn draw(&self, before: &[T], out: &mut [T]) {
        let pixels = before.len() / self.channels;
        let has_alpha = self.channels > self.colors;
        let bottom = Layer { row: before, has_alpha };
        let top = Layer { row: &self.samples[..pixels * self.colors], has_alpha: false };
        blend_layers(BlendMode::Normal, self.opacity, (bottom, top), self.colors, out);
    }
}
