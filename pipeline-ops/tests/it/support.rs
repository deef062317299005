//! What the tests share: steps by name, outputs of any kind, images, and golden arrays.

use std::path::{Path, PathBuf};

use pipeline_core::{
    ColorSpace, Context, Image, In, Mask, Registry, Sample, SampleType, Step, dispatch,
};
use pipeline_ops::draw::{ColorMap, ContactSheet, Text};
use pipeline_ops::filter::{
    Bilateral, BoxBlur, Canny, Convolve, DifferenceOfGaussians, GaussianBlur, Laplace,
    LaplacianOfGaussian, LocalStd, Prewitt, Scharr, Sobel, UnsharpMask,
};
use pipeline_ops::geometry::{
    Affine, Crop, Flip, Pad, Perspective, Resize, Rotate, Rotate90, Thumbnail, Translate,
};
use pipeline_ops::point::{
    AlphaOver, ApplyMask, Arithmetic, Blend, BrightnessContrast, Clahe, Convert, Equalize, FromHsv,
    FromLab, FromLinear, Gain, Gamma, Grayscale, Invert, Levels, Lookup, MergeChannels, Rescale,
    Scalar, ShuffleChannels, SplitChannels, Threshold, ToHsv, ToLab, ToLinear,
};
use pipeline_ops::rank::{Maximum, Median, Minimum, Percentile};
use pipeline_ops::segment::{
    AdaptiveThreshold, Hysteresis, Li, Otsu, PercentileThreshold, Sauvola, Triangle, Yen,
};
use serde_json::Value as Json;

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry).unwrap();
    registry
}

/// Runs a step given by its name and parameters, through `Step::run`. A mask goes in and comes out
/// as an image of zeros and ones; several images come out as one of all their channels. Images that
/// the caller does not keep are worked on in place.
pub(crate) fn run(
    op: &str,
    params: &Json,
    inputs: impl Into<Vec<Image>>,
) -> pipeline_core::Result<Image> {
    fn image<S: Step<Input = In<Image>, Output = Image>>(
        params: &Json,
        mut inputs: Vec<Image>,
    ) -> pipeline_core::Result<Image> {
        let step: S = serde_json::from_value(params.clone()).unwrap();
        step.run(In::new(inputs.remove(0)), &Context::default())
    }
    fn mask<S: Step<Input = In<Image>, Output = Mask>>(
        params: &Json,
        mut inputs: Vec<Image>,
    ) -> pipeline_core::Result<Image> {
        let step: S = serde_json::from_value(params.clone()).unwrap();
        let mask = step.run(In::new(inputs.remove(0)), &Context::default())?;
        Image::from_samples(mask.width(), mask.height(), 1, mask.bytes().to_vec())
    }
    fn pair<S: Step<Input = (In<Image>, In<Image>), Output = Image>>(
        params: &Json,
        inputs: Vec<Image>,
    ) -> pipeline_core::Result<Image> {
        let step: S = serde_json::from_value(params.clone()).unwrap();
        let [first, second] = inputs.try_into().unwrap();
        step.run((In::new(first), In::new(second)), &Context::default())
    }
    fn masked<S: Step<Input = (In<Image>, In<Mask>), Output = Image>>(
        params: &Json,
        inputs: Vec<Image>,
    ) -> pipeline_core::Result<Image> {
        let step: S = serde_json::from_value(params.clone()).unwrap();
        let [image, mask] = inputs.try_into().unwrap();
        let mask = Mask::from_bytes(mask.width(), mask.height(), mask.bytes().to_vec())?;
        step.run((In::new(image), In::new(mask)), &Context::default())
    }
    fn merge(inputs: impl IntoIterator<Item = Image>) -> pipeline_core::Result<Image> {
        MergeChannels {}.run(inputs.into_iter().map(In::new).collect(), &Context::default())
    }
    let mut inputs = inputs.into();
    match op {
        "adaptive_threshold" => mask::<AdaptiveThreshold>(params, inputs),
        "affine" => image::<Affine>(params, inputs),
        "alpha_over" => pair::<AlphaOver>(params, inputs),
        "apply_mask" => masked::<ApplyMask>(params, inputs),
        "arithmetic" => pair::<Arithmetic>(params, inputs),
        "bilateral" => image::<Bilateral>(params, inputs),
        "blend" => pair::<Blend>(params, inputs),
        "box_blur" => image::<BoxBlur>(params, inputs),
        "brightness_contrast" => image::<BrightnessContrast>(params, inputs),
        "canny" => mask::<Canny>(params, inputs),
        "clahe" => image::<Clahe>(params, inputs),
        "color_map" => image::<ColorMap>(params, inputs),
        "contact_sheet" => {
            let step: ContactSheet = serde_json::from_value(params.clone()).unwrap();
            step.run(inputs.into_iter().map(In::new).collect(), &Context::default())
        }
        "convert" => image::<Convert>(params, inputs),
        "convolve" => image::<Convolve>(params, inputs),
        "crop" => image::<Crop>(params, inputs),
        "difference_of_gaussians" => image::<DifferenceOfGaussians>(params, inputs),
        "equalize" => image::<Equalize>(params, inputs),
        "flip" => image::<Flip>(params, inputs),
        "from_hsv" => image::<FromHsv>(params, inputs),
        "from_lab" => image::<FromLab>(params, inputs),
        "from_linear" => {
            let light = inputs.remove(0).with_color(ColorSpace::LinearSrgb);
            image::<FromLinear>(params, vec![light])
        }
        "gain" => image::<Gain>(params, inputs),
        "gamma" => image::<Gamma>(params, inputs),
        "gaussian_blur" => image::<GaussianBlur>(params, inputs),
        "grayscale" => image::<Grayscale>(params, inputs),
        "hysteresis" => mask::<Hysteresis>(params, inputs),
        "invert" => image::<Invert>(params, inputs),
        "laplace" => image::<Laplace>(params, inputs),
        "laplacian_of_gaussian" => image::<LaplacianOfGaussian>(params, inputs),
        "levels" => image::<Levels>(params, inputs),
        "li" => mask::<Li>(params, inputs),
        "local_std" => image::<LocalStd>(params, inputs),
        "lookup" => image::<Lookup>(params, inputs),
        "maximum" => image::<Maximum>(params, inputs),
        "median" => image::<Median>(params, inputs),
        "merge_channels" => merge(inputs),
        "minimum" => image::<Minimum>(params, inputs),
        "otsu" => mask::<Otsu>(params, inputs),
        "pad" => image::<Pad>(params, inputs),
        "percentile" => image::<Percentile>(params, inputs),
        "percentile_threshold" => mask::<PercentileThreshold>(params, inputs),
        "perspective" => image::<Perspective>(params, inputs),
        "prewitt" => image::<Prewitt>(params, inputs),
        "rescale" => image::<Rescale>(params, inputs),
        "resize" => image::<Resize>(params, inputs),
        "rotate" => image::<Rotate>(params, inputs),
        "rotate90" => image::<Rotate90>(params, inputs),
        "sauvola" => mask::<Sauvola>(params, inputs),
        "scalar" => image::<Scalar>(params, inputs),
        "scharr" => image::<Scharr>(params, inputs),
        "shuffle_channels" => image::<ShuffleChannels>(params, inputs),
        "sobel" => image::<Sobel>(params, inputs),
        "split_channels" => {
            let step: SplitChannels = serde_json::from_value(params.clone()).unwrap();
            let (red, green, blue) = step.run(In::new(inputs.remove(0)), &Context::default())?;
            merge([red, green, blue])
        }
        "text" => image::<Text>(params, inputs),
        "threshold" => mask::<Threshold>(params, inputs),
        "thumbnail" => image::<Thumbnail>(params, inputs),
        "to_hsv" => image::<ToHsv>(params, inputs),
        "to_lab" => image::<ToLab>(params, inputs),
        "to_linear" => image::<ToLinear>(params, inputs),
        "translate" => image::<Translate>(params, inputs),
        "triangle" => mask::<Triangle>(params, inputs),
        "unsharp_mask" => image::<UnsharpMask>(params, inputs),
        "yen" => mask::<Yen>(params, inputs),
        _ => panic!("no step `{op}` in the test table"),
    }
}

/// An image of samples that look random, the same for the same seed; floats from -0.25 to 1.25.
pub(crate) fn filled(sides: (u32, u32), channels: u16, sample: SampleType, seed: u64) -> Image {
    let count = sides.0 as usize * sides.1 as usize * usize::from(channels);
    let mut state = seed | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    let (width, height) = sides;
    match sample {
        SampleType::U8 => {
            let samples: Vec<u8> = (0..count).map(|_| next() as u8).collect();
            Image::from_samples(width, height, channels, samples)
        }
        SampleType::U16 => {
            let samples: Vec<u16> = (0..count).map(|_| next() as u16).collect();
            Image::from_samples(width, height, channels, samples)
        }
        SampleType::F32 => {
            let samples: Vec<f32> =
                (0..count).map(|_| next() as f32 / u32::MAX as f32 * 1.5 - 0.25).collect();
            Image::from_samples(width, height, channels, samples)
        }
    }
    .unwrap()
}

/// All samples as floats.
pub(crate) fn floats(image: &Image) -> Vec<f32> {
    dispatch!(image.sample_type(), T => {
        image.samples::<T>().unwrap().iter().map(|sample| sample.to_f32()).collect()
    })
}

/// A file that comes with the tests.
pub(crate) fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Reads a golden array; masks become images of zeros and ones.
pub(crate) fn array(name: &str) -> Image {
    let bytes = std::fs::read(shipped("golden").join(format!("{name}.npy"))).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\0", "{name}");
    let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + header_len]).unwrap();
    let (_, shape) = header.split_once("'shape': (").unwrap();
    let (shape, _) = shape.split_once(')').unwrap();
    let shape: Vec<u32> = shape.split(',').filter_map(|side| side.trim().parse().ok()).collect();
    assert!(header.contains("'fortran_order': False"), "{name}");

    let data = &bytes[10 + header_len..];
    let channels = shape.get(2).map_or(1, |&channels| u16::try_from(channels).unwrap());
    let (width, height) = (shape[1], shape[0]);
    if header.contains("'|u1'") || header.contains("'|b1'") {
        Image::from_samples(width, height, channels, data.to_vec())
    } else if header.contains("'<u2'") {
        let samples = data.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
        Image::from_samples(width, height, channels, samples.collect::<Vec<_>>())
    } else {
        assert!(header.contains("'<f4'"), "{name}: {header}");
        let samples = data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        Image::from_samples(width, height, channels, samples.collect::<Vec<_>>())
    }
    .unwrap()
}
