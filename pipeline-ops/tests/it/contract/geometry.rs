//! Steps of `geometry`.

use pipeline_ops::geometry::{
    Affine, Crop, Flip, Pad, Perspective, Resize, Rotate, Rotate90, Thumbnail, Translate,
};
use serde_json::json;

use super::{Row, bordered, images};

pub(super) const ROWS: &[Row] = &[
    ("affine", || {
        let params = json!({ "matrix": [1.2, 0.3, -2.0, -0.4, 0.8, 5.0], "width": 31 });
        images::<Affine>(&[1, 4], &bordered(&params));
    }),
    ("crop", || images::<Crop>(&[3], &[json!({ "x": 2, "y": 3, "width": 9 })])),
    ("flip", || images::<Flip>(&[3], &["horizontal", "vertical"].map(|a| json!({ "axis": a })))),
    ("pad", || {
        let params = json!({ "left": 3, "top": 40, "right": 1 });
        images::<Pad>(&[1, 4], &bordered(&params));
    }),
    ("perspective", || {
        let corners = [[-2.0, 3.0], [20.0, 1.0], [26.0, 15.0], [1.0, 19.0]];
        let params = json!({ "corners": corners, "filter": "catmull_rom" });
        images::<Perspective>(&[2, 3], &bordered(&params));
    }),
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
    ("thumbnail", || {
        let framings = ["fit", "shrink", "fill"];
        let small = framings.map(|f| json!({ "width": 15, "height": 6, "framing": f }));
        images::<Thumbnail>(&[1, 4], &small);
        images::<Thumbnail>(&[3], &[json!({ "width": 41, "height": 40, "mixing": "light" })]);
    }),
    ("translate", || {
        images::<Translate>(&[1, 4], &bordered(&json!({ "x": -3.0, "y": 5.0 })));
        images::<Translate>(&[3], &bordered(&json!({ "x": 30.5, "y": 0.25 })));
    }),
];
