//! Whole fields of view: what is written of them, and what a movie may be like.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pipeline_core::batch::{BatchOptions, BatchReport, ItemStatus, records};
use pipeline_core::{Context, Error, Executor, Image, In, Options, Step};
use pipeline_ops::cells::{Mode, TraceLayout, Workflow};
use pipeline_ops::io::{SaveFrame, SeriesFile};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::io::data;
use crate::support::shipped;

/// Runs all fields of a movie.
fn run(workflow: &Workflow) -> BatchReport {
    let file = SeriesFile::open(&workflow.input).unwrap();
    let count = u32::try_from(file.fields().len()).unwrap();
    let options = BatchOptions { folder: Some(workflow.output.clone()), ..BatchOptions::default() };
    let executor = Executor::new(Options { threads: Some(2), ..Options::default() }).unwrap();
    let report = executor.batch(&workflow.items(&file, 0..count).unwrap(), &options).unwrap();
    workflow.save_results(&file, &records(&workflow.output).unwrap()).unwrap();
    report
}

/// Saves a movie of one channel.
fn movie(path: &Path, images: &[Image]) {
    let mut file = None;
    let frames = u32::try_from(images.len()).unwrap();
    for (image, frame) in images.iter().zip(0..) {
        let step = SaveFrame { frame, frames, ..SaveFrame::path(path) };
        let input = (In::new(image.clone()), file.map(In::new));
        file = Some(step.run(input, &Context::default()).unwrap());
    }
}

/// Saves a movie of one channel and several fields of so many frames.
fn fields(path: &Path, images: &[Image], frames: usize) {
    let mut encoder = tiff::encoder::TiffEncoder::new(fs::File::create(path).unwrap()).unwrap();
    let field = |first: usize| {
        let pages = format!("<TiffData IFD=\"{first}\" PlaneCount=\"{frames}\"/>");
        format!("<Image><Pixels SizeT=\"{frames}\">{pages}</Pixels></Image>")
    };
    let all: String = (0..images.len()).step_by(frames).map(field).collect();
    for (page, image) in images.iter().enumerate() {
        let (width, height) = (image.width(), image.height());
        let mut page_of =
            encoder.new_image::<tiff::encoder::colortype::Gray16>(width, height).unwrap();
        if page == 0 {
            let text = format!("<OME>{all}</OME>");
            page_of.encoder().write_tag(tiff::tags::Tag::ImageDescription, &*text).unwrap();
        }
        page_of.write_data(image.samples::<u16>().unwrap()).unwrap();
    }
}

/// An error and what is behind it.
fn told(error: &Error) -> String {
    format!("{error}: {}", error.causes().join(": "))
}

/// The first channel of the shipped movie.
fn phase() -> Vec<Image> {
    let file = SeriesFile::open(shipped("cells/synth-b.ome.tif")).unwrap();
    let stack = file.stack(0, 0, 0).unwrap();
    (0..stack.frames()).map(|t| stack.frame(t).unwrap()).collect()
}

fn frames(path: &Path) -> Vec<Image> {
    let stack = SeriesFile::open(path).unwrap().stack(0, 0, 0).unwrap();
    (0..stack.frames()).map(|t| stack.frame(t).unwrap()).collect()
}

/// The lines of a table by what stands in its columns `frame`, `cell` and so on.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let pairs = names.iter().map(|name| (*name).to_owned());
        pairs.zip(line.split(',').map(str::to_owned)).collect()
    };
    lines.map(row).collect()
}

#[test]
fn a_field_becomes_masks_tracks_and_traces() {
    let folder = tempfile::tempdir().unwrap();
    let input = shipped("cells/synth-b.ome.tif");
    let workflow = Workflow { signals: vec![1, 2], ..Workflow::new(input, folder.path()) };
    run(&workflow).ok().unwrap();
    let files = workflow.files(0);
    let (masks, labels) = (frames(&files.masks(0)), frames(&files.labels(0)));
    let tracked = frames(&files.tracked(0));
    assert_eq!((masks.len(), labels.len(), tracked.len()), (8, 8, 8));
    for ((mask, labels), tracked) in masks.iter().zip(&labels).zip(&tracked) {
        let labels = labels.samples::<u16>().unwrap();
        let same = mask.bytes().iter().zip(labels).all(|(mask, label)| (*mask > 0) == (*label > 0));
        assert!(same && labels.iter().any(|label| *label > 0));
        let tracked = tracked.samples::<u16>().unwrap();
        assert!(labels.iter().zip(tracked).all(|(label, track)| (*label > 0) == (*track > 0)));
    }
    // A trace says where its track is.
    let traces = rows(&files.traces());
    assert!(traces.len() >= 30, "{}", traces.len());
    for row in &traces {
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let frame = &tracked[row["frame"].parse::<usize>().unwrap()];
        let samples = frame.samples::<u16>().unwrap();
        let area = samples.iter().filter(|track| f64::from(**track) == number("cell")).count();
        assert_eq!(area as f64, number("area_ch_0"), "{row:?}");
        assert_eq!(number("time"), 10.0 * number("frame"));
    }
    let corrected = frames(&files.corrected(2));
    assert!(corrected[0].samples::<f32>().unwrap().iter().any(|sample| *sample < 0.0));
}

#[test]
fn the_results_file_lists_what_there_is_as_the_original_does() {
    let folder = tempfile::tempdir().unwrap();
    let input = shipped("cells/synth-b.ome.tif");
    let mut workflow = Workflow { signals: vec![1, 2], ..Workflow::new(input, folder.path()) };
    let root = folder.path().display().to_string();
    let yaml = |workflow: &Workflow| {
        run(workflow).ok().unwrap();
        let text = fs::read_to_string(folder.path().join("processing_results.yaml")).unwrap();
        text.replace(&root, "out")
    };
    let file = |name: &str| format!("out/fov_000/synth-b_fov_000_{name}");
    let new = format!(
        "output_dir: 'out'\nchannels:\n  pc: [0, [area]]\n  fl: [[1, [intensity_total]], \
         [2, [intensity_total]]]\nresults:\n  '0':\n    seg: [0, '{}']\n    seg_labeled: [0, \
         '{}']\n    fl_corrected: [[1, '{}'], [2, '{}']]\n    traces: '{}'\nparams:\n  \
         min_frames: 5\n  margin: 0\n  background_weight: 1.0\ntime_units: min\n",
        file("seg_ch_0.tif"),
        file("seg_labeled_ch_0.tif"),
        file("fl_corrected_ch_1.tif"),
        file("fl_corrected_ch_2.tif"),
        file("traces.csv")
    );
    assert_eq!(yaml(&workflow), new);

    // In the form that the original opens: arrays, with the channels beside them.
    (workflow.layout, workflow.npy, workflow.copies) = (TraceLayout::Old, true, true);
    workflow.signals = vec![2];
    let file = |name: &str| format!("out/fov_000/synth-b.ome_fov_000_{name}");
    let old = format!(
        "output_dir: 'out'\nchannels:\n  pc: 0\n  fl: [2]\nresults_paths:\n  '0':\n    pc: [0, \
         '{}']\n    fl: [[2, '{}']]\n    seg: [0, '{}']\n    seg_labeled: [0, '{}']\n    \
         fl_corrected: [[2, '{}']]\n    traces_csv: [[2, '{}']]\nparams:\n  min_frames: 5\n  \
         margin: 0\ntime_units: min\n",
        file("pc_ch_0.npy"),
        file("fl_ch_2.npy"),
        file("seg_ch_0.npy"),
        file("seg_labeled_ch_0.npy"),
        file("fl_corrected_ch_2.npy"),
        file("traces_ch_2.csv")
    );
    assert_eq!(yaml(&workflow), old);
    let copies = frames(&workflow.files(0).phase(0));
    let bytes = |images: &[Image]| images.iter().map(|i| i.bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!(bytes(&copies), bytes(&phase()));
}

#[test]
fn cells_are_grown_and_followed_as_the_workflow_says() {
    let folder = tempfile::tempdir().unwrap();
    let input = shipped("cells/synth-b.ome.tif");
    let mut area = Vec::new();
    for (grow, divisions) in [(0.0, true), (2.0, false)] {
        let mut workflow = Workflow::new(&input, folder.path().join(grow.to_string()));
        (workflow.grow, workflow.link.divisions) = (grow, divisions);
        run(&workflow).ok().unwrap();
        let files = workflow.files(0);
        let names = fs::read_to_string(files.tracks()).unwrap();
        assert_eq!(names.starts_with("frame,label,track,parent\n"), divisions, "{names}");
        let masks = frames(&files.masks(0));
        area.push(masks[0].bytes().iter().filter(|sample| **sample > 0).count());
    }
    assert!(area[1] > area[0], "{area:?}");
    let workflow = Workflow { grow: -1.0, ..Workflow::new(&input, folder.path().join("less")) };
    let message = run(&workflow).items[0].message().unwrap();
    assert!(message.contains("nodes.grown[0].params.distance: found -1.0"), "{message}");
}

#[test]
fn the_whole_is_what_the_original_writes() {
    let Some(all) = data("microscopy") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (layout, name) in [(TraceLayout::New, "main"), (TraceLayout::Old, "seed")] {
        let output = folder.path().join(name);
        let input = all.join("synth-a/synth-a.ome.tiff");
        let workflow = Workflow { signals: vec![1], layout, ..Workflow::new(input, &output) };
        let workflow = Workflow { npy: true, copies: true, ..workflow }.compatible();
        run(&workflow).ok().unwrap();
        let golden = all.join(format!("golden/synth-a-{name}/workflow"));
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        let manifest: Value = serde_json::from_str(&text(&golden.join("manifest.json"))).unwrap();
        let mut alike = 0;
        for file in manifest["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            if path == "processing_results.yaml" {
                continue;
            }
            let digest = Sha256::digest(fs::read(output.join(path)).unwrap());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(file["sha256"], hex, "{path}");
            alike += 1;
        }
        // Of two fields: both channels, masks, cells, what is behind them or without it, traces.
        assert_eq!(alike, 12);

        let yaml = |folder: &Path, root: &str| -> Value {
            let text = text(&folder.join("processing_results.yaml")).replace(root, "out");
            serde_saphyr::from_str(&text).unwrap()
        };
        let mut found = yaml(&output, output.to_str().unwrap());
        let expected = yaml(&golden, "OUT");
        // Here it is told which traces were kept, and of corrected channels in both layouts.
        let params = found["params"].as_object_mut().unwrap();
        assert!(params.remove("min_frames").is_some() && params.remove("margin").is_some());
        if layout == TraceLayout::New {
            for field in found["results"].as_object_mut().unwrap().values_mut() {
                assert!(field.as_object_mut().unwrap().remove("fl_corrected").is_some());
            }
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn a_blank_frame_costs_only_that_frame() {
    let folder = tempfile::tempdir().unwrap();
    let whole = phase();
    let mut blank = whole.clone();
    blank[4] = Image::from_samples(224, 192, 1, vec![700u16; 224 * 192]).unwrap();
    let made = [("whole", &whole), ("blank", &blank)].map(|(name, images)| {
        let input = folder.path().join(format!("{name}.tif"));
        movie(&input, images);
        let mut workflow = Workflow::new(input, folder.path().join(name));
        workflow.traces.min_frames = 1;
        run(&workflow).ok().unwrap();
        let key = |row: &BTreeMap<String, String>| (row["cell"].clone(), row["frame"].clone());
        let rows = rows(&workflow.files(0).traces());
        rows.iter().map(key).collect::<std::collections::BTreeSet<_>>()
    });
    let [whole, blank] = made;
    assert!(blank.iter().all(|(_, frame)| frame != "4"));
    let rest = whole.iter().filter(|(_, frame)| frame != "4").count();
    let same = blank.intersection(&whole).count();
    assert!(same * 100 >= rest * 95, "{same} of {rest} rows have the same cell");
}

#[test]
fn a_movie_without_cells_has_no_traces() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in [("dark", 0u16), ("light", u16::MAX)] {
        let input = folder.path().join(format!("{name}.tif"));
        let image = Image::from_samples(40, 32, 1, vec![sample; 40 * 32]).unwrap();
        movie(&input, &vec![image; 3]);
        let output = folder.path().join(name);
        // It is measured as well, in the channel that cells would be found in.
        let workflow = Workflow { signals: vec![0], ..Workflow::new(&input, &output) };
        for workflow in [workflow.clone(), workflow.compatible()] {
            run(&workflow).ok().unwrap();
            let text = fs::read_to_string(workflow.files(0).traces()).unwrap();
            assert!(text.starts_with("fov,cell,frame,time") && text.lines().count() == 1, "{text}");
            assert_eq!(frames(&workflow.files(0).tracked(0)).len(), 3);
        }
        // No time is known, so what is printed is numbers of frames.
        let units = |mode: Mode| {
            let workflow = Workflow { signals: vec![0], mode, ..Workflow::new(&input, &output) };
            run(&workflow).ok().unwrap();
            let yaml = fs::read_to_string(output.join("processing_results.yaml")).unwrap();
            yaml.lines().last().unwrap().to_owned()
        };
        let modes = [Mode::Improved, Mode::Compatible];
        assert_eq!(modes.map(units), ["time_units: frame", "time_units: min"]);
    }
}

#[test]
fn a_frame_that_cannot_be_is_told_with_its_field_and_step() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("nan.npy");
    let mut images: Vec<Image> = phase()
        .iter()
        .take(3)
        .map(|image| {
            let samples = image.samples::<u16>().unwrap();
            let floats: Vec<f32> = samples.iter().map(|&sample| f32::from(sample)).collect();
            Image::from_samples(224, 192, 1, floats).unwrap()
        })
        .collect();
    images[1].samples_mut::<f32>().unwrap()[500] = f32::NAN;
    movie(&input, &images);
    let workflow = Workflow::new(&input, folder.path().join("nan"));
    for workflow in [workflow.clone(), workflow.compatible()] {
        let report = run(&workflow);
        assert_eq!(report.items[0].status, ItemStatus::Failed);
        let message = report.items[0].message().unwrap();
        let expected = "frame 1 is 1 samples that are NaN or infinite, expected none";
        assert_eq!(message, format!("step `phase[1]` (frame): {expected}"));
    }
}

#[test]
fn a_frame_without_background_is_told_and_other_fields_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("fields.ome.tif");
    let blank = Image::from_samples(224, 192, 1, vec![700u16; 224 * 192]).unwrap();
    // Cells that grow over the whole frame are in one of two fields, and there in one frame.
    let images = [blank.clone(), phase()[0].clone(), blank.clone(), blank];
    fields(&input, &images, 2);
    let workflow =
        Workflow { signals: vec![0], grow: 300.0, ..Workflow::new(&input, folder.path()) };
    let report = run(&workflow);
    let message = report.items[0].message().unwrap();
    let expected = "`mask` is all foreground, expected a finite sample of background";
    assert_eq!(message, format!("step `corrected ch_0[1]` (background): {expected}"));
    assert_eq!(&*report.items[0].name, "fov_000");
    assert_eq!(report.items[1].status, ItemStatus::Done);
    assert_eq!(frames(&workflow.files(1).tracked(0)).len(), 2);
    // With cells as they are both are made.
    let workflow = Workflow { grow: 0.0, ..workflow };
    run(&workflow).ok().unwrap();
}

#[test]
fn of_a_movie_that_is_cut_off_whole_fields_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.ome.tif");
    fields(&path, &phase()[..6], 3);
    let bytes = fs::read(&path).unwrap();
    let mut ends = Vec::new();
    // Whole, without the end of the last page, and without the last page and the end of another.
    for (name, pages, less) in [("whole", 6, 0), ("last", 6, 300), ("more", 5, 300)] {
        let input = folder.path().join(format!("{name}.ome.tif"));
        fs::write(&input, &bytes[..bytes.len() * pages / 6 - less]).unwrap();
        let workflow = Workflow::new(input, folder.path().join(name));
        let report = run(&workflow);
        ends.push(report.items.iter().map(|item| item.status).collect::<Vec<_>>());
        if less > 0 {
            let message = report.items[1].message().unwrap();
            let frame = pages - 4;
            let expected =
                format!("frame {frame} of fov_001 is missing, expected all 3 frames in ");
            assert!(message.starts_with(&expected), "{message}");
            assert!(message.ends_with(&format!("{name}.ome.tif")), "{message}");
            let file = SeriesFile::open(&workflow.input).unwrap();
            let error = file.stack(1, 0, 0).unwrap().frame(frame).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}.ome.tif")), "{error}");
        }
    }
    let [done, failed] = [ItemStatus::Done, ItemStatus::Failed];
    assert_eq!(ends, [[done, done], [done, failed], [done, failed]]);

    let input = folder.path().join("array.npy");
    movie(&input, &phase());
    let bytes = fs::read(&input).unwrap();
    fs::write(&input, &bytes[..bytes.len() - 100]).unwrap();
    let message = run(&Workflow::new(&input, folder.path().join("array"))).items[0].message();
    let message = message.unwrap();
    assert!(message.starts_with("frame 7 of fov_000 is missing, expected all 8"), "{message}");
    let stack = SeriesFile::open(&input).unwrap().stack(0, 0, 0).unwrap();
    let error = told(&stack.frame(7).unwrap_err());
    assert!(error.ends_with("frame 7 is missing: it is cut off"), "{error}");
    assert_eq!(stack.frame(6).unwrap().bytes(), phase()[6].bytes());
}

#[test]
fn frames_of_several_sizes_fail_alone() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("sizes.ome.tif");
    let image =
        |width: u32| Image::from_samples(width, 40, 1, vec![9u16; (width * 40) as usize]).unwrap();
    // Of three frames each; the last one of the second field is narrower.
    fields(&input, &[40, 40, 40, 40, 40, 39].map(image), 3);
    let report = run(&Workflow::new(&input, folder.path().join("out")));
    assert_eq!(report.items[0].status, ItemStatus::Done);
    let message = report.items[1].message().unwrap();
    assert!(message.starts_with("step `phase[2]` (frame): the frame is 39×40"), "{message}");
}

#[test]
fn what_a_movie_does_not_have_is_told_before_anything_begins() {
    let input = shipped("cells/fields.ome.tif");
    let file = SeriesFile::open(&input).unwrap();
    let refused = |workflow: &Workflow, fields| {
        workflow.items(&file, fields).map(|items| items.len()).unwrap_err().to_string()
    };
    let workflow = Workflow::new(&input, "out");
    let error = refused(&workflow, 0..9);
    assert!(
        error.starts_with("the fields of view is 0 to 8, expected one or more of 0 to"),
        "{error}"
    );
    let error = refused(&workflow, 1..1);
    assert!(error.starts_with("the fields of view is none"), "{error}");
    // A few bytes may say that there is much, or nothing.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.npy");
    let refused_shape = |shape: &str| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        let len = u16::try_from(header.len()).unwrap().to_le_bytes();
        let bytes = [&b"\x93NUMPY\x01\x00"[..], &len, header.as_bytes(), b"\0"].concat();
        fs::write(&path, bytes).unwrap();
        let opened = SeriesFile::open(&path);
        let workflow = Workflow::new(&path, "out");
        let items = opened.and_then(|file| workflow.items(&file, 0..1).map(|items| items.len()));
        told(&items.unwrap_err())
    };
    for (shape, expected) in [
        ("(4000000000, 1, 1)", "the frames of fov_000 is 4000000000, expected 1 to 100000"),
        ("(0, 1, 1)", "the frames of fov_000 is 0, expected 1 to 100000"),
        ("(9, 2, 1)", "it has 1 of 2 bytes of a frame"),
        ("(9000000000, 1, 1)", "its shape is (9000000000, 1, 1), expected (t, y, x)"),
    ] {
        let error = refused_shape(shape);
        assert!(error.contains(expected), "{error}");
    }
    let error = refused(&Workflow { phase: 7, ..workflow.clone() }, 0..1);
    assert!(error.starts_with("the channel of fov_000 is 7, expected 0 to "), "{error}");
}
