//! JPEG files that are too large to be there as a whole, here by a limit.

use std::collections::BTreeMap;
use std::path::Path;

use pipeline_core::step::Source;
use pipeline_core::{Context, Image, Layout, Result};
use pipeline_ops::io::Open;

use crate::support::shipped;

/// Opens a JPEG so many rows at a time.
pub(crate) fn open_in_rows(path: &Path, count: usize) -> Result<Image> {
    let ctx = Context::default();
    let bytes = Source::open(&Open::path(path), &ctx)?.layout().size_bytes();
    let step = Open { max_bytes: bytes - 1, ..Open::path(path) };
    let mut rows = Source::open(&step, &ctx)?;
    let Layout { width, height, channels, .. } = rows.layout();
    let (mut samples, row_len) = (vec![0; rows.layout().sample_count()?], rows.layout().row_len());
    samples.chunks_mut(count * row_len).try_for_each(|part| rows.read(part))?;
    assert!(rows.read(&mut samples[..row_len]).is_err(), "there are no more");
    Image::from_samples(width, height, channels, samples)
}

#[test]
fn a_jpeg_with_any_byte_changed_gives_rows_or_an_error_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.jpg");
    let good = std::fs::read(shipped("files/good/made-420.jpg")).unwrap();
    let mut told = BTreeMap::<String, usize>::new();
    for at in 0..good.len() {
        for change in [0x01, 0x10, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            std::fs::write(&path, bytes).unwrap();
            if let Err(error) = open_in_rows(&path, 16) {
                let text = error.to_string();
                assert!(text.contains(&path.display().to_string()), "{text}");
                *told.entry(error.causes().join(": ")).or_default() += 1;
            }
        }
    }
    assert!(!told.keys().any(|text| text.contains("panicked")), "{told:?}");
    let of_libjpeg = told.keys().filter(|text| text.contains("libjpeg"));
    assert!(of_libjpeg.count() > 2, "{told:?}");
}
