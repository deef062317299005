//! What the tests share: the registry, a cache, an observer, images, and golden arrays.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pipeline_core::cache::{Cache, Evicted, Hit, Origin, Tier};
use pipeline_core::event::Event;
use pipeline_core::observe::Observer;
use pipeline_core::{Image, Key, Registry, Sample, SampleType, Value, dispatch};

/// Keeps results, all of them or every other.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    results: Mutex<HashMap<Key, Value>>,
    skips: bool,
}

impl Kept {
    pub(crate) fn every_other() -> Self {
        Self { skips: true, ..Self::default() }
    }
}

impl Cache for Kept {
    fn get(&self, key: &Key) -> Option<Hit> {
        let value = self.results.lock().unwrap().get(key)?.clone();
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        if !self.skips || key.as_bytes()[0].is_multiple_of(2) {
            self.results.lock().unwrap().insert(key, value.clone());
        }
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.results.lock().unwrap().contains_key(key)
    }
}

/// Keeps what it is told.
#[derive(Debug, Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<Event>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry).unwrap();
    registry
}

/// An image of samples that look random, the same for the same seed; floats from -0.25 to 1.25. Of
/// alpha a quarter is 0 and a quarter white.
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
    let mut image = match sample {
        SampleType::U8 => {
            let samples: Vec<u8> = (0..count).map(|_| next() as u8).collect();
            Image::from_samples(width, height, channels, samples)
        }
        SampleType::U16 => {
            let samples: Vec<u16> = (0..count).map(|_| next() as u16).collect();
            Image::from_samples(width, height, channels, samples)
        }
        _ => {
            let samples: Vec<f32> =
                (0..count).map(|_| next() as f32 / u32::MAX as f32 * 1.5 - 0.25).collect();
            Image::from_samples(width, height, channels, samples)
        }
    }
    .unwrap();
    if image.layout().has_alpha() {
        let channels = usize::from(channels);
        dispatch!(sample, T => {
            let samples = image.samples_mut::<T>().unwrap();
            for alpha in samples.iter_mut().skip(channels - 1).step_by(channels) {
                match next() >> 30 {
                    0 => *alpha = T::from_f32(0.0),
                    1 => *alpha = T::from_f32(T::WHITE),
                    _ => {}
                }
            }
        });
    }
    image
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

/// Reads a golden array as an image.
pub(crate) fn array(name: &str) -> Image {
    arrays(name)[0].image()
}

/// An array as NumPy writes it.
#[derive(Debug)]
pub(crate) struct Array {
    header: String,
    pub(crate) shape: Vec<u32>,
    data: Vec<u8>,
}

/// Reads the golden arrays that stand behind each other in a file.
pub(crate) fn arrays(name: &str) -> Vec<Array> {
    let bytes = std::fs::read(shipped("golden").join(format!("{name}.npy"))).unwrap();
    let (mut rest, mut arrays) = (&bytes[..], Vec::new());
    while let Some(after) = rest.strip_prefix(b"\x93NUMPY\x01\0") {
        let (len, after) = after.split_first_chunk().unwrap();
        let (header, after) = after.split_at(u16::from_le_bytes(*len).into());
        let header = String::from_utf8(header.to_vec()).unwrap();
        assert!(header.contains("'fortran_order': False"), "{name}");
        let (_, shape) = header.split_once("'shape': (").unwrap();
        let (shape, _) = shape.split_once(')').unwrap();
        let shape = shape.split(',').filter_map(|side| side.trim().parse().ok());
        let shape: Vec<u32> = shape.collect();
        let (_, kind) = header.split_once("'descr': '").unwrap();
        let size = usize::from(kind.as_bytes()[2] - b'0');
        let (data, after) = after.split_at(shape.iter().product::<u32>() as usize * size);
        arrays.push(Array { header, shape, data: data.to_vec() });
        rest = after;
    }
    assert!(rest.is_empty(), "{name}");
    arrays
}

impl Array {
    /// Masks become images of zeros and ones.
    pub(crate) fn image(&self) -> Image {
        let Self { header, shape, data } = self;
        let channels = shape.get(2).map_or(1, |&channels| u16::try_from(channels).unwrap());
        let (width, height) = (shape[1], shape[0]);
        if header.contains("'|u1'") || header.contains("'|b1'") {
            Image::from_samples(width, height, channels, data.clone())
        } else if header.contains("'<u2'") {
            let samples = data.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
            Image::from_samples(width, height, channels, samples.collect::<Vec<_>>())
        } else {
            assert!(header.contains("'<f4'"), "{header}");
            let samples = data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
            Image::from_samples(width, height, channels, samples.collect::<Vec<_>>())
        }
        .unwrap()
    }

    /// The numbers of a table.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        assert!(self.header.contains("'<f8'"), "{}", self.header);
        self.data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
    }
}
