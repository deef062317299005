//! What is written is what `libjpeg` writes, strip by strip.

use std::sync::Arc;

use image::ImageFormat;
use mozjpeg::qtable::{AnnexK_Chroma, AnnexK_Luma};
use mozjpeg::{ColorSpace, Compress};
use pipeline_core::step::ImageRows;
use pipeline_core::{Error, Image, Result, SampleType};

use super::super::complete::START_OF_SCAN;
use super::*;

/// The quality from which on all steps have a byte; below it they are to be asked for.
const SHORT: u8 = 24;

/// What pictures show.
const KINDS: [&str; 7] = ["slopes", "cosines", "noise", "extremes", "board", "smooth", "white"];

fn picture(kind: &str, width: u32, height: u32, channels: u16) -> Image {
    let (row_len, mut state) = (width * u32::from(channels), 1u32);
    let samples = (0..row_len * height).map(|at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = state >> 16;
        let (x, y) = (at % row_len / u32::from(channels), at / row_len);
        let sample = match kind {
            "slopes" => at % row_len * 3 + y * 2 + (x / 13 % 2) * 90 + (noise >> 12),
            "noise" => noise,
            "extremes" => noise % 2 * 255,
            "board" => (x + y) % 2 * 255,
            "smooth" => 128 + ((x + y) / 64 + (noise >> 15)) % 100,
            // The signs of a cosine, another one in each block: no sum of products is larger.
            "cosines" => {
                let of = x / 8 + y / 8 * 5;
                let wave = |at: u32, of: u32| {
                    ((2 * (at % 8) + 1) as f32 * of as f32 * std::f32::consts::PI / 16.0).cos()
                };
                u32::from(wave(x, of % 8) * wave(y, of / 8 % 8) >= 0.0) * 255
            }
            _ => 255,
        };
        sample as u8
    });
    Image::from_samples(width, height, channels, samples.collect::<Vec<u8>>()).unwrap()
}

/// With strips of so many rows of MCUs.
fn cut(image: &Image, quality: u8, down: u32) -> Cut {
    let cut = Cut::of(image.layout(), quality).unwrap();
    let side = cut.sampling.mcu() as u32;
    let mcus = u32::from(cut.width).div_ceil(side) * down;
    Cut { rows: side * down, mcus: mcus.try_into().unwrap(), ..cut }
}

/// Rows that come one after the other, from nowhere in memory.
struct Coming<'a>(ImageRows<'a>);

impl Rows for Coming<'_> {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.0.icc()
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        self.0.read(rows)
    }
}

fn written(image: &Image, cut: &Cut) -> Vec<u8> {
    let ctx = Context::default();
    let (mut there, mut coming) = (Vec::new(), Vec::new());
    write_strips(&mut ImageRows::new(image), cut, &mut there, &ctx).unwrap();
    let mut rows = Coming(ImageRows::new(image));
    write_strips(&mut rows, cut, &mut coming, &ctx).unwrap();
    assert!(there == coming);
    there
}

/// The file of some rows as `libjpeg` writes it.
fn by_libjpeg(rows: &[u8], cut: &Cut) -> Vec<u8> {
    let (samples, [width, height]) = whole_mcus(rows, cut);
    let color = match cut.sampling {
        Sampling::Gray => ColorSpace::JCS_GRAYSCALE,
        _ => ColorSpace::JCS_RGB,
    };
    let mut encoder = Compress::new(color);
    encoder.set_size(width, height);
    // Without what `mozjpeg` does beyond `libjpeg`.
    encoder.set_fastest_defaults();
    encoder.set_quality(cut.quality.into());
    if cut.quality < SHORT {
        let quality = cut.quality.into();
        encoder.set_luma_qtable(&AnnexK_Luma.scaled(quality, quality));
        encoder.set_chroma_qtable(&AnnexK_Chroma.scaled(quality, quality));
    }
    let pixels = if cut.sampling == Sampling::Half { (2, 2) } else { (1, 1) };
    if cut.sampling != Sampling::Gray {
        encoder.set_chroma_sampling_pixel_sizes(pixels, pixels);
    }
    let mut started = encoder.start_compress(Vec::new()).unwrap();
    started.write_scanlines(&samples).unwrap();
    started.finish().unwrap()
}

/// Rows on which the last pixels and the last row are repeated up to whole MCUs. By itself
/// `libjpeg` repeats chroma, and of whole blocks the mean.
fn whole_mcus(rows: &[u8], cut: &Cut) -> (Vec<u8>, [usize; 2]) {
    let (side, channels) = (cut.sampling.mcu(), cut.sampling.channels());
    let (width, height) = (usize::from(cut.width), rows.len() / cut.row_len);
    let [across, down] = [width, height].map(|length| length.next_multiple_of(side));
    let row = |y: usize| &rows[y.min(height - 1) * cut.row_len..][..cut.row_len];
    let pixel = |y: usize, x: usize| &row(y)[x.min(width - 1) * channels..][..channels];
    let samples = (0..down).flat_map(|y| (0..across).flat_map(move |x| pixel(y, x)));
    (samples.copied().collect(), [across, down])
}

/// What stands before the coded samples, and these.
fn parts(file: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 2;
    loop {
        let code = file[at + 1];
        at += 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        if code == START_OF_SCAN {
            let (header, samples) = file.split_at(at);
            return (header, samples.strip_suffix(&[0xFF, END_OF_IMAGE]).unwrap());
        }
    }
}

/// What the segments of a kind hold, one after the other.
fn segments(header: &[u8], marker: u8) -> Vec<u8> {
    let (mut at, mut found) = (2, Vec::new());
    while let Some(&[0xFF, code, high, low]) = header.get(at..at + 4) {
        let next = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        if code == marker {
            found.extend_from_slice(&header[at + 4..next]);
        }
        at = next;
    }
    found
}

fn decoded(file: &[u8]) -> Vec<u8> {
    image::load_from_memory_with_format(file, ImageFormat::Jpeg).unwrap().into_bytes()
}

#[track_caller]
fn check(image: &Image, quality: u8, down: u32) {
    let cut = cut(image, quality, down);
    let file = written(image, &cut);
    let mut expected = Vec::new();
    for (number, rows) in (0u8..).zip(image.bytes().chunks(cut.rows as usize * cut.row_len)) {
        if let Some(before) = number.checked_sub(1) {
            expected.extend([0xFF, RESTART + before % 8]);
        }
        expected.extend_from_slice(parts(&by_libjpeg(rows, &cut)).1);
    }
    let what = || format!("{}, {quality}, {down}", image.layout());
    assert!(parts(&file).1 == expected, "{}", what());
    let side = cut.sampling.mcu() as u16;
    // The sizes differ where the picture of the other has whole MCUs.
    let (header, other) = (parts(&file).0, by_libjpeg(image.bytes(), &cut));
    for marker in [0xDB, 0xC4, START_OF_SCAN] {
        let (found, expected) = (segments(header, marker), segments(parts(&other).0, marker));
        assert_eq!(found, expected, "{marker:x}: {}", what());
    }
    let components = |header| segments(header, 0xC0)[5..].to_vec();
    assert_eq!(components(header), components(parts(&other).0), "{}", what());
    if cut.width.is_multiple_of(side) && cut.height.is_multiple_of(side) {
        assert!(decoded(&file) == decoded(&other), "{}", what());
    }
}

#[test]
fn every_bit_is_that_of_libjpeg() {
    // The last strips have one row, or all rows; the markers go beyond the last number. Groups of
    // blocks are full, nearly so, and nearly empty.
    let sizes = [(1, 1), (1, 50), (50, 1), (16, 32), (17, 33), (9, 129), (30, 400)];
    let wide = [(255, 20), (256, 16), (257, 34), (511, 17), (512, 48), (513, 33), (1030, 50)];
    for (width, height) in sizes.into_iter().chain(wide) {
        for kind in KINDS {
            for channels in [1, 3] {
                let image = picture(kind, width, height, channels);
                for quality in [1, 50, 75, 89, 90, 100] {
                    check(&image, quality, 1);
                    check(&image, quality, 2);
                }
            }
        }
    }
}

#[test]
fn every_quality_has_its_tables() {
    // Of some below it all agree on the rounded steps.
    for quality in [1, 2, 5, 10, 20].into_iter().chain(SHORT..=100) {
        for kind in ["slopes", "cosines", "noise"] {
            check(&picture(kind, 208, 48, 3), quality, 1);
            check(&picture(kind, 208, 48, 1), quality, 3);
        }
    }
}

#[test]
fn every_size_of_a_few_mcus() {
    for width in 1..=33 {
        for height in 1..=33 {
            check(&picture("slopes", width, height, 3), 75, 1);
            check(&picture("noise", width, height, 3), 95, 1);
            check(&picture("slopes", width, height, 1), 75, 1);
        }
    }
}

#[test]
fn the_widest_picture_is_written() {
    // The widest for `libjpeg`.
    check(&picture("slopes", 65_500 / 16 * 16, 17, 3), 75, 1);
    // A smooth picture stays near itself.
    let samples = (0..65_535 * 17u32).flat_map(|at| [(at % 65_535 / 300) as u8; 3]);
    let image = Image::from_samples(65_535, 17, 3, samples.collect::<Vec<u8>>()).unwrap();
    let file = written(&image, &cut(&image, 75, 1));
    let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) < 4;
    assert!(decoded(&file).iter().zip(image.bytes()).all(near));
}

#[test]
fn a_profile_stands_once_in_the_header_and_one_that_is_too_large_is_an_error() {
    let with_profile = |len: usize| {
        let mut icc = vec![7; len];
        icc[16..20].copy_from_slice(b"RGB ");
        picture("slopes", 20, 50, 3).with_icc(Some(icc.into()))
    };
    for (len, segments) in [(100, 1), (65_519, 1), (65_520, 2), (255 * 65_519, 255)] {
        let image = with_profile(len);
        let file = written(&image, &cut(&image, 90, 1));
        assert_eq!(file.windows(12).filter(|at| at == b"ICC_PROFILE\0").count(), segments);
    }
    let image = with_profile(255 * 65_519 + 1);
    let mut rows = ImageRows::new(&image);
    let error = write(&mut rows, 90, &mut Vec::new(), &Context::default()).unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap().to_string();
    assert_eq!(error, "the ICC profile is 16707346 bytes, expected at most 16707345 bytes");
}

#[test]
fn a_strip_never_has_more_mcus_than_a_header_can_say() {
    for width in (1..=65_535).step_by(7).chain([65_535]) {
        for (channels, quality) in [(1, 75), (3, 75), (3, 90)] {
            let layout = Layout::new(width, 65_535, channels, SampleType::U8);
            let cut = Cut::of(layout, quality).unwrap();
            let side = cut.sampling.mcu() as u32;
            assert_eq!(cut.rows % side, 0);
            assert!(width.next_multiple_of(side) * cut.rows >= STRIP, "{width}");
            let mcus = width.div_ceil(side) * (cut.rows / side);
            assert_eq!(u32::from(cut.mcus), mcus);
        }
    }
}

#[test]
fn no_noise_takes_more_than_was_said() {
    for kind in ["noise", "extremes"] {
        for (width, height) in [(1, 4000), (9, 3000), (1000, 70), (6000, 33)] {
            for (channels, quality) in [(1, 89), (1, 100), (3, 89), (3, 90), (3, 100)] {
                let image = picture(kind, width, height, channels);
                let cut = Cut::of(image.layout(), quality).unwrap();
                let coder = Coder::new(cut.sampling, quality);
                let strip = cut.rows as usize * cut.row_len;
                let strips = image.bytes().chunks(strip);
                let most = strips.map(|strip| coder.encode(strip, cut.width.into()).capacity());
                let said = coded(cut.sampling.samples(cut.mcus.into()), quality);
                assert!(most.max().unwrap() <= said, "{}, {quality}", image.layout());
            }
        }
    }
}
