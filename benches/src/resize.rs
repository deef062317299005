//! What does a picture in another size cost beside the fastest crate for that?

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32, U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use pipeline_core::data::Value;
use pipeline_core::{Executor, Image, Options};
use serde_json::json;

use crate::clock::{cpu_of, least_in_turn};
use crate::figure::{Figure, ratio};
use crate::operation::Operation;
use crate::pictures::Pictures;

/// Our name of a filter, and theirs.
const FILTERS: [(&str, FilterType); 2] =
    [("bilinear", FilterType::Bilinear), ("lanczos3", FilterType::Lanczos3)];

/// Sides in tenths of those before.
const TENTHS: [u32; 2] = [5, 9];

/// All figures.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() });
    let executor = executor.expect("a pool");
    let large = Pictures::new(6000, 4000).expect("memory for a picture");
    let floats = Pictures::new(2500, 1600).expect("memory for a picture").floats;
    let mut figures = Vec::new();
    for filter in FILTERS {
        for tenths in TENTHS {
            let shape = (filter, tenths);
            figures.push(figure::<U8x3>("24mp_rgb_u8", &large.color, shape, &executor));
            figures.push(figure::<U8>("24mp_gray_u8", &large.gray, shape, &executor));
            figures.push(figure::<F32>("4mp_gray_f32", &floats, shape, &executor));
        }
    }
    figures
}

/// One picture, made smaller by both.
fn figure<P: PixelTrait>(
    name: &str,
    picture: &Value,
    ((filter, theirs), tenths): ((&str, FilterType), u32),
    executor: &Executor,
) -> Figure {
    let image = picture.downcast_ref::<Image>().expect("pictures are images");
    let (width, height) = (image.width() * tenths / 10, image.height() * tenths / 10);
    let params = json!({ "width": width, "height": height, "filter": filter });
    let step = Operation::new("resize", &params, &[picture]).expect("a step");

    let source = TypedImageRef::<P>::from_buffer(image.width(), image.height(), image.bytes());
    let source = source.expect("samples of this type");
    let mut small = TypedImage::<P>::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(theirs)).use_alpha(false);
    let mut resizer = Resizer::new();
    let [own, direct] = least_in_turn(|| {
        let own = cpu_of(|| drop(step.run(executor).expect("no failure")));
        let direct = cpu_of(|| {
            resizer.resize_typed(&source, &mut small, &options).expect("no failure");
        });
        [own, direct]
    });
    let id = format!("resize/{filter}/0.{tenths}/{name}");
    let figure = Figure::new(id, ratio(own, direct), "× the crate, CPU").reach(1.25);
    Figure { peer: "fast_image_resize", ..figure }
}
