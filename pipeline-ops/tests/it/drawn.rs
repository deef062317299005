//! Images, borders and steps drawn at random, for laws that hold for all of them.

use pipeline_core::{Image, SampleType};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value as Json, json};

use crate::support::filled;
use crate::windows::Edge;

/// Checks a law on `cases` values, the same in every run.
pub(crate) fn law<S: Strategy>(
    cases: u32,
    strategy: &S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(strategy, check).unwrap();
}

pub(crate) fn sample_type() -> impl Strategy<Value = SampleType> {
    prop_oneof![Just(SampleType::U8), Just(SampleType::U16), Just(SampleType::F32)]
}

pub(crate) fn image(channels: impl Strategy<Value = u16>) -> impl Strategy<Value = Image> {
    (((1u32..24), (1u32..24)), channels, sample_type(), any::<u64>())
        .prop_map(|(sides, channels, sample, seed)| filled(sides, channels, sample, seed))
}

pub(crate) fn border() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!("replicate")),
        Just(json!("reflect")),
        Just(json!("mirror")),
        Just(json!("wrap")),
        (0.0f32..300.0).prop_map(|value| json!({ "constant": value })),
    ]
}

/// A kernel of sides 1, 3 or 5, a third of whose weights are 0.
pub(crate) fn kernel() -> impl Strategy<Value = Vec<Vec<f32>>> {
    let weight = prop_oneof![1 => Just(0.0f32), 2 => -2.0f32..2.0];
    let all = prop::collection::vec(weight, 25);
    (0usize..3, 0usize..3, all).prop_map(|(rx, ry, all)| {
        all.chunks(5).take(2 * ry + 1).map(|row| row[..2 * rx + 1].to_vec()).collect()
    })
}

/// A step of one image, by name and parameters.
pub(crate) fn step() -> impl Strategy<Value = (&'static str, Json)> {
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
        (prop_oneof![Just("minimum"), Just("maximum")], 0u32..9, border())
            .prop_map(|(op, radius, border)| (op, json!({ "radius": radius, "border": border }))),
        (0u32..4, 0.0f32..=100.0, border()).prop_map(|(radius, percentile, border)| (
            "percentile",
            json!({ "radius": radius, "percentile": percentile, "border": border })
        )),
        (0.0f32..2.0, 0.0f32..3.0, 0.0f32..0.2, border()).prop_map(
            |(sigma, amount, threshold, border)| {
                let params = json!({
                    "sigma": sigma, "amount": amount, "threshold": threshold, "border": border,
                });
                ("unsharp_mask", params)
            }
        ),
        (
            prop_oneof![Just("sobel"), Just("scharr"), Just("prewitt")],
            prop_oneof![Just("magnitude"), Just("x"), Just("y")],
            border()
        )
            .prop_map(|(op, output, border)| (op, json!({ "output": output, "border": border }))),
        (0u32..9, border()).prop_map(|(radius, border)| (
            "local_std",
            json!({ "radius": radius, "border": border })
        )),
        (0.1f32..3.0, border()).prop_map(|(sigma, border)| (
            "laplacian_of_gaussian",
            json!({ "sigma": sigma, "border": border })
        )),
        (0.0f32..1.5, 1.5f32..3.0, border()).prop_map(|(low, high, border)| {
            let params = json!({ "low_sigma": low, "high_sigma": high, "border": border });
            ("difference_of_gaussians", params)
        }),
        (0u32..4, 0.1f32..3.0, 0.01f32..200.0, border()).prop_map(
            |(radius, space, range, border)| {
                let params = json!({
                    "radius": radius, "sigma_space": space, "sigma_range": range, "border": border,
                });
                ("bilateral", params)
            }
        ),
        border().prop_map(|border| ("laplace", json!({ "border": border }))),
        (kernel(), 0.5f32..9.0, border()).prop_map(|(kernel, divisor, border)| {
            ("convolve", json!({ "kernel": kernel, "divisor": divisor, "border": border }))
        }),
    ];
    let filter = prop_oneof![
        Just("nearest"),
        Just("bilinear"),
        Just("catmull_rom"),
        Just("lanczos3"),
        Just("area")
    ];
    let framing = prop_oneof![Just("fit"), Just("shrink"), Just("fill")];
    let mixing = || prop_oneof![Just("encoded"), Just("light")];
    let geometry = prop_oneof![
        (1u32..50, 1u32..50, filter.clone(), mixing()).prop_map(
            |(width, height, filter, mixing)| {
                let params = json!({
                    "width": width, "height": height, "filter": filter, "mixing": mixing,
                });
                ("resize", params)
            }
        ),
        (1u32..50, 1u32..50, framing, filter, mixing()).prop_map(
            |(width, height, framing, filter, mixing)| {
                let params = json!({
                    "width": width, "height": height, "framing": framing, "filter": filter,
                    "mixing": mixing,
                });
                ("thumbnail", params)
            }
        ),
        prop_oneof![Just("horizontal"), Just("vertical")]
            .prop_map(|axis| ("flip", json!({ "axis": axis }))),
        prop_oneof![Just("90"), Just("180"), Just("270")]
            .prop_map(|turn| ("rotate90", json!({ "turn": turn }))),
        Just(("crop", json!({ "x": 0, "y": 0, "width": 1, "height": 1 }))),
    ];
    let sampling = || prop_oneof![Just("nearest"), Just("bilinear"), Just("catmull_rom")];
    let entry = -3.0f64..3.0;
    let maps = prop_oneof![
        ((0u32..40, 0u32..40, 0u32..40, 0u32..40), border()).prop_map(|(sides, border)| {
            let (left, top, right, bottom) = sides;
            let params = json!({
                "left": left, "top": top, "right": right, "bottom": bottom, "border": border,
            });
            ("pad", params)
        }),
        (-40.0f64..40.0, -40.0f64..40.0, any::<bool>(), sampling(), border()).prop_map(
            |(x, y, whole, filter, border)| {
                let (x, y) = if whole { (x.round(), y.round()) } else { (x, y) };
                ("translate", json!({ "x": x, "y": y, "filter": filter, "border": border }))
            }
        ),
        (-360.0f64..360.0, any::<bool>(), sampling(), border()).prop_map(
            |(angle, expand, filter, border)| {
                let canvas = if expand { "expand" } else { "keep" };
                let params = json!({
                    "angle": angle, "canvas": canvas, "filter": filter, "border": border,
                });
                ("rotate", params)
            }
        ),
        ([entry.clone(), entry.clone(), entry.clone(), entry], 1u32..50, sampling(), border())
            .prop_map(|([a, b, d, e], width, filter, border)| {
                // Strong on its diagonal, so that it has an inverse.
                let matrix = [a + 4.0, b, -3.0, d, e + 4.0, 2.5];
                let params = json!({
                    "matrix": matrix, "width": width, "filter": filter, "border": border,
                });
                ("affine", params)
            }),
        ([-9.0f64..9.0, -9.0f64..9.0, -9.0f64..9.0], sampling(), border()).prop_map(
            |([x, y, z], filter, border)| {
                let corners = [[x, y], [30.0, z], [33.0 - y, 40.0 + x], [z, 30.0]];
                let params = json!({ "corners": corners, "filter": filter, "border": border });
                ("perspective", params)
            }
        ),
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
    prop_oneof![3 => neighborhood, 2 => geometry, 3 => maps, 1 => point]
}

pub(crate) fn edge() -> impl Strategy<Value = Edge> {
    prop_oneof![
        Just(Edge::Replicate),
        Just(Edge::Reflect),
        Just(Edge::Mirror),
        Just(Edge::Wrap),
        Just(Edge::Constant(3.0)),
    ]
}
