//! Every step through the contract of the engine, on every sample type that it takes.

use std::sync::Arc;

use pipeline_core::testkit::step::Check;
use pipeline_core::{
    ColorSpace, Context, Executor, Graph, Image, In, Mask, Options, RunOptions, SampleType, Step,
};
use pipeline_ops::draw::{ColorMap, ContactSheet, Text};
use pipeline_ops::filter::{
    Bilateral, BoxBlur, Canny, Convolve, DifferenceOfGaussians, GaussianBlur, Laplace,
    LaplacianOfGaussian, LocalStd, Prewitt, Scharr, Sobel, UnsharpMask,
};
use pipeline_ops::geometry::{
    Affine, Crop, Flip, Pad, Perspective, Resize, Rotate, Rotate90, Thumbnail, Translate,
};
use pipeline_ops::io::{Open, Save};
use pipeline_ops::point::{
    AlphaOver, ApplyMask, Arithmetic, Blend, BrightnessContrast, Clahe, Convert, Equalize, FromHsv,
    FromLab, FromLinear, Gain, Gamma, Grayscale, Invert, Levels, Lookup, MergeChannels, Rescale,
    Scalar, ShuffleChannels, SplitChannels, Threshold, ToHsv, ToLab, ToLinear,
};
use pipeline_ops::rank::{Maximum, Median, Minimum, Percentile};
use pipeline_ops::segment::{
    AdaptiveThreshold, Hysteresis, Li, MaskImage, Otsu, PercentileThreshold, Sauvola, Triangle, Yen,
};
use serde_json::{Value as Json, json};

use crate::support::{filled, registry, shipped};

const TYPES: [SampleType; 3] = [SampleType::U8, SampleType::U16, SampleType::F32];

/// Enough for the contract and not a multiple of anything.
const SIZE: (u32, u32) = (23, 17);

/// Fewer cancels than usual, because the steps share their loops. Levels, other samples and the
/// corner of a crop have the range of the image.
fn contract() -> Check {
    let unbounded = vec!["level", "low", "high", "value", "fill", "offset", "x", "y"];
    Check { cancels: 12, unbounded, ..Check::default() }
}

fn step<S: Step>(params: &Json) -> S {
    serde_json::from_value(params.clone()).unwrap()
}

/// A step of one image with some sets of parameters, on images of these channels.
fn images<S: Step<Input = In<Image>>>(channels: &[u16], params: &[Json]) {
    for (at, params) in (0..).zip(params) {
        for sample in TYPES {
            for &channels in channels {
                let image = filled(SIZE, channels, sample, 7 + at);
                contract().run(&step::<S>(params), In::new(image));
            }
        }
    }
}

fn blend() {
    for (mode, below, above) in [("normal", 3, 4), ("overlay", 4, 4), ("add", 1, 1)] {
        for sample in TYPES {
            let params = json!({ "mode": mode, "opacity": 0.7 });
            let inputs = (filled(SIZE, below, sample, 1), filled(SIZE, above, sample, 2));
            contract().run(&step::<Blend>(&params), (In::new(inputs.0), In::new(inputs.1)));
        }
    }
}

fn contact_sheet() {
    let sheets = [json!({ "background": 0.5 }), json!({ "columns": 3, "width": 9, "gap": 0 })];
    for (sample, params) in TYPES.into_iter().flat_map(|t| sheets.each_ref().map(|p| (t, p))) {
        for channels in [1, 4] {
            let sizes = [SIZE, (5, 30), (31, 2), SIZE];
            let images = sizes.map(|size| In::new(filled(size, channels, sample, 4)));
            contract().run(&step::<ContactSheet>(params), images.into());
        }
    }
}

fn mask() -> In<Mask> {
    let bytes = (0..SIZE.0 * SIZE.1).map(|at| u8::from(at % 7 < 3)).collect();
    In::new(Mask::from_bytes(SIZE.0, SIZE.1, bytes).unwrap())
}

fn mask_image() {
    contract().run(&MaskImage {}, mask());
}

fn apply_mask() {
    for sample in TYPES {
        for channels in [1, 4] {
            let image = In::new(filled(SIZE, channels, sample, 4));
            contract().run(&ApplyMask { fill: 0.25 }, (image, mask()));
        }
    }
}

fn alpha_over() {
    for (x, y, below, above) in [(-4, 3, 3, 4), (9, -2, 4, 4), (2, 1, 1, 1), (500, 0, 1, 2)] {
        for sample in TYPES {
            let inputs = (filled(SIZE, below, sample, 1), filled((11, 13), above, sample, 2));
            let step = AlphaOver { x, y, opacity: 0.7 };
            contract().run(&step, (In::new(inputs.0), In::new(inputs.1)));
        }
    }
}

fn arithmetic() {
    for (operation, scale) in [("add", 1.0), ("divide", 2.5), ("max", -1.5)] {
        for sample in TYPES {
            let params = json!({ "operation": operation, "scale": scale });
            let inputs = [1, 2].map(|seed| In::new(filled(SIZE, 4, sample, seed)));
            contract().run(&step::<Arithmetic>(&params), inputs.into());
        }
    }
}

fn clahe() {
    for sample in [SampleType::U8, SampleType::U16] {
        for (columns, rows) in [(8, 8), (1, 3)] {
            let step = Clahe { columns, rows, clip: 3.0 };
            contract().run(&step, In::new(filled(SIZE, 1, sample, 5)));
        }
    }
}

fn from_lab() {
    for channels in [3, 4] {
        let image = filled(SIZE, channels, SampleType::F32, 8);
        contract().run(&FromLab {}, In::new(image));
    }
}

fn from_linear() {
    for sample in TYPES {
        let image = filled(SIZE, 4, sample, 9).with_color(ColorSpace::LinearSrgb);
        contract().run(&FromLinear {}, In::new(image));
    }
}

fn merge_channels() {
    for sample in TYPES {
        let images = [1, 3].map(|channels| In::new(filled(SIZE, channels, sample, 6)));
        contract().run(&MergeChannels {}, images.into());
    }
}

fn open() {
    for name in ["basn6a08.png", "made-gray-f32.tif", "simple-rgb.webp"] {
        contract().run(&Open::path(shipped("files/good").join(name)), ());
    }
}

fn save() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in [("a.png", SampleType::U16), ("a.tif", SampleType::F32)] {
        let image = filled(SIZE, 4, sample, 3);
        contract().run(&Save::path(folder.path().join(name)), In::new(image));
    }
}

/// Two borders: one that sees the far side and one that has a value of its own.
fn bordered(params: &Json) -> [Json; 2] {
    [json!("wrap"), json!({ "constant": 3.5 })].map(|border| {
        let mut params = params.clone();
        params["border"] = border;
        params
    })
}

const ROWS: [(&str, fn()); 67] = [
    ("adaptive_threshold", || {
        for method in ["mean", "gaussian"] {
            let params = json!({ "method": method, "radius": 3, "offset": 0.01 });
            images::<AdaptiveThreshold>(&[1], &bordered(&params));
        }
    }),
    ("affine", || {
        let params = json!({ "matrix": [1.2, 0.3, -2.0, -0.4, 0.8, 5.0], "width": 31 });
        images::<Affine>(&[1, 4], &bordered(&params));
    }),
    ("alpha_over", alpha_over),
    ("apply_mask", apply_mask),
    ("arithmetic", arithmetic),
    ("bilateral", || {
        let params = json!({ "radius": 2, "sigma_range": 0.4 });
        images::<Bilateral>(&[1, 4], &bordered(&params));
    }),
    ("blend", blend),
    ("box_blur", || images::<BoxBlur>(&[1, 4], &bordered(&json!({ "radius": 3 })))),
    ("brightness_contrast", || {
        images::<BrightnessContrast>(&[2], &[json!({ "brightness": 0.2, "contrast": 1.5 })]);
    }),
    ("canny", || {
        let params = json!({ "sigma": 0.7, "low": 0.05, "high": 0.2 });
        images::<Canny>(&[1], &bordered(&params));
    }),
    ("clahe", clahe),
    ("color_map", || {
        let params = ["gray", "turbo"].map(|p| json!({ "palette": p, "low": 0.25, "high": 90.0 }));
        images::<ColorMap>(&[1, 2], &params);
    }),
    ("contact_sheet", contact_sheet),
    ("convert", || {
        let kinds = ["u8", "u16", "f32"].map(|to| json!({ "to": to, "range": "raw" }));
        images::<Convert>(&[2], &kinds);
    }),
    ("convolve", || {
        let kernel = [[1.0, 0.0, -2.5, 3.0, 1.0], [0.5, 0.0, 1.0, -1.0, 2.0], [0.0; 5]];
        let params = json!({ "kernel": kernel, "divisor": 4.0, "offset": 12.0 });
        images::<Convolve>(&[1, 4], &bordered(&params));
    }),
    ("crop", || images::<Crop>(&[3], &[json!({ "x": 2, "y": 3, "width": 9 })])),
    ("difference_of_gaussians", || {
        let params = json!({ "low_sigma": 0.6, "high_sigma": 1.1 });
        images::<DifferenceOfGaussians>(&[1, 4], &bordered(&params));
    }),
    ("equalize", || images::<Equalize>(&[1, 4], &[json!({})])),
    ("flip", || images::<Flip>(&[3], &["horizontal", "vertical"].map(|a| json!({ "axis": a })))),
    ("from_hsv", || images::<FromHsv>(&[3, 4], &[json!({})])),
    ("from_lab", from_lab),
    ("from_linear", from_linear),
    ("gain", || images::<Gain>(&[2], &[json!({ "factor": 1.7 })])),
    ("gamma", || images::<Gamma>(&[1], &[json!({ "gamma": 2.2 })])),
    ("gaussian_blur", || images::<GaussianBlur>(&[1, 4], &bordered(&json!({ "sigma": 1.2 })))),
    ("grayscale", || images::<Grayscale>(&[1, 3, 4], &[json!({ "luma": "rec709" })])),
    ("hysteresis", || {
        let params = json!({ "low": 0.3, "high": 0.9, "connectivity": "eight" });
        images::<Hysteresis>(&[1], &[params]);
    }),
    ("invert", || images::<Invert>(&[4], &[json!({})])),
    ("laplace", || images::<Laplace>(&[1, 4], &bordered(&json!({})))),
    ("laplacian_of_gaussian", || {
        images::<LaplacianOfGaussian>(&[1, 4], &bordered(&json!({ "sigma": 0.9 })));
    }),
    ("levels", || images::<Levels>(&[3], &[json!({ "in_black": 0.1, "gamma": 0.8 })])),
    ("li", || images::<Li>(&[1], &[json!({})])),
    ("local_std", || images::<LocalStd>(&[1, 4], &bordered(&json!({ "radius": 2 })))),
    ("lookup", || images::<Lookup>(&[2], &[json!({ "table": [0.5, 0.0, 1.0, 0.25] })])),
    ("mask_image", mask_image),
    ("maximum", || images::<Maximum>(&[1, 4], &bordered(&json!({ "radius": 2 })))),
    ("median", || {
        images::<Median>(&[1, 4], &bordered(&json!({ "radius": 1 })));
        images::<Median>(&[1], &[json!({ "radius": 3 })]);
    }),
    ("merge_channels", merge_channels),
    ("minimum", || images::<Minimum>(&[1, 4], &bordered(&json!({ "radius": 5 })))),
    ("open", open),
    ("otsu", || images::<Otsu>(&[1], &[json!({})])),
    ("pad", || {
        let params = json!({ "left": 3, "top": 40, "right": 1 });
        images::<Pad>(&[1, 4], &bordered(&params));
    }),
    ("percentile", || {
        let params = json!({ "radius": 1, "percentile": 20.0 });
        images::<Percentile>(&[1, 4], &bordered(&params));
    }),
    ("percentile_threshold", || {
        images::<PercentileThreshold>(&[1], &[json!({ "percentile": 35.5 })]);
    }),
    ("perspective", || {
        let corners = [[-2.0, 3.0], [20.0, 1.0], [26.0, 15.0], [1.0, 19.0]];
        let params = json!({ "corners": corners, "filter": "catmull_rom" });
        images::<Perspective>(&[2, 3], &bordered(&params));
    }),
    ("prewitt", || images::<Prewitt>(&[1, 4], &bordered(&json!({})))),
    ("rescale", || images::<Rescale>(&[1, 4], &[json!({ "low": 1.0, "high": 98.5 })])),
    ("resize", || {
        let filters = ["nearest", "lanczos3", "area"];
        let smaller = filters.map(|filter| json!({ "width": 11, "filter": filter }));
        images::<Resize>(&[1, 4], &smaller);
        images::<Resize>(&[3], &[json!({ "width": 40, "height": 9, "filter": "bilinear" })]);
        images::<Resize>(&[2, 3], &[json!({ "width": 11, "mixing": "light" })]);
    }),
    ("rotate", || {
        for filter in ["nearest", "bilinear", "catmull_rom"] {
            let params = json!({ "angle": 35.5, "canvas": "expand", "filter": filter });
            images::<Rotate>(&[3, 4], &bordered(&params));
        }
    }),
    ("rotate90", || images::<Rotate90>(&[3], &["90", "180", "270"].map(|t| json!({ "turn": t })))),
    ("sauvola", || images::<Sauvola>(&[1], &bordered(&json!({ "radius": 3, "k": 0.4 })))),
    ("save", save),
    ("scalar", || {
        let kinds = [("divide", 1.7), ("difference", 0.6)];
        let params = kinds.map(|(kind, value)| json!({ "operation": kind, "value": value }));
        images::<Scalar>(&[1, 4], &params);
    }),
    ("scharr", || images::<Scharr>(&[1, 4], &bordered(&json!({ "output": "y" })))),
    ("shuffle_channels", || {
        images::<ShuffleChannels>(&[4], &[json!({ "channels": [1] })]);
        images::<ShuffleChannels>(&[3], &[json!({ "channels": [2, 0, 0, 1] }), json!({})]);
    }),
    ("sobel", || {
        images::<Sobel>(
            &[1, 4],
            &["magnitude", "x", "y"].map(|output| json!({ "output": output })),
        );
    }),
    ("split_channels", || images::<SplitChannels>(&[3, 4], &[json!({})])),
    ("text", || {
        let params = json!({
            "text": "ab\nÅ°€", "x": -2, "y": 3, "scale": 2, "color": [1.0, 0.5, 0.0], "opacity": 0.7,
        });
        images::<Text>(&[1, 2, 3, 4], &[params]);
    }),
    ("threshold", || images::<Threshold>(&[1], &[json!({ "level": 0.5 })])),
    ("thumbnail", || {
        let framings = ["fit", "shrink", "fill"];
        let small = framings.map(|f| json!({ "width": 15, "height": 6, "framing": f }));
        images::<Thumbnail>(&[1, 4], &small);
        images::<Thumbnail>(&[3], &[json!({ "width": 41, "height": 40, "mixing": "light" })]);
    }),
    ("to_hsv", || images::<ToHsv>(&[3, 4], &[json!({})])),
    ("to_lab", || images::<ToLab>(&[3, 4], &[json!({})])),
    ("to_linear", || images::<ToLinear>(&[1, 4], &[json!({})])),
    ("translate", || {
        images::<Translate>(&[1, 4], &bordered(&json!({ "x": -3.0, "y": 5.0 })));
        images::<Translate>(&[3], &bordered(&json!({ "x": 30.5, "y": 0.25 })));
    }),
    ("triangle", || images::<Triangle>(&[1], &[json!({})])),
    ("unsharp_mask", || {
        images::<UnsharpMask>(&[1, 4], &bordered(&json!({ "sigma": 0.8, "threshold": 0.05 })));
    }),
    ("yen", || images::<Yen>(&[1], &[json!({})])),
];

#[test]
fn every_step_keeps_the_contract() {
    let mut names: Vec<_> = registry().iter().map(|step| step.name).collect();
    let mut checked: Vec<_> = ROWS.iter().map(|&(name, _)| name).collect();
    names.sort_unstable();
    checked.sort_unstable();
    assert_eq!(checked, names, "one row for each step");
    for (_, check) in ROWS {
        check();
    }
}

#[test]
fn any_threads_and_any_budget_give_the_same_picture() {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path(shipped("files/exif/6.jpg")), ());
    // Large enough for many bands.
    let large = graph.add("large", Resize::to(640, 430), photo);
    let small = graph.add("small", step::<Median>(&json!({ "radius": 2 })), large);
    let soft = graph.add("soft", step::<GaussianBlur>(&json!({ "sigma": 3.5 })), large);
    let sharp = graph.add("sharp", step::<UnsharpMask>(&json!({ "amount": 2.0 })), small);
    let mixed = graph.add("mixed", step::<Blend>(&json!({ "mode": "overlay" })), (sharp, soft));
    let turned = graph.add("turned", Rotate90::default(), mixed);
    let edges = graph.add("edges", Sobel::default(), turned);
    let floats = graph.add("floats", Convert::to(SampleType::F32), edges);
    let mean = graph.add("mean", step::<BoxBlur>(&json!({ "radius": 9 })), floats);
    let gray = graph.add("gray", Grayscale::default(), mean);
    let mask = graph.add("mask", Otsu {}, gray);
    graph.target(mean);
    graph.target(mask);

    let mut first: Option<(Image, Mask)> = None;
    for threads in [1, 2, 4] {
        for budget in [None, Some(4 << 20), Some(1)] {
            let executor = Executor::new(Options { threads: Some(threads), ..Options::default() });
            let options = RunOptions { budget, ..RunOptions::default() };
            let report = executor.unwrap().run(&graph, &options).unwrap();
            let image = report.output(mean).unwrap().into_owned();
            let found = (image, report.output(mask).unwrap().into_owned());
            let first = first.get_or_insert(found.clone());
            assert!(first == &found, "{threads} threads, {budget:?} bytes");
        }
    }
}

#[test]
fn a_profile_stays_until_the_colours_change_their_meaning() {
    let icc: Arc<[u8]> = Arc::from(&b"................RGB ............"[..]);
    let photo = filled(SIZE, 3, SampleType::U8, 5).with_icc(Some(Arc::clone(&icc)));
    let ctx = Context::default();
    let input = || In::new(photo.clone());
    let kept = [
        Gain { factor: 2.0 }.run(input(), &ctx),
        GaussianBlur::default().run(input(), &ctx),
        Resize::to(9, 9).run(input(), &ctx),
        Crop { x: 3, ..Crop::default() }.run(input(), &ctx),
        Rotate90::default().run(input(), &ctx),
        Rotate::by(3.0).run(input(), &ctx),
        Sobel::default().run(input(), &ctx),
    ];
    for image in kept {
        assert_eq!(image.unwrap().icc(), Some(&icc));
    }
    let derivative = step::<Sobel>(&json!({ "output": "x" })).run(input(), &ctx).unwrap();
    assert_eq!(derivative.layout().color, ColorSpace::Data);
    assert!(derivative.icc().is_none(), "a profile on numbers that are no colours");
    let gray = Grayscale::default().run(input(), &ctx).unwrap();
    assert!(gray.icc().is_none(), "a profile for RGB on gray");
}
