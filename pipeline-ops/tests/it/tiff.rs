//! TIFF files of every kind of sample, written byte by byte: what stands in the file is what is
//! tested, not what an encoder makes of it.

use std::path::Path;

use pipeline_core::step::Source;
use pipeline_core::{ColorSpace, Context, Error, Image, In, Result, SampleType, Step};
use pipeline_ops::io::{Open, Save};
use pipeline_ops::point::Invert;

/// The tags of a file of one strip per plane, or of tiles, not compressed.
#[derive(Clone, Copy)]
pub(crate) struct Tiff {
    pub(crate) size: (u16, u16),
    pub(crate) bits: u16,
    pub(crate) samples: u16,
    /// 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK.
    pub(crate) photometric: u16,
    /// 1 unsigned, 2 signed, 3 float.
    pub(crate) format: u16,
    /// What the samples beside the colours are: 0 anything, 1 alpha with colours multiplied by it,
    /// 2 alpha.
    pub(crate) extra: &'static [u16],
    pub(crate) is_planar: bool,
    pub(crate) tile: Option<(u16, u16)>,
    pub(crate) orientation: u16,
    pub(crate) icc: &'static [u8],
}

pub(crate) const GRAY: Tiff = Tiff {
    size: (2, 1),
    bits: 8,
    samples: 1,
    photometric: 1,
    format: 1,
    extra: &[],
    is_planar: false,
    tile: None,
    orientation: 1,
    icc: &[],
};

const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

impl Tiff {
    /// The bytes of a file with these samples, which for planes stand one plane after the other,
    /// and for tiles one tile.
    pub(crate) fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let planes = if self.is_planar { usize::from(self.samples) } else { 1 };
        let chunks = self.tile.map_or(planes, |(width, height)| {
            let (across, down) = (self.size.0.div_ceil(width), self.size.1.div_ceil(height));
            usize::from(across) * usize::from(down)
        });
        let short = |value: u16| (SHORT, value.to_le_bytes().to_vec());
        let shorts = |values: &[u16]| {
            (SHORT, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        };
        let longs = |values: Vec<usize>| {
            let bytes = values.into_iter().flat_map(|value| (value as u32).to_le_bytes());
            (LONG, bytes.collect::<Vec<u8>>())
        };
        let chunk = data.len() / chunks;
        let entries = |start: usize| {
            let mut entries = vec![
                (256, short(self.size.0)),
                (257, short(self.size.1)),
                (258, shorts(&vec![self.bits; self.samples.into()])),
                (259, short(1)),
                (262, short(self.photometric)),
                (274, short(self.orientation)),
                (277, short(self.samples)),
                (284, short(if self.is_planar { 2 } else { 1 })),
            ];
            let starts = longs((0..chunks).map(|number| start + number * chunk).collect());
            let lens = longs(vec![chunk; chunks]);
            entries.extend(match self.tile {
                None => vec![(273, starts), (278, short(self.size.1)), (279, lens)],
                Some((width, height)) => {
                    vec![(322, short(width)), (323, short(height)), (324, starts), (325, lens)]
                }
            });
            if !self.extra.is_empty() {
                entries.push((338, shorts(self.extra)));
            }
            entries.push((339, shorts(&vec![self.format; self.samples.into()])));
            if !self.icc.is_empty() {
                entries.push((34675, (UNDEFINED, self.icc.to_vec())));
            }
            entries.sort_by_key(|&(tag, _)| tag);
            entries
        };
        let list = entries(0);
        let values = 8 + 2 + list.len() * 12 + 4;
        let long_ones = list.iter().map(|(_, (_, bytes))| bytes.len()).filter(|&len| len > 4);
        let start = values + long_ones.sum::<usize>();

        let mut file = b"II*\0\x08\0\0\0".to_vec();
        let mut beside = Vec::new();
        file.extend((list.len() as u16).to_le_bytes());
        for (tag, (kind, mut bytes)) in entries(start) {
            let size = [1, 1, 1, 2, 4, 8, 1, 1][usize::from(kind)];
            file.extend(u16::to_le_bytes(tag));
            file.extend(kind.to_le_bytes());
            file.extend(((bytes.len() / size) as u32).to_le_bytes());
            if bytes.len() > 4 {
                file.extend(((values + beside.len()) as u32).to_le_bytes());
                beside.append(&mut bytes);
            } else {
                bytes.resize(4, 0);
                file.append(&mut bytes);
            }
        }
        file.extend([0; 4]);
        file.append(&mut beside);
        file.extend(data);
        file
    }

    #[track_caller]
    fn open(&self, data: &[u8]) -> Result<Image> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.tif");
        std::fs::write(&path, self.bytes(data)).unwrap();
        open(&path)
    }
}

fn open(path: &Path) -> Result<Image> {
    Open::path(path).run((), &Context::default())
}

#[track_caller]
fn check<T: pipeline_core::Sample>(tiff: Tiff, data: &[u8], color: ColorSpace, expected: &[T]) {
    let image = tiff.open(data).unwrap();
    assert_eq!(image.samples::<T>(), Some(expected));
    assert_eq!(image.layout().color, color);
}

#[test]
fn alpha_is_what_the_file_declares_as_alpha() {
    let rgba = Tiff { samples: 4, photometric: 2, ..GRAY };
    let pixels: &[u8] = &[100, 50, 0, 128, 10, 20, 30, 255];
    let extras: [&[u16]; 3] = [&[2], &[], &[2, 0]];
    for extra in extras {
        let samples = 3 + extra.len().max(1) as u16;
        let pixel = |pixel: &'static [u8]| pixel.iter().copied().chain([77]).take(samples.into());
        let data: Vec<u8> = pixels.chunks(4).flat_map(pixel).collect();
        let image = Tiff { extra, samples, ..rgba }.open(&data).unwrap();
        assert_eq!(image.samples::<u8>(), Some(pixels), "{extra:?}");
        assert!(image.layout().has_alpha(), "{extra:?}");
    }
    // A fourth sample that is declared to be something else is no opacity and no colour.
    let image = Tiff { extra: &[0], ..rgba }.open(pixels).unwrap();
    assert_eq!(image.samples::<u8>(), Some(&[100u8, 50, 0, 10, 20, 30][..]));

    let gray = Tiff { samples: 2, ..GRAY };
    let image = Tiff { extra: &[2], ..gray }.open(&[100, 128, 10, 255]).unwrap();
    assert!(image.layout().has_alpha());
    let inverted = Invert {}.run(In::new(image), &Context::default()).unwrap();
    assert_eq!(inverted.samples::<u8>(), Some(&[155u8, 128, 245, 255][..]));
}

#[test]
fn colours_multiplied_by_their_alpha_come_out_as_they_were() {
    let rgba = Tiff { samples: 4, photometric: 2, extra: &[1], ..GRAY };
    let srgb = ColorSpace::Srgb;
    check(rgba, &[50, 25, 0, 128, 0, 0, 0, 0], srgb, &[100u8, 50, 0, 128, 0, 0, 0, 0]);
    let deep = Tiff { bits: 16, samples: 2, extra: &[1], ..GRAY };
    let data: Vec<u8> =
        [10_000u16, 32_768, 7, 65_535].into_iter().flat_map(u16::to_le_bytes).collect();
    check(deep, &data, srgb, &[20_000u16, 32_768, 7, 65_535]);
}

#[test]
fn channels_without_a_meaning_are_data_of_any_sample_type() {
    for samples in [2u16, 4, 5] {
        let tiff = Tiff { samples, ..GRAY };
        let numbers: Vec<u8> = (1..=2 * samples as u8).collect();
        check(tiff, &numbers, ColorSpace::Data, &numbers);
        let wide: Vec<u16> = numbers.iter().map(|&number| 1000 * u16::from(number)).collect();
        let bytes: Vec<u8> = wide.iter().flat_map(|number| number.to_le_bytes()).collect();
        check(Tiff { bits: 16, ..tiff }, &bytes, ColorSpace::Data, &wide);
        let floats: Vec<f32> = numbers.iter().map(|&number| f32::from(number) / 8.0).collect();
        let bytes: Vec<u8> = floats.iter().flat_map(|number| number.to_le_bytes()).collect();
        check(Tiff { bits: 32, format: 3, ..tiff }, &bytes, ColorSpace::Data, &floats);
    }
    // Floats with opacity are light, as those of RGB are.
    let floats = Tiff { samples: 2, bits: 32, format: 3, extra: &[2], ..GRAY };
    let data: Vec<u8> = [0.5f32, 1.0, 2.5, 0.5].into_iter().flat_map(f32::to_le_bytes).collect();
    check(floats, &data, ColorSpace::LinearSrgb, &[0.5f32, 1.0, 2.5, 0.5]);
    // No step takes the second or fourth channel for opacity.
    let image = Tiff { samples: 4, ..GRAY }.open(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let inverted = Invert {}.run(In::new(image), &Context::default()).unwrap();
    assert_eq!(inverted.samples::<u8>(), Some(&[254u8, 253, 252, 251, 250, 249, 248, 247][..]));
}

#[test]
fn a_text_that_is_longer_than_any_file_may_be_is_cut_off() {
    let mut bytes = Tiff { samples: 3, photometric: 2, icc: b"note", ..GRAY }.bytes(&[0; 6]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.tif");
    std::fs::write(&path, &bytes).unwrap();
    assert!(open(&path).is_ok());
    // The last entry as a text of nearly 2 GiB.
    let entry = bytes.windows(2).position(|tag| tag == 34675u16.to_le_bytes()).unwrap();
    bytes[entry + 2] = 2;
    bytes[entry + 4..entry + 8].copy_from_slice(&i32::MAX.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(&path), Err(Error::File { action: "decode", .. })));
}

/// Makes the last entry of a file with an ICC profile a note of another program.
fn private(bytes: &mut [u8], kind: u16, count: u32, place: u32) {
    let entry = bytes.windows(2).position(|tag| tag == 34675u16.to_le_bytes()).unwrap();
    let (name, kind) = (65_000u16.to_le_bytes(), kind.to_le_bytes());
    bytes[entry..entry + 12]
        .copy_from_slice(&[&name[..], &kind, &count.to_le_bytes(), &place.to_le_bytes()].concat());
}

#[test]
fn a_note_that_memory_would_not_hold_has_to_be_there_and_is_not_read() {
    let rgb = Tiff { samples: 3, photometric: 2, icc: RGB, ..GRAY };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.tif");
    // Bytes, texts, numbers of 2, 4 and 8 bytes.
    for (kind, size) in [(7, 1), (2, 1), (3, 2), (11, 4), (12, 8)] {
        let mut bytes = rgb.bytes(&[1, 2, 3, 4, 5, 6]);
        let len = bytes.len() as u64;
        private(&mut bytes, kind, (1 << 30) / size, len as u32);
        std::fs::write(&path, bytes).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let step = Open { max_bytes: u64::MAX, ..Open::path(&path) };
        // What is not written takes no room.
        file.set_len(len + (1 << 30)).unwrap();
        let image = step.run((), &Context::default()).unwrap();
        assert_eq!(image.samples::<u8>(), Some(&[1u8, 2, 3, 4, 5, 6][..]));
        file.set_len(len + (1 << 30) - 1).unwrap();
        let error = step.run((), &Context::default()).unwrap_err();
        assert!(matches!(error, Error::File { action: "decode", .. }), "{error:?}");
    }
}

#[test]
fn a_large_profile_takes_no_more_than_its_bytes() {
    let mut icc = vec![7; 3 << 20];
    icc[16..20].copy_from_slice(b"RGB ");
    let rgb = Tiff { samples: 3, photometric: 2, icc: icc.leak(), ..GRAY };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.tif");
    std::fs::write(&path, rgb.bytes(&[1, 2, 3, 4, 5, 6])).unwrap();
    let open = |max_bytes| Open { max_bytes, ..Open::path(&path) }.run((), &Context::default());
    assert_eq!(open(3 << 20).unwrap().icc().map(|icc| &**icc), Some(rgb.icc));
    assert!(matches!(open((3 << 20) - 1), Err(Error::TooLarge { needed: 3_145_728, .. })));
}

#[test]
fn data_of_any_number_of_channels_is_saved_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    for channels in 2..=5u16 {
        let numbers: Vec<u16> = (0..6 * channels).map(|number| number * 999).collect();
        let image = Image::from_samples(3, 2, channels, numbers).unwrap();
        let image = image.with_color(ColorSpace::Data);
        let path = folder.path().join(format!("{channels}.tif"));
        Save::path(&path).run(In::new(image.clone()), &Context::default()).unwrap();
        assert_eq!(open(&path).unwrap(), image);
    }
    let image = Image::from_samples(1, 1, 4, vec![1u8, 2, 3, 4]).unwrap();
    let save = Save::path("data.png");
    let data = image.with_color(ColorSpace::Data);
    let error = save.run(In::new(data), &Context::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the image for data.png is 1×1×4 u8, expected 1 or 3 channels of data, of which the last \
         would be opacity; `tif` holds any number"
    );
}

#[test]
fn few_bits_become_eight() {
    let wide = Tiff { size: (3, 2), ..GRAY };
    let srgb = ColorSpace::Srgb;
    check(Tiff { bits: 1, ..wide }, &[0xA0, 0x60], srgb, &[255u8, 0, 255, 0, 255, 255]);
    check(Tiff { bits: 2, ..wide }, &[0x18, 0xC0], srgb, &[0u8, 85, 170, 255, 0, 0]);
    let four = Tiff { bits: 4, ..wide };
    check(four, &[0x0F, 0x10, 0x2F, 0x00], srgb, &[0u8, 255, 17, 34, 255, 0]);
    let white_is_zero = Tiff { photometric: 0, ..four };
    check(white_is_zero, &[0x0F, 0x10, 0x2F, 0x00], srgb, &[255u8, 0, 238, 221, 0, 255]);
    let error = Tiff { bits: 12, ..wide }.open(&[0; 10]).unwrap_err();
    assert!(error.causes()[0].contains("Gray(12) is not supported"), "{:?}", error.causes());
}

#[test]
fn planes_one_after_the_other_are_read_as_pixels() {
    let rgb = Tiff { samples: 3, photometric: 2, is_planar: true, ..GRAY };
    check(rgb, &[1, 2, 10, 20, 100, 200], ColorSpace::Srgb, &[1u8, 10, 100, 2, 20, 200]);
    let bands = Tiff { samples: 5, is_planar: true, ..GRAY };
    let data: Vec<u8> = (0..10).collect();
    check(bands, &data, ColorSpace::Data, &[0u8, 2, 4, 6, 8, 1, 3, 5, 7, 9]);
    let floats = Tiff { samples: 2, bits: 32, format: 3, is_planar: true, ..GRAY };
    let data: Vec<u8> = [0.5f32, 1.5, 2.5, 3.5].into_iter().flat_map(f32::to_le_bytes).collect();
    check(floats, &data, ColorSpace::Data, &[0.5f32, 2.5, 1.5, 3.5]);
}

#[test]
fn the_note_on_orientation_is_followed_for_every_sample_type() {
    let turned = Tiff { orientation: 6, ..GRAY };
    for tiff in [turned, Tiff { bits: 32, format: 3, ..turned }] {
        let image = tiff.open(&[0, 0, 128, 63, 0, 0, 0, 64][..2 * usize::from(tiff.bits / 8)]);
        let image = image.unwrap();
        assert_eq!((image.width(), image.height()), (1, 2));
    }
    let color = Tiff { samples: 3, photometric: 2, orientation: 2, ..GRAY };
    check(color, &[1, 2, 3, 4, 5, 6], ColorSpace::Srgb, &[4u8, 5, 6, 1, 2, 3]);
}

#[test]
fn tiles_are_taken_apart_wherever_rows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiles.tif");
    // Short pieces of tiles and long ones, tiles wider than the image, as wide, and several.
    for (width, tile) in [(150, (64, 64)), (40, (64, 64)), (64, (64, 64)), (100, (16, 16))] {
        for (bits, photometric) in [(8, 2), (8, 1), (16, 1), (8, 0)] {
            let samples = if photometric == 2 { 3 } else { 1 };
            let height = 150;
            let tiff = Tiff {
                size: (width, height),
                bits,
                samples,
                photometric,
                tile: Some(tile),
                ..GRAY
            };
            let pixel = usize::from(samples * bits / 8);
            let byte = |x: usize, y: usize, n: usize| (x * 7 + y * 31 + n * 101) as u8;
            let (mut data, mut expected) = (Vec::new(), Vec::new());
            for top in (0..height).step_by(tile.1.into()) {
                for left in (0..width).step_by(tile.0.into()) {
                    for (y, x) in (top..top + tile.1)
                        .flat_map(|y| (left..left + tile.0).map(move |x| (y.into(), x.into())))
                    {
                        data.extend((0..pixel).map(|n| byte(x, y, n)));
                    }
                }
            }
            for (y, x) in (0..height.into()).flat_map(|y| (0..width.into()).map(move |x| (y, x))) {
                let white = if photometric == 0 { 255 } else { 0 };
                expected.extend((0..pixel).map(|n| byte(x, y, n) ^ white));
            }
            std::fs::write(&path, tiff.bytes(&data)).unwrap();
            assert!(open(&path).unwrap().bytes() == expected, "{width} {tile:?} {bits}");
            for count in [1, 7, 30, 64, 65] {
                let (step, ctx) = (Open::path(&path), Context::default());
                let mut rows = step.open(&ctx).unwrap();
                let row_bytes = usize::from(width) * pixel;
                for expected in expected.chunks(count * row_bytes) {
                    let mut found = vec![0; expected.len()];
                    rows.read(&mut found).unwrap();
                    assert!(found == expected, "{count} rows of {width} {tile:?} {bits}");
                }
            }
        }
    }
}

const RGB: &[u8] = b"................RGB ............";
const CMYK: &[u8] = b"................CMYK............";

#[test]
fn a_profile_stays_unless_its_colours_were_turned_into_others() {
    let rgb = Tiff { samples: 3, photometric: 2, icc: RGB, ..GRAY };
    let image = rgb.open(&[1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(image.icc().map(|icc| icc.to_vec()), Some(RGB.to_vec()));
    let cmyk = Tiff { samples: 4, photometric: 5, icc: CMYK, ..GRAY };
    let image = cmyk.open(&[0, 0, 0, 0, 255, 255, 255, 255]).unwrap();
    assert_eq!(image.samples::<u8>(), Some(&[255u8, 255, 255, 0, 0, 0][..]));
    assert!(image.icc().is_none(), "a profile for CMYK on RGB");
}

#[test]
fn the_limit_counts_what_exists_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.tif");
    let bands = Tiff { samples: 5, bits: 16, size: (100, 10), is_planar: true, ..GRAY };
    std::fs::write(&path, bands.bytes(&[0; 10_000])).unwrap();
    let run = |max_bytes| Open { max_bytes, ..Open::path(&path) }.run((), &Context::default());
    assert!(matches!(run(19_999), Err(Error::TooLarge { needed: 20_000, .. })));
    assert_eq!(run(20_500).unwrap().sample_type(), SampleType::U16);
}
