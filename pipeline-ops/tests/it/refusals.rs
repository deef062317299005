//! What the steps refuse, in which words.

use pipeline_core::{
    Bindings, ColorSpace, Error, Executor, Graph, Image, Options, Registry, RunOptions,
};
use pipeline_ops::geometry::Resize;
use pipeline_ops::io::Open;
use serde_json::{Value as Json, json};

use crate::steps::run;
use crate::support::registry;

fn picture(width: u32, height: u32, channels: u16) -> Image {
    let len = width as usize * height as usize * usize::from(channels);
    Image::from_samples(width, height, channels, vec![0u8; len]).unwrap()
}

#[track_caller]
fn check(op: &str, params: &Json, inputs: &[Image], expected: &str) {
    let error = run(op, params, inputs).unwrap_err();
    assert!(matches!(error, Error::Input { .. }), "{error:?}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn parameters_out_of_range_are_named_with_their_range() {
    let image = [picture(4, 3, 1)];
    let rows = [
        ("gaussian_blur", json!({ "sigma": -1.5 }), "sigma is -1.5 px, expected 0 to 1000 px"),
        (
            "gaussian_blur",
            json!({ "sigma": 999.0, "truncate": 8.0 }),
            "truncate · sigma is 7992 px, expected 0 to 4096 px",
        ),
        (
            "adaptive_threshold",
            json!({ "radius": 3073 }),
            "radius is 3073 px, expected 0 to 3072 px",
        ),
        ("sauvola", json!({ "k": 1.5 }), "k is 1.5, expected 0 to 1"),
        (
            "sauvola",
            json!({ "deviation": 0.0 }),
            "deviation is 0 of white, expected 0.001 to 1000000 of white",
        ),
        (
            "percentile_threshold",
            json!({ "percentile": 101.0 }),
            "percentile is 101 %, expected 0 to 100 %",
        ),
        ("hysteresis", json!({ "low": 9.0, "high": 8.0 }), "high is 8, expected low, 9, or more"),
        ("erode", json!({ "radius": 5000 }), "radius is 5000 px, expected 0 to 4096 px"),
        ("top_hat", json!({ "radius": 4097 }), "radius is 4097 px, expected 0 to 4096 px"),
        ("median", json!({ "radius": 256 }), "radius is 256 px, expected 0 to 255 px"),
        (
            "percentile",
            json!({ "radius": 4_294_967_295u32 }),
            "radius is 4294967295 px, expected 0 to 255 px",
        ),
        (
            "percentile",
            json!({ "percentile": 100.5 }),
            "percentile is 100.5 %, expected 0 to 100 %",
        ),
        ("minimum", json!({ "radius": 4097 }), "radius is 4097 px, expected 0 to 4096 px"),
        ("maximum", json!({ "radius": 4097 }), "radius is 4097 px, expected 0 to 4096 px"),
        ("box_blur", json!({ "radius": 4_000_000 }), "radius is 4000000 px, expected 0 to 4096 px"),
        (
            "convolve",
            json!({ "kernel": [] }),
            "kernel is of 0 rows, expected an odd number, 1 to 63",
        ),
        (
            "convolve",
            json!({ "kernel": [[1, 2]] }),
            "kernel[0] is of 2 weights, expected an odd number, 1 to 63",
        ),
        (
            "convolve",
            json!({ "kernel": [[1, 2, 1], [1], [1, 2, 1]] }),
            "kernel[1] is of 1 weights, expected 3 as in the first row",
        ),
        (
            "convolve",
            json!({ "kernel": [[1, 2e7, 1]] }),
            "kernel[0][1] is 20000000, expected -1000000 to 1000000",
        ),
        ("convolve", json!({ "divisor": 0 }), "divisor is 0, expected 0.000001 to 1000000"),
        (
            "difference_of_gaussians",
            json!({ "low_sigma": 2.0, "high_sigma": 1.0 }),
            "high_sigma is 1 px, expected at least low_sigma, 2 px",
        ),
        ("laplacian_of_gaussian", json!({ "sigma": 0 }), "sigma is 0 px, expected 0.1 to 1000 px"),
        ("bilateral", json!({ "radius": 33 }), "radius is 33 px, expected 0 to 32 px"),
        (
            "bilateral",
            json!({ "sigma_range": 0 }),
            "sigma_range is 0, expected 0.000001 to 1000000",
        ),
        ("canny", json!({ "low": 2.0, "high": 1.0 }), "high is 1, expected at least low, 2"),
        ("canny", json!({ "low": -1.0 }), "low is -1, expected 0 to 1000000"),
        ("canny", json!({ "sigma": 1001.0 }), "sigma is 1001 px, expected 0 to 1000 px"),
        ("local_std", json!({ "radius": 9999 }), "radius is 9999 px, expected 0 to 4096 px"),
        ("log_std", json!({ "radius": 0 }), "radius is 0 px, expected 1 to 4096 px"),
        ("background", json!({ "tile": 7 }), "tile is 7 px, expected 8 to 4096 px"),
        ("background", json!({ "grow": 5000 }), "grow is 5000 px, expected 0 to 4096 px"),
        ("background", json!({ "stiffness": -1.0 }), "stiffness is -1, expected 0 to 1000000"),
        ("mode_threshold", json!({ "bins": 1 }), "bins is 1, expected 2 to 65536"),
        ("mode_threshold", json!({ "deviations": -1.0 }), "deviations is -1, expected 0 to 1000"),
        (
            "resize",
            json!({ "height": 1_048_576 }),
            "the width that follows from `height` is 1398101 px, expected 1 to 1048576 px",
        ),
        (
            "perspective",
            json!({ "corners": [[-1e6, 0.0], [1e6, 0.0], [1e6, 3.0], [-1e6, 3.0]] }),
            "the width that follows from `corners` is 2000000 px, expected 1 to 1048576 px",
        ),
        ("resize", json!({ "width": 0 }), "width is 0 px, expected 1 to 1048576 px"),
        ("clahe", json!({ "columns": 33 }), "columns is 33 tiles, expected 1 to 32 tiles"),
        ("gain", json!({ "factor": -1.0 }), "factor is -1, expected 0 to 64"),
        (
            "brightness_contrast",
            json!({ "brightness": 2.0 }),
            "brightness is 2 of white, expected -1 to 1 of white",
        ),
        (
            "scalar",
            json!({ "operation": "divide" }),
            "value is 0, expected a number other than 0 to divide by",
        ),
        ("rescale", json!({ "low": -2.0 }), "low is -2 %, expected 0 to 100 %"),
        (
            "rescale",
            json!({ "low": 60.0, "high": 60.0 }),
            "high is 60 %, expected more than low, 60 %",
        ),
        (
            "lookup",
            json!({ "table": [0.5] }),
            "table is 1 entries long, expected 2 to 65536 entries",
        ),
        (
            "lookup",
            json!({ "table": [0.5, 1.5] }),
            "table[1] is 1.5 of white, expected 0 to 1 of white",
        ),
        (
            "shuffle_channels",
            json!({ "channels": [] }),
            "channels is a list of 0, expected 1 to 1024 channels",
        ),
        (
            "shuffle_channels",
            json!({ "channels": [0, 3] }),
            "channels[1] is 3, expected 0 to 0, a channel of the image",
        ),
        (
            "levels",
            json!({ "in_black": 0.5, "in_white": 0.5 }),
            "in_white is 0.5 of white, expected more than in_black, 0.5 of white",
        ),
        (
            "crop",
            json!({ "x": 3, "width": 2 }),
            "width is 2 px, expected 1 to 1 px, as the image has from x on",
        ),
        (
            "crop",
            json!({ "x": 4_294_967_295u32, "width": 4_294_967_295u32 }),
            "x is 4294967295 px, expected 0 to 3 px, within the image",
        ),
        ("crop", json!({ "y": 9 }), "y is 9 px, expected 0 to 2 px, within the image"),
        ("pad", json!({ "top": 1_048_577 }), "top is 1048577 px, expected 0 to 1048576 px"),
        ("thumbnail", json!({ "height": 0 }), "height is 0 px, expected 1 to 1048576 px"),
        (
            "thumbnail",
            json!({ "width": 1, "height": 1_000_000, "framing": "fill" }),
            "the width that covers the box is 1333333 px, expected 1 to 1048576 px",
        ),
        ("translate", json!({ "y": -2e6 }), "y is -2000000 px, expected -1000000 to 1000000 px"),
        ("rotate", json!({ "angle": 361.0 }), "angle is 361 degrees, expected -360 to 360 degrees"),
        ("affine", json!({ "width": 0 }), "width is 0 px, expected 1 to 1048576 px"),
        (
            "affine",
            json!({ "matrix": [1.0, 0.0, 0.0, 1e7, 1.0, 0.0] }),
            "matrix[3] is 10000000, expected -1000000 to 1000000",
        ),
        (
            "affine",
            json!({ "matrix": [1.0, 2.0, 0.0, 2.0, 4.0, 0.0] }),
            "matrix is [1.0, 2.0, 0.0, 2.0, 4.0, 0.0], expected one with an inverse of entries \
             up to 1000000",
        ),
        (
            "perspective",
            json!({ "corners": [[0.0, 0.0], [4.0, 3.0], [4.0, 0.0], [0.0, 3.0]] }),
            "corners is [[0.0, 0.0], [4.0, 3.0], [4.0, 0.0], [0.0, 3.0]], expected those of a \
             convex quadrilateral, one after the other",
        ),
        (
            "perspective",
            json!({ "corners": [[0.0, 0.0], [4.0, 0.0], [4.0, 3e6], [0.0, 3.0]] }),
            "corners[2][1] is 3000000 px, expected -1000000 to 1000000 px",
        ),
        (
            "contact_sheet",
            json!({ "columns": 0 }),
            "columns is 0 images, expected 1 to 4096 images",
        ),
        ("contact_sheet", json!({ "gap": 5000 }), "gap is 5000 px, expected 0 to 4096 px"),
        ("color_map", json!({ "low": 9.0, "high": 9.0 }), "high is 9, expected more than low, 9"),
        ("color_map", json!({ "low": 300.0 }), "low is 300, expected less than high, which is 255"),
        ("text", json!({ "scale": 65 }), "scale is 65 px, expected 1 to 64 px"),
        ("text", json!({ "color": [0, 2, 0] }), "color[1] is 2, expected 0 to 1"),
        (
            "text",
            json!({ "text": "é".repeat(4097) }),
            "text is 4097 characters long, expected up to 4096 characters",
        ),
    ];
    for (op, params, expected) in rows {
        check(op, &params, &image, expected);
    }
}

#[test]
fn an_image_of_a_terabyte_is_an_error_with_its_size_and_the_limit() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let huge = graph.add("huge", Resize::to(1 << 20, 1 << 20), photo);
    graph.target(huge);
    let bindings = Bindings::new().with("photo", picture(4, 3, 1));
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() }).unwrap();
    let report = executor.run(&graph, &RunOptions { bindings, ..RunOptions::default() }).unwrap();
    let error = report.ok().unwrap_err();
    let Error::Node { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(&*source, Error::TooLarge { .. }), "{source:?}");
    assert_eq!(
        source.to_string(),
        "an image of 1048576×1048576×1 u8 needs 1099511627776 bytes, allowed are 17179869184"
    );
}

#[test]
fn inputs_that_do_not_fit_are_named_with_what_would() {
    check(
        "otsu",
        &json!({}),
        &[picture(4, 3, 3)],
        "the image is 4×3×3 u8, expected one channel; put a `grayscale` step before",
    );
    check(
        "otsu",
        &json!({}),
        &[picture(4, 3, 2)],
        "the image is 4×3×2 u8, expected one channel; put a `shuffle_channels` step with one \
         of them before",
    );
    check(
        "otsu",
        &json!({}),
        &[picture(4, 3, 4)],
        "the image is 4×3×4 u8, expected one channel; put a `grayscale` step before, and \
         behind that `shuffle_channels` with channel 0 alone, which drops alpha",
    );
    check(
        "grayscale",
        &json!({}),
        &[picture(4, 3, 5)],
        "the image is 4×3×5 u8, expected gray or RGB, with or without alpha",
    );
    check(
        "blend",
        &json!({}),
        &[picture(4, 3, 3), picture(4, 2, 3)],
        "`top` is 4×2, expected 4×3 as `bottom`",
    );
    check(
        "blend",
        &json!({}),
        &[picture(4, 3, 3), picture(4, 3, 1)],
        "`top` is 4×3×1 u8, expected 3 colours as `bottom`",
    );
    check("contact_sheet", &json!({}), &[], "`in` is no image, expected one or more");
    check(
        "contact_sheet",
        &json!({}),
        &[picture(4, 3, 3), picture(9, 9, 3), picture(4, 3, 1)],
        "`in[2]` is 4×3×1 u8 of Srgb samples, expected 3 channels of u8, Srgb, as the first",
    );
    check(
        "color_map",
        &json!({}),
        &[picture(4, 3, 3)],
        "the image is 4×3×3 u8, expected gray, with or without alpha; put a `grayscale` step before",
    );
    let floats = Image::from_samples(4, 3, 3, vec![0f32; 36]).unwrap();
    check(
        "blend",
        &json!({}),
        &[picture(4, 3, 3), floats],
        "`top` is 4×3×3 f32, expected u8 as `bottom`; put a `convert` step before",
    );
    check(
        "arithmetic",
        &json!({}),
        &[picture(4, 3, 3), picture(4, 3, 1)],
        "`b` is 4×3×1 u8, expected 3 channels as `a`",
    );
    check(
        "apply_mask",
        &json!({}),
        &[picture(4, 3, 3), picture(3, 4, 1)],
        "`mask` is 3×4, expected 4×3 as `in`",
    );
    check(
        "split_channels",
        &json!({}),
        &[picture(4, 3, 2)],
        "the image is 4×3×2 u8, expected RGB, with or without alpha",
    );
    check(
        "alpha_over",
        &json!({}),
        &[picture(4, 3, 3), picture(9, 9, 2)],
        "`top` is 9×9×2 u8, expected 3 colours as `bottom`",
    );
    check(
        "to_hsv",
        &json!({}),
        &[picture(4, 3, 1)],
        "the image is 4×3×1 u8, expected 3 channels, or 4",
    );
    check(
        "from_lab",
        &json!({}),
        &[picture(4, 3, 3).with_color(ColorSpace::Lab)],
        "the image is 4×3×3 u8, expected f32, as `to_lab` makes it",
    );
    check(
        "to_lab",
        &json!({}),
        &[picture(4, 3, 3).with_color(ColorSpace::LinearSrgb)],
        "the colour space is LinearSrgb, expected Srgb; put a `from_linear` step before",
    );
    for (op, color, expected) in [
        ("from_hsv", ColorSpace::Lab, "Hsv as `to_hsv` makes it, or Data"),
        ("from_lab", ColorSpace::Hsv, "Lab as `to_lab` makes it, or Data"),
        ("from_lab", ColorSpace::LinearSrgb, "Lab as `to_lab` makes it, or Data"),
        ("to_hsv", ColorSpace::Hsv, "Srgb; put a `from_hsv` step before"),
        ("to_hsv", ColorSpace::Lab, "Srgb; put a `from_lab` step before"),
    ] {
        let text = format!("the colour space is {color:?}, expected {expected}");
        check(op, &json!({}), &[picture(4, 3, 3).with_color(color)], &text);
    }
    check(
        "to_linear",
        &json!({}),
        &[picture(4, 3, 3).with_color(ColorSpace::Data)],
        "the colour space is Data, expected Srgb",
    );
    check("merge_channels", &json!({}), &[], "the number of images is 0, expected at least one");
    check(
        "merge_channels",
        &json!({}),
        &[picture(4, 3, 1), picture(4, 2, 1)],
        "`in[1]` is 4×2, expected 4×3 as `in[0]`",
    );
}

#[test]
fn images_in_two_colour_spaces_are_refused_with_the_step_that_helps() {
    let inside = |color| picture(8, 8, 3).with_color(color);
    let rows = [
        ("blend", "`top`", "`bottom`"),
        ("alpha_over", "`top`", "`bottom`"),
        ("arithmetic", "`b`", "`a`"),
        ("merge_channels", "`in[1]`", "`in[0]`"),
        ("psnr", "`reference`", "`in`"),
        ("ssim", "`reference`", "`in`"),
    ];
    let ways = [
        (ColorSpace::Srgb, ColorSpace::LinearSrgb, "; put a `from_linear` step before"),
        (ColorSpace::LinearSrgb, ColorSpace::Srgb, "; put a `to_linear` step before"),
        (ColorSpace::Hsv, ColorSpace::Srgb, "; put a `to_hsv` step before"),
        (ColorSpace::Lab, ColorSpace::Srgb, "; put a `to_lab` step before"),
        (ColorSpace::Srgb, ColorSpace::Lab, "; put a `from_lab` step before"),
        (ColorSpace::Lab, ColorSpace::Hsv, ""),
    ];
    for (op, name, first_name) in rows {
        for (first, second, before) in ways {
            let expected = format!(
                "the colour space of {name} is {second:?}, expected {first:?} as {first_name}{before}"
            );
            check(op, &json!({}), &[inside(first), inside(second)], &expected);
        }
        for color in [ColorSpace::Srgb, ColorSpace::LinearSrgb, ColorSpace::Hsv, ColorSpace::Lab] {
            for pair in [[color, ColorSpace::Data], [ColorSpace::Data, color], [color, color]] {
                let pair = pair.map(inside);
                run(op, &json!({}), &pair).unwrap();
            }
        }
    }
    // A factor is no colour, nor is opacity.
    let light = [inside(ColorSpace::LinearSrgb), inside(ColorSpace::Srgb)];
    for operation in ["multiply", "divide"] {
        run("arithmetic", &json!({ "operation": operation }), &light).unwrap();
    }
    run("merge_channels", &json!({}), &[inside(ColorSpace::LinearSrgb), picture(8, 8, 1)]).unwrap();
}

#[test]
fn colours_that_are_not_red_green_and_blue_are_not_weighed_and_not_drawn_on() {
    for (color, step) in [(ColorSpace::Hsv, "from_hsv"), (ColorSpace::Lab, "from_lab")] {
        for op in ["grayscale", "text"] {
            let expected = format!(
                "the colour space is {color:?}, expected Srgb, LinearSrgb or Data; put a `{step}` \
                 step before"
            );
            check(op, &json!({}), &[picture(4, 3, 3).with_color(color)], &expected);
            run(op, &json!({}), &[picture(4, 3, 1).with_color(color)]).unwrap();
        }
    }
}

#[test]
fn labels_that_do_not_fit_are_named_with_what_would() {
    let numbers = |samples: Vec<f32>| [Image::from_samples(2, 1, 1, samples).unwrap()];
    check(
        "relabel",
        &json!({}),
        &numbers(vec![1.0, 2.5]),
        "a sample is 2.5, expected a whole number from 0 to 16777216",
    );
    check(
        "relabel",
        &json!({}),
        &numbers(vec![f32::NAN, 0.0]),
        "a sample is NaN, expected a whole number from 0 to 16777216",
    );
    let many = Image::from_samples(300, 1, 1, (0u16..300).collect::<Vec<_>>()).unwrap();
    check(
        "label_image",
        &json!({ "to": "u8" }),
        &[many],
        "the number of objects is 299, expected at most 255 for u8",
    );
    let labels = Image::from_samples(2, 2, 1, vec![0u16; 4]).unwrap();
    check(
        "watershed",
        &json!({}),
        &[picture(3, 2, 1), labels.clone()],
        "`markers` is 2×2, expected 3×2 as `in`",
    );
    check(
        "watershed",
        &json!({}),
        &[picture(2, 2, 1), labels.clone(), picture(1, 2, 1)],
        "`mask` is 1×2, expected 2×2 as `in`",
    );
    check(
        "expand_labels",
        &json!({ "distance": -1.0 }),
        &[labels],
        "distance is -1 px, expected 0 to 1000000 px",
    );
}

#[test]
fn what_has_no_value_to_spread_is_named() {
    let many = picture(2, 2, 5).with_color(ColorSpace::Data);
    check("clahe", &json!({}), &[many], "the image is 2×2×5 u8, expected 1 to 4 channels");
    check(
        "clahe",
        &json!({}),
        &[picture(2, 2, 3).with_color(ColorSpace::Lab)],
        "the colour space is Lab, expected Srgb; put a `from_lab` step before",
    );
}

#[test]
fn what_cannot_be_measured_is_named_with_what_could() {
    let small = picture(5, 9, 1);
    let pair = [small.clone(), small.clone()];
    check("ssim", &json!({}), &pair, "the image is 5×9×1 u8, expected at least 7×7");
    for op in ["psnr", "ssim"] {
        let large = [picture(9, 9, 1), picture(9, 9, 1)];
        check(op, &json!({ "range": 0.0 }), &large, "range is 0, expected more than 0");
        // A file is held to the same.
        let open = |range: f64| {
            let node = json!({ "step": op, "params": { "range": range } });
            let text = json!({ "version": 1, "nodes": { "close": node } }).to_string();
            Graph::from_json(&text, &registry())
        };
        let error = open(0.0).unwrap_err().to_string();
        let expected = "nodes.close.params.range: found 0.0, expected more than 0";
        assert!(error.contains(expected), "{error}");
        assert!(open(1e-9).is_ok());
    }
    check(
        "psnr",
        &json!({}),
        &[small.clone(), picture(5, 9, 3)],
        "`reference` is 5×9×3 u8, expected 5×9×1 u8 as `in`",
    );
    check(
        "histogram",
        &json!({ "low": 9.0, "high": 9.0 }),
        &pair[..1],
        "high is 9, expected more than low, 9",
    );
    check(
        "histogram",
        &json!({ "low": 300.0 }),
        &pair[..1],
        "low is 300, expected less than high, which is 256",
    );
    check("histogram", &json!({ "bins": 0 }), &pair[..1], "bins is 0, expected 1 to 65536");
    check(
        "statistics",
        &json!({}),
        &[small, picture(2, 2, 1)],
        "`mask` is 2×2, expected 5×9 as `in`",
    );
    let labels = Image::from_samples(2, 2, 1, vec![0u16; 4]).unwrap();
    check(
        "region_properties",
        &json!({}),
        &[labels, picture(2, 2, 3)],
        "the image is 2×2×3 u8, expected one channel; put a `grayscale` step before",
    );
}

#[test]
fn parameters_that_are_no_numbers_are_refused() {
    use pipeline_core::{Context, In, Step};
    let step = pipeline_ops::point::Threshold { level: f32::NAN };
    let error = step.run(In::new(picture(2, 2, 1)), &Context::default()).unwrap_err();
    assert_eq!(error.to_string(), "level is not a number, expected a number");
    let step = pipeline_ops::geometry::Rotate::by(f64::NAN);
    let error = step.run(In::new(picture(2, 2, 1)), &Context::default()).unwrap_err();
    assert_eq!(error.to_string(), "angle is NaN degrees, expected -360 to 360 degrees");
    let step = pipeline_ops::point::Scalar { value: f32::INFINITY, ..Default::default() };
    let error = step.run(In::new(picture(2, 2, 1)), &Context::default()).unwrap_err();
    assert_eq!(error.to_string(), "value is inf, expected a finite number");
}

#[test]
fn a_path_that_is_not_given_is_refused_before_anything_runs() {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry).unwrap();
    for step in ["open", "save", "save_table", "save_traces"] {
        let rows = [
            (json!({}), "found nothing, expected text of at least 1 character"),
            (json!({ "path": "" }), "found \"\", expected at least 1 character"),
        ];
        for (params, expected) in rows {
            let node = json!({ "step": step, "params": params });
            let text = json!({ "version": 1, "nodes": { "file": node } }).to_string();
            let error = Graph::from_json(&text, &registry).unwrap_err().to_string();
            assert!(error.contains(&format!("nodes.file.params.path: {expected}")), "{error}");
        }
    }
    let mut graph = Graph::new();
    graph.add("file", Open::default(), ());
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() }).unwrap();
    let error = executor.plan(&graph, &RunOptions::default()).unwrap_err().to_string();
    let expected = "nodes.file.params.path: found \"\", expected at least 1 character";
    assert!(error.contains(expected), "{error}");
}
