//! Images with colour profiles: what the result carries, and profiles that are damaged or for other
//! images.

use std::sync::Arc;

use pipeline_core::{
    Bindings, ColorSpace, Context, Error, Executor, Fusion, Graph, Image, In, Layout, Options,
    Result, RunOptions, SampleType, Step,
};
use pipeline_ops::filter::{GaussianBlur, UnsharpMask};
use pipeline_ops::io::{Open, Save};
use pipeline_ops::point::{ConvertProfile, Gain, Profile};

use crate::support::{array, filled, floats, profile};

const ALL: [Profile; 5] =
    [Profile::Srgb, Profile::DisplayP3, Profile::AdobeRgb, Profile::LinearSrgb, Profile::Gray];

fn convert(image: Image, to: Profile) -> Result<Image> {
    ConvertProfile { to, ..ConvertProfile::default() }.run(In::new(image), &Context::default())
}

fn with_profile(channels: u16, icc: impl Into<Arc<[u8]>>) -> Image {
    filled((4, 3), channels, SampleType::U8, 5).with_icc(Some(icc.into()))
}

#[test]
fn the_result_is_in_the_profile_that_it_carries() {
    for sample in [SampleType::U8, SampleType::U16, SampleType::F32] {
        for channels in 1..=4 {
            for to in ALL {
                let image = filled((5, 4), channels, sample, 3);
                let once = convert(image, to).unwrap();
                let colors = if to == Profile::Gray { 1 } else { 3 };
                let alpha = u16::from(channels % 2 == 0);
                assert_eq!(once.channels(), colors + alpha, "{channels} to {to:?}");
                let light = once.layout().color == ColorSpace::LinearSrgb;
                assert_eq!(light, to == Profile::LinearSrgb);
                assert!(once.icc().is_some());
                assert_eq!(convert(once.clone(), to).unwrap(), once, "{channels} to {to:?}");
            }
        }
    }
}

#[test]
fn colours_come_back_from_a_profile_that_has_them_all() {
    let image = filled((40, 30), 4, SampleType::F32, 9);
    let there = convert(image.clone(), Profile::DisplayP3).unwrap();
    assert_ne!(floats(&there), floats(&image));
    let back = convert(there, Profile::Srgb).unwrap();
    let near = floats(&back).iter().zip(floats(&image)).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(near, "colours that both have are lost, or those beyond black and white");
    let alpha = |image: &Image| floats(image).into_iter().skip(3).step_by(4).collect::<Vec<_>>();
    assert_eq!(alpha(&back), alpha(&image));

    let gray = filled((40, 30), 1, SampleType::U16, 9);
    let there = convert(gray.clone(), Profile::AdobeRgb).unwrap();
    let back = convert(there, Profile::Gray).unwrap();
    let near = floats(&back).iter().zip(floats(&gray)).all(|(a, b)| (a - b).abs() <= 1.0);
    assert!(near, "gray of three colours is another gray");
}

#[test]
fn what_an_image_without_a_profile_is_in_is_assumed() {
    let image = filled((5, 4), 3, SampleType::U8, 3);
    let named = convert(image.clone(), Profile::Srgb).unwrap();
    assert_eq!(floats(&named), floats(&image));
    let light = filled((5, 4), 3, SampleType::F32, 3).with_color(ColorSpace::LinearSrgb);
    let named = convert(light.clone(), Profile::LinearSrgb).unwrap();
    assert_eq!(floats(&named), floats(&light));
    assert_ne!(floats(&convert(light.clone(), Profile::Srgb).unwrap()), floats(&light));
}

#[test]
fn a_file_carries_the_profile_on() {
    let folder = tempfile::tempdir().unwrap();
    let image = array("in_rocket").with_icc(Some(profile("in_adobe")));
    for to in [Profile::Srgb, Profile::DisplayP3, Profile::Gray] {
        for ending in ["png", "jpg", "tif"] {
            let path = folder.path().join(format!("{to:?}.{ending}"));
            let made = convert(image.clone(), to).unwrap();
            Save::path(&path).run(In::new(made.clone()), &Context::default()).unwrap();
            let opened = Open::path(&path).run((), &Context::default()).unwrap();
            assert_eq!(opened.icc(), made.icc(), "{to:?} as {ending}");
        }
    }
}

#[track_caller]
fn refused(image: Image, expected: &str) {
    let error = convert(image, Profile::Srgb).unwrap_err();
    assert!(matches!(error, Error::Input { .. }), "{error:?}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_profile_for_other_images_is_told_with_what_it_is_for() {
    let changed = |at: usize, name: &[u8; 4]| {
        let mut icc = profile("in_p3").to_vec();
        icc[at..at + 4].copy_from_slice(name);
        icc
    };
    let wanted = "expected one for RGB, as the image is 4×3×3 u8";
    refused(
        with_profile(3, changed(16, b"CMYK")),
        &format!("the ICC profile is for CMYK, {wanted}"),
    );
    refused(
        with_profile(3, changed(16, b"Lab ")),
        &format!("the ICC profile is for Lab, {wanted}"),
    );
    refused(
        with_profile(3, profile("in_steep")),
        &format!("the ICC profile is for GRAY, {wanted}"),
    );
    refused(
        with_profile(2, profile("in_p3")),
        "the ICC profile is for RGB, expected one for GRAY, as the image is 4×3×2 u8",
    );
    refused(
        with_profile(3, changed(12, b"link")),
        "the ICC profile is of the class `link`, expected one of a device or a colour space",
    );
    refused(
        with_profile(3, *b"no profile"),
        "the ICC profile is damaged (Invalid ICC profile), expected one of ICC version 2 or 4",
    );
    refused(
        with_profile(3, changed(128, &u32::MAX.to_be_bytes())),
        "the ICC profile is of 4294967295 tags, expected 100 at most",
    );
    let data = filled((4, 3), 3, SampleType::U8, 5).with_color(ColorSpace::Data);
    refused(
        data,
        "the colour space is Data, expected Srgb or LinearSrgb; put an \
         `assign_color_space` step before",
    );
    refused(
        filled((4, 3), 5, SampleType::U8, 5),
        "the image is 4×3×5 u8, expected 1 to 4 channels",
    );
}

#[test]
fn a_profile_that_is_too_long_is_not_read() {
    let error = convert(with_profile(3, vec![0; (10 << 20) + 1]), Profile::Srgb).unwrap_err();
    assert_eq!(error.to_string(), "the ICC profile needs 10485761 bytes, allowed are 10485760");
}

#[test]
fn a_run_names_the_step_that_met_the_profile() {
    let mut graph = Graph::new();
    let image = with_profile(1, profile("in_p3"));
    let input = graph.input::<Image>("photo");
    let node = graph.add("colours", ConvertProfile::default(), input);
    graph.target(node);
    let bindings = Bindings::new().with("photo", image);
    let options = RunOptions { bindings, ..RunOptions::default() };
    let executor = Executor::new(Options::default()).unwrap();
    let error = executor.run(&graph, &options).unwrap().ok().unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `colours` (convert_profile): the ICC profile is for RGB, expected one for GRAY, as \
         the image is 4×3×1 u8"
    );
}

#[test]
fn conversions_run_with_the_steps_around_them() {
    let image = filled((301, 207), 3, SampleType::U8, 5).with_icc(Some(profile("in_adobe")));
    let mut graph = Graph::new();
    let input = graph.input::<Image>("photo");
    let soft = graph.add("soft", GaussianBlur::default(), input);
    let wide = ConvertProfile { to: Profile::DisplayP3, ..ConvertProfile::default() };
    let wide = graph.add("wide", wide, soft);
    let bright = graph.add("bright", Gain { factor: 1.2 }, wide);
    let gray = ConvertProfile { to: Profile::Gray, ..ConvertProfile::default() };
    let gray = graph.add("gray", gray, bright);
    let same = ConvertProfile { to: Profile::Gray, ..ConvertProfile::default() };
    let same = graph.add("same", same, gray);
    let sharp = graph.add("sharp", UnsharpMask::default(), same);
    graph.target(sharp);
    let bindings = Bindings::new().with("photo", image);
    let options = RunOptions { bindings, ..RunOptions::default() };
    let run = |fusion, threads| {
        let options_of = Options { fusion, threads: Some(threads), ..Options::default() };
        let report = Executor::new(options_of).unwrap().run(&graph, &options).unwrap();
        let is_one = report.plan().to_string().contains("wide (convert_profile) fused");
        assert_eq!(is_one, fusion == Fusion::Always);
        report.output(sharp).unwrap().into_owned()
    };
    let apart = run(Fusion::Never, 1);
    assert!(apart.icc().is_some());
    for threads in [1, 2] {
        assert!(run(Fusion::Always, threads) == apart, "{threads} threads");
    }
}

#[test]
fn conversions_go_row_by_row_from_file_to_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let image = filled((300, 3000), 3, SampleType::U8, 5).with_icc(Some(profile("in_adobe")));
    Save::path(path("in.tif")).run(In::new(image.clone()), &Context::default()).unwrap();
    let run = |fusion, name| {
        let mut graph = Graph::new();
        let photo = graph.add("open", Open::path(path("in.tif")), ());
        let converted = graph.add("convert", ConvertProfile::default(), photo);
        let saved = graph.add("save", Save::path(path(name)), converted);
        graph.target(saved);
        let executor = Executor::new(Options { fusion, ..Options::default() }).unwrap();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        report.ok().unwrap();
        (std::fs::read(path(name)).unwrap(), report.totals().peak_bytes)
    };
    let (whole, _) = run(Fusion::Never, "whole.tif");
    let (rows, most) = run(Fusion::Auto, "rows.tif");
    assert!(rows == whole && most < image.layout().size_bytes(), "{most} bytes at once");
    let opened = Open::path(path("rows.tif")).run((), &Context::default()).unwrap();
    assert!(opened == convert(image, Profile::Srgb).unwrap());
}

/// An image or a typed error; anything else has ended the test.
fn any_end(icc: Vec<u8>, channels: u16) {
    let image = with_profile(channels, icc);
    let expected = Layout { channels: 3 + u16::from(channels.is_multiple_of(2)), ..image.layout() };
    match convert(image, Profile::Srgb) {
        Ok(image) => assert_eq!(image.layout(), expected),
        Err(error) => assert!(matches!(error, Error::Input { .. }), "{error:?}"),
    }
}

#[test]
fn a_profile_cut_off_anywhere_ends_in_an_image_or_an_error() {
    for (name, channels) in [("in_adobe", 3), ("in_p3", 4), ("in_steep", 1), ("in_tables", 3)] {
        let icc = profile(name);
        let head = 0..icc.len().min(600);
        for end in head.chain((600..icc.len()).step_by(97)) {
            any_end(icc[..end].to_vec(), channels);
        }
    }
}

#[test]
fn a_profile_with_any_bit_turned_ends_in_an_image_or_an_error() {
    for (name, channels) in [("in_adobe", 3), ("in_p3", 4), ("in_steep", 1)] {
        let icc = profile(name);
        for bit in 0..8 * icc.len() {
            let mut icc = icc.to_vec();
            icc[bit / 8] ^= 1 << (bit % 8);
            any_end(icc, channels);
        }
    }
    // Of the tables, all that is not an entry.
    let icc = profile("in_tables");
    let tags = icc.windows(4).enumerate().filter(|(_, name)| *name == b"mft2").map(|(at, _)| at);
    let heads = tags.flat_map(|at| at..at + 52);
    for at in (128..192).chain(heads) {
        for turned in [0x01, 0x10, 0x80, 0xff] {
            let mut icc = icc.to_vec();
            icc[at] ^= turned;
            any_end(icc, 3);
        }
    }
}

#[test]
fn profiles_of_noise_in_their_parts_end_in_an_image_or_an_error() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (name, channels, rounds) in
        [("in_adobe", 3, 400), ("in_steep", 2, 400), ("in_tables", 3, 60)]
    {
        let icc = profile(name);
        for _ in 0..rounds {
            let mut icc = icc.to_vec();
            for _ in 0..1 + next() % 8 {
                let (at, len) = (next() as usize % icc.len(), 1 + next() as usize % 8);
                let value = next().to_le_bytes();
                let end = icc.len().min(at + len);
                icc[at..end].copy_from_slice(&value[..end - at]);
            }
            any_end(icc, channels);
        }
    }
}
