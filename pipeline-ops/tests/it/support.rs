//! What the tests share: steps by name, outputs of any kind, tiles by hand, and golden arrays.

use std::path::{Path, PathBuf};

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Image, In, Layout, Mask, Region, Registry, Sample, Step, Tile, View, ViewMut, dispatch,
};
use pipeline_ops::filter::{BoxBlur, GaussianBlur, Sobel, UnsharpMask};
use pipeline_ops::geometry::{Crop, Flip, Resize, Rotate90};
use pipeline_ops::point::{Blend, Convert, Gain, Gamma, Grayscale, Invert, Levels, Threshold};
use pipeline_ops::rank::Median;
use pipeline_ops::segment::Otsu;
use serde_json::Value as Json;

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry).unwrap();
    registry
}

/// Runs a step given by its name and parameters, through `Step::run`. A mask comes out as an image
/// of zeros and ones. Images that the caller does not keep are worked on in place.
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
    let mut inputs = inputs.into();
    match op {
        "blend" => {
            let step: Blend = serde_json::from_value(params.clone()).unwrap();
            let top = In::new(inputs.remove(1));
            step.run((In::new(inputs.remove(0)), top), &Context::default())
        }
        "box_blur" => image::<BoxBlur>(params, inputs),
        "convert" => image::<Convert>(params, inputs),
        "crop" => image::<Crop>(params, inputs),
        "flip" => image::<Flip>(params, inputs),
        "gain" => image::<Gain>(params, inputs),
        "gamma" => image::<Gamma>(params, inputs),
        "gaussian_blur" => image::<GaussianBlur>(params, inputs),
        "grayscale" => image::<Grayscale>(params, inputs),
        "invert" => image::<Invert>(params, inputs),
        "levels" => image::<Levels>(params, inputs),
        "median" => image::<Median>(params, inputs),
        "otsu" => mask::<Otsu>(params, inputs),
        "resize" => image::<Resize>(params, inputs),
        "rotate90" => image::<Rotate90>(params, inputs),
        "sobel" => image::<Sobel>(params, inputs),
        "threshold" => mask::<Threshold>(params, inputs),
        "unsharp_mask" => image::<UnsharpMask>(params, inputs),
        _ => panic!("no step `{op}` in the test table"),
    }
}

/// Makes the whole output of a tile step from tiles of at most `size`; each sees a copy of its
/// footprint and nothing else.
pub(crate) fn in_tiles(
    step: &dyn Tile,
    inputs: &[Image],
    size: (u32, u32),
) -> pipeline_core::Result<Image> {
    let layouts: Vec<Layout> = inputs.iter().map(Image::layout).collect();
    let layout = step.layout(&layouts)?;
    let mut out = Image::zeros(layout)?;
    for y in (0..layout.height).step_by(size.1 as usize) {
        for x in (0..layout.width).step_by(size.0 as usize) {
            let region = Region::new(x, y, size.0, size.1).intersect(&layout.region());
            let footprints = inputs.iter().enumerate().map(|(place, input)| {
                let footprint = step.footprint(place, region, &layouts);
                assert!(input.layout().region().contains(&footprint), "{footprint} of {region}");
                (footprint, cut(input, footprint))
            });
            let footprints: Vec<_> = footprints.collect();
            let views: Vec<View<'_>> = footprints
                .iter()
                .zip(&layouts)
                .map(|((region, cut), layout)| {
                    dispatch!(layout.sample, T => {
                        View::packed::<T>(*layout, *region, cut.samples::<T>().unwrap())
                    })
                })
                .collect();
            dispatch!(layout.sample, T => {
                let len = region.width as usize * region.height as usize;
                let mut samples = vec![T::default(); len * usize::from(layout.channels)];
                let mut window = ViewMut::packed(layout, region, &mut samples);
                step.render(&views, &mut window, &Context::default())?;
                paste::<T>(&mut out, region, &samples);
            });
        }
    }
    Ok(out)
}

/// A copy of a region of an image.
pub(crate) fn cut(image: &Image, region: Region) -> Image {
    let channels = image.channels();
    dispatch!(image.sample_type(), T => {
        let plane = image.view().crop(region).typed::<T>().unwrap();
        let samples: Vec<T> = plane.rows().flatten().copied().collect();
        Image::from_samples(region.width, region.height, channels, samples).unwrap()
    })
}

fn paste<T: Sample>(image: &mut Image, region: Region, samples: &[T]) {
    let (row_len, channels) = (image.layout().row_len(), usize::from(image.channels()));
    let len = region.width as usize * channels;
    let all = image.samples_mut::<T>().unwrap();
    for (row, samples) in samples.chunks_exact(len).enumerate() {
        let start = (region.y as usize + row) * row_len + region.x as usize * channels;
        all[start..start + len].copy_from_slice(samples);
    }
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
