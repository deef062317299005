//! What the tests share: the registry, images, and golden arrays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline_core::{Image, Registry, Sample, SampleType, dispatch};

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry).unwrap();
    registry
}

/// An image of samples that look random, the same for the same seed; floats from -0.25 to 1.25.
pub(crate) fn filled(sides: (u32, u32), channels: u16, sample: SampleType, seed: u64) -> Image {
    let count = sides.0 as usize * sides.1 as usize * usize::from(channels);
    let mut state = seed | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    let (width, height) = sides;
    match sample {
        SampleType::U8 => {
            let samples: Vec<u8> = (0..count).map(|_| next() as u8).collect();
            Image::from_samples(width, height, channels, samples)
        }
        SampleType::U16 => {
            let samples: Vec<u16> = (0..count).map(|_| next() as u16).collect();
            Image::from_samples(width, height, channels, samples)
        }
        SampleType::F32 => {
            let samples: Vec<f32> =
                (0..count).map(|_| next() as f32 / u32::MAX as f32 * 1.5 - 0.25).collect();
            Image::from_samples(width, height, channels, samples)
        }
    }
    .unwrap()
}

/// All samples as floats.
pub(crate) fn floats(image: &Image) -> Vec<f32> {
    dispatch!(image.sample_type(), T => {
        image.samples::<T>().unwrap().iter().map(|sample| sample.to_f32()).collect()
    })
}

/// A file that comes with the tests.
pub(crate) fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Reads an ICC profile that stands beside the golden arrays.
pub(crate) fn profile(name: &str) -> Arc<[u8]> {
    std::fs::read(shipped("golden").join(format!("{name}.icc"))).unwrap().into()
}

/// Reads a golden array; masks become images of zeros and ones.
pub(crate) fn array(name: &str) -> Image {
    let bytes = std::fs::read(shipped("golden").join(format!("{name}.npy"))).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\0", "{name}");
    let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + header_len]).unwrap();
    let (_, shape) = header.split_once("'shape': (").unwrap();
    let (shape, _) = shape.split_once(')').unwrap();
    let shape: Vec<u32> = shape.split(',').filter_map(|side| side.trim().parse().ok()).collect();
    assert!(header.contains("'fortran_order': False"), "{name}");

    let data = &bytes[10 + header_len..];
    let channels = shape.get(2).map_or(1, |&channels| u16::try_from(channels).unwrap());
    let (width, height) = (shape[1], shape[0]);
    if header.contains("'|u1'") || header.contains("'|b1'") {
        Image::from_samples(width, height, channels, data.to_vec())
    } else if header.contains("'<u2'") {
        let samples = data.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
        Image::from_samples(width, height, channels, samples.collect::<Vec<_>>())
    } else {
        assert!(header.contains("'<f4'"), "{name}: {header}");
        let samples = data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        Image::from_samples(width, height, channels, samples.collect::<Vec<_>>())
    }
    .unwrap()
}
