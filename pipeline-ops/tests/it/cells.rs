//! Cells over time: microscope files, and what is made of them beside the original workflow.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pipeline_core::{Context, Image, In, Mask, Result, Step};
use pipeline_ops::filter::{Arithmetic, LogStd};
use pipeline_ops::io::SeriesFile;
use pipeline_ops::morphology::{ClosingMask, Element, FillHoles, OpeningMask};
use pipeline_ops::segment::{Border, ModeThreshold};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::io::data;
use crate::support::shipped;

/// What the original makes of a series.
#[derive(Debug, Deserialize)]
struct Expected {
    path: PathBuf,
    field: usize,
    frames: usize,
    masks: String,
    pixels: Vec<usize>,
}

/// The series that are here: the shipped one, and those of the full data set if there is one.
fn series() -> Vec<(String, PathBuf, Expected)> {
    let table = std::fs::read(shipped("cells/expected.json")).unwrap();
    let table: BTreeMap<String, Expected> = serde_json::from_slice(&table).unwrap();
    let all = data("microscopy");
    let path = |name: &str, expected: &Expected| match name {
        "shipped" => Some(shipped("cells").join(&expected.path)),
        _ => Some(all.as_ref()?.parent()?.join(&expected.path)),
    };
    let there = table.into_iter().filter_map(|(name, expected)| {
        let path = path(&name, &expected)?;
        Some((name, path, expected))
    });
    there.collect()
}

/// The mask of a frame as the original makes it.
fn mask(frame: Image) -> Mask {
    let ctx = Context::default();
    let texture = LogStd { arithmetic: Arithmetic::Single, ..LogStd::default() };
    let texture = texture.run(In::new(frame), &ctx).unwrap();
    let mask = ModeThreshold::default().run(In::new(texture), &ctx).unwrap();
    let mask = FillHoles::default().run(In::new(mask), &ctx).unwrap();
    let (element, radius, border) = (Element::Square, 9, Border::Constant(0.0));
    let mask = OpeningMask { element, radius, border }.run(In::new(mask), &ctx).unwrap();
    ClosingMask { element, radius, border }.run(In::new(mask), &ctx).unwrap()
}

#[test]
fn masks_are_those_of_the_original() {
    for (name, path, expected) in series() {
        let file = SeriesFile::open(&path).unwrap();
        let stack = file.stack(expected.field, 0, 0).unwrap();
        assert_eq!(stack.frames(), expected.frames, "{name}");
        let mut digest = Sha256::new();
        for (t, &pixels) in expected.pixels.iter().enumerate() {
            let mask = mask(stack.frame(t).unwrap());
            let found = mask.bytes().iter().filter(|&&byte| byte != 0).count();
            assert_eq!(found, pixels, "{name}, frame {t}");
            digest.update(mask.bytes());
        }
        assert_eq!(format!("{:x}", digest.finalize()), expected.masks, "{name}");
    }
}

/// The samples of a made plane.
fn made(field: u16, t: u16, channel: u16) -> Vec<u16> {
    let places = (0..5).flat_map(|y| (0..8).map(move |x| y + x / 4));
    places.map(|place| 1000 * field + 100 * t + 10 * channel + place).collect()
}

#[test]
fn planes_of_every_container_are_found() {
    for (name, fields, channels) in [
        ("fields.ome.tif", 2, 2),
        ("big-endian.ome.tif", 1, 2),
        ("imagej.tif", 1, 2),
        ("plain.tif", 1, 1),
        ("array.npy", 1, 1),
    ] {
        let file = SeriesFile::open(shipped("cells").join(name)).unwrap();
        assert_eq!(file.fields().len(), fields, "{name}");
        for field in 0..fields {
            let info = &file.fields()[field];
            assert_eq!((info.frames, info.channels.len(), info.slices), (3, channels, 1), "{name}");
            for channel in 0..channels {
                let stack = file.stack(field, channel, 0).unwrap();
                for t in [2, 0, 1] {
                    let frame = stack.frame(t).unwrap();
                    let expected = made(field as u16, t as u16, channel as u16);
                    assert_eq!(frame.samples::<u16>(), Some(&expected[..]), "{name}, frame {t}");
                }
            }
        }
    }
    let floats = SeriesFile::open(shipped("cells/array-f4.npy")).unwrap().stack(0, 0, 0).unwrap();
    let expected: Vec<f32> = made(0, 2, 0).into_iter().map(f32::from).collect();
    assert_eq!(floats.frame(2).unwrap().samples::<f32>(), Some(&expected[..]));
}

#[test]
fn a_file_says_what_it_knows_of_its_fields() {
    let file = SeriesFile::open(shipped("cells/synth-b.ome.tif")).unwrap();
    let [field] = file.fields() else { panic!("one field") };
    assert_eq!(field.channels, ["PC", "FL1", "FL2"]);
    assert_eq!((field.frames, field.seconds_per_frame), (8, Some(600.0)));
    let file = SeriesFile::open(shipped("cells/fields.ome.tif")).unwrap();
    assert_eq!([0, 1].map(|at| &*file.fields()[at].name), ["well 0", "well 1"]);
    let file = SeriesFile::open(shipped("cells/imagej.tif")).unwrap();
    assert_eq!(file.fields()[0].seconds_per_frame, Some(2.5));
}

#[test]
fn what_a_file_does_not_have_is_named() {
    let file = SeriesFile::open(shipped("cells/fields.ome.tif")).unwrap();
    for (place, expected) in [
        ((2, 0, 0), "field is 2, expected 0 to 1"),
        ((0, 2, 0), "channel is 2, expected 0 to 1"),
        ((0, 0, 1), "slice is 1, expected 0 to 0"),
    ] {
        let error = file.stack(place.0, place.1, place.2).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("fields.ome.tif"), "{error}");
    }
    let error = file.stack(0, 0, 0).unwrap().frame(3).unwrap_err().to_string();
    assert!(error.contains("frame is 3, expected 0 to 2"), "{error}");
}

#[test]
fn a_series_that_is_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    // And how many bytes at the end nothing in the file refers to.
    for (name, idle) in
        [("fields.ome.tif", 0), ("big-endian.ome.tif", 0), ("imagej.tif", 16), ("array.npy", 0)]
    {
        let bytes = std::fs::read(shipped("cells").join(name)).unwrap();
        let path = folder.path().join(name);
        let open = |bytes: &[u8]| -> Result<()> {
            std::fs::write(&path, bytes).unwrap();
            let file = SeriesFile::open(&path)?;
            for (field, info) in file.fields().iter().enumerate() {
                for channel in 0..info.channels.len() {
                    let stack = file.stack(field, channel, 0)?;
                    (0..stack.frames()).try_for_each(|t| stack.frame(t).map(|_| ()))?;
                }
            }
            Ok(())
        };
        open(&bytes).unwrap();
        for len in (0..bytes.len() - idle).step_by(7).chain([bytes.len() - idle - 1]) {
            let opened = open(&bytes[..len]);
            let error = opened.expect_err(&format!("{len} of {} bytes of {name}", bytes.len()));
            assert!(error.to_string().contains(name), "{len} bytes of {name}: {error}");
        }
        // Whatever is in it, nothing panics.
        for at in (0..bytes.len()).step_by(3) {
            let mut harmed = bytes.clone();
            harmed[at] ^= 0xFF;
            let _ = open(&harmed);
        }
    }
}
