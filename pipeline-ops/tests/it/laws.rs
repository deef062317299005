//! Laws that hold for any image and any parameters.

use pipeline_core::testkit::tile;
use pipeline_core::{ColorSpace, Context, Image, In, SampleType, Step};
use pipeline_ops::geometry::{Axis, Canvas, Flip, QuarterTurns, Rotate, Rotate90, Sampling};
use proptest::prelude::*;
use serde_json::json;

use crate::drawn::{edge, image, kernel, law, sample_type, step};
use crate::steps::run;
use crate::support::{filled, floats, registry};
use crate::windows::{
    Edge, bell, completed, deviation, is_alpha, is_seen, percentiles, seen, weighted, windows,
};

#[test]
fn any_tiles_give_the_whole_image() {
    let registry = registry();
    law(220, &(image(1u16..=4), step()), |(image, (op, params))| {
        let step = registry.find(op).unwrap().build(&params).unwrap();
        tile::check(step.tile().unwrap(), &[image]);
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
    law(20, &strategy, |(sides, (channels, alpha), sample, seed, (mode, opacity))| {
        let colors = channels - u16::from(channels % 2 == 0);
        let inputs = [
            filled(sides, channels, sample, seed),
            filled(sides, colors + u16::from(alpha), sample, seed ^ 99),
        ];
        let params = json!({ "mode": modes[mode], "opacity": opacity });
        let step = registry.find("blend").unwrap().build(&params).unwrap();
        tile::check(step.tile().unwrap(), &inputs);
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

#[test]
fn rotations_by_quarter_turns_are_exact() {
    let turns =
        [(90.0, QuarterTurns::One), (180.0, QuarterTurns::Two), (-90.0, QuarterTurns::Three)];
    law(40, &image(1u16..=5), |image| {
        let ctx = Context::default();
        for filter in [Sampling::Nearest, Sampling::Bilinear, Sampling::CatmullRom] {
            let step = Rotate { canvas: Canvas::Expand, filter, ..Rotate::default() };
            prop_assert_eq!(&step.run(In::new(image.clone()), &ctx).unwrap(), &image);
            for (angle, turn) in turns {
                let turned = Rotate { angle, ..step.clone() }.run(In::new(image.clone()), &ctx);
                let expected = Rotate90 { turn }.run(In::new(image.clone()), &ctx);
                prop_assert_eq!(turned.unwrap(), expected.unwrap());
            }
        }
        Ok(())
    });
}

/// A translation and the rotation, the matrix and the corners that do the same.
#[test]
fn maps_that_are_the_same_map_are_the_same_image() {
    let near = |a: &Image, b: &Image| {
        let pairs = floats(a).into_iter().zip(floats(b));
        let allowed = if a.sample_type() == SampleType::F32 { 1e-5 } else { 1.0 };
        pairs.map(|(a, b)| (a - b).abs()).all(|difference| difference <= allowed)
    };
    let strategy = (image(Just(1u16)), -9.0f64..9.0, -9.0f64..9.0, edge());
    law(40, &strategy, |(image, x, y, edge)| {
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let border = edge.json();
        let params = json!({ "x": x, "y": y, "border": border });
        let moved = run("translate", &params, [image.clone()]).unwrap();
        let params = json!({ "matrix": [1.0, 0.0, x, 0.0, 1.0, y], "border": border });
        let mapped = run("affine", &params, [image.clone()]).unwrap();
        prop_assert!(near(&moved, &mapped), "{moved:?} {mapped:?}");
        let (left, top) = (-x, -y);
        let (right, bottom) = (left + width, top + height);
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        let params = json!({ "corners": corners, "border": border });
        let seen = run("perspective", &params, [image.clone()]).unwrap();
        prop_assert!(near(&moved, &seen), "{moved:?} {seen:?}");
        Ok(())
    });
}

fn white(sample: SampleType) -> f64 {
    match sample {
        SampleType::U8 => 255.0,
        SampleType::U16 => 65_535.0,
        _ => 1.0,
    }
}

/// The range of an integer sample; floats have none.
fn saturated(value: f64, sample: SampleType) -> f64 {
    match sample {
        SampleType::U8 => value.clamp(0.0, 255.0),
        SampleType::U16 => value.clamp(0.0, 65_535.0),
        _ => value,
    }
}

/// Half a sample of rounding, and what 32-bit sums lose of a sample.
fn rounding(sample: SampleType) -> f64 {
    match sample {
        SampleType::U8 => 0.5001,
        SampleType::U16 => 0.53,
        _ => 2e-5,
    }
}

#[test]
fn separable_and_sliding_equal_direct() {
    let sides = (1u32..7, 1u32..7);
    let strategy = (sides, 1u16..=3, sample_type(), any::<u64>(), 0u32..4, edge());
    law(150, &strategy, |(sides, channels, sample, seed, radius, edge)| {
        let image = filled(sides, channels, sample, seed);
        let windows = windows(&image, radius, edge);
        let inputs = [image];

        let params = json!({ "radius": radius, "border": edge.json() });
        for (op, percentile) in [("minimum", 0), ("median", 50), ("maximum", 100)] {
            let expected = percentiles(channels, &windows, percentile);
            let found = floats(&run(op, &params, inputs.clone()).unwrap());
            prop_assert_eq!(&found, &expected, "{}", op);
            let mut params = params.clone();
            params["percentile"] = json!(percentile);
            let found = floats(&run("percentile", &params, inputs.clone()).unwrap());
            prop_assert_eq!(&found, &expected, "percentile {}", percentile);
        }

        let means = floats(&run("box_blur", &params, inputs.clone()).unwrap());
        let alike = vec![1.0 / windows[0].len() as f64; windows[0].len()];
        for (at, mean) in means.into_iter().enumerate() {
            let (expected, lost) = seen(at, (channels, white(sample)), &windows, &alike);
            let allowed = rounding(sample) + lost;
            prop_assert!((f64::from(mean) - expected).abs() <= allowed, "{mean} for {expected}");
        }

        let deviations = floats(&run("local_std", &params, inputs.clone()).unwrap());
        for (at, found) in deviations.into_iter().enumerate() {
            if is_alpha(at, channels) {
                continue;
            }
            let expected = deviation(at, channels, &windows);
            prop_assert!(
                (f64::from(found) - expected).abs() <= 1e-6 * expected.max(1.0),
                "{found} for {expected}"
            );
        }

        let sigma = f64::from(radius) / 2.0;
        let params = json!({ "sigma": sigma, "truncate": 2.0, "border": edge.json() });
        let blurred = floats(&run("gaussian_blur", &params, inputs.clone()).unwrap());
        let weights = bell(radius, sigma);
        for (at, blurred) in blurred.into_iter().enumerate() {
            let (expected, lost) = seen(at, (channels, white(sample)), &windows, &weights);
            // Bytes are summed in 16 bits: along both axes a product loses half of 1/128, and a
            // weight half of 1/65 536.
            let products = f64::from(radius + 1) / 128.0;
            let weights = f64::from(4 * radius) * 255.0 / 65536.0;
            let in_halves = if sample == SampleType::U8 { products + weights } else { 0.0 };
            let allowed = rounding(sample) + lost + in_halves;
            prop_assert!(
                (f64::from(blurred) - expected).abs() <= allowed,
                "{blurred} for {expected}"
            );
        }
        Ok(())
    });
}

#[test]
fn floats_have_the_order_of_the_whole_numbers_that_they_are() {
    let cases =
        [(1500, 70, 3, 3), (1500, 50, 1, 20), (40, 600, 2, 9), (300, 41, 3, 1), (1, 9, 2, 1)];
    for (width, height, channels, radius) in cases {
        // Of opacity, less than nothing is nothing.
        let color = ColorSpace::Data;
        let whole = filled((width, height), channels, SampleType::U16, 7).with_color(color);
        let params = json!({ "radius": radius, "border": "mirror" });
        let counted = floats(&run("median", &params, [whole.clone()]).unwrap());
        // Above 0 alone, bits have the order of their floats.
        for less in [0.0, 30_000.0] {
            let samples = whole.samples::<u16>().unwrap().iter().map(|&n| f32::from(n) - less);
            let image = Image::from_samples(width, height, channels, samples.collect::<Vec<_>>());
            let image = image.unwrap().with_color(color);
            let ordered = floats(&run("median", &params, [image]).unwrap());
            let is_equal = counted.iter().zip(&ordered).all(|(&n, &found)| n - less == found);
            assert!(is_equal, "{width} x {height} x {channels}, radius {radius}, less {less}");
        }
    }
}

#[test]
fn edges_equal_direct_ones_at_every_border() {
    let strategy = ((1u32..7, 1u32..7), 1u16..=4, sample_type(), any::<u64>(), edge());
    law(150, &strategy, |(sides, channels, sample, seed, edge)| {
        let image = filled(sides, channels, sample, seed);
        let (windows, white) = (windows(&image, 1, edge), white(sample));
        let smoothings = [("sobel", [1.0, 2.0]), ("scharr", [3.0, 10.0]), ("prewitt", [1.0, 1.0])];
        for (op, [side, middle]) in smoothings {
            let [side, middle] = [side, middle].map(|weight| weight / (2.0 * side + middle));
            let across = [-side, 0.0, side, -middle, 0.0, middle, -side, 0.0, side];
            let down = [-side, -middle, -side, 0.0, 0.0, 0.0, side, middle, side];
            for output in ["magnitude", "x", "y"] {
                let params = json!({ "output": output, "border": edge.json() });
                let found = floats(&run(op, &params, [image.clone()]).unwrap());
                for (at, (found, window)) in found.into_iter().zip(&windows).enumerate() {
                    let shown = completed(at, channels, &windows, white);
                    let (mut x, mut y) = (weighted(&shown, &across), weighted(&shown, &down));
                    if !is_seen(at, channels, &windows) {
                        (x, y) = (0.0, 0.0);
                    }
                    let (expected, allowed) = match (output, is_alpha(at, channels)) {
                        ("magnitude", true) => (window[4], 0.0),
                        // Derivatives are floats, and opaque is 1 in floats.
                        (_, true) => (window[4] / white, 1e-6),
                        ("magnitude", _) => {
                            (saturated(((x * x + y * y) / 2.0).sqrt(), sample), rounding(sample))
                        }
                        ("x", _) => (x, 1e-5 * white),
                        _ => (y, 1e-5 * white),
                    };
                    prop_assert!(
                        (f64::from(found) - expected).abs() <= allowed,
                        "{op} {output}: {found} for {expected}"
                    );
                }
            }
        }
        Ok(())
    });
}

#[test]
fn kernels_equal_direct_sums_at_every_border() {
    let image_of = ((1u32..7, 1u32..7), 1u16..=4, sample_type(), any::<u64>());
    let strategy = (image_of, kernel(), edge(), -0.2f32..0.2);
    law(150, &strategy, |((sides, channels, sample, seed), kernel, edge, offset)| {
        let image = filled(sides, channels, sample, seed);
        let params = json!({
            "kernel": kernel, "divisor": 2.0, "offset": offset, "border": edge.json(),
        });
        let found = floats(&run("convolve", &params, [image.clone()]).unwrap());
        // The kernel in the middle of a window of radius 2.
        let (left, above) = (2 - kernel[0].len() / 2, 2 - kernel.len() / 2);
        let mut weights = [0.0; 25];
        for (y, row) in kernel.iter().enumerate() {
            for (x, &weight) in row.iter().enumerate() {
                weights[(above + y) * 5 + left + x] = f64::from(weight) / 2.0;
            }
        }
        let windows = windows(&image, 2, edge);
        for (at, (found, window)) in found.into_iter().zip(&windows).enumerate() {
            let shown = completed(at, channels, &windows, white(sample));
            let sum = weighted(&shown, &weights) + f64::from(offset);
            let (expected, allowed) = if is_alpha(at, channels) {
                (window[12], 0.0)
            } else {
                (saturated(sum, sample), 2.0 * rounding(sample))
            };
            prop_assert!((f64::from(found) - expected).abs() <= allowed, "{found} for {expected}");
        }
        Ok(())
    });
}

#[test]
fn what_is_no_number_reaches_the_neighbours_that_see_it() {
    let mut samples = vec![0.5f32; 25];
    samples[12] = f32::NAN;
    let image = Image::from_samples(5, 5, 1, samples).unwrap();
    let rows: [(&str, [usize; 8]); 3] = [
        ("x", [6, 11, 16, 8, 13, 18, 8, 8]),
        ("y", [6, 7, 8, 16, 17, 18, 18, 18]),
        ("magnitude", [6, 7, 8, 11, 13, 16, 17, 18]),
    ];
    for (output, expected) in rows {
        let found = floats(&run("sobel", &json!({ "output": output }), [image.clone()]).unwrap());
        for (at, found) in found.into_iter().enumerate() {
            assert_eq!(found.is_nan(), expected.contains(&at), "{output} at {at}");
        }
    }
}

#[test]
fn what_is_no_number_comes_last_in_the_order() {
    let row = vec![1.0f32, -0.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let image = Image::from_samples(6, 1, 1, row).unwrap();
    let rows = [
        ("minimum", [-0.0f32, -0.0, -0.0, 0.0, f32::NEG_INFINITY, f32::NEG_INFINITY]),
        ("maximum", [1.0, 1.0, f32::NAN, f32::NAN, f32::NAN, f32::INFINITY]),
    ];
    for (op, expected) in rows {
        let found = floats(&run(op, &json!({ "radius": 1 }), [image.clone()]).unwrap());
        // As text, because NaN is unlike itself and zero like its negative.
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{op}");
    }
}

#[test]
fn sharpening_equals_direct_at_every_border() {
    let strategy = ((1u32..7, 1u32..7), 1u16..=4, sample_type(), any::<u64>(), edge());
    let (sigma, amount) = (0.7, 1.5);
    // `truncate` is 4: floor(4 · 0.7 + 0.5).
    let weights = bell(3, sigma);
    law(100, &strategy, |(sides, channels, sample, seed, edge)| {
        let image = filled(sides, channels, sample, seed);
        let params = json!({ "sigma": sigma, "amount": amount, "border": edge.json() });
        let found = floats(&run("unsharp_mask", &params, [image.clone()]).unwrap());
        let windows = windows(&image, 3, edge);
        for (at, (found, window)) in found.into_iter().zip(&windows).enumerate() {
            let middle = window[window.len() / 2];
            let (blurred, lost) = seen(at, (channels, white(sample)), &windows, &weights);
            let sharp = middle + amount * (middle - blurred);
            let (expected, allowed) = if is_alpha(at, channels) {
                (middle, 0.0)
            } else {
                (saturated(sharp, sample), 2.0 * (rounding(sample) + lost))
            };
            prop_assert!((f64::from(found) - expected).abs() <= allowed, "{found} for {expected}");
        }
        Ok(())
    });
}

#[test]
fn an_image_of_one_value_is_all_background() {
    let ops = [
        "otsu",
        "triangle",
        "yen",
        "li",
        "mode_threshold",
        "percentile_threshold",
        "adaptive_threshold",
    ];
    for value in [0.0f32, 0.1, 1.0] {
        let floats = Image::from_samples(40, 30, 1, vec![value; 1200]).unwrap();
        let bytes = Image::from_samples(40, 30, 1, vec![(value * 255.0) as u8; 1200]).unwrap();
        for image in [floats, bytes] {
            for op in ops {
                let mask = run(op, &json!({}), [image.clone()]).unwrap();
                assert!(mask.bytes().iter().all(|&mask| mask == 0), "{op} of {value}");
            }
            let params = json!({ "method": "gaussian", "radius": 5 });
            let mask = run("adaptive_threshold", &params, [image.clone()]).unwrap();
            assert!(mask.bytes().iter().all(|&mask| mask == 0), "gaussian of {value}");
        }
    }
}

#[test]
fn a_flat_image_stays_flat_under_every_blur_and_resize() {
    let flat = Image::from_samples(9, 6, 3, vec![173u8; 9 * 6 * 3]).unwrap();
    for (op, params) in [
        ("gaussian_blur", json!({ "sigma": 3.0 })),
        ("box_blur", json!({ "radius": 7 })),
        ("median", json!({ "radius": 3 })),
        ("bilateral", json!({ "radius": 5 })),
        ("convolve", json!({ "kernel": [[1, 2, 1], [2, 4, 2], [1, 2, 1]], "divisor": 16 })),
        ("minimum", json!({ "radius": 40 })),
        ("maximum", json!({ "radius": 4096 })),
        ("percentile", json!({ "radius": 2, "percentile": 99.5 })),
        ("unsharp_mask", json!({ "amount": 4.0 })),
        ("resize", json!({ "width": 31, "height": 2 })),
        ("resize", json!({ "width": 2, "height": 31, "filter": "catmull_rom" })),
        ("resize", json!({ "width": 4, "height": 31, "mixing": "light" })),
        ("thumbnail", json!({ "width": 4, "height": 3, "framing": "fill" })),
        ("pad", json!({ "left": 9, "top": 20, "border": "mirror" })),
        ("translate", json!({ "x": 2.4, "y": -0.3, "border": "wrap" })),
        ("rotate", json!({ "angle": 77.0, "filter": "catmull_rom", "border": "reflect" })),
        ("affine", json!({ "matrix": [3.0, 1.0, 0.0, -1.0, 0.4, 9.0], "border": "replicate" })),
    ] {
        let out = run(op, &params, [flat.clone()]).unwrap();
        assert!(out.samples::<u8>().unwrap().iter().all(|&sample| sample == 173), "{op}");
    }
}

#[test]
fn a_flat_image_has_no_texture_and_no_details() {
    let flat = Image::from_samples(9, 6, 1, vec![40_173u16; 9 * 6]).unwrap();
    for (op, params) in [
        ("local_std", json!({ "radius": 300 })),
        ("laplace", json!({})),
        ("scharr", json!({ "output": "x" })),
    ] {
        let out = floats(&run(op, &params, [flat.clone()]).unwrap());
        assert!(out.iter().all(|&sample| sample == 0.0), "{op}");
    }
    let out = floats(&run("difference_of_gaussians", &json!({}), [flat.clone()]).unwrap());
    assert!(out.iter().all(|&sample| sample.abs() < 0.1), "{out:?}");
}

#[test]
fn edges_are_found_in_any_unit_and_never_at_the_edge_of_the_image() {
    let strategy = ((1u32..24, 1u32..24), any::<u64>(), edge());
    law(60, &strategy, |(sides, seed, edge)| {
        let image = filled(sides, 1, SampleType::U8, seed);
        let params = |unit: f32| {
            json!({
                "sigma": 0.9, "low": 3.0 * unit, "high": 20.0 * unit, "border": match edge {
                    Edge::Constant(value) => Edge::Constant(value * unit),
                    edge => edge,
                }.json(),
            })
        };
        let found = floats(&run("canny", &params(1.0), [image.clone()]).unwrap());
        // Powers of two change no digit.
        let scaled: Vec<f32> = floats(&image).into_iter().map(|sample| sample / 256.0).collect();
        let scaled = Image::from_samples(sides.0, sides.1, 1, scaled).unwrap();
        let again = floats(&run("canny", &params(1.0 / 256.0), [scaled]).unwrap());
        prop_assert_eq!(&found, &again);
        let (width, height) = (sides.0 as usize, sides.1 as usize);
        for (at, found) in found.into_iter().enumerate() {
            let (x, y) = (at % width, at / width);
            let inside = x > 0 && y > 0 && x + 1 < width && y + 1 < height;
            prop_assert!(inside || found == 0.0);
        }
        Ok(())
    });
}
