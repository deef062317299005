//! Steps of `cells`.

use pipeline_core::In;
use pipeline_ops::cells::Background;
use serde_json::json;

use super::{Row, SIZE, TYPES, contract, mask, step};
use crate::support::filled;

fn background() {
    for surface in ["smooth", "spline"] {
        let params = json!({ "surface": surface, "tile": 8, "grow": 0 });
        for sample in TYPES {
            for mask in [None, Some(In::new(mask()))] {
                contract()
                    .run(&step::<Background>(&params), (In::new(filled(SIZE, 1, sample, 4)), mask));
            }
        }
    }
}

pub(super) const ROWS: &[Row] = &[("background", background)];
