//! Steps of `point`.

use pipeline_core::{ColorSpace, In, SampleType};
use pipeline_ops::point::{
    AlphaOver, ApplyMask, Arithmetic, AssignColorSpace, Blend, BrightnessContrast, Clahe, Convert,
    ConvertProfile, Equalize, FromHsv, FromLab, FromLinear, Gain, Gamma, Grayscale, Invert, Levels,
    Lookup, MergeChannels, Rescale, Scalar, ShuffleChannels, SplitChannels, Threshold, ToHsv,
    ToLab, ToLinear,
};
use serde_json::json;

use super::{Row, SIZE, TYPES, contract, images, mask, step};
use crate::support::filled;

/// Channels of pictures, with alpha and without.
const ANY: &[u16] = &[1, 2, 3, 4];

fn blend() {
    for (mode, below, above) in [("normal", 3, 4), ("overlay", 4, 4), ("add", 1, 1)] {
        for sample in TYPES {
            let params = json!({ "mode": mode, "opacity": 0.7 });
            let inputs = (filled(SIZE, below, sample, 1), filled(SIZE, above, sample, 2));
            contract().run(&step::<Blend>(&params), (In::new(inputs.0), In::new(inputs.1)));
        }
    }
}

fn apply_mask() {
    for sample in TYPES {
        for channels in [1, 4] {
            let image = In::new(filled(SIZE, channels, sample, 4));
            contract().run(&ApplyMask { fill: 0.25 }, (image, In::new(mask())));
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

fn from_lab() {
    for channels in [3, 4] {
        let image = filled(SIZE, channels, SampleType::F32, 8).with_color(ColorSpace::Lab);
        contract().run(&FromLab {}, In::new(image));
    }
}

fn from_hsv() {
    for sample in TYPES {
        for channels in [3, 4] {
            let image = filled(SIZE, channels, sample, 8).with_color(ColorSpace::Hsv);
            contract().run(&FromHsv {}, In::new(image));
        }
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

pub(super) const ROWS: &[Row] = &[
    ("alpha_over", alpha_over),
    ("apply_mask", apply_mask),
    ("arithmetic", arithmetic),
    ("assign_color_space", || {
        images::<AssignColorSpace>(&[3, 4], &[json!({ "to": "lab" })]);
        images::<AssignColorSpace>(&[1, 2], &[json!({ "to": "linear_srgb" })]);
    }),
    ("blend", blend),
    ("brightness_contrast", || {
        images::<BrightnessContrast>(ANY, &[json!({ "brightness": 0.2, "contrast": 1.5 })]);
    }),
    ("clahe", || {
        let grids = [(8, 8), (1, 3)];
        let params =
            grids.map(|(columns, rows)| json!({ "columns": columns, "rows": rows, "clip": 3.0 }));
        images::<Clahe>(&[1, 2, 3, 4], &params);
    }),
    ("convert", || {
        let kinds = ["u8", "u16", "f32"].map(|to| json!({ "to": to, "range": "raw" }));
        images::<Convert>(ANY, &kinds);
    }),
    ("convert_profile", || {
        let kinds = [json!({ "to": "adobe_rgb" }), json!({ "to": "gray", "intent": "saturation" })];
        images::<ConvertProfile>(&[1, 2, 3, 4], &kinds);
    }),
    ("equalize", || images::<Equalize>(ANY, &[json!({})])),
    ("from_hsv", from_hsv),
    ("from_lab", from_lab),
    ("from_linear", from_linear),
    ("gain", || images::<Gain>(ANY, &[json!({ "factor": 1.7 })])),
    ("gamma", || images::<Gamma>(ANY, &[json!({ "gamma": 2.2 })])),
    ("grayscale", || images::<Grayscale>(&[1, 3, 4], &[json!({ "luma": "rec709" })])),
    ("invert", || images::<Invert>(ANY, &[json!({})])),
    ("levels", || images::<Levels>(ANY, &[json!({ "in_black": 0.1, "gamma": 0.8 })])),
    ("lookup", || images::<Lookup>(ANY, &[json!({ "table": [0.5, 0.0, 1.0, 0.25] })])),
    ("merge_channels", merge_channels),
    ("rescale", || images::<Rescale>(ANY, &[json!({ "low": 1.0, "high": 98.5 })])),
    ("scalar", || {
        let kinds = [("divide", 1.7), ("difference", 0.6)];
        let params = kinds.map(|(kind, value)| json!({ "operation": kind, "value": value }));
        images::<Scalar>(ANY, &params);
    }),
    ("shuffle_channels", || {
        images::<ShuffleChannels>(&[4], &[json!({ "channels": [1] })]);
        images::<ShuffleChannels>(&[3], &[json!({ "channels": [2, 0, 0, 1] }), json!({})]);
    }),
    ("split_channels", || images::<SplitChannels>(&[3, 4], &[json!({})])),
    ("threshold", || images::<Threshold>(&[1], &[json!({ "level": 0.5 })])),
    ("to_hsv", || images::<ToHsv>(&[3, 4], &[json!({})])),
    ("to_lab", || images::<ToLab>(&[3, 4], &[json!({})])),
    ("to_linear", || images::<ToLinear>(ANY, &[json!({})])),
];
