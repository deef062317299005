//! Steps of `morphology`.

use pipeline_ops::morphology::{
    BlackHat, ClearBorder, Closing, ClosingMask, Dilate, DilateMask, DistanceTransform, Erode,
    ErodeMask, FillHoles, Opening, OpeningMask, RemoveSmallHoles, RemoveSmallObjects, Skeleton,
    TopHat,
};
use serde_json::{Value as Json, json};

use super::{Row, bordered, connectivities, images, masks};

/// Every structuring element.
fn elements() -> [Json; 3] {
    [("square", 2), ("disk", 3), ("cross", 4)]
        .map(|(element, radius)| json!({ "element": element, "radius": radius }))
}

pub(super) const ROWS: &[Row] = &[
    ("black_hat", || images::<BlackHat>(&[2], &elements())),
    ("clear_border", || masks::<ClearBorder>(&[json!({ "margin": 2 })])),
    ("closing", || images::<Closing>(&[1], &elements())),
    ("closing_mask", || masks::<ClosingMask>(&elements())),
    ("dilate", || images::<Dilate>(&[1, 4], &bordered(&json!({ "element": "disk", "radius": 3 })))),
    ("dilate_mask", || masks::<DilateMask>(&elements())),
    ("distance_transform", || masks::<DistanceTransform>(&[json!({})])),
    ("erode", || images::<Erode>(&[1, 4], &bordered(&json!({ "element": "cross", "radius": 2 })))),
    ("erode_mask", || masks::<ErodeMask>(&elements())),
    ("fill_holes", || masks::<FillHoles>(&connectivities())),
    ("opening", || images::<Opening>(&[3], &elements())),
    ("opening_mask", || masks::<OpeningMask>(&elements())),
    ("remove_small_holes", || masks::<RemoveSmallHoles>(&connectivities())),
    ("remove_small_objects", || masks::<RemoveSmallObjects>(&connectivities())),
    ("skeleton", || masks::<Skeleton>(&[json!({})])),
    ("top_hat", || images::<TopHat>(&[1, 4], &elements())),
];
