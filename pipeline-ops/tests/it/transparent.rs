//! Images with alpha: what is transparent does not show where pixels are mixed.

use pipeline_core::testkit::tile;
use pipeline_core::{Image, Sample, SampleType, dispatch};
use serde_json::{Value as Json, json};

use crate::steps::run;
use crate::support::{filled, floats, registry};

const TYPES: [SampleType; 3] = [SampleType::U8, SampleType::U16, SampleType::F32];

/// Steps that look at the pixels around, and keep alpha as it is.
fn keeping_alpha() -> Vec<(&'static str, Json)> {
    let blur = [[1, 2, 1], [2, 4, 2], [1, 2, 1]];
    let sharpen = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]];
    let relief = [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]];
    let mut steps = vec![
        ("unsharp_mask", json!({ "sigma": 1.2, "amount": 1.5 })),
        ("unsharp_mask", json!({ "sigma": 0.8, "threshold": 0.1 })),
        ("bilateral", json!({ "radius": 2, "sigma_range": 1000.0 })),
        ("bilateral", json!({ "radius": 1, "sigma_range": 0.5 })),
        ("convolve", json!({ "kernel": blur, "divisor": 16.0 })),
        ("convolve", json!({ "kernel": sharpen })),
        ("convolve", json!({ "kernel": relief, "offset": 0.5 })),
    ];
    for radius in [1, 2, 3] {
        steps.push(("median", json!({ "radius": radius })));
        steps.push(("percentile", json!({ "radius": radius, "percentile": 80.0 })));
    }
    steps.extend(["minimum", "maximum"].map(|op| (op, json!({ "radius": 2 }))));
    for op in ["erode", "dilate", "opening", "closing", "top_hat", "black_hat"] {
        steps.extend(
            ["square", "disk", "cross"]
                .map(|element| (op, json!({ "element": element, "radius": 1 }))),
        );
    }
    steps
}

/// Steps that measure the pixels around, and nothing where nothing is seen.
fn measuring() -> Vec<(&'static str, Json)> {
    let mut steps = vec![
        ("laplace", json!({})),
        ("local_std", json!({ "radius": 1 })),
        ("local_std", json!({ "radius": 3 })),
        ("difference_of_gaussians", json!({ "low_sigma": 0.0, "high_sigma": 1.1 })),
        ("difference_of_gaussians", json!({ "low_sigma": 0.6, "high_sigma": 1.4 })),
        ("laplacian_of_gaussian", json!({ "sigma": 0.9 })),
    ];
    steps.extend(["scharr", "prewitt"].map(|op| (op, json!({}))));
    steps.extend(["magnitude", "x", "y"].map(|output| ("sobel", json!({ "output": output }))));
    steps
}

/// The same steps with every kind of border.
fn with_borders(steps: &[(&'static str, Json)]) -> Vec<(&'static str, Json)> {
    let borders = ["replicate", "reflect", "mirror", "wrap"].map(|border| json!(border));
    let constants = [0.0, 0.5, 30.0].map(|value| json!({ "constant": value }));
    let with = |border: Json| {
        steps.iter().cloned().map(move |(op, mut params)| {
            params["border"] = border.clone();
            (op, params)
        })
    };
    borders.into_iter().chain(constants).flat_map(with).collect()
}

/// Steps that count the samples of the whole image.
fn counting() -> Vec<(&'static str, Json)> {
    vec![
        ("equalize", json!({})),
        ("rescale", json!({})),
        ("rescale", json!({ "low": 10.0, "high": 80.0 })),
    ]
}

/// All of those and others, with every kind of border that they take.
fn mixing() -> Vec<(&'static str, Json)> {
    let corners = [[1.5, 0.5], [11.0, 2.0], [12.0, 9.5], [0.0, 10.0]];
    let mut steps = keeping_alpha();
    steps.extend(measuring());
    steps.push(("gaussian_blur", json!({ "sigma": 1.3 })));
    steps.push(("box_blur", json!({ "radius": 2 })));
    for filter in ["bilinear", "catmull_rom"] {
        let params = json!({ "corners": corners, "width": 12, "height": 9, "filter": filter });
        steps.push(("perspective", params));
        steps.push(("rotate", json!({ "angle": 20.0, "filter": filter })));
        steps.push(("translate", json!({ "x": 0.5, "y": 1.25, "filter": filter })));
    }
    let mut all = with_borders(&steps);
    for filter in ["bilinear", "lanczos3", "area"] {
        all.push(("resize", json!({ "width": 7, "height": 17, "filter": filter })));
        all.push(("thumbnail", json!({ "width": 5, "height": 5, "filter": filter })));
    }
    all
}

/// An image of which a third of the pixels is not seen, another one hardly, and the same with other
/// colours where nothing is seen.
fn with_hidden_colors(channels: u16, sample: SampleType) -> [Image; 2] {
    let sides = (13, 11);
    let mut images = [5, 6].map(|seed| filled(sides, channels, sample, seed));
    let channels = usize::from(channels);
    dispatch!(sample, T => {
        let [first, second] = &mut images;
        let first = first.samples_mut::<T>().unwrap();
        let second = second.samples_mut::<T>().unwrap();
        let pixels = first.chunks_exact_mut(channels).zip(second.chunks_exact_mut(channels));
        for (at, (first, second)) in pixels.enumerate() {
            // Some windows are seen as a whole, and of some nothing is.
            let is_hidden = at % 13 < 6 && (at * 7919) % 5 < 3 || at % 13 > 10;
            let share = [0.2, 1.0, 1.0][at % 3];
            first[channels - 1] = T::from_f32(if is_hidden { 0.0 } else { share * T::WHITE });
            second[channels - 1] = first[channels - 1];
            if !is_hidden {
                second.copy_from_slice(first);
            } else if sample == SampleType::F32 {
                // Whatever stands there, it has no weight.
                let hidden = [f32::NAN, f32::INFINITY, -3e38, -0.5][at % 4];
                second[..channels - 1].fill(T::from_f32(hidden));
            }
        }
    });
    images
}

#[test]
fn colours_that_are_not_seen_change_nothing_that_is() {
    for (op, params) in mixing().into_iter().chain(counting()) {
        for sample in TYPES {
            for channels in [2, 4] {
                let images = with_hidden_colors(channels, sample);
                let [first, second] = images.map(|image| run(op, &params, [image]).unwrap());
                let (len, first, second) = (usize::from(channels), floats(&first), floats(&second));
                for (first, second) in first.chunks_exact(len).zip(second.chunks_exact(len)) {
                    let same = first == second || first[len - 1] == 0.0 && second[len - 1] == 0.0;
                    assert!(same, "{op} {params} of {sample}: {first:?}, {second:?}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_measured_of_what_is_not_seen() {
    for (op, params) in with_borders(&measuring()) {
        for sample in TYPES {
            for channels in [2, 4] {
                let images = with_hidden_colors(channels, sample);
                let [first, second] =
                    images.map(|image| floats(&run(op, &params, [image]).unwrap()));
                let bits =
                    |samples: &[f32]| samples.iter().map(|s| s.to_bits()).collect::<Vec<_>>();
                assert!(bits(&first) == bits(&second), "{op} {params} of {sample}");
                for pixel in first.chunks_exact(channels.into()) {
                    let [colors @ .., alpha] = pixel else { unreachable!() };
                    let is_nothing = colors.iter().all(|color| *color == 0.0);
                    assert!(*alpha > 0.0 || is_nothing, "{op} {params} of {sample}: {pixel:?}");
                }
            }
        }
    }
}

#[test]
fn the_outline_of_what_is_seen_is_no_edge() {
    // One colour, hardly seen, seen and not seen, and another one where nothing is seen.
    let (color, other) = ([200u8, 100, 50], [0u8, 255, 7]);
    let pixels = (0..13 * 11).flat_map(|at| {
        let alpha = [0, 255, 0, 90, 255][at % 5];
        let [r, g, b] = if alpha == 0 { other } else { color };
        [r, g, b, alpha]
    });
    let image = Image::from_samples(13, 11, 4, pixels.collect::<Vec<u8>>()).unwrap();
    for (op, params) in measuring() {
        // The Laplacian of a Gaussian sees a little of a flat image too.
        let most = if op == "laplacian_of_gaussian" { 0.5 } else { 1e-4 };
        let out = floats(&run(op, &params, [image.clone()]).unwrap());
        let colors = out.as_chunks::<4>().0.iter().flat_map(|pixel| &pixel[..3]);
        let largest = colors.fold(0.0f32, |largest, color| largest.max(color.abs()));
        assert!(largest <= most, "{op} {params}: {largest}");
    }
}

#[test]
fn derivatives_of_opaque_pictures_are_those_of_their_colours() {
    for sample in TYPES {
        let colors = filled((13, 9), 3, sample, 6);
        let image = dispatch!(sample, T => {
            let pixels = colors.samples::<T>().unwrap().as_chunks::<3>().0;
            let with = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, T::from_f32(T::WHITE)]);
            Image::from_samples(13, 9, 4, with.collect::<Vec<T>>()).unwrap()
        });
        for (op, params) in measuring() {
            let with = floats(&run(op, &params, [image.clone()]).unwrap());
            let without = floats(&run(op, &params, [colors.clone()]).unwrap());
            let with = with.as_chunks::<4>().0.iter().flat_map(|pixel| &pixel[..3]);
            let is_exact = ["sobel", "scharr", "prewitt", "laplace"].contains(&op);
            let white = dispatch!(sample, T => T::WHITE);
            for (with, without) in with.zip(&without) {
                let near = if is_exact { 0.0 } else { 1e-5 * white };
                assert!((with - without).abs() <= near, "{op} {params}: {with}, {without}");
            }
        }
    }
}

#[test]
fn alpha_is_kept_where_the_page_says_so() {
    for (op, params) in keeping_alpha() {
        for sample in TYPES {
            let [image, _] = with_hidden_colors(4, sample);
            let out = floats(&run(op, &params, [image.clone()]).unwrap());
            let alphas =
                |samples: &[f32]| samples.iter().copied().skip(3).step_by(4).collect::<Vec<_>>();
            assert_eq!(alphas(&out), alphas(&floats(&image)), "{op} {params} of {sample}");
            assert!(out.iter().all(|sample| sample.is_finite()), "{op} {params} of {sample}");
        }
    }
}

#[test]
fn colours_that_are_not_seen_change_no_histogram_and_stay() {
    for params in [json!({}), json!({ "columns": 3, "rows": 2, "clip": 0.0 })] {
        for sample in TYPES {
            for channels in [2, 4] {
                let images = with_hidden_colors(channels, sample);
                let outs = images.clone().map(|image| run("clahe", &params, [image]).unwrap());
                let [first, second] = outs.each_ref().map(floats);
                let hidden = floats(&images[0]);
                let len = usize::from(channels);
                let pixels = first.chunks_exact(len).zip(second.chunks_exact(len));
                for ((first, second), before) in pixels.zip(hidden.chunks_exact(len)) {
                    let is_hidden = before[len - 1] == 0.0;
                    let expected = if is_hidden { before } else { second };
                    assert_eq!(first, expected, "{params} of {sample}");
                    assert_eq!(first[len - 1], before[len - 1], "{params} of {sample}");
                }
            }
        }
    }
}

#[test]
fn any_tiles_give_the_whole_image_where_parts_are_not_seen() {
    let registry = registry();
    for (op, params) in mixing() {
        let step = registry.find(op).unwrap().build(&params).unwrap();
        for sample in TYPES {
            let [image, _] = with_hidden_colors(2, sample);
            tile::check(step.tile().unwrap(), &[image]);
        }
    }
}

#[test]
fn nothing_that_is_not_seen_grows_or_wins() {
    // Red and white that nobody sees, beside blue.
    let pixels = [[255u8, 0, 0, 0], [0, 0, 200, 255], [255, 255, 255, 0]];
    let image = Image::from_samples(3, 1, 4, pixels.concat()).unwrap();
    for (op, params) in keeping_alpha() {
        if op.ends_with("_hat") || params["offset"] == 0.5 {
            continue;
        }
        let out = run(op, &params, [image.clone()]).unwrap();
        assert_eq!(out.samples::<u8>().unwrap()[4..8], pixels[1], "{op} {params}");
    }
}

#[test]
fn what_is_transparent_does_not_show_after_a_resize() {
    let mut samples = vec![255u8, 0, 0, 0];
    samples.extend([0, 0, 255, 255]);
    let image = Image::from_samples(2, 1, 4, samples).unwrap();
    for filter in ["bilinear", "lanczos3", "area"] {
        let params = json!({ "width": 1, "filter": filter });
        let out = run("resize", &params, [image.clone()]).unwrap();
        assert_eq!(out.samples::<u8>().unwrap()[..3], [0, 0, 255], "{filter}");
    }
    for filter in ["bilinear", "catmull_rom"] {
        let params = json!({ "x": 0.5, "filter": filter, "border": "replicate" });
        let out = run("translate", &params, [image.clone()]).unwrap();
        assert_eq!(out.samples::<u8>().unwrap()[4..], [0, 0, 255, 128], "{filter}");
    }
}

#[test]
fn what_is_transparent_does_not_show_after_a_blur() {
    // Red that nobody sees, beside blue and green.
    let pixels = [[255u8, 0, 0, 0], [0, 0, 255, 255], [0, 255, 0, 255], [255, 0, 0, 0]];
    let image = Image::from_samples(4, 1, 4, pixels.concat()).unwrap();
    for (op, params) in
        [("gaussian_blur", json!({ "sigma": 1.5 })), ("box_blur", json!({ "radius": 1 }))]
    {
        for border in [json!("replicate"), json!("wrap"), json!({ "constant": 0.0 })] {
            let mut params = params.clone();
            params["border"] = border;
            let out = run(op, &params, [image.clone()]).unwrap();
            let reds: Vec<u8> = out.samples::<u8>().unwrap().iter().copied().step_by(4).collect();
            assert_eq!(reds, [0; 4], "{op} {params}");
            let full = run(op, &params, [opaque(&image, 255)]).unwrap();
            assert_ne!(full.samples::<u8>().unwrap()[0], 0, "{op} {params}");
        }
    }
}

#[test]
fn opaque_pictures_are_filtered_as_their_colours_are() {
    let sides = (13, 9);
    let colors = filled(sides, 3, SampleType::U8, 6);
    let bytes = colors.samples::<u8>().unwrap().as_chunks::<3>().0;
    let pixels = bytes.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect::<Vec<u8>>();
    let image = Image::from_samples(sides.0, sides.1, 4, pixels).unwrap();
    let blurs = [("gaussian_blur", json!({ "sigma": 1.5 })), ("box_blur", json!({ "radius": 2 }))];
    for (op, params) in blurs.into_iter().chain(keeping_alpha()) {
        for border in [json!("mirror"), json!({ "constant": 255.0 })] {
            let mut params = params.clone();
            params["border"] = border;
            let with = floats(&run(op, &params, [image.clone()]).unwrap());
            let without = floats(&run(op, &params, [colors.clone()]).unwrap());
            let pairs = with.as_chunks::<4>().0.iter().zip(without.as_chunks::<3>().0);
            for (with, without) in pairs {
                let near = with.iter().zip(without).all(|(a, b)| (a - b).abs() <= 1.0);
                assert!(near && with[3] == 255.0, "{op} {params}: {with:?}, expected {without:?}");
            }
        }
    }
}

/// The image with every alpha the same.
fn opaque(image: &Image, alpha: u8) -> Image {
    let mut image = image.clone();
    let samples = image.samples_mut::<u8>().unwrap();
    samples.iter_mut().skip(3).step_by(4).for_each(|sample| *sample = alpha);
    image
}
