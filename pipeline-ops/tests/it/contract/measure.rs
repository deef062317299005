//! Steps of `measure`.

use pipeline_core::{Image, In, Mask, SampleType, Step};
use pipeline_ops::measure::{Histogram, Psnr, RegionProperties, Ssim, Statistics};
use serde_json::{Value as Json, json};

use super::{Row, SIZE, TYPES, contract, labels, mask, step};
use crate::support::filled;

/// A step of one image and a mask or none.
fn within_masks<S: Step<Input = (In<Image>, Option<In<Mask>>)>>(params: &Json) {
    for sample in TYPES {
        for mask in [None, Some(In::new(mask()))] {
            contract().run(&step::<S>(params), (In::new(filled(SIZE, 2, sample, 4)), mask));
        }
    }
}

/// A step of two images of one kind.
fn compared<S: Step<Input = (In<Image>, In<Image>)>>(params: &[Json]) {
    for params in params {
        for sample in TYPES {
            let inputs = [8, 9].map(|seed| In::new(filled(SIZE, 3, sample, seed)));
            contract().run(&step::<S>(params), inputs.into());
        }
    }
}

fn region_properties() {
    for image in [None, Some(In::new(filled(SIZE, 1, SampleType::U16, 6)))] {
        for moments in [json!([]), json!(["hu", "raw", "normalized", "central"])] {
            let step = step::<RegionProperties>(&json!({ "moments": moments }));
            contract().run(&step, (In::new(labels()), image.clone()));
        }
    }
}

pub(super) const ROWS: &[Row] = &[
    ("histogram", || within_masks::<Histogram>(&json!({ "bins": 10, "high": 0.75 }))),
    ("psnr", || compared::<Psnr>(&[json!({ "range": 3.0 })])),
    ("region_properties", region_properties),
    ("ssim", || {
        compared::<Ssim>(&["uniform", "gaussian"].map(|w| json!({ "window": w, "range": 2.0 })));
    }),
    ("statistics", || within_masks::<Statistics>(&json!({}))),
];
