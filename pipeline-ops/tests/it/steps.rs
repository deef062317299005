//! Steps by name, run on images: what is no image stands as one.
//!
//! A mask is an image of zeros and ones, labels are one of u16, a table is one of f32 with a pixel
//! for each number, and several images are one of all their channels.

use pipeline_core::{ColorSpace, Context, Image, In, Labels, Mask, Result, Step};
use pipeline_ops::cells::{Background, CellFeatures, CellSums, LabelOverlaps, SegmentCells};
use pipeline_ops::draw::{ColorLabels, ColorMap, ContactSheet, OutlineLabels, Text};
use pipeline_ops::filter::{
    Bilateral, BoxBlur, Canny, Convolve, DifferenceOfGaussians, GaussianBlur, Laplace,
    LaplacianOfGaussian, LocalStd, LogStd, Prewitt, Scharr, Sobel, UnsharpMask,
};
use pipeline_ops::geometry::{
    Affine, Crop, Flip, Pad, Perspective, Resize, Rotate, Rotate90, Thumbnail, Translate,
};
use pipeline_ops::measure::{Histogram, Psnr, RegionProperties, Ssim, Statistics, Table};
use pipeline_ops::morphology::{
    BlackHat, BlackHatMask, ClearBorder, Closing, ClosingMask, Dilate, DilateMask,
    DistanceTransform, Erode, ErodeMask, FillHoles, Opening, OpeningMask, RemoveSmallHoles,
    RemoveSmallObjects, Skeleton, TopHat, TopHatMask,
};
use pipeline_ops::point::{
    AlphaOver, ApplyMask, Arithmetic, AssignColorSpace, Blend, BrightnessContrast, Clahe, Convert,
    ConvertProfile, Equalize, FromHsv, FromLab, FromLinear, Gain, Gamma, Grayscale, Invert, Levels,
    Lookup, MergeChannels, Rescale, Scalar, ShuffleChannels, SplitChannels, Threshold, ToHsv,
    ToLab, ToLinear,
};
use pipeline_ops::rank::{Maximum, Median, Minimum, Percentile};
use pipeline_ops::segment::{
    AdaptiveThreshold, ConnectedComponents, ExpandLabels, Hysteresis, LabelImage, Li, MaskImage,
    ModeThreshold, Otsu, PercentileThreshold, Relabel, Sauvola, Triangle, Watershed, Yen,
};
use serde_json::Value as Json;

/// Runs a step given by its name and parameters, through `Step::run`. Images that the caller does
/// not keep are worked on in place.
pub(crate) fn run(op: &str, params: &Json, inputs: impl Into<Vec<Image>>) -> Result<Image> {
    let inputs = inputs.into();
    match op {
        "adaptive_threshold" => call::<AdaptiveThreshold>(params, inputs),
        "affine" => call::<Affine>(params, inputs),
        "alpha_over" => call::<AlphaOver>(params, inputs),
        "apply_mask" => call::<ApplyMask>(params, inputs),
        "assign_color_space" => call::<AssignColorSpace>(params, inputs),
        "arithmetic" => call::<Arithmetic>(params, inputs),
        "background" => call::<Background>(params, inputs),
        "bilateral" => call::<Bilateral>(params, inputs),
        "black_hat" => call::<BlackHat>(params, inputs),
        "black_hat_mask" => call::<BlackHatMask>(params, inputs),
        "blend" => call::<Blend>(params, inputs),
        "box_blur" => call::<BoxBlur>(params, inputs),
        "brightness_contrast" => call::<BrightnessContrast>(params, inputs),
        "canny" => call::<Canny>(params, inputs),
        "clahe" => call::<Clahe>(params, inputs),
        "clear_border" => call::<ClearBorder>(params, inputs),
        "closing" => call::<Closing>(params, inputs),
        "closing_mask" => call::<ClosingMask>(params, inputs),
        "color_labels" => call::<ColorLabels>(params, inputs),
        "color_map" => call::<ColorMap>(params, inputs),
        "connected_components" => call::<ConnectedComponents>(params, inputs),
        "contact_sheet" => call::<ContactSheet>(params, inputs),
        "convert" => call::<Convert>(params, inputs),
        "convert_profile" => call::<ConvertProfile>(params, inputs),
        "convolve" => call::<Convolve>(params, inputs),
        "crop" => call::<Crop>(params, inputs),
        "difference_of_gaussians" => call::<DifferenceOfGaussians>(params, inputs),
        "dilate" => call::<Dilate>(params, inputs),
        "dilate_mask" => call::<DilateMask>(params, inputs),
        "distance_transform" => call::<DistanceTransform>(params, inputs),
        "equalize" => call::<Equalize>(params, inputs),
        "erode" => call::<Erode>(params, inputs),
        "erode_mask" => call::<ErodeMask>(params, inputs),
        "expand_labels" => call::<ExpandLabels>(params, inputs),
        "fill_holes" => call::<FillHoles>(params, inputs),
        "flip" => call::<Flip>(params, inputs),
        "from_hsv" => call::<FromHsv>(params, of_data(inputs)),
        "from_linear" => {
            let of_light = |image: Image| image.with_color(ColorSpace::LinearSrgb);
            call::<FromLinear>(params, inputs.into_iter().map(of_light).collect())
        }
        "from_lab" => call::<FromLab>(params, of_data(inputs)),
        "gain" => call::<Gain>(params, inputs),
        "gamma" => call::<Gamma>(params, inputs),
        "gaussian_blur" => call::<GaussianBlur>(params, inputs),
        "grayscale" => call::<Grayscale>(params, inputs),
        "histogram" => call::<Histogram>(params, inputs),
        "hysteresis" => call::<Hysteresis>(params, inputs),
        "invert" => call::<Invert>(params, inputs),
        "label_image" => call::<LabelImage>(params, inputs),
        "laplace" => call::<Laplace>(params, inputs),
        "laplacian_of_gaussian" => call::<LaplacianOfGaussian>(params, inputs),
        "levels" => call::<Levels>(params, inputs),
        "li" => call::<Li>(params, inputs),
        "local_std" => call::<LocalStd>(params, inputs),
        "log_std" => call::<LogStd>(params, inputs),
        "lookup" => call::<Lookup>(params, inputs),
        "mask_image" => call::<MaskImage>(params, inputs),
        "maximum" => call::<Maximum>(params, inputs),
        "median" => call::<Median>(params, inputs),
        "merge_channels" => call::<MergeChannels>(params, inputs),
        "minimum" => call::<Minimum>(params, inputs),
        "mode_threshold" => call::<ModeThreshold>(params, inputs),
        "opening" => call::<Opening>(params, inputs),
        "opening_mask" => call::<OpeningMask>(params, inputs),
        "otsu" => call::<Otsu>(params, inputs),
        "pad" => call::<Pad>(params, inputs),
        "outline_labels" => call::<OutlineLabels>(params, inputs),
        "percentile" => call::<Percentile>(params, inputs),
        "percentile_threshold" => call::<PercentileThreshold>(params, inputs),
        "perspective" => call::<Perspective>(params, inputs),
        "prewitt" => call::<Prewitt>(params, inputs),
        "psnr" => call::<Psnr>(params, inputs),
        "region_properties" => call::<RegionProperties>(params, inputs),
        "relabel" => call::<Relabel>(params, inputs),
        "remove_small_holes" => call::<RemoveSmallHoles>(params, inputs),
        "remove_small_objects" => call::<RemoveSmallObjects>(params, inputs),
        "rescale" => call::<Rescale>(params, inputs),
        "resize" => call::<Resize>(params, inputs),
        "rotate" => call::<Rotate>(params, inputs),
        "rotate90" => call::<Rotate90>(params, inputs),
        "sauvola" => call::<Sauvola>(params, inputs),
        "scalar" => call::<Scalar>(params, inputs),
        "scharr" => call::<Scharr>(params, inputs),
        "segment_cells" => call::<SegmentCells>(params, inputs),
        "shuffle_channels" => call::<ShuffleChannels>(params, inputs),
        "skeleton" => call::<Skeleton>(params, inputs),
        "sobel" => call::<Sobel>(params, inputs),
        "split_channels" => call::<SplitChannels>(params, inputs),
        "ssim" => call::<Ssim>(params, inputs),
        "statistics" => call::<Statistics>(params, inputs),
        "text" => call::<Text>(params, inputs),
        "threshold" => call::<Threshold>(params, inputs),
        "thumbnail" => call::<Thumbnail>(params, inputs),
        "to_hsv" => call::<ToHsv>(params, inputs),
        "to_lab" => call::<ToLab>(params, inputs),
        "to_linear" => call::<ToLinear>(params, inputs),
        "top_hat" => call::<TopHat>(params, inputs),
        "top_hat_mask" => call::<TopHatMask>(params, inputs),
        "translate" => call::<Translate>(params, inputs),
        "triangle" => call::<Triangle>(params, inputs),
        "unsharp_mask" => call::<UnsharpMask>(params, inputs),
        "watershed" => call::<Watershed>(params, inputs),
        "yen" => call::<Yen>(params, inputs),
        _ => panic!("no step `{op}` in the test table"),
    }
}

/// Runs a step that measures, as `run`.
pub(crate) fn table(op: &str, params: &Json, inputs: Vec<Image>) -> Table {
    match op {
        "cell_features" => output::<CellFeatures>(params, inputs),
        "cell_sums" => output::<CellSums>(params, inputs),
        "histogram" => output::<Histogram>(params, inputs),
        "label_overlaps" => output::<LabelOverlaps>(params, inputs),
        "psnr" => output::<Psnr>(params, inputs),
        "region_properties" => output::<RegionProperties>(params, inputs),
        "ssim" => output::<Ssim>(params, inputs),
        "statistics" => output::<Statistics>(params, inputs),
        _ => panic!("no step `{op}` that measures in the test table"),
    }
    .unwrap()
}

/// Images of the default colour space as data: those of the golden files know none.
fn of_data(images: Vec<Image>) -> Vec<Image> {
    let of_data = |image: Image| match image.layout().color {
        ColorSpace::Srgb => image.with_color(ColorSpace::Data),
        _ => image,
    };
    images.into_iter().map(of_data).collect()
}

fn call<S: Step>(params: &Json, inputs: Vec<Image>) -> Result<Image>
where
    S::Input: Given,
    S::Output: Shown,
{
    Ok(output::<S>(params, inputs)?.show())
}

fn output<S: Step>(params: &Json, inputs: Vec<Image>) -> Result<S::Output>
where
    S::Input: Given,
{
    let step: S = serde_json::from_value(params.clone()).unwrap();
    let mut inputs = inputs.into_iter();
    let given = S::Input::take(&mut inputs);
    assert_eq!(inputs.len(), 0, "inputs that `{}` does not take", S::NAME);
    step.run(given, &Context::default())
}

/// What is made of the next images.
trait Given {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self;
}

impl Given for In<Image> {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        Self::new(images.next().unwrap())
    }
}

impl Given for Vec<In<Image>> {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        images.map(In::new).collect()
    }
}

impl Given for In<Mask> {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        Self::new(mask(&images.next().unwrap()))
    }
}

impl Given for Option<In<Image>> {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        images.next().map(In::new)
    }
}

impl Given for Option<In<Mask>> {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        images.next().map(|image| In::new(mask(&image)))
    }
}

impl Given for In<Labels> {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        Self::new(labels(&images.next().unwrap()))
    }
}

impl<A: Given, B: Given> Given for (A, B) {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        (A::take(images), B::take(images))
    }
}

impl<A: Given, B: Given, C: Given> Given for (A, B, C) {
    fn take(images: &mut impl Iterator<Item = Image>) -> Self {
        (A::take(images), B::take(images), C::take(images))
    }
}

/// An image of object numbers as labels.
pub(crate) fn labels(image: &Image) -> Labels {
    let numbers = image.samples::<u16>().unwrap().iter().copied().map(u32::from);
    Labels::new(image.width(), image.height(), numbers.collect::<Vec<_>>()).unwrap()
}

/// An image of zeros and ones as a mask.
pub(crate) fn mask(image: &Image) -> Mask {
    let bytes = image.samples::<u8>().unwrap().to_vec();
    Mask::from_bytes(image.width(), image.height(), bytes).unwrap()
}

/// What can be shown as an image.
trait Shown {
    fn show(self) -> Image;
}

impl Shown for Image {
    fn show(self) -> Image {
        self
    }
}

impl Shown for (Image, Image, Image) {
    fn show(self) -> Image {
        let images = [self.0, self.1, self.2].map(In::new).into();
        MergeChannels {}.run(images, &Context::default()).unwrap()
    }
}

impl Shown for Mask {
    fn show(self) -> Image {
        Image::from_samples(self.width(), self.height(), 1, self.bytes().to_vec()).unwrap()
    }
}

impl Shown for Labels {
    fn show(self) -> Image {
        let numbers = self.labels().iter().map(|&label| u16::try_from(label).unwrap());
        Image::from_samples(self.width(), self.height(), 1, numbers.collect::<Vec<_>>()).unwrap()
    }
}

impl Shown for Table {
    fn show(self) -> Image {
        let (width, height) = (self.columns().len() as u32, self.rows() as u32);
        let rows = (0..self.rows()).flat_map(|row| self.columns().map(move |column| column.1[row]));
        let numbers: Vec<f32> = rows.map(|number| number as f32).collect();
        Image::from_samples(width, height, 1, numbers).unwrap()
    }
}
