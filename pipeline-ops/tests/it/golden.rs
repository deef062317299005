//! The operations against other programs; `golden/generate.py` wrote the expected outputs.

use pipeline_core::{Context, Image};
use pipeline_ops::segment::Otsu;
use serde::Deserialize;

use crate::steps::run;
use crate::support::{array, floats, profile, registry, shipped};

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) params: serde_json::Value,
    pub(crate) inputs: Vec<String>,
    /// The ICC profile that the inputs carry.
    profile: Option<String>,
    /// How far a sample may be from the reference; for numbers above 1 of a table, their share.
    tolerance: f32,
}

pub(crate) fn cases() -> Vec<Case> {
    let files = std::fs::read_dir(shipped("golden")).unwrap().map(|file| file.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path| std::fs::read_to_string(path).unwrap();
    tables.flat_map(|path| serde_json::from_str::<Vec<Case>>(&read(path)).unwrap()).collect()
}

/// The largest difference of two images, and how many samples differ. In a table it is that from a
/// number above 1 as a share of it.
fn differences(found: &Image, expected: &Image, is_table: bool) -> (f32, usize) {
    let pairs = floats(found).into_iter().zip(floats(expected));
    pairs.fold((0.0, 0), |(largest, count), (found, expected)| {
        if found == expected || found.is_nan() && expected.is_nan() {
            return (largest, count);
        }
        // A NaN against a number is the largest difference there is.
        let whole = if is_table { expected.abs().max(1.0) } else { 1.0 };
        let difference = (found - expected).abs() / whole;
        let difference = if difference.is_nan() { f32::INFINITY } else { difference };
        (largest.max(difference), count + 1)
    })
}

#[test]
fn every_case_is_within_its_tolerance() {
    let mut faults = Vec::new();
    let registry = registry();
    for case in cases() {
        let icc = case.profile.as_deref().map(profile);
        let input = |name: &String| array(name).with_icc(icc.clone());
        let inputs: Vec<Image> = case.inputs.iter().map(input).collect();
        let expected = array(&case.name);
        let found = run(&case.op, &case.params, inputs).unwrap();
        let shape =
            |image: &Image| (image.width(), image.height(), image.channels(), image.sample_type());
        assert_eq!(shape(&found), shape(&expected), "{}", case.name);
        let is_table = registry.find(&case.op).unwrap().outputs[0].data.name == "table";
        let (largest, count) = differences(&found, &expected, is_table);
        if largest > case.tolerance {
            let Case { name, tolerance, .. } = case;
            faults
                .push(format!("{name}: {count} samples differ, by up to {largest} > {tolerance}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_step_has_a_case() {
    let cases = cases();
    for step in registry().iter() {
        // Files have tests of their own; `mask_image` has its example.
        let elsewhere = ["open", "save", "mask_image"].contains(&step.name);
        assert!(elsewhere || cases.iter().any(|case| case.op == step.name), "{}", step.name);
    }
}

#[test]
fn the_level_of_camera_is_102() {
    let histogram = array("camera_histogram");
    let counts = histogram.samples::<u16>().unwrap();
    let pixels = (0u8..=255).zip(counts).flat_map(|(value, &count)| vec![value; count.into()]);
    let image = Image::from_samples(512, 512, 1, pixels.collect::<Vec<u8>>()).unwrap();
    assert_eq!(Otsu::level(&image, &Context::default()).unwrap(), Some(102.0));
}
