//! What operations are measured on: a photo, and the mask and the objects that are made of it.

use std::path::Path;

use pipeline_core::data::Value;
use pipeline_core::{Context, Image, In, Result, SampleType, Step};
use pipeline_ops::filter::GaussianBlur;
use pipeline_ops::geometry::{Flip, Resize};
use pipeline_ops::io::Open;
use pipeline_ops::point::{
    Convert, Grayscale, MergeChannels, SplitChannels, Threshold, ToHsv, ToLab, ToLinear,
};
use pipeline_ops::segment::ConnectedComponents;

use crate::work::Random;

/// The coffee of the examples, made larger.
///
/// # Errors
/// If it cannot be read.
pub fn photo(width: u32, height: u32) -> Result<Image> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/coffee.png");
    let ctx = Context::default();
    let image = Open::path(path).run((), &ctx)?;
    Resize::to(width, height).run(In::new(image), &ctx)
}

/// A photo of one size, in the forms that operations take.
#[derive(Debug)]
pub struct Pictures {
    /// RGB of u8, with a little noise.
    pub color: Value,
    /// Another of its kind: the same, mirrored.
    pub other: Value,
    /// The channels of the RGB, each by itself.
    pub planes: [Value; 3],
    /// The same with its gray as opacity.
    pub alpha: Value,
    /// The same in gray.
    pub gray: Value,
    /// The same in 16 bits.
    pub deep: Value,
    /// The same in floats from 0 to 1.
    pub floats: Value,
    /// The RGB in light, of u8.
    pub linear: Value,
    /// The RGB in hue, saturation and value, of u8.
    pub hsv: Value,
    /// The RGB in lightness and colours, of floats.
    pub lab: Value,
    /// What is bright in it, without specks of noise.
    pub mask: Value,
    /// The objects of the mask.
    pub labels: Value,
}

impl Pictures {
    /// The photo in this size.
    ///
    /// # Errors
    /// If it cannot be read, or there is no memory for it.
    pub fn new(width: u32, height: u32) -> Result<Self> {
        let ctx = Context::default();
        let mut random = Random::new(1);
        let photo = photo(width, height)?;
        let samples = photo.samples::<u8>().unwrap_or_default().iter();
        let noisy = samples.map(|sample| sample.saturating_add_signed(noise(&mut random)));
        let color = In::new(Image::from_samples(width, height, 3, noisy.collect::<Vec<u8>>())?);
        let gray = In::new(Grayscale::default().run(color.clone(), &ctx)?);
        let convert = |to| Convert { to, ..Convert::default() }.run(gray.clone(), &ctx);
        let (deep, floats) = (convert(SampleType::U16)?, convert(SampleType::F32)?);
        let blur = GaussianBlur { sigma: 2.0, ..GaussianBlur::default() };
        let smooth = blur.run(gray.clone(), &ctx)?;
        let mask = In::new(Threshold { level: 127.0 }.run(In::new(smooth), &ctx)?);
        let labels = ConnectedComponents::default().run(mask.clone(), &ctx)?;
        let (red, green, blue) = SplitChannels {}.run(color.clone(), &ctx)?;
        let alpha = MergeChannels {}.run(vec![color.clone(), gray.clone()], &ctx)?;
        let linear = ToLinear {}.run(color.clone(), &ctx)?;
        let hsv = ToHsv {}.run(color.clone(), &ctx)?;
        let lab = ToLab {}.run(color.clone(), &ctx)?;
        Ok(Self {
            other: Value::new(Flip::default().run(color.clone(), &ctx)?),
            planes: [Value::new(red), Value::new(green), Value::new(blue)],
            alpha: Value::new(alpha),
            linear: Value::new(linear),
            hsv: Value::new(hsv),
            lab: Value::new(lab),
            color: Value::new(color.into_owned()),
            gray: Value::new(gray.into_owned()),
            deep: Value::new(deep),
            floats: Value::new(floats),
            mask: Value::new(mask.into_owned()),
            labels: Value::new(labels),
        })
    }
}

/// A number from -8 to 8.
fn noise(random: &mut Random) -> i8 {
    i8::try_from(random.below(17)).unwrap_or(0) - 8
}
