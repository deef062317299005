//! Steps of `rank`.

use pipeline_ops::rank::{Maximum, Median, Minimum, Percentile};
use serde_json::json;

use super::{Row, bordered, images};

pub(super) const ROWS: &[Row] = &[
    ("maximum", || images::<Maximum>(&[1, 4], &bordered(&json!({ "radius": 2 })))),
    ("median", || {
        images::<Median>(&[1, 4], &bordered(&json!({ "radius": 1 })));
        images::<Median>(&[1], &[json!({ "radius": 3 })]);
    }),
    ("minimum", || images::<Minimum>(&[1, 4], &bordered(&json!({ "radius": 5 })))),
    ("percentile", || {
        let params = json!({ "radius": 1, "percentile": 20.0 });
        images::<Percentile>(&[1, 4], &bordered(&params));
    }),
];
