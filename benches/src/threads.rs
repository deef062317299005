//! How much faster single operations are on two threads than on one.

use std::time::Duration;

use pipeline_core::data::Value;
use pipeline_core::{Executor, Options};

use crate::clock::{least_in_turn, wall_of};
use crate::figure::{Figure, ratio};
use crate::operation::Operation;
use crate::pictures::Pictures;

/// What an operation is measured on.
type Picture = fn(&Pictures) -> Vec<&Value>;

const COLOR: Picture = |of| vec![&of.color];
const GRAY: Picture = |of| vec![&of.gray];
const FLOATS: Picture = |of| vec![&of.floats];
const MASK: Picture = |of| vec![&of.mask];
const OBJECTS: Picture = |of| vec![&of.labels, &of.gray];

/// On 24 megapixels: a name, the step, its parameters, and what it takes.
const LARGE: &[(&str, &str, &str, Picture)] = &[
    ("gaussian_2", "gaussian_blur", r#"{"sigma": 2.0}"#, COLOR),
    ("gaussian_20", "gaussian_blur", r#"{"sigma": 20.0}"#, COLOR),
    ("box_5", "box_blur", r#"{"radius": 2}"#, COLOR),
    ("box_41", "box_blur", r#"{"radius": 20}"#, COLOR),
    ("local_std_5", "local_std", r#"{"radius": 2}"#, COLOR),
    ("median_3", "median", r#"{"radius": 1}"#, COLOR),
    ("median_5", "median", r#"{"radius": 2}"#, COLOR),
    ("median_21", "median", r#"{"radius": 10}"#, COLOR),
    ("erode_5", "erode", r#"{"radius": 2}"#, COLOR),
    ("erode_41", "erode", r#"{"radius": 20}"#, COLOR),
    ("opening_11", "opening", r#"{"radius": 5}"#, COLOR),
    ("sobel", "sobel", "{}", COLOR),
    ("bilateral_9", "bilateral", r#"{"radius": 4}"#, COLOR),
    ("canny", "canny", "{}", GRAY),
    ("grayscale", "grayscale", "{}", COLOR),
    ("gamma", "gamma", r#"{"gamma": 2.2}"#, COLOR),
    ("to_hsv", "to_hsv", "{}", COLOR),
    ("to_lab", "to_lab", "{}", COLOR),
    ("add", "arithmetic", "{}", COLOR),
    ("equalize", "equalize", "{}", GRAY),
    ("clahe", "clahe", "{}", GRAY),
    ("otsu", "otsu", "{}", GRAY),
    ("threshold", "threshold", "{}", GRAY),
    ("adaptive_threshold", "adaptive_threshold", "{}", GRAY),
    ("hysteresis", "hysteresis", "{}", GRAY),
    ("apply_mask", "apply_mask", "{}", |of| vec![&of.color, &of.mask]),
    ("histogram", "histogram", "{}", COLOR),
    ("statistics", "statistics", "{}", COLOR),
    ("resize_area", "resize", r#"{"width": 3000, "filter": "area"}"#, COLOR),
    ("resize_lanczos", "resize", r#"{"width": 3000}"#, COLOR),
    ("flip", "flip", "{}", COLOR),
    ("rotate90", "rotate90", "{}", COLOR),
    ("rotate_17", "rotate", r#"{"angle": 17.0}"#, COLOR),
    ("erode_mask_5", "erode_mask", r#"{"radius": 2}"#, MASK),
    ("fill_holes", "fill_holes", "{}", MASK),
    ("remove_small_objects", "remove_small_objects", "{}", MASK),
    ("connected_components", "connected_components", "{}", MASK),
    ("region_properties", "region_properties", "{}", OBJECTS),
    ("distance_transform", "distance_transform", "{}", MASK),
    ("expand_labels", "expand_labels", r#"{"distance": 10.0}"#, OBJECTS),
];

/// On 4 megapixels: of floats, or where an operation takes its time.
const SMALL: &[(&str, &str, &str, Picture)] = &[
    ("gaussian_2", "gaussian_blur", r#"{"sigma": 2.0}"#, FLOATS),
    ("box_41", "box_blur", r#"{"radius": 20}"#, FLOATS),
    ("median_5", "median", r#"{"radius": 2}"#, FLOATS),
    ("erode_41", "erode", r#"{"radius": 20}"#, FLOATS),
    ("rotate_17", "rotate", r#"{"angle": 17.0}"#, FLOATS),
    ("skeleton", "skeleton", "{}", MASK),
    ("watershed", "watershed", "{}", OBJECTS),
];

/// All figures.
///
/// # Panics
/// If a step fails.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let executors = [1, 2].map(|threads| {
        Executor::new(Options { threads: Some(threads), ..Options::default() }).expect("a pool")
    });
    let mut figures = vec![figure("copy", copies())];
    for (size, (width, height), operations) in
        [("24mp", (6000, 4000), LARGE), ("4mp", (2500, 1600), SMALL)]
    {
        let pictures = Pictures::new(width, height).expect("memory for a picture");
        for (name, step, params, picture) in operations {
            let params = serde_json::from_str(params).expect("parameters");
            let operation = Operation::new(step, &params, &picture(&pictures)).expect("a step");
            let run = |executor: &Executor| drop(operation.run(executor).expect("no failure"));
            let times = least_in_turn(|| executors.each_ref().map(|own| wall_of(|| run(own))));
            figures.push(figure(&format!("{name}/{size}"), times));
        }
    }
    figures
}

/// One thread's time divided by that of two.
fn figure(name: &str, [one, two]: [Duration; 2]) -> Figure {
    Figure::new(format!("threads/{name}"), ratio(one, two), "× faster").reach_at_least(1.8)
}

/// What memory allows: the bytes of a picture are copied, with nothing else to do.
fn copies() -> [Duration; 2] {
    let from = vec![1u8; 6000 * 4000 * 3];
    let mut to = vec![0u8; from.len()];
    let mut copy = |threads: usize| {
        let part = from.len().div_ceil(threads);
        wall_of(|| {
            std::thread::scope(|scope| {
                for (to, from) in to.chunks_mut(part).zip(from.chunks(part)) {
                    scope.spawn(|| to.copy_from_slice(from));
                }
            });
        })
    };
    least_in_turn(|| [copy(1), copy(2)])
}
