//! Steps of `morphology`.

use pipeline_ops::morphology::{
    BlackHat, BlackHatMask, ClearBorder, Closing, ClosingMask, Dilate, DilateMask,
    DistanceTransform, Erode, ErodeMask, FillHoles, Opening, OpeningMask, RemoveSmallHoles,
    RemoveSmallObjects, Skeleton, TopHat, TopHatMask,
};
use serde_json::{Value as Json, json};

use super::{Row, bordered, connectivities, images, masks};

/// Every structuring element.
fn elements() -> [Json; 3] {
    [("square", 2), ("disk", 3), ("cross", 4)]
        .map(|(element, radius)| json!({ "element": element, "radius": radius }))
}

/// The same, and every one with a border that sees the far side.
fn bordered_elements() -> [Json; 6] {
    let [square, disk, cross] = elements();
    let wrapped = [&square, &disk, &cross].map(|params| {
        let mut params = params.clone();
        params["border"] = json!("wrap");
        params
    });
    let [a, b, c] = wrapped;
    [square, disk, cross, a, b, c]
}

/// The same for masks, with foreground beyond the edge.
fn mask_elements() -> [Json; 6] {
    bordered_elements().map(|mut params| {
        if params["border"] == "wrap" && params["element"] != "cross" {
            params["border"] = json!({ "constant": 1.0 });
        }
        params
    })
}

pub(super) const ROWS: &[Row] = &[
    ("black_hat", || images::<BlackHat>(&[1, 4], &bordered_elements())),
    ("black_hat_mask", || masks::<BlackHatMask>(&mask_elements())),
    ("clear_border", || masks::<ClearBorder>(&[json!({ "margin": 2 })])),
    ("closing", || images::<Closing>(&[1, 4], &bordered_elements())),
    ("closing_mask", || masks::<ClosingMask>(&mask_elements())),
    ("dilate", || images::<Dilate>(&[1, 4], &bordered(&json!({ "element": "disk", "radius": 3 })))),
    ("dilate_mask", || masks::<DilateMask>(&mask_elements())),
    ("distance_transform", || masks::<DistanceTransform>(&[json!({})])),
    ("erode", || images::<Erode>(&[1, 4], &bordered(&json!({ "element": "cross", "radius": 2 })))),
    ("erode_mask", || masks::<ErodeMask>(&mask_elements())),
    ("fill_holes", || masks::<FillHoles>(&connectivities())),
    ("opening", || images::<Opening>(&[1, 4], &bordered_elements())),
    ("opening_mask", || masks::<OpeningMask>(&mask_elements())),
    ("remove_small_holes", || masks::<RemoveSmallHoles>(&connectivities())),
    ("remove_small_objects", || masks::<RemoveSmallObjects>(&connectivities())),
    ("skeleton", || masks::<Skeleton>(&[json!({})])),
    ("top_hat", || images::<TopHat>(&[1, 4], &bordered_elements())),
    ("top_hat_mask", || masks::<TopHatMask>(&mask_elements())),
];
