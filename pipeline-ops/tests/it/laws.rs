//! Laws that hold for any image and any parameters.

use pipeline_core::{Context, Image, In, SampleType, Step};
use pipeline_ops::geometry::{Axis, Flip, QuarterTurns, Rotate90};
use pipeline_ops::kernel::{Border, gaussian};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value as Json, json};

use crate::support::{floats, in_tiles, registry, run};

/// Checks a law on `cases` values, the same in every run.
fn law<S: Strategy>(
    cases: u32,
    strategy: &S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(strategy, check).unwrap();
}

fn sample_type() -> impl Strategy<Value = SampleType> {
    prop_oneof![Just(SampleType::U8), Just(SampleType::U16), Just(SampleType::F32)]
}

fn filled(sides: (u32, u32), channels: u16, sample: SampleType, seed: u64) -> Image {
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

fn image(channels: impl Strategy<Value = u16>) -> impl Strategy<Value = Image> {
    (((1u32..24), (1u32..24)), channels, sample_type(), any::<u64>())
        .prop_map(|(sides, channels, sample, seed)| filled(sides, channels, sample, seed))
}

fn border() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!("replicate")),
        Just(json!("reflect")),
        Just(json!("mirror")),
        Just(json!("wrap")),
        (0.0f32..300.0).prop_map(|value| json!({ "constant": value })),
    ]
}

/// A step of one image, by name and parameters.
fn step() -> impl Strategy<Value = (&'static str, Json)> {
    let neighborhood = prop_oneof![
        (0.0f32..4.0, 1.0f32..5.0, border()).prop_map(|(sigma, truncate, border)| {
            let params = json!({ "sigma": sigma, "truncate": truncate, "border": border });
            ("gaussian_blur", params)
        }),
        (0u32..9, border()).prop_map(|(radius, border)| (
            "box_blur",
            json!({ "radius": radius, "border": border })
        )),
        (0u32..5, border())
            .prop_map(|(radius, border)| ("median", json!({ "radius": radius, "border": border }))),
        (0.0f32..2.0, 0.0f32..3.0, 0.0f32..0.2, border()).prop_map(
            |(sigma, amount, threshold, border)| {
                let params = json!({
                    "sigma": sigma, "amount": amount, "threshold": threshold, "border": border,
                });
                ("unsharp_mask", params)
            }
        ),
        (prop_oneof![Just("magnitude"), Just("x"), Just("y")], border())
            .prop_map(|(output, border)| ("sobel", json!({ "output": output, "border": border }))),
    ];
    let filter = prop_oneof![
        Just("nearest"),
        Just("bilinear"),
        Just("catmull_rom"),
        Just("lanczos3"),
        Just("area")
    ];
    let geometry = prop_oneof![
        (1u32..50, 1u32..50, filter).prop_map(|(width, height, filter)| {
            ("resize", json!({ "width": width, "height": height, "filter": filter }))
        }),
        prop_oneof![Just("horizontal"), Just("vertical")]
            .prop_map(|axis| ("flip", json!({ "axis": axis }))),
        prop_oneof![Just("90"), Just("180"), Just("270")]
            .prop_map(|turn| ("rotate90", json!({ "turn": turn }))),
        Just(("crop", json!({ "x": 0, "y": 0, "width": 1, "height": 1 }))),
    ];
    let point = prop_oneof![
        (0.0f32..4.0).prop_map(|factor| ("gain", json!({ "factor": factor }))),
        (0.1f32..4.0).prop_map(|gamma| ("gamma", json!({ "gamma": gamma }))),
        (0.0f32..0.4, 0.5f32..1.0, 0.1f32..4.0).prop_map(|(black, white, gamma)| {
            ("levels", json!({ "in_black": black, "in_white": white, "gamma": gamma }))
        }),
        Just(("invert", json!({}))),
        Just(("grayscale", json!({}))),
        prop_oneof![Just("u8"), Just("u16"), Just("f32")]
            .prop_map(|to| ("convert", json!({ "to": to }))),
    ];
    prop_oneof![3 => neighborhood, 2 => geometry, 1 => point]
}

#[test]
fn any_tiles_give_the_whole_image() {
    let registry = registry();
    let strategy = (image(1u16..=4), step(), (1u32..20, 1u32..20));
    law(1500, &strategy, |(image, (op, params), size)| {
        let step = registry.find(op).unwrap().build(&params).unwrap();
        let inputs = [image];
        let tiles = in_tiles(step.tile().unwrap(), &inputs, size).unwrap();
        let whole = run(op, &params, inputs.clone()).unwrap();
        prop_assert_eq!(tiles.bytes(), whole.bytes());
        Ok(())
    });
}

#[test]
fn blends_of_any_tiles_give_the_whole_image() {
    let registry = registry();
    let modes = ["normal", "multiply", "screen", "overlay", "difference", "add"];
    let strategy = (
        (1u32..20, 1u32..20),
        (1u16..=4, any::<bool>()),
        sample_type(),
        any::<u64>(),
        (0..modes.len(), 0.0f32..=1.0),
    );
    law(300, &strategy, |(sides, (channels, alpha), sample, seed, (mode, opacity))| {
        let colors = channels - u16::from(channels % 2 == 0);
        let inputs = [
            filled(sides, channels, sample, seed),
            filled(sides, colors + u16::from(alpha), sample, seed ^ 99),
        ];
        let params = json!({ "mode": modes[mode], "opacity": opacity });
        let step = registry.find("blend").unwrap().build(&params).unwrap();
        let tiles = in_tiles(step.tile().unwrap(), &inputs, (7, 3)).unwrap();
        let whole = run("blend", &params, inputs.clone()).unwrap();
        prop_assert_eq!(tiles.bytes(), whole.bytes());
        Ok(())
    });
}

#[test]
fn in_place_equals_out_of_place() {
    law(400, &(image(1u16..=4), step()), |(image, (op, params))| {
        let shared = run(op, &params, [image.clone()]).unwrap();
        let owned = run(op, &params, [image]).unwrap();
        prop_assert_eq!(owned.bytes(), shared.bytes());
        Ok(())
    });
}

#[test]
fn parameters_survive_the_file_format() {
    let registry = registry();
    law(300, &step(), |(op, params)| {
        let step = registry.find(op).unwrap().build(&params).unwrap();
        let written = step.params();
        let again = registry.find(op).unwrap().build(&written).unwrap();
        prop_assert_eq!(again.params(), written);
        Ok(())
    });
}

#[test]
fn every_parameter_has_a_default_and_unknown_ones_are_refused() {
    for step in registry().iter() {
        step.build(&json!({})).unwrap();
        assert!(step.build(&json!({ "no_such_parameter": 1 })).is_err(), "{}", step.name);
        assert!(!step.summary().is_empty(), "{}", step.name);
    }
}

#[test]
fn two_flips_and_four_turns_change_nothing() {
    law(100, &image(1u16..=5), |image| {
        let ctx = Context::default();
        for axis in [Axis::Horizontal, Axis::Vertical] {
            let once = Flip { axis }.run(In::new(image.clone()), &ctx).unwrap();
            let twice = Flip { axis }.run(In::new(once), &ctx).unwrap();
            prop_assert_eq!(&twice, &image);
        }
        let turn = Rotate90 { turn: QuarterTurns::One };
        let mut turned = image.clone();
        for _ in 0..4 {
            turned = turn.run(In::new(turned), &ctx).unwrap();
        }
        prop_assert_eq!(&turned, &image);
        let half = Rotate90 { turn: QuarterTurns::Two };
        let other = Rotate90 { turn: QuarterTurns::Three };
        let there = other.run(In::new(turn.run(In::new(image.clone()), &ctx).unwrap()), &ctx);
        prop_assert_eq!(&there.unwrap(), &image);
        let back = half.run(In::new(half.run(In::new(image.clone()), &ctx).unwrap()), &ctx);
        prop_assert_eq!(&back.unwrap(), &image);
        Ok(())
    });
}

/// The border as the reference has it: the image with a place for every coordinate.
fn sample_at(image: &Image, border: Border, (x, y): (i64, i64), channel: usize) -> f64 {
    let column = border.place(x, image.width() as usize);
    let row = border.place(y, image.height() as usize);
    match (column, row, border) {
        (Some(x), Some(y), _) => {
            let at = (y * image.width() as usize + x) * usize::from(image.channels()) + channel;
            f64::from(floats(image)[at])
        }
        (_, _, Border::Constant(value)) => f64::from(value),
        _ => unreachable!("only a constant has no place"),
    }
}

/// The median and the Gaussian mean of every window, taken directly in two dimensions.
fn direct(image: &Image, radius: u32, sigma: f64, border: Border) -> (Vec<f32>, Vec<f64>) {
    let weights: Vec<f64> = gaussian(sigma, radius).into_iter().map(f64::from).collect();
    let reach = i64::from(radius);
    let (mut medians, mut means) = (Vec::new(), Vec::new());
    for y in 0..i64::from(image.height()) {
        for x in 0..i64::from(image.width()) {
            for channel in 0..usize::from(image.channels()) {
                let (mut window, mut mean) = (Vec::new(), 0.0);
                for (j, wy) in (-reach..=reach).zip(&weights) {
                    for (i, wx) in (-reach..=reach).zip(&weights) {
                        let sample = sample_at(image, border, (x + i, y + j), channel);
                        window.push(sample as f32);
                        mean += wx * wy * sample;
                    }
                }
                window.sort_by(f32::total_cmp);
                medians.push(window[window.len() / 2]);
                means.push(mean);
            }
        }
    }
    (medians, means)
}

#[test]
fn separable_and_sliding_equal_direct() {
    let sides = (1u32..7, 1u32..7);
    let border = prop_oneof![
        Just(Border::Replicate),
        Just(Border::Reflect),
        Just(Border::Mirror),
        Just(Border::Wrap),
        Just(Border::Constant(3.0)),
    ];
    let strategy = (sides, 1u16..=3, sample_type(), any::<u64>(), 0u32..4, border);
    law(150, &strategy, |(sides, channels, sample, seed, radius, border)| {
        let image = filled(sides, channels, sample, seed);
        let sigma = f64::from(radius) / 2.0;
        let (medians, means) = direct(&image, radius, sigma, border);
        let border = serde_json::to_value(border).unwrap();
        let inputs = [image];

        let params = json!({ "radius": radius, "border": border });
        prop_assert_eq!(floats(&run("median", &params, inputs.clone()).unwrap()), medians);

        let params = json!({ "sigma": sigma, "truncate": 2.0, "border": border });
        let blurred = floats(&run("gaussian_blur", &params, inputs.clone()).unwrap());
        // Half a sample of rounding, and what 32-bit sums lose of a sample.
        let allowed = match sample {
            SampleType::U8 => 0.5001,
            SampleType::U16 => 0.52,
            SampleType::F32 => 1e-5,
        };
        for (blurred, mean) in blurred.into_iter().zip(means) {
            prop_assert!((f64::from(blurred) - mean).abs() <= allowed, "{blurred} for {mean}");
        }
        Ok(())
    });
}

#[test]
fn a_flat_image_stays_flat_under_every_blur_and_resize() {
    let flat = Image::from_samples(9, 6, 3, vec![173u8; 9 * 6 * 3]).unwrap();
    for (op, params) in [
        ("gaussian_blur", json!({ "sigma": 3.0 })),
        ("box_blur", json!({ "radius": 7 })),
        ("median", json!({ "radius": 3 })),
        ("unsharp_mask", json!({ "amount": 4.0 })),
        ("resize", json!({ "width": 31, "height": 2 })),
        ("resize", json!({ "width": 2, "height": 31, "filter": "catmull_rom" })),
    ] {
        let out = run(op, &params, [flat.clone()]).unwrap();
        assert!(out.samples::<u8>().unwrap().iter().all(|&sample| sample == 173), "{op}");
    }
}

#[test]
fn what_is_transparent_does_not_show_after_a_resize() {
    let mut samples = vec![255u8, 0, 0, 0];
    samples.extend([0, 0, 255, 255]);
    let image = Image::from_samples(2, 1, 4, samples).unwrap();
    for filter in ["bilinear", "lanczos3", "area"] {
        let params = json!({ "width": 1, "filter": filter });
        let out = run("resize", &params, [image.clone()]).unwrap();
        assert_eq!(out.samples::<u8>().unwrap()[..3], [0, 0, 255], "{filter}");
    }
}
