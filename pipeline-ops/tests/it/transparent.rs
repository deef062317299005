//! Images with alpha: what is transparent does not show where pixels are mixed.

use pipeline_core::{Image, SampleType};
use serde_json::json;

use crate::steps::run;
use crate::support::{filled, floats};

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
fn opaque_pictures_are_blurred_as_their_colours_are() {
    let sides = (13, 9);
    let colors = filled(sides, 3, SampleType::U8, 6);
    let bytes = colors.samples::<u8>().unwrap().as_chunks::<3>().0;
    let pixels = bytes.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect::<Vec<u8>>();
    let image = Image::from_samples(sides.0, sides.1, 4, pixels).unwrap();
    for (op, params) in
        [("gaussian_blur", json!({ "sigma": 1.5 })), ("box_blur", json!({ "radius": 2 }))]
    {
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
