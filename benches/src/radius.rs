//! What a radius of 20 costs beside one of 2.

use pipeline_core::data::Value;
use pipeline_core::{Executor, Options};
use serde_json::json;

use crate::clock::{cpu_of, least_in_turn};
use crate::figure::{Figure, ratio};
use crate::operation::Operation;
use crate::pictures::Pictures;

/// Steps whose cost is to depend on the pixels alone.
const STEPS: [&str; 12] = [
    "box_blur",
    "local_std",
    "median",
    "percentile",
    "minimum",
    "maximum",
    "erode",
    "dilate",
    "opening",
    "closing",
    "top_hat",
    "black_hat",
];

/// The same on masks.
const OF_MASKS: [&str; 6] =
    ["erode_mask", "dilate_mask", "opening_mask", "closing_mask", "top_hat_mask", "black_hat_mask"];

/// All figures.
///
/// # Panics
/// If a step fails.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() });
    let executor = executor.expect("a pool");
    let large = Pictures::new(6000, 4000).expect("memory for a picture");
    let small = Pictures::new(2500, 1600).expect("memory for a picture");
    let pictures: [(&str, &Value, &[&str]); 4] = [
        ("24mp_rgb_u8", &large.color, &STEPS),
        ("4mp_gray_u16", &small.deep, &STEPS),
        ("4mp_gray_f32", &small.floats, &STEPS),
        ("24mp_mask", &large.mask, &OF_MASKS),
    ];
    let mut figures = Vec::new();
    for (name, picture, steps) in pictures {
        figures.extend(steps.iter().map(|step| figure(step, name, picture, &executor)));
    }
    figures
}

fn figure(step: &str, name: &str, picture: &Value, executor: &Executor) -> Figure {
    let [small, large] = [2, 20].map(|radius| {
        let mut params = json!({ "radius": radius });
        if step == "percentile" {
            // That of 50 is the median.
            params["percentile"] = json!(20.0);
        }
        Operation::new(step, &params, &[picture]).expect("a step")
    });
    let time =
        |operation: &Operation| cpu_of(|| drop(operation.run(executor).expect("no failure")));
    let [small, large] = least_in_turn(|| [time(&small), time(&large)]);
    let id = format!("radius/{step}/{name}");
    Figure::new(id, ratio(large, small), "× radius 2, CPU").reach(1.3)
}
