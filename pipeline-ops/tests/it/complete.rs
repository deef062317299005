//! Files that are cut off: when it is found out, and that it always is.

use std::io::Write;

use pipeline_core::step::Source;
use pipeline_core::{Context, SampleType};
use pipeline_ops::io::Open;

use crate::io::{check_survives, save};
use crate::support::{filled, shipped};

/// How many bytes a file has up to the end that its format marks, or up to the last pixel where the
/// mark is of no use to a reader of one picture.
fn whole(bytes: &[u8]) -> usize {
    let last = |what: &[u8]| bytes.windows(what.len()).rposition(|part| part == what);
    match bytes {
        [0xFF, 0xD8, ..] => last(b"\xFF\xD9").unwrap() + 2,
        [0x89, b'P', ..] => last(b"IEND").unwrap() + 8,
        [b'R', b'I', b'F', b'F', a, b, c, d, ..] => {
            u32::from_le_bytes([*a, *b, *c, *d]) as usize + 8
        }
        // The end of the samples, of the frame and of the file: a byte each.
        [b'G', b'I', b'F', ..] => bytes.len() - 3,
        // Six pixels of eight bits, and two bytes up to a multiple of four.
        [b'B', b'M', ..] => bytes.len() - 2,
        _ => bytes.len(),
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let good = shipped("files/good");
    let names = [
        "basn2c08.png",
        "basi6a08.png",
        "simple-gray.webp",
        "2-color.webp",
        "issue_69_packbits.tiff",
        "made-gray-f32.tif",
        "tiled-gray-i1.tif",
        "Info_8_Bit.bmp",
        "made-rgb.ppm",
        "alpha_gif_a.gif",
    ];
    let mut files: Vec<(String, Vec<u8>)> = names
        .iter()
        .map(|name| (String::from(*name), std::fs::read(good.join(name)).unwrap()))
        .collect();
    files.push(("6.jpg".into(), std::fs::read(shipped("files/exif/6.jpg")).unwrap()));
    // Samples, and after them a profile.
    let color = crate::tiff::Tiff { samples: 3, photometric: 2, icc: b"cut", ..crate::tiff::GRAY };
    files.push(("color.tif".into(), color.bytes(&[1, 2, 3, 4, 5, 6])));
    // What follows the end is not the picture's.
    for at in [0, 1, 10] {
        let (name, mut bytes) = files[at].clone();
        bytes.extend(b"and more");
        files.push((format!("more-{name}"), bytes));
    }

    let mut faults = Vec::new();
    for (name, bytes) in files {
        let path = folder.path().join(&name);
        for len in 0..=bytes.len() {
            // A file that only grows need not be written anew.
            if len == 0 {
                std::fs::write(&path, []).unwrap();
            } else {
                let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
                file.write_all(&bytes[len - 1..len]).unwrap();
            }
            let opened = check_survives(&path).is_some();
            if opened != (len >= whole(&bytes)) {
                faults.push(format!("{name}, {len} of {} bytes: {opened}", bytes.len()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Bytes that this thread has read from files so far, where the system counts them.
fn bytes_read() -> Option<u64> {
    let counts = std::fs::read_to_string("/proc/thread-self/io").ok()?;
    counts.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse().ok()
}

#[test]
fn opening_reads_what_tells_the_layout_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let image = filled((1000, 1000), 3, SampleType::U8, 1);
    let ctx = Context::default();
    for extension in ["png", "jpg", "webp", "tif"] {
        let path = folder.path().join(format!("picture.{extension}"));
        save(&image, &path).unwrap();
        let step = Open::path(&path);
        let before = bytes_read();
        assert_eq!(Source::open(&step, &ctx).unwrap().layout(), image.layout());
        if let (Some(before), Some(after)) = (before, bytes_read()) {
            let len = std::fs::metadata(&path).unwrap().len();
            // The directory of a TIFF file may stand at its end.
            assert!(after - before < 600_000, "{extension}: {} of {len}", after - before);
        }

        // Where a file ends before the picture does is found out with the first row.
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let mut row = vec![0; image.layout().row_len()];
        if extension != "tif" {
            let error = Source::open(&step, &ctx).unwrap().read(&mut row).unwrap_err();
            assert_eq!(error.causes(), ["the file ends before the picture does"], "{extension}");
        }
    }
}
