//! Files of frames that are written one after the other.

use std::path::Path;

use pipeline_core::{
    Bindings, Context, Executor, Graph, Image, In, Options, Result, RunOptions, SampleType,
    Services, Step,
};
use pipeline_ops::io::{FrameFile, OpenFiles, OpenStack, SaveFrame, SavedStack, SeriesFile};

use crate::support::filled;

/// Saves images one after the other.
fn save(step: &SaveFrame, images: &[Image]) -> Result<FrameFile> {
    let frames = u32::try_from(images.len()).unwrap();
    let mut file = None;
    for (image, frame) in images.iter().zip(0..) {
        let step = SaveFrame { frame, frames, ..step.clone() };
        let input = (In::new(image.clone()), file.map(In::new));
        file = Some(step.run(input, &Context::default())?);
    }
    Ok(file.unwrap())
}

fn frames(path: &Path) -> Vec<Image> {
    let stack = SeriesFile::open(path).unwrap().stack(0, 0, 0).unwrap();
    (0..stack.frames()).map(|t| stack.frame(t).unwrap()).collect()
}

fn files_of(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn what_was_saved_is_read_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    // One strip and many, a last strip that is shorter, a single pixel.
    for size in [(37, 23), (700, 701), (1, 1)] {
        for (sample, channels) in [SampleType::U8, SampleType::U16, SampleType::F32]
            .map(|sample| [(sample, 1), (sample, 3)])
            .concat()
        {
            let images: Vec<Image> =
                (1..4).map(|seed| filled(size, channels, sample, seed)).collect();
            for (name, level) in
                [("a.tif", 0), ("a.tiff", 1), ("a.TIF", 2), ("b.tif", 9), ("a.npy", 2)]
            {
                let path = folder.path().join("deep/er").join(name);
                save(&SaveFrame { level, ..SaveFrame::path(&path) }, &images).unwrap();
                let found = frames(&path);
                assert_eq!(found.len(), 3, "{name}");
                for (found, image) in found.iter().zip(&images) {
                    assert_eq!(found.sample_type(), sample);
                    assert!(found.bytes() == image.bytes(), "{name} {size:?} {sample} {channels}");
                }
            }
        }
    }
}

#[test]
fn floats_may_be_saved_as_whole_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let samples = vec![0.5f32, 1.5, -2.5, 7.4, -7.6, 32_767.4, -32_768.0, -0.0];
    let expected = [0.0f32, 2.0, -2.0, 7.0, -8.0, 32_767.0, -32_768.0, 0.0];
    let image = Image::from_samples(4, 2, 1, samples).unwrap();
    let path = folder.path().join("a.tif");
    let step = SaveFrame { whole: true, ..SaveFrame::path(&path) };
    save(&step, std::slice::from_ref(&image)).unwrap();
    assert_eq!(frames(&path)[0].samples::<f32>(), Some(&expected[..]));
    let path = folder.path().join("b.npy");
    let step = SaveFrame { whole: true, ..SaveFrame::path(&path) };
    save(&step, std::slice::from_ref(&image)).unwrap();
    assert!(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("'<i2'"));
    assert_eq!(frames(&path)[0].samples::<f32>(), Some(&expected[..]));
    for beyond in [32_768.0, -4e4, f32::INFINITY, f32::NAN] {
        let image = Image::from_samples(2, 1, 1, vec![1.0, beyond]).unwrap();
        let error = save(&step, std::slice::from_ref(&image)).unwrap_err().to_string();
        let expected = "expected -32768 to 32767; save floats, with `whole` off";
        assert_eq!(error, format!("a sample of frame 0 is {beyond}, {expected}"));
    }
}

#[test]
fn masks_may_be_saved_as_true_and_false() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.npy");
    let step = SaveFrame { boolean: true, ..SaveFrame::path(&path) };
    let mask = |samples: Vec<u8>| Image::from_samples(3, 1, 1, samples).unwrap();
    save(&step, &[mask(vec![0, 255, 7]), mask(vec![1, 0, 0])]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        bytes[10..].starts_with(b"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 1, 3)")
    );
    assert!(bytes.ends_with(b"\n\0\x01\x01\x01\0\0"));
    assert_eq!(frames(&path)[0].bytes(), [0, 1, 1]);

    let error = save(&step, &[filled((3, 1), 1, SampleType::U16, 1)]).unwrap_err().to_string();
    assert!(error.contains("samples of 8 bits, and an extension `npy`"), "{error}");
    let step = SaveFrame { path: folder.path().join("mask.tif"), ..step };
    let error = save(&step, &[mask(vec![0, 1, 0])]).unwrap_err().to_string();
    assert!(error.contains("mask.tif is 3×1"), "{error}");
}

#[test]
fn the_time_between_frames_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let images = [1, 2].map(|seed| filled((5, 4), 1, SampleType::U8, seed));
    save(&SaveFrame { interval: 600.0, ..SaveFrame::path(&path) }, &images).unwrap();
    let file = SeriesFile::open(&path).unwrap();
    assert_eq!(file.fields()[0].seconds_per_frame, Some(600.0));
}

#[test]
fn noise_takes_two_thirds_of_the_space() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 28) as u8)
    };
    // Four numbers of 0 to 15 make a bell.
    let samples: Vec<f32> = (0..200 * 100).map(|_| (0..4).map(|_| noise()).sum()).collect();
    let image = Image::from_samples(200, 100, 1, samples).unwrap();
    let path = folder.path().join("a.tif");
    let bytes = [0, 2].map(|level| {
        let step = SaveFrame { level, whole: true, ..SaveFrame::path(&path) };
        save(&step, std::slice::from_ref(&image)).unwrap();
        std::fs::metadata(&path).unwrap().len()
    });
    let pixels = 200 * 100;
    assert!(bytes[0] > 2 * pixels && bytes[1] < 4 * pixels / 3, "{bytes:?}");
}

#[test]
fn a_file_that_lacks_frames_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    std::fs::write(&path, b"as before").unwrap();
    let image = filled((5, 4), 1, SampleType::U8, 1);
    let step = SaveFrame { frames: 2, ..SaveFrame::path(&path) };
    let first = step.run((In::new(image.clone()), None), &Context::default()).unwrap();
    assert_eq!(files_of(folder.path()), 2);
    drop(first);
    assert_eq!(
        (files_of(folder.path()), std::fs::read(&path).unwrap()),
        (1, b"as before".to_vec())
    );
}

#[test]
fn frames_come_in_their_order_and_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let image = |side| In::new(filled((side, 4), 1, SampleType::U8, 1));
    let step = |frame| SaveFrame { frame, frames: 3, ..SaveFrame::path(&path) };
    let ctx = Context::default();
    let first = || Some(In::new(step(0).run((image(5), None), &ctx).unwrap()));
    let refused = |step: &SaveFrame, side, before| {
        step.run((image(side), before), &ctx).unwrap_err().to_string()
    };
    assert_eq!(refused(&step(2), 5, first()), "the frame is 2, expected 1, the next");
    let error = refused(&step(1), 6, first());
    assert_eq!(error, "frame 1 is 6×4×1 u8, expected 5×4×1 u8, as those before");
    let error = refused(&step(1), 5, None);
    assert_eq!(error, "`before` is nothing, expected the file with the frames before");
    let twice = first();
    step(1).run((image(5), twice.clone()), &ctx).unwrap();
    let error = refused(&step(1), 5, twice);
    assert!(error.starts_with("`before` is a file that went on elsewhere"), "{error}");
    assert_eq!(files_of(folder.path()), 0);
}

#[test]
fn what_no_file_can_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let image = |channels| In::new(filled((5, 4), channels, SampleType::U8, 1));
    let refused = |step: &SaveFrame, channels| {
        step.run((image(channels), None), &Context::default()).unwrap_err().to_string()
    };
    for (name, found) in [("a.png", "`png`"), ("a", "none")] {
        let error = refused(&SaveFrame::path(path(name)), 1);
        assert!(
            error.ends_with(&format!("is {found}, expected `tif`, `tiff` or `npy`")),
            "{error}"
        );
    }
    assert!(refused(&SaveFrame::path(path("a.tif")), 2).ends_with("expected 1 or 3 channels"));
    let zero = SaveFrame { frames: 0, ..SaveFrame::path(path("a.tif")) };
    assert_eq!(refused(&zero, 1), "frames is 0 frames, expected 1 to 16777216 frames");
    let level = SaveFrame { level: 10, ..SaveFrame::path(path("a.tif")) };
    assert_eq!(refused(&level, 1), "level is 10, expected 0 to 9");
    std::fs::write(path("file"), b"").unwrap();
    let error = refused(&SaveFrame::path(path("file/a.tif")), 1);
    assert!(error.ends_with("a.tif: cannot write"), "{error}");
}

#[test]
fn a_graph_lets_go_of_each_frame_once_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let images: Vec<Image> =
        (0..9).map(|seed| filled((64, 50), 1, SampleType::U16, seed)).collect();
    let mut graph = Graph::new();
    let inputs: Vec<_> = (0..9).map(|t| graph.input::<Image>(format!("frame {t}"))).collect();
    assert!(SaveFrame::path(&path).chain(&mut graph, "save", &inputs).is_some());
    let mut bindings = Bindings::new();
    for (t, image) in images.iter().enumerate() {
        bindings = bindings.with(&format!("frame {t}"), image.clone());
    }
    let options = RunOptions { bindings, ..RunOptions::default() };
    let report = Executor::new(Options::default()).unwrap().run(&graph, &options).unwrap();
    report.ok().unwrap();
    let found = frames(&path);
    assert!(found.iter().map(Image::bytes).eq(images.iter().map(Image::bytes)));
}

#[test]
fn a_file_is_read_back_once_it_has_all_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let image = filled((5, 4), 1, SampleType::U16, 1);
    let ctx = Context::default();
    let step = SaveFrame { frames: 2, ..SaveFrame::path(&path) };
    let first = step.run((In::new(image.clone()), None), &ctx).unwrap();
    let first = In::new(first);
    let error = SavedStack {}.run((first.clone(), None), &ctx).unwrap_err().to_string();
    assert!(
        error.ends_with("whose frames are not all there, expected one with all frames"),
        "{error}"
    );
    let step = SaveFrame { frame: 1, ..step };
    let second = step.run((In::new(image.clone()), Some(first)), &ctx).unwrap();
    let stack = SavedStack {}.run((In::new(second), None), &ctx).unwrap();
    assert_eq!((stack.frames(), stack.frame(1).unwrap().bytes()), (2, image.bytes()));
}

#[test]
fn files_that_stay_open_are_opened_anew_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let files = OpenFiles::default();
    assert!(files.open(&path).is_err());
    for frames in [1, 3] {
        let images: Vec<Image> =
            (0..frames).map(|seed| filled((5, 4), 1, SampleType::U8, seed)).collect();
        save(&SaveFrame::path(&path), &images).unwrap();
        for _ in 0..2 {
            assert_eq!(files.open(&path).unwrap().fields()[0].frames, images.len());
        }
    }
    let options = Options { services: Services::new().with(files), ..Options::default() };
    let mut graph = Graph::new();
    let stack = graph.add("stack", OpenStack::path(&path), None);
    let report = Executor::new(options).unwrap().run(&graph, &RunOptions::to(stack)).unwrap();
    assert_eq!(report.output(stack).unwrap().frames(), 3);
}
