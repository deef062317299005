//! Steps of `filter`.

use pipeline_ops::filter::{
    Bilateral, BoxBlur, Canny, Convolve, DifferenceOfGaussians, GaussianBlur, Laplace,
    LaplacianOfGaussian, LocalStd, LogStd, Prewitt, Scharr, Sobel, UnsharpMask,
};
use serde_json::json;

use super::{Row, bordered, images};

pub(super) const ROWS: &[Row] = &[
    ("bilateral", || {
        let params = json!({ "radius": 2, "sigma_range": 0.4 });
        images::<Bilateral>(&[1, 4], &bordered(&params));
    }),
    ("box_blur", || images::<BoxBlur>(&[1, 4], &bordered(&json!({ "radius": 3 })))),
    ("canny", || {
        let params = json!({ "sigma": 0.7, "low": 0.05, "high": 0.2 });
        images::<Canny>(&[1], &bordered(&params));
    }),
    ("convolve", || {
        let kernel = [[1.0, 0.0, -2.5, 3.0, 1.0], [0.5, 0.0, 1.0, -1.0, 2.0], [0.0; 5]];
        let params = json!({ "kernel": kernel, "divisor": 4.0, "offset": 12.0 });
        images::<Convolve>(&[1, 4], &bordered(&params));
    }),
    ("difference_of_gaussians", || {
        let params = json!({ "low_sigma": 0.6, "high_sigma": 1.1 });
        images::<DifferenceOfGaussians>(&[1, 4], &bordered(&params));
    }),
    ("gaussian_blur", || images::<GaussianBlur>(&[1, 4], &bordered(&json!({ "sigma": 1.2 })))),
    ("laplace", || images::<Laplace>(&[1, 4], &bordered(&json!({})))),
    ("laplacian_of_gaussian", || {
        images::<LaplacianOfGaussian>(&[1, 4], &bordered(&json!({ "sigma": 0.9 })));
    }),
    ("local_std", || images::<LocalStd>(&[1, 4], &bordered(&json!({ "radius": 2 })))),
    ("log_std", || {
        for arithmetic in ["exact", "single"] {
            images::<LogStd>(&[1], &bordered(&json!({ "radius": 2, "arithmetic": arithmetic })));
        }
    }),
    ("prewitt", || images::<Prewitt>(&[1, 4], &bordered(&json!({})))),
    ("scharr", || images::<Scharr>(&[1, 4], &bordered(&json!({ "output": "y" })))),
    ("sobel", || {
        images::<Sobel>(
            &[1, 4],
            &["magnitude", "x", "y"].map(|output| json!({ "output": output })),
        );
    }),
    ("unsharp_mask", || {
        images::<UnsharpMask>(&[1, 4], &bordered(&json!({ "sigma": 0.8, "threshold": 0.05 })));
    }),
];
