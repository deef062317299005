//! Steps of `io`.

use pipeline_core::{In, SampleType};
use pipeline_ops::io::{Open, Save};

use super::{Row, SIZE, contract};
use crate::support::{filled, shipped};

fn open() {
    for name in ["basn6a08.png", "made-gray-f32.tif", "simple-rgb.webp"] {
        contract().run(&Open::path(shipped("files/good").join(name)), ());
    }
}

fn save() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in [("a.png", SampleType::U16), ("a.tif", SampleType::F32)] {
        let image = filled(SIZE, 4, sample, 3);
        contract().run(&Save::path(folder.path().join(name)), In::new(image));
    }
}

pub(super) const ROWS: &[Row] = &[("open", open), ("save", save)];
