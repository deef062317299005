//! Opening and saving: files from the wild, damaged files, limits, and what is left behind.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use pipeline_core::step::{Kind, Lane, Rows, Sink};
use pipeline_core::{ColorSpace, Context, Error, Image, In, Layout, Result, SampleType, Step};
use pipeline_ops::geometry::{Crop, QuarterTurns, Rotate90};
use pipeline_ops::io::{Open, Orientation, Save};
use pipeline_ops::point::{Convert, ConvertProfile, FromLinear, Grayscale, Profile, ToLinear};
use pipeline_ops::segment::Otsu;

use crate::scanlines::open_in_rows;
use crate::support::{filled, floats, shipped};

fn open(path: impl Into<PathBuf>) -> Result<Image> {
    Open::path(path).run((), &Context::default())
}

pub(crate) fn save(image: &Image, path: impl Into<PathBuf>) -> Result<()> {
    Save::path(path).run(In::new(image.clone()), &Context::default())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// A folder of the full data set, if `PIPELINE_DATA` names one; says so aloud where it does not.
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PIPELINE_DATA").map(|data| Path::new(&data).join(folder));
    let found = found.filter(|path| path.is_dir());
    if found.is_none() {
        // Not `eprintln`, which the test runner swallows.
        let text = format!("PIPELINE_DATA has no `{folder}`: only shipped files are tested\n");
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    found
}

/// Opens a file that may be damaged: an image, or an error that names the file and its cause.
#[track_caller]
pub(crate) fn check_survives(path: &Path) -> Option<Image> {
    match open(path) {
        Ok(image) => Some(image),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&path.display().to_string()), "{text}");
            if matches!(error, Error::File { .. }) {
                let causes = error.causes();
                assert!(!causes.is_empty() && !causes[0].is_empty(), "{text}");
                assert!(!causes[0].contains("panicked"), "{text}: {causes:?}");
            }
            None
        }
    }
}

/// FNV-1a of 64 bits over the samples in order, little-endian, as `prepare.py` has it.
fn checksum(image: &Image) -> u64 {
    fn fold(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        })
    }
    let words =
        image.samples::<u16>().map(|samples| fold(samples.iter().flat_map(|s| s.to_le_bytes())));
    let floats =
        image.samples::<f32>().map(|samples| fold(samples.iter().flat_map(|s| s.to_le_bytes())));
    words.or(floats).unwrap_or_else(|| fold(image.bytes().iter().copied()))
}

#[test]
fn good_files_hold_what_other_programs_read() {
    let text = std::fs::read_to_string(shipped("files/expected.json")).unwrap();
    let expected: BTreeMap<String, (u32, u32, u16, SampleType, String)> =
        serde_json::from_str(&text).unwrap();
    let mut faults = Vec::new();
    for (name, expected) in expected {
        let path = shipped("files/good").join(&name);
        let is_jpeg = path.extension().is_some_and(|extension| extension == "jpg");
        let image = if is_jpeg { open_in_rows(&path, 7) } else { open(&path) }.unwrap();
        if is_jpeg {
            assert!(open_in_rows(&path, 1000).unwrap() == image, "{name}");
        }
        let sum = format!("{:016x}", checksum(&image));
        let found = (image.width(), image.height(), image.channels(), image.sample_type(), sum);
        if found != expected {
            faults.push(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn wide_tiff_samples_become_floats_as_they_are() {
    let rows = [
        ("made-gray-f32.tif", [-4.25, -3.25, -2.25]),
        ("made-gray-i16.tif", [-4250.0, -3250.0, -2250.0]),
        ("made-gray-u32.tif", [0.0, 100_000.0, 200_000.0]),
    ];
    for (name, expected) in rows {
        let image = open(shipped("files/good").join(name)).unwrap();
        assert_eq!(image.samples::<f32>().map(|samples| &samples[..3]), Some(&expected[..]));
    }
}

#[test]
fn damaged_files_end_in_an_image_or_an_error() {
    let damaged = files(&shipped("files/bad"));
    assert!(damaged.len() > 30);
    let opened = damaged.iter().filter(|path| check_survives(path).is_some()).count();
    assert!(opened < damaged.len() / 2, "{opened} of {} opened", damaged.len());
}

#[test]
fn every_file_of_the_data_set_ends_in_an_image_or_an_error() {
    let Some(images) = data("images") else { return };
    for folder in std::fs::read_dir(images).unwrap().map(|entry| entry.unwrap().path()) {
        if folder.is_dir() {
            files(&folder).iter().for_each(|path| drop(check_survives(path)));
        }
    }
}

#[test]
fn a_photograph_of_the_data_set_has_its_known_level() {
    let Some(photos) = data("images/photos-skimage") else { return };
    let camera = open(photos.join("camera.png")).unwrap();
    let level = Otsu::level(&camera, &Context::default()).unwrap();
    assert_eq!(level, Some(102.0));
}

#[test]
fn what_is_not_a_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: cannot read", folder.path().display()));
    assert_eq!(error.causes(), ["it is a folder, not a file"]);
    if cfg!(unix) {
        // It would give zeros for ever, and to a pipe nobody writes.
        let error = open("/dev/zero").unwrap_err();
        assert_eq!(error.causes(), ["it is a pipe, a socket or a device, not a file"]);
        let pipe = folder.path().join("pipe.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            let error = open(pipe).unwrap_err();
            assert_eq!(error.causes(), ["it is a pipe, a socket or a device, not a file"]);
        }
    }
}

#[test]
fn all_eight_orientations_come_out_upright() {
    let upright = open(shipped("files/exif/1.jpg")).unwrap();
    assert_eq!((upright.width(), upright.height()), (64, 43));
    for number in 1..=8 {
        let image = open(shipped(&format!("files/exif/{number}.jpg"))).unwrap();
        assert_eq!((image.width(), image.height()), (64, 43), "{number}");
        let pairs = floats(&image).into_iter().zip(floats(&upright));
        let total: f32 = pairs.map(|(found, expected)| (found - expected).abs()).sum();
        // JPEG is lossy and each was compressed the way it lies; wrong turns differ by 40 and more.
        let mean = total / (64.0 * 43.0 * 3.0);
        assert!(mean < 8.0, "{number} differs by {mean}");
    }
}

#[test]
fn the_note_on_orientation_is_found_in_every_format() {
    let quarter = Rotate90 { turn: QuarterTurns::One };
    let mut pictures = Vec::new();
    for extension in ["png", "webp", "tif"] {
        let open = Open::path(shipped(&format!("files/exif/6.{extension}")));
        let upright = open.run((), &Context::default()).unwrap();
        assert_eq!((upright.width(), upright.height()), (64, 43), "{extension}");
        let open = Open { orientation: Orientation::Ignore, ..open };
        let stored = open.run((), &Context::default()).unwrap();
        let turned = quarter.run(In::new(stored), &Context::default()).unwrap();
        assert_eq!(turned, upright, "{extension}");
        pictures.push(upright);
    }
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(pictures[0], pictures[2]);
}

#[test]
fn the_stored_orientation_can_be_kept() {
    let step = Open { orientation: Orientation::Ignore, ..Open::path(shipped("files/exif/6.jpg")) };
    let image = step.run((), &Context::default()).unwrap();
    assert_eq!((image.width(), image.height()), (43, 64));
}

#[test]
fn the_content_decides_the_format_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.jpg");
    std::fs::copy(shipped("files/good/basn2c08.png"), &path).unwrap();
    assert_eq!(open(path).unwrap().width(), 32);
}

#[test]
fn limits_are_errors_that_say_which() {
    let path = shipped("files/good/basn2c08.png");
    let shown = path.display().to_string();
    let narrow = Open { max_side: 31, ..Open::path(&path) };
    let error = narrow.run((), &Context::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the picture in {shown} is 32×32, expected sides up to 31 px (`max_side`)")
    );
    let small = Open { max_bytes: 3000, ..Open::path(&path) };
    let error = small.run((), &Context::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the picture {shown} needs 3072 bytes, allowed are 3000")
    );
    assert!(Open { max_bytes: 3072, ..Open::path(&path) }.run((), &Context::default()).is_ok());
    let wide = shipped("files/good/made-gray-f32.tif");
    let small = Open { max_bytes: 47, ..Open::path(wide) };
    assert!(matches!(small.run((), &Context::default()), Err(Error::TooLarge { allowed: 47, .. })));
}

/// The bytes of a picture of one grey sample per pixel, of which only the size is claimed.
fn claims(extension: &str, width: u32, height: u32) -> Vec<u8> {
    let shorts = [width.min(65_535), height.min(65_535)].map(|side| side as u16);
    let little = shorts.map(u16::to_le_bytes).concat();
    let mut bytes = match extension {
        "png" => {
            let sides = [width, height].map(u32::to_be_bytes).concat();
            let header = [&b"IHDR"[..], &sides, &[8, 0, 0, 0, 0]].concat();
            let chunk = |bytes: &[u8]| {
                let len = (bytes.len() as u32 - 4).to_be_bytes();
                [&len[..], bytes, &crc(bytes).to_be_bytes()].concat()
            };
            let parts = [header, b"IDAT".to_vec(), b"IEND".to_vec()].map(|part| chunk(&part));
            [&b"\x89PNG\r\n\x1A\n"[..], &parts.concat()].concat()
        }
        "jpg" => {
            let sides = [shorts[1], shorts[0]].map(u16::to_be_bytes).concat();
            let frame = [&b"\xFF\xC0\0\x0B\x08"[..], &sides, b"\x01\x01\x11\0"].concat();
            let tables = b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0";
            [b"\xFF\xD8", &frame[..], tables, b"\xFF\xD9"].concat()
        }
        "tif" => {
            let mut file = crate::tiff::GRAY.bytes(&[1, 2]);
            // Width, height and rows per strip: entries of twelve bytes with their values in place.
            for (entry, side) in [(0, width), (1, height), (8, height)] {
                let at = 8 + 2 + 12 * entry;
                file[at + 2] = 4;
                file[at + 8..at + 12].copy_from_slice(&side.to_le_bytes());
            }
            file
        }
        "webp" => {
            let frame = [&b"\0\0\0\x9D\x01\x2A"[..], &little, &[0; 16]].concat();
            let len = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
            let chunk = [&b"WEBPVP8 "[..], &len(&frame), &frame].concat();
            [&b"RIFF"[..], &len(&chunk), &chunk].concat()
        }
        "bmp" => {
            let sides = [width, height].map(u32::to_le_bytes).concat();
            let header = [&b"\x28\0\0\0"[..], &sides, b"\x01\0\x18\0", &[0; 24]].concat();
            [b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0", &header[..]].concat()
        }
        "gif" => [b"GIF89a", &little[..], b"\0\0\0,\0\0\0\0", &little, b"\0\x02\0;"].concat(),
        _ => format!("P5 {width} {height} 255\n").into_bytes(),
    };
    // Enough for whoever asks only whether there is more.
    bytes.extend([0; 8]);
    bytes
}

/// The checksum of a chunk of a PNG.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}

#[test]
fn a_picture_without_pixels_or_with_too_many_is_an_error_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for extension in ["png", "jpg", "tif", "webp", "bmp", "gif", "pgm"] {
        let path = folder.path().join(format!("picture.{extension}"));
        for (width, height) in [(0, 0), (0, 5), (5, 0), (u32::MAX, u32::MAX), (1 << 20, 1 << 20)] {
            std::fs::write(&path, claims(extension, width, height)).unwrap();
            let found = check_survives(&path);
            assert!(found.is_none(), "{extension} of {width}×{height}: {found:?}");
        }
        // What is refused is the size and nothing else.
        std::fs::write(&path, claims(extension, 60_000, 50_000)).unwrap();
        let small = Open { max_bytes: 1 << 20, max_side: 50_000, ..Open::path(&path) };
        let error = small.run((), &Context::default()).unwrap_err();
        // WebP has 14 bits for a side, so there it is another size.
        let is_size = error.to_string().contains("60000×50000") || extension == "webp";
        assert!(is_size, "{extension}: {error} {:?}", error.causes());
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = open("no/such/picture.png").unwrap_err();
    assert_eq!(error.to_string(), "no/such/picture.png: cannot read");
    assert!(!error.causes().is_empty());
    let error = open("").unwrap_err();
    assert_eq!(error.to_string(), "path is empty, expected that of a file");
    let error = save(&pattern(1, SampleType::U8), "").unwrap_err();
    assert_eq!(error.to_string(), "path is empty, expected that of a file");
    let error = open(shipped("files/prepare.py")).unwrap_err();
    assert!(error.to_string().ends_with("prepare.py: cannot decode"), "{error}");
}

#[test]
fn opening_declares_its_file_and_saving_its_effect() {
    assert_eq!(Open::path("a.png").spec().reads, [PathBuf::from("a.png")]);
    assert_eq!(Save::path("a.png").spec().kind, Kind::Effect);
    // Both wait for a disk, so neither takes a thread that computes.
    assert_eq!(Open::path("a.png").spec().lane, Lane::Blocking);
    assert_eq!(Save::path("a.png").spec().lane, Lane::Blocking);
}

fn pattern(channels: u16, sample: SampleType) -> Image {
    let count = 9 * 7 * usize::from(channels);
    let numbers = (0..count).map(|place| (place * 7919) % 65536);
    match sample {
        SampleType::U8 => {
            let samples: Vec<u8> = numbers.map(|number| (number % 256) as u8).collect();
            Image::from_samples(9, 7, channels, samples)
        }
        SampleType::U16 => {
            let samples: Vec<u16> = numbers.map(|number| number as u16).collect();
            Image::from_samples(9, 7, channels, samples)
        }
        _ => {
            let samples: Vec<f32> = numbers.map(|number| number as f32 / 7.0 - 50.0).collect();
            Image::from_samples(9, 7, channels, samples)
        }
    }
    .unwrap()
}

const COLORS: [ColorSpace; 5] =
    [ColorSpace::Srgb, ColorSpace::LinearSrgb, ColorSpace::Hsv, ColorSpace::Lab, ColorSpace::Data];

/// What an image is opened as after it was saved, or a part of the text that refuses it.
fn opened_as(extension: &str, image: Layout) -> Result<Layout, &'static str> {
    let Layout { channels, sample, color, .. } = image;
    let is_tiff = extension.eq_ignore_ascii_case("tif") || extension.eq_ignore_ascii_case("tiff");
    let data = Layout { color: ColorSpace::Data, ..image };
    let srgb = Layout { color: ColorSpace::Srgb, ..image };
    match color {
        ColorSpace::Hsv if !is_tiff && channels > 1 => return Err("put a `from_hsv` step before"),
        ColorSpace::Lab if !is_tiff && channels > 1 => return Err("put a `from_lab` step before"),
        _ if !is_tiff => {}
        ColorSpace::Srgb | ColorSpace::LinearSrgb => return Ok(image),
        // Files have gray, and no word for one channel of something else.
        _ if channels == 1 && sample != SampleType::F32 => return Ok(srgb),
        _ => return Ok(data),
    }
    match (extension, sample) {
        ("png", SampleType::F32) => return Err("put a `convert` step to u16 before"),
        ("jpg" | "webp", SampleType::U16 | SampleType::F32) => {
            return Err("put a `convert` step to u8 before");
        }
        ("jpg", _) if channels % 2 == 0 => return Err("without alpha"),
        _ if color == ColorSpace::Data && channels % 2 == 0 => return Err("channels of data"),
        _ => {}
    }
    let channels = if extension == "webp" && channels < 3 { channels + 2 } else { channels };
    Ok(Layout { channels, ..if color == ColorSpace::LinearSrgb { image } else { srgb } })
}

#[test]
fn what_is_saved_is_opened_as_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for extension in ["png", "jpg", "tif", "TIFF", "webp"] {
        for (sample, color) in [SampleType::U8, SampleType::U16, SampleType::F32]
            .into_iter()
            .flat_map(|sample| COLORS.map(|color| (sample, color)))
        {
            for channels in 1..=4 {
                let image = pattern(channels, sample).with_color(color);
                let path = folder.path().join(format!("{channels}-{sample}-{color:?}.{extension}"));
                match (opened_as(extension, image.layout()), save(&image, &path)) {
                    (Ok(expected), Ok(())) => {
                        let again = open(&path).unwrap();
                        assert_eq!(again.layout(), expected, "{}", path.display());
                        if extension != "jpg" && expected.channels == channels {
                            assert_eq!(again.bytes(), image.bytes(), "{}", path.display());
                        }
                        let is_plain = color == ColorSpace::Srgb && sample != SampleType::F32;
                        assert!(again.icc().is_none() || !is_plain, "{}", path.display());
                        // Nothing is lost the second time.
                        save(&again, &path).unwrap();
                        let last = open(&path).unwrap();
                        assert_eq!(last.layout(), expected, "{}", path.display());
                        assert_eq!(last.icc(), again.icc(), "{}", path.display());
                    }
                    (Err(part), Err(error)) => {
                        assert!(error.to_string().contains(part), "{error}");
                        assert!(!path.exists());
                    }
                    (expected, saved) => panic!("{}: {expected:?}, {saved:?}", path.display()),
                }
            }
        }
    }
}

#[test]
fn light_and_encoded_samples_are_told_apart_after_any_way_through_files() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Context::default();
    let photo = open(shipped("files/exif/1.jpg")).unwrap();
    let light = ToLinear {}.run(In::new(photo.clone()), &ctx).unwrap();
    for extension in ["png", "jpg", "tif", "webp"] {
        let path = folder.path().join(format!("light.{extension}"));
        save(&light, &path).unwrap();
        let again = open(&path).unwrap();
        assert!(FromLinear {}.run(In::new(again), &ctx).is_ok(), "{extension}");
    }
    // Floats in the colours of a screen: their profile says that they are encoded.
    for to in [Profile::Srgb, Profile::DisplayP3, Profile::Gray, Profile::LinearSrgb] {
        let step = ConvertProfile { to, ..ConvertProfile::default() };
        let image = step.run(In::new(photo.clone()), &ctx).unwrap();
        let floats = Convert::to(SampleType::F32).run(In::new(image), &ctx).unwrap();
        let path = folder.path().join("floats.tif");
        save(&floats, &path).unwrap();
        assert_eq!(open(&path).unwrap(), floats, "{to:?}");
    }
}

#[test]
fn jpeg_keeps_the_picture_and_its_quality_counts() {
    let folder = tempfile::tempdir().unwrap();
    let image = open(shipped("files/exif/1.jpg")).unwrap();
    let mut sizes = Vec::new();
    for quality in [30, 95] {
        let path = folder.path().join(format!("{quality}.jpg"));
        Save { quality, ..Save::path(&path) }
            .run(In::new(image.clone()), &Context::default())
            .unwrap();
        sizes.push(std::fs::metadata(&path).unwrap().len());
        assert_eq!(open(&path).unwrap().layout(), image.layout());
    }
    assert!(sizes[0] < sizes[1]);
}

#[test]
fn jpeg_of_any_size_is_close_to_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let photo = open(shipped("files/exif/1.jpg")).unwrap();
    for (width, height) in [(1, 1), (1, 40), (40, 1), (8, 8), (17, 9), (48, 31)] {
        let crop = Crop { width: Some(width), height: Some(height), ..Crop::default() };
        let color = crop.run(In::new(photo.clone()), &Context::default()).unwrap();
        let gray = Grayscale::default().run(In::new(color.clone()), &Context::default()).unwrap();
        for image in [color, gray] {
            for (quality, most) in [(100, 2.0), (80, 12.0)] {
                let save = Save { quality, durable: false, ..Save::path(&path) };
                save.run(In::new(image.clone()), &Context::default()).unwrap();
                let saved = open(&path).unwrap();
                assert_eq!(saved.layout(), image.layout());
                let pairs = saved.bytes().iter().zip(image.bytes());
                let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
                let mean = f64::from(sum) / image.bytes().len() as f64;
                assert!(mean <= most, "{mean} off, {} at quality {quality}", image.layout());
            }
        }
    }
}

#[test]
fn pictures_longer_than_a_format_holds_are_refused() {
    for (name, longest) in [("a.jpg", 65_535), ("a.jpeg", 65_535), ("a.webp", 16_384)] {
        let image = Image::zeros(Layout::new(2, longest + 1, 1, SampleType::U8)).unwrap();
        let error = Save::path(name).run(In::new(image), &Context::default()).unwrap_err();
        let expected = format!(
            "the image for {name} is 2×{}×1 u8, expected sides up to {longest} px; `tif` holds any",
            longest + 1
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_advice() {
    let rows = [
        (
            pattern(3, SampleType::U16),
            "a.jpg",
            "the image for a.jpg is 9×7×3 u16, expected u8 samples; \
             put a `convert` step to u8 before",
        ),
        (
            pattern(4, SampleType::U8),
            "a.jpeg",
            "the image for a.jpeg is 9×7×4 u8, expected 1 or 3 channels, without alpha; \
             `png` holds alpha",
        ),
        (
            pattern(1, SampleType::U8),
            "a.bmp",
            "the extension of `a.bmp` is `bmp`, expected `png`, `jpg`, `jpeg`, `tif`, `tiff` or \
             `webp`",
        ),
    ];
    for (image, path, expected) in rows {
        assert_eq!(save(&image, path).unwrap_err().to_string(), expected);
        assert!(!Path::new(path).exists());
    }
}

#[test]
fn a_profile_goes_through_every_format_that_holds_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut icc = vec![7u8; 300];
    icc[16..20].copy_from_slice(b"RGB ");
    let image = pattern(3, SampleType::U8).with_icc(Some(icc.clone().into()));
    for extension in ["png", "jpg", "tif", "webp"] {
        let path = folder.path().join(format!("profile.{extension}"));
        save(&image, &path).unwrap();
        let again = open(&path).unwrap();
        assert_eq!(again.icc().map(|icc| icc.to_vec()), Some(icc.clone()), "{extension}");
    }
    let gray = pattern(1, SampleType::U8).with_icc(Some(icc.into()));
    let path = folder.path().join("gray.png");
    save(&gray, &path).unwrap();
    assert!(open(&path).unwrap().icc().is_none(), "a profile for RGB on a gray picture");
}

#[test]
fn a_name_may_be_as_long_as_names_of_files_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let image = filled((2, 2), 1, SampleType::U8, 1);
    for len in [200, 250, 255] {
        let path = folder.path().join("n".repeat(len - 4) + ".png");
        save(&image, &path).unwrap();
        assert_eq!(open(path).unwrap(), image);
    }
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn a_failed_save_leaves_what_was_there() {
    // The last row does not come, when most of the file is written.
    struct Lost(u32);

    impl Rows for Lost {
        fn layout(&self) -> Layout {
            Layout::new(300, 400, 3, SampleType::U8)
        }

        fn read(&mut self, rows: &mut [u8]) -> Result<()> {
            self.0 += u32::try_from(rows.len()).unwrap() / 900;
            if self.0 < 400 { Ok(()) } else { Err(Error::failed("the row was lost")) }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let before = pattern(3, SampleType::U8);
    for extension in ["webp", "png", "jpg", "tif"] {
        let path = folder.path().join(format!("picture.{extension}"));
        save(&before, &path).unwrap();
        let there = std::fs::read(&path).unwrap();
        let error = Save::path(&path).write(&mut Lost(0), &Context::default()).unwrap_err();
        assert!(matches!(error, Error::File { action: "encode", .. }), "{error}");
        assert_eq!(error.causes(), ["the row was lost"]);
        assert_eq!(files(folder.path()), std::slice::from_ref(&path));
        assert_eq!(std::fs::read(&path).unwrap(), there);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_missing_folder_is_made_and_an_impossible_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deep/picture.png");
    save(&pattern(1, SampleType::U8), &path).unwrap();
    assert_eq!(files(path.parent().unwrap()), std::slice::from_ref(&path));

    let error = save(&pattern(1, SampleType::U8), path.join("below.png")).unwrap_err();
    assert!(matches!(error, Error::File { action: "write", .. }), "{error}");
}
