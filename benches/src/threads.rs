//! How much faster single operations are on two threads than on one.

use std::time::Duration;

use pipeline_core::data::Value;
use pipeline_core::{Executor, Options};

use crate::clock::{cpu_of, least_in_turn, wall_of};
use crate::figure::{Figure, ratio};
use crate::operation::Operation;
use crate::pictures::Pictures;

/// How much faster two threads are to be.
const FASTER: f64 = 1.8;

/// What an operation is measured on.
type Picture = fn(&Pictures) -> Vec<&Value>;

const COLOR: Picture = |of| vec![&of.color];
const GRAY: Picture = |of| vec![&of.gray];
const FLOATS: Picture = |of| vec![&of.floats];
const LINEAR: Picture = |of| vec![&of.linear];
const HSV: Picture = |of| vec![&of.hsv];
const LAB: Picture = |of| vec![&of.lab];
const ALPHA: Picture = |of| vec![&of.alpha];
const PLANES: Picture = |of| of.planes.iter().collect();
const COLORS: Picture = |of| vec![&of.color, &of.other];
const DEEP: Picture = |of| vec![&of.deep];
const MASK: Picture = |of| vec![&of.mask];
const OBJECTS: Picture = |of| vec![&of.labels, &of.gray];
const COLOR_AND_MASK: Picture = |of| vec![&of.color, &of.mask];

/// A board seen from one side.
const CORNERS: &str = r#"{"corners": [[600, 400], [5500, 100], [5900, 3800], [200, 3500]]}"#;

/// On 24 megapixels and on 4: a name, the step, its parameters, and what it takes.
const BYTES: &[(&str, &str, &str, Picture)] = &[
    ("gain", "gain", r#"{"factor": 1.2}"#, COLOR),
    ("levels", "levels", r#"{"in_black": 0.1, "in_white": 0.9}"#, COLOR),
    ("brightness_contrast", "brightness_contrast", r#"{"brightness": 0.1}"#, COLOR),
    ("scalar", "scalar", r#"{"value": 20.0}"#, COLOR),
    ("invert", "invert", "{}", COLOR),
    ("lookup", "lookup", r#"{"table": [0.0, 0.6, 1.0]}"#, COLOR),
    ("gamma", "gamma", r#"{"gamma": 2.2}"#, COLOR),
    ("to_linear", "to_linear", "{}", COLOR),
    ("from_linear", "from_linear", "{}", LINEAR),
    ("convert", "convert", r#"{"to": "u16"}"#, COLOR),
    ("arithmetic", "arithmetic", "{}", COLORS),
    ("blend", "blend", r#"{"opacity": 0.5}"#, COLORS),
    ("alpha_over", "alpha_over", "{}", ALPHA),
    ("apply_mask", "apply_mask", "{}", COLOR_AND_MASK),
    ("equalize", "equalize", "{}", GRAY),
    ("clahe", "clahe", "{}", GRAY),
    ("rescale", "rescale", "{}", COLOR),
    ("threshold", "threshold", "{}", GRAY),
    ("grayscale", "grayscale", "{}", COLOR),
    ("to_hsv", "to_hsv", "{}", COLOR),
    ("from_hsv", "from_hsv", "{}", HSV),
    ("to_lab", "to_lab", "{}", COLOR),
    ("convert_profile", "convert_profile", r#"{"to": "display_p3"}"#, COLOR),
    ("split_channels", "split_channels", "{}", COLOR),
    ("merge_channels", "merge_channels", "{}", PLANES),
    ("shuffle_channels", "shuffle_channels", "{}", COLOR),
    ("crop", "crop", r#"{"x": 10, "y": 10}"#, COLOR),
    ("pad", "pad", r#"{"left": 50, "top": 50, "right": 50, "bottom": 50}"#, COLOR),
    ("flip", "flip", "{}", COLOR),
    ("rotate90", "rotate90", "{}", COLOR),
    ("rotate_17", "rotate", r#"{"angle": 17.0}"#, COLOR),
    ("translate", "translate", r#"{"x": 10.5, "y": 20.5}"#, COLOR),
    ("affine", "affine", r#"{"matrix": [0.9, 0.1, 0.0, -0.1, 0.9, 0.0]}"#, COLOR),
    ("perspective", "perspective", CORNERS, COLOR),
    ("resize_area", "resize", r#"{"width": 3000, "filter": "area"}"#, COLOR),
    ("resize_lanczos", "resize", r#"{"width": 3000}"#, COLOR),
    ("thumbnail", "thumbnail", r#"{"width": 512, "height": 512}"#, COLOR),
    ("gaussian_2", "gaussian_blur", r#"{"sigma": 2.0}"#, COLOR),
    ("gaussian_20", "gaussian_blur", r#"{"sigma": 20.0}"#, COLOR),
    ("box_5", "box_blur", r#"{"radius": 2}"#, COLOR),
    ("box_41", "box_blur", r#"{"radius": 20}"#, COLOR),
    ("local_std_5", "local_std", r#"{"radius": 2}"#, COLOR),
    ("log_std_3", "log_std", "{}", GRAY),
    ("unsharp_mask", "unsharp_mask", "{}", COLOR),
    ("convolve", "convolve", r#"{"kernel": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]}"#, COLOR),
    ("laplace", "laplace", "{}", COLOR),
    ("laplacian_of_gaussian", "laplacian_of_gaussian", "{}", COLOR),
    ("difference_of_gaussians", "difference_of_gaussians", "{}", COLOR),
    ("sobel", "sobel", "{}", COLOR),
    ("scharr", "scharr", "{}", COLOR),
    ("prewitt", "prewitt", "{}", COLOR),
    ("bilateral_9", "bilateral", r#"{"radius": 4}"#, COLOR),
    ("canny", "canny", "{}", GRAY),
    ("median_3", "median", r#"{"radius": 1}"#, COLOR),
    ("median_5", "median", r#"{"radius": 2}"#, COLOR),
    ("median_21", "median", r#"{"radius": 10}"#, COLOR),
    ("percentile_5", "percentile", r#"{"radius": 2, "percentile": 20.0}"#, COLOR),
    ("minimum_5", "minimum", r#"{"radius": 2}"#, COLOR),
    ("maximum_5", "maximum", r#"{"radius": 2}"#, COLOR),
    ("erode_5", "erode", r#"{"radius": 2}"#, COLOR),
    ("erode_41", "erode", r#"{"radius": 20}"#, COLOR),
    ("dilate_5", "dilate", r#"{"radius": 2}"#, COLOR),
    ("opening_11", "opening", r#"{"radius": 5}"#, COLOR),
    ("closing_11", "closing", r#"{"radius": 5}"#, COLOR),
    ("top_hat_11", "top_hat", r#"{"radius": 5}"#, COLOR),
    ("black_hat_11", "black_hat", r#"{"radius": 5}"#, COLOR),
    ("erode_mask_5", "erode_mask", r#"{"radius": 2}"#, MASK),
    ("dilate_mask_5", "dilate_mask", r#"{"radius": 2}"#, MASK),
    ("opening_mask_5", "opening_mask", r#"{"radius": 2}"#, MASK),
    ("closing_mask_5", "closing_mask", r#"{"radius": 2}"#, MASK),
    ("top_hat_mask_5", "top_hat_mask", r#"{"radius": 2}"#, MASK),
    ("black_hat_mask_5", "black_hat_mask", r#"{"radius": 2}"#, MASK),
    ("fill_holes", "fill_holes", "{}", MASK),
    ("remove_small_objects", "remove_small_objects", "{}", MASK),
    ("remove_small_holes", "remove_small_holes", "{}", MASK),
    ("clear_border", "clear_border", "{}", MASK),
    ("distance_transform", "distance_transform", "{}", MASK),
    ("skeleton", "skeleton", "{}", MASK),
    ("otsu", "otsu", "{}", GRAY),
    ("triangle", "triangle", "{}", GRAY),
    ("li", "li", "{}", GRAY),
    ("yen", "yen", "{}", GRAY),
    ("mode_threshold", "mode_threshold", "{}", GRAY),
    ("percentile_threshold", "percentile_threshold", "{}", GRAY),
    ("adaptive_threshold", "adaptive_threshold", "{}", GRAY),
    ("sauvola", "sauvola", "{}", GRAY),
    ("hysteresis", "hysteresis", "{}", GRAY),
    ("connected_components", "connected_components", "{}", MASK),
    ("watershed", "watershed", "{}", OBJECTS),
    ("relabel", "relabel", "{}", OBJECTS),
    ("expand_labels", "expand_labels", r#"{"distance": 10.0}"#, OBJECTS),
    ("label_image", "label_image", "{}", OBJECTS),
    ("mask_image", "mask_image", "{}", MASK),
    ("region_properties", "region_properties", "{}", OBJECTS),
    ("cell_features", "cell_features", "{}", OBJECTS),
    ("cell_sums", "cell_sums", "{}", OBJECTS),
    ("segment_cells", "segment_cells", "{}", GRAY),
    ("background", "background", "{}", GRAY),
    ("histogram", "histogram", "{}", COLOR),
    ("statistics", "statistics", "{}", COLOR),
    ("psnr", "psnr", "{}", COLORS),
    ("ssim", "ssim", "{}", COLORS),
    ("color_labels", "color_labels", "{}", OBJECTS),
    ("outline_labels", "outline_labels", "{}", OBJECTS),
    ("color_map", "color_map", "{}", GRAY),
    ("contact_sheet", "contact_sheet", "{}", COLORS),
    ("text", "text", r#"{"text": "From first light to last", "scale": 8}"#, COLOR),
];

/// On 4 megapixels of other samples.
const WIDE: &[(&str, &str, &str, Picture)] = &[
    ("from_lab_f32", "from_lab", "{}", LAB),
    ("gamma_u16", "gamma", r#"{"gamma": 2.2}"#, DEEP),
    ("gamma_f32", "gamma", r#"{"gamma": 2.2}"#, FLOATS),
    ("gaussian_2_u16", "gaussian_blur", r#"{"sigma": 2.0}"#, DEEP),
    ("gaussian_2_f32", "gaussian_blur", r#"{"sigma": 2.0}"#, FLOATS),
    ("box_41_u16", "box_blur", r#"{"radius": 20}"#, DEEP),
    ("box_41_f32", "box_blur", r#"{"radius": 20}"#, FLOATS),
    ("median_5_u16", "median", r#"{"radius": 2}"#, DEEP),
    ("median_5_f32", "median", r#"{"radius": 2}"#, FLOATS),
    ("erode_41_u16", "erode", r#"{"radius": 20}"#, DEEP),
    ("erode_41_f32", "erode", r#"{"radius": 20}"#, FLOATS),
    ("resize_lanczos_u16", "resize", r#"{"width": 1250}"#, DEEP),
    ("resize_lanczos_f32", "resize", r#"{"width": 1250}"#, FLOATS),
    ("rotate_17_u16", "rotate", r#"{"angle": 17.0}"#, DEEP),
    ("rotate_17_f32", "rotate", r#"{"angle": 17.0}"#, FLOATS),
    ("otsu_u16", "otsu", "{}", DEEP),
    ("otsu_f32", "otsu", "{}", FLOATS),
    ("clahe_u16", "clahe", "{}", DEEP),
    ("clahe_f32", "clahe", "{}", FLOATS),
    ("statistics_u16", "statistics", "{}", DEEP),
    ("statistics_f32", "statistics", "{}", FLOATS),
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
    let sizes: [(&str, (u32, u32), &[&[_]]); 2] =
        [("24mp", (6000, 4000), &[BYTES]), ("4mp", (2500, 1600), &[BYTES, WIDE])];
    for (size, (width, height), tables) in sizes {
        let pictures = Pictures::new(width, height).expect("memory for a picture");
        for (name, step, params, picture) in tables.concat() {
            let operation = operation(step, params, &picture(&pictures));
            let run = |executor: &Executor| drop(operation.run(executor).expect("no failure"));
            let times = least_in_turn(|| executors.each_ref().map(|own| wall_of(|| run(own))));
            let faster = figure(&format!("{name}/{size}"), times);
            let is_slow = faster.value < FASTER;
            figures.push(faster);
            if is_slow {
                figures.push(busy(&format!("{name}/{size}"), || run(&executors[1])));
            }
        }
    }
    figures
}

fn operation(step: &str, params: &str, values: &[&Value]) -> Operation {
    let params = serde_json::from_str(params).expect("parameters");
    Operation::new(step, &params, values).expect("a step")
}

/// One thread's time divided by that of two.
fn figure(name: &str, [one, two]: [Duration; 2]) -> Figure {
    Figure::new(format!("threads/{name}"), ratio(one, two), "× faster").reach_at_least(FASTER)
}

/// The share of the time of two threads in which they are busy: the median of some runs. Where it
/// is all of it, neither waits for the other.
fn busy(name: &str, run: impl Fn()) -> Figure {
    let mut shares = [(); 9].map(|()| {
        let mut wall = Duration::ZERO;
        let cpu = cpu_of(|| wall = wall_of(&run));
        ratio(cpu, 2 * wall)
    });
    shares.sort_by(f64::total_cmp);
    Figure::new(format!("threads/{name}/busy"), shares[shares.len() / 2], "of two threads")
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pipeline_core::Registry;

    use super::*;

    /// Files and tables of cells are measured elsewhere, and a name takes no time.
    const WITHOUT: [&str; 16] = [
        "open",
        "save",
        "save_plot",
        "save_table",
        "save_traces",
        "frame",
        "open_stack",
        "save_frame",
        "saved_stack",
        "track_image",
        "draw_tracks",
        "label_overlaps",
        "link",
        "traces",
        "tracking_scores",
        "assign_color_space",
    ];

    #[test]
    fn every_operation_is_measured_but_files() {
        let mut registry = Registry::new();
        pipeline_ops::register(&mut registry).expect("every step once");
        let all: BTreeSet<_> = registry.iter().map(|kind| kind.name).collect();
        let measured = BYTES.iter().chain(WIDE).map(|(_, step, ..)| *step);
        let measured: BTreeSet<_> = measured.chain(WITHOUT.iter().copied()).collect();
        assert_eq!(measured, all);
    }

    #[test]
    fn every_operation_runs_on_what_it_takes() {
        let pictures = Pictures::new(60, 40).expect("memory for a picture");
        let executor = Executor::new(Options::default()).expect("a pool");
        for (name, step, params, picture) in BYTES.iter().chain(WIDE) {
            operation(step, params, &picture(&pictures))
                .run(&executor)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}
