//! A movie of several fields of view, as long as is wanted.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use pipeline_core::{Context, Image, In, Result, Step};
use pipeline_ops::filter::GaussianBlur;
use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::Gray16;

use crate::cells::frames;

/// How large a movie is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Fields of view.
    pub(crate) fields: usize,
    /// Of each field.
    pub(crate) frames: usize,
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
}

/// Channels of it.
const CHANNELS: usize = 3;

/// How far what is smoothed away is scattered to the left and upwards, in pixels.
const SCATTER: u64 = 8;

/// A frame without most of its noise, and the noise.
struct Parted {
    smooth: Image,
    noise: Vec<f32>,
}

impl Parted {
    fn of(image: &Image) -> Result<Self> {
        let ctx = Context::default();
        let samples = image.samples::<u16>().unwrap_or_default();
        let floats: Vec<f32> = samples.iter().map(|&sample| sample.into()).collect();
        let image = Image::from_samples(image.width(), image.height(), 1, floats)?;
        let smooth = GaussianBlur { sigma: 0.7, ..GaussianBlur::default() };
        let smooth = smooth.run(In::new(image.clone()), &ctx)?;
        let pairs = [&image, &smooth].map(|image| image.samples::<f32>().unwrap_or_default());
        let noise = pairs[0].iter().zip(pairs[1]).map(|(all, smooth)| all - smooth).collect();
        Ok(Self { smooth, noise })
    }

    /// The frame with noise that no other one has: each pixel has that of one near by, so there is
    /// more of it where there is more light.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "samples of 16 bits"
    )]
    fn noisy(&self, dice: &mut Dice) -> Vec<u16> {
        let width = self.smooth.width() as usize;
        let smooth = self.smooth.samples::<f32>().unwrap_or_default();
        let near = |at: usize, dice: &mut Dice| {
            let number = dice.next();
            let (x, y) = (number % SCATTER, (number >> 32) % SCATTER);
            let (right, down) = (usize::try_from(x).unwrap_or(0), usize::try_from(y).unwrap_or(0));
            (at + right + down * width) % smooth.len()
        };
        let sample = |(at, smooth): (usize, &f32)| {
            let noise = self.noise[near(at, dice)];
            (smooth + SCALE * noise).round_ties_even().clamp(0.0, 65_535.0) as u16
        };
        smooth.iter().enumerate().map(sample).collect()
    }
}

/// Smoothing leaves a sixth of the variance of noise, and takes away half of it with what it takes
/// away; the rest is due to both being of one noise. With this the sum has all of it.
const SCALE: f32 = 1.27;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        self.0 ^ self.0 >> 33
    }
}

/// Writes a movie, not compressed: the shipped one beside itself or a part of it, forth and back,
/// shifted in each field, and with noise that does not repeat.
pub(crate) fn write(path: &Path, extent: Extent) -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(1);
    let mut channels = Vec::new();
    for channel in 0..CHANNELS {
        let images = frames(channel, extent.size)?;
        let parted = images.iter().map(Parted::of);
        channels.push(parted.collect::<Result<Vec<Parted>>>()?);
    }
    let forth_and_back = |t: usize| {
        let count = channels[0].len();
        let place = t % (2 * count - 2);
        if place < count { place } else { 2 * count - 2 - place }
    };
    let mut encoder = TiffEncoder::new(BufWriter::new(File::create(path)?))?;
    for field in 0..extent.fields {
        for t in 0..extent.frames {
            for (number, channel) in channels.iter().enumerate() {
                let frame = &channel[forth_and_back(t)];
                let (width, height) = extent.size;
                let mut samples = frame.noisy(&mut dice);
                let shift = field * 41 * width as usize % samples.len();
                samples.rotate_left(shift);
                let mut page = encoder.new_image::<Gray16>(width, height)?;
                if field + t + number == 0 {
                    let tag = tiff::tags::Tag::ImageDescription;
                    page.encoder().write_tag(tag, &*description(extent))?;
                }
                page.write_data(&samples)?;
            }
        }
    }
    drop(encoder);
    Ok(())
}

fn description(Extent { fields, frames: times, size: (width, height) }: Extent) -> String {
    let mut text = "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">".to_owned();
    for field in 0..fields {
        let (first, count) = (field * times * CHANNELS, times * CHANNELS);
        text += &format!(
            "<Image ID=\"Image:{field}\"><Pixels ID=\"Pixels:{field}\" DimensionOrder=\"XYCZT\" \
             Type=\"uint16\" SizeX=\"{width}\" SizeY=\"{height}\" SizeC=\"{CHANNELS}\" SizeZ=\"1\" \
             SizeT=\"{times}\" TimeIncrement=\"600\" TimeIncrementUnit=\"s\">"
        );
        for channel in 0..CHANNELS {
            text += &format!("<Channel ID=\"Channel:{field}:{channel}\" SamplesPerPixel=\"1\"/>");
        }
        text += &format!("<TiffData IFD=\"{first}\" PlaneCount=\"{count}\"/></Pixels></Image>");
    }
    text + "</OME>"
}
