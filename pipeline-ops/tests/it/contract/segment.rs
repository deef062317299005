//! Steps of `segment`.

use pipeline_core::{Image, In, Layout, Sample, SampleType, dispatch};
use pipeline_ops::segment::{
    AdaptiveThreshold, ConnectedComponents, ExpandLabels, Hysteresis, LabelImage, Li, MaskImage,
    ModeThreshold, Otsu, PercentileThreshold, Relabel, Sauvola, Triangle, Watershed, Yen,
};
use serde_json::json;

use super::{
    Row, SIZE, TYPES, bordered, connectivities, contract, images, labels, mask, masks, step,
};
use crate::support::filled;

/// Whole numbers with gaps between them.
fn relabel() {
    for sample in TYPES {
        let mut image = Image::zeros(Layout::new(SIZE.0, SIZE.1, 1, sample)).unwrap();
        dispatch!(sample, T => {
            let samples = image.samples_mut::<T>().unwrap();
            (0..).zip(samples).for_each(|(n, out)| *out = T::from_f32((n % 13 * 9) as f32));
        });
        contract().run(&Relabel {}, In::new(image));
    }
}

fn watershed() {
    for (params, sample) in connectivities().iter().zip([SampleType::U8, SampleType::F32]) {
        for mask in [None, Some(In::new(mask()))] {
            let image = In::new(filled(SIZE, 1, sample, 5));
            contract().run(&step::<Watershed>(params), (image, In::new(labels()), mask));
        }
    }
}

pub(super) const ROWS: &[Row] = &[
    ("adaptive_threshold", || {
        for method in ["mean", "gaussian"] {
            let params = json!({ "method": method, "radius": 3, "offset": 0.01 });
            images::<AdaptiveThreshold>(&[1], &bordered(&params));
        }
    }),
    ("connected_components", || masks::<ConnectedComponents>(&connectivities())),
    ("expand_labels", || contract().run(&ExpandLabels { distance: 2.5 }, In::new(labels()))),
    ("hysteresis", || {
        let params = json!({ "low": 0.3, "high": 0.9, "connectivity": "eight" });
        images::<Hysteresis>(&[1], &[params]);
    }),
    ("label_image", || contract().run(&LabelImage::default(), In::new(labels()))),
    ("li", || images::<Li>(&[1], &[json!({})])),
    ("mask_image", || masks::<MaskImage>(&[json!({})])),
    ("mode_threshold", || images::<ModeThreshold>(&[1], &[json!({ "deviations": 0.5 })])),
    ("otsu", || images::<Otsu>(&[1], &[json!({})])),
    ("percentile_threshold", || {
        images::<PercentileThreshold>(&[1], &[json!({ "percentile": 35.5 })]);
    }),
    ("relabel", relabel),
    ("sauvola", || images::<Sauvola>(&[1], &bordered(&json!({ "radius": 3, "k": 0.4 })))),
    ("triangle", || images::<Triangle>(&[1], &[json!({})])),
    ("watershed", watershed),
    ("yen", || images::<Yen>(&[1], &[json!({})])),
];
