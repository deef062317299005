//! The operations against other programs; `golden/generate.py` wrote the expected outputs.

use std::path::PathBuf;

use pipeline_core::{Context, Image, SampleType};
use pipeline_ops::segment::Otsu;
use serde::Deserialize;

use crate::steps::{run, table};
use crate::support::{Array, array, arrays, floats, profile, registry, shipped};

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) params: serde_json::Value,
    pub(crate) inputs: Vec<String>,
    /// The ICC profile that the inputs carry.
    profile: Option<String>,
    /// How far a number may be from the reference,
    tolerance: f64,
    /// or how far as a share of it.
    #[serde(default)]
    share: f64,
}

impl Case {
    /// The numbers that come out and their shape, and those of the reference.
    pub(crate) fn results(&self, expected: &Array, makes_table: bool) -> [(String, Vec<f64>); 2] {
        let icc = self.profile.as_deref().map(profile);
        let inputs = self.inputs.iter().map(|name| array(name).with_icc(icc.clone()));
        let inputs: Vec<Image> = inputs.collect();
        if makes_table {
            let found = table(&self.op, &self.params, inputs);
            let shape = [found.rows(), found.columns().len()];
            let row = |row| found.columns().map(move |(_, numbers)| numbers[row]);
            return [
                (format!("{shape:?}"), (0..found.rows()).flat_map(row).collect()),
                (format!("{:?}", expected.shape), expected.numbers()),
            ];
        }
        let shown = |image: &Image| {
            let (layout, samples) = (image.layout(), floats(image).into_iter().map(f64::from));
            let sides = (layout.width, layout.height, layout.channels);
            (format!("{sides:?} of {:?}", layout.sample), samples.collect())
        };
        [run(&self.op, &self.params, inputs).unwrap(), expected.image()].map(|image| shown(&image))
    }

    /// Whether a number is as near to the reference as it must be.
    fn holds(&self, found: f64, expected: f64) -> bool {
        let allowed = self.tolerance.max(self.share * expected.abs());
        found == expected
            || found.is_nan() && expected.is_nan()
            || expected.is_finite() && (found - expected).abs() <= allowed
    }
}

/// All cases, and what is expected of them.
pub(crate) fn cases() -> Vec<(Case, Array)> {
    let files = std::fs::read_dir(shipped("golden")).unwrap().map(|file| file.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path: PathBuf| {
        let cases = serde_json::from_str::<Vec<Case>>(&std::fs::read_to_string(&path).unwrap());
        let (cases, expected) =
            (cases.unwrap(), arrays(path.file_stem().unwrap().to_str().unwrap()));
        assert_eq!(cases.len(), expected.len(), "{}", path.display());
        cases.into_iter().zip(expected)
    };
    tables.flat_map(read).collect()
}

#[test]
fn every_case_is_within_its_tolerance() {
    let mut faults = Vec::new();
    let registry = registry();
    for (case, expected) in cases() {
        let makes_table = registry.find(&case.op).unwrap().outputs[0].data.name == "table";
        let [(shape, found), (expected_shape, expected)] = case.results(&expected, makes_table);
        assert_eq!(shape, expected_shape, "{}", case.name);
        let pairs: Vec<(f64, f64)> = found.into_iter().zip(expected).collect();
        let (mut count, mut worst, mut largest) = (0, (0.0, 0.0), 0.0);
        for &(found, expected) in pairs.iter().filter(|pair| !case.holds(pair.0, pair.1)) {
            count += 1;
            // A NaN against a number is the largest difference there is.
            let difference = (found - expected).abs();
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            if difference > largest {
                (worst, largest) = ((found, expected), difference);
            }
        }
        if count > 0 {
            let (total, (found, expected)) = (pairs.len(), worst);
            let allowed = case.tolerance.max(case.share * expected.abs());
            faults.push(format!(
                "{}: {count} of {total} numbers differ by more than {allowed}: {found} for {expected}",
                case.name,
            ));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The pictures that every operation is compared on, and how inputs that are made of them begin.
const PICTURES: [(&str, &[&str]); 5] = [
    ("photo", &["camera", "corner", "rgb", "rgba", "top", "rocket"]),
    ("micrograph", &["micro"]),
    ("gradient", &["gradient"]),
    ("row", &["row"]),
    ("special", &["special"]),
];

/// The picture that an input is made of.
fn picture(input: &str) -> Option<&'static str> {
    let begin = input.trim_start_matches("in_").split('_').next().unwrap();
    PICTURES.iter().find(|(_, begins)| begins.contains(&begin)).map(|&(picture, _)| picture)
}

/// A picture, operations that it cannot be given to, and why.
const EXCEPTIONS: [(&str, &[&str], &str); 4] = [
    (
        "special",
        &[
            "black_hat_mask",
            "clear_border",
            "closing_mask",
            "connected_components",
            "dilate_mask",
            "distance_transform",
            "erode_mask",
            "fill_holes",
            "mask_image",
            "opening_mask",
            "remove_small_holes",
            "remove_small_objects",
            "skeleton",
            "top_hat_mask",
        ],
        "a mask is true or false",
    ),
    ("special", &["color_labels", "expand_labels", "label_image"], "labels are whole numbers"),
    ("special", &["relabel"], "what is no whole number is an error"),
    ("row", &["ssim"], "no window of 7 pixels lies within"),
];

/// Operations on files and tables, and one of our own, which have tests of their own.
const ELSEWHERE: [&str; 15] = [
    "draw_tracks",
    "frame",
    "link",
    "open",
    "open_stack",
    "save",
    "save_frame",
    "saved_stack",
    "segment_cells",
    "track_image",
    "save_plot",
    "save_table",
    "save_traces",
    "traces",
    "tracking_scores",
];

#[test]
fn every_operation_has_every_kind_of_picture() {
    let cases = cases();
    let mut faults = Vec::new();
    for step in registry().iter().filter(|step| !ELSEWHERE.contains(&step.name)) {
        let own = cases.iter().filter(|(case, _)| case.op == step.name);
        let inputs = own.flat_map(|(case, _)| &case.inputs);
        let given: Vec<_> = inputs.map(|name| picture(name)).collect();
        for (picture, _) in PICTURES {
            let is_it = |&&(lacked, steps, _): &&(_, &[&str], _)| {
                lacked == picture && steps.contains(&step.name)
            };
            match (given.contains(&Some(picture)), EXCEPTIONS.iter().find(is_it)) {
                (false, None) => faults.push(format!("{} lacks the {picture}", step.name)),
                (true, Some((_, _, reason))) => {
                    faults.push(format!("{} has the {picture}, but {reason}", step.name));
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_sample_type_that_a_page_names_is_compared() {
    let cases = cases();
    let mut faults = Vec::new();
    for step in registry().iter().filter(|step| !ELSEWHERE.contains(&step.name)) {
        let page = step.schema["description"].as_str().unwrap();
        let mut ports = page.lines().skip_while(|line| !line.starts_with("| port |"));
        let port = ports.nth(2).unwrap();
        let taken = port.split('|').nth(4).unwrap();
        let own = cases.iter().filter(|(case, _)| case.op == step.name);
        let given: Vec<_> = own.map(|(case, _)| array(&case.inputs[0]).sample_type()).collect();
        for sample in [SampleType::U8, SampleType::U16, SampleType::F32] {
            if taken.contains(&sample.to_string()) && !given.contains(&sample) {
                faults.push(format!("{} lacks {sample}", step.name));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn pictures_hold_what_they_are_for() {
    let registry = registry();
    for (case, _) in cases() {
        let step = registry.find(&case.op).unwrap();
        for (number, name) in case.inputs.iter().enumerate() {
            let port = &step.inputs[number.min(step.inputs.len() - 1)];
            let (image, is_image) = (array(name), port.data.name == "image");
            let samples = floats(&image);
            let holds = |wanted: fn(&f32) -> bool| samples.iter().any(wanted);
            let is_good = match picture(name) {
                // Lab values are floats.
                Some("micrograph") => {
                    !is_image || image.sample_type() == SampleType::U16 || name.ends_with("_lab")
                }
                Some("gradient") => {
                    !is_image
                        || image.sample_type() == SampleType::F32
                        || holds(|&sample| sample == 0.0) && holds(|&sample| sample == 65535.0)
                }
                Some("row") => image.height() == 1 && image.width() % 2 == 1,
                Some("special") => {
                    !is_image || holds(|sample| sample.is_nan()) && holds(|s| s.is_infinite())
                }
                _ => true,
            };
            assert!(is_good, "{name} of {}", case.name);
        }
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
