//! Which cells are found, beside the truth, and what makes no difference to that.

use std::path::Path;

use pipeline_core::{Context, Error, Image, In, Labels, Stack, Step};
use pipeline_ops::cells::{LabelOverlaps, SegmentCells, TrackingScores};
use pipeline_ops::io::SeriesFile;
use pipeline_ops::measure::Table;
use pipeline_ops::segment::{ExpandLabels, Relabel};

use crate::io::data;
use crate::support::shipped;

fn segment(image: Image) -> Labels {
    SegmentCells::default().run(In::new(image), &Context::default()).unwrap()
}

fn movie() -> Stack {
    SeriesFile::open(shipped("cells/synth-b.ome.tif")).unwrap().stack(0, 0, 0).unwrap()
}

fn floats(image: &Image) -> Vec<f32> {
    image.samples::<u16>().unwrap().iter().map(|&sample| sample.into()).collect()
}

fn image(like: &Image, samples: Vec<f32>) -> Image {
    Image::from_samples(like.width(), like.height(), 1, samples).unwrap()
}

/// Pixels that both have in common, of each object of the first and that of the second which has
/// most of it, as a part of the pixels of either.
fn likeness(first: &Labels, second: &Labels) -> Vec<f64> {
    let inputs = (In::new(first.clone()), In::new(second.clone()));
    let overlaps = LabelOverlaps {}.run(inputs, &Context::default()).unwrap();
    let [of_first, of_second, pixels] =
        ["first", "second", "pixels"].map(|name| overlaps.column(name).unwrap());
    let rows: Vec<[f64; 3]> =
        (0..pixels.len()).map(|at| [of_first[at], of_second[at], pixels[at]]).collect();
    let area = |at: usize, label: f64| -> f64 {
        rows.iter().filter(|row| row[at] == label).map(|row| row[2]).sum()
    };
    let of = |label: u32| {
        let own = rows.iter().filter(|row| row[0] == f64::from(label) && row[1] > 0.0);
        let best = own.max_by(|a, b| a[2].total_cmp(&b[2]))?;
        Some(best[2] / (area(0, best[0]) + area(1, best[1]) - best[2]))
    };
    (1..=first.count()).map(|label| of(label).unwrap_or(0.0)).collect()
}

#[track_caller]
fn check_alike(first: &Labels, second: &Labels, least: f64) {
    assert!(first.count() > 0 && first.count() == second.count());
    let all = likeness(first, second);
    assert!(all.iter().all(|&likeness| likeness >= least), "{all:?}");
}

/// A table of objects of so many frames, each of a track of its own.
fn alone(frames: &[Labels]) -> In<Table> {
    let (mut frame, mut label, mut track) = (Vec::new(), Vec::new(), Vec::new());
    for (t, labels) in (0u32..).zip(frames) {
        for number in 1..=labels.count() {
            frame.push(t.into());
            label.push(number.into());
            track.push(track.len() as f64 + 1.0);
        }
    }
    In::new(Table::new(vec![("frame", frame), ("label", label), ("track", track)]).unwrap())
}

/// SEG of objects beside the true ones, how many of those were found, and how many objects are none
/// of them.
fn scores(truth: &[Labels], found: &[Labels]) -> (f64, f64, f64) {
    let ctx = Context::default();
    let overlaps = truth.iter().zip(found).map(|(truth, found)| {
        let inputs = (In::new(truth.clone()), In::new(found.clone()));
        In::new(LabelOverlaps {}.run(inputs, &ctx).unwrap())
    });
    let tables = [alone(truth), alone(found)].into_iter().chain(overlaps).collect();
    let scores = TrackingScores::default().run(tables, &ctx).unwrap();
    let [seg, missing, wrong] =
        ["seg", "missing", "false"].map(|name| scores.column(name).unwrap()[0]);
    let all: u32 = truth.iter().map(Labels::count).sum();
    (seg, f64::from(all) - missing, wrong)
}

fn numbered(image: Image) -> Labels {
    Relabel {}.run(In::new(image), &Context::default()).unwrap()
}

fn all<T>(stack: &Stack, frames: usize, of: impl Fn(Image) -> T) -> Vec<T> {
    (0..frames).map(|t| of(stack.frame(t).unwrap())).collect()
}

fn truth(name: &str) -> Stack {
    let path = shipped("cells").join(format!("truth-{name}.tif"));
    SeriesFile::open(path).unwrap().stack(0, 0, 0).unwrap()
}

#[test]
fn cells_of_the_shipped_movie_are_found() {
    let frames = movie().frames();
    let found = all(&movie(), frames, segment);
    let (seg, ..) = scores(&all(&truth("synth-b-0"), frames, numbered), &found);
    assert!(seg >= 0.90, "SEG {seg}");
}

#[test]
fn cells_of_all_movies_are_found() {
    let Some(data) = data("microscopy") else { return };
    for (name, field, least) in [("synth-a", 0, 0.95), ("synth-a", 1, 0.95), ("synth-b", 0, 0.92)] {
        let path = data.join(format!("{name}/{name}.ome.tiff"));
        let stack = SeriesFile::open(path).unwrap().stack(field, 0, 0).unwrap();
        let truth = all(&truth(&format!("{name}-{field}")), stack.frames(), numbered);
        let (seg, ..) = scores(&truth, &all(&stack, stack.frames(), segment));
        assert!(seg >= least, "{name} {field}: SEG {seg}");
    }
}

#[test]
fn cells_of_a_real_movie_are_found_once_they_are_grown() {
    let Some(data) = data("microscopy") else { return };
    let arrays = arrays(&data.join("real/c2c12_phase_10x234x234.npz"));
    let [images, truth] = ["images", "labels"].map(|name| {
        let (_, bytes) = arrays.iter().find(|(known, _)| known.starts_with(name)).unwrap();
        let path = tempfile::tempdir().unwrap();
        let file = path.path().join("array.npy");
        std::fs::write(&file, bytes).unwrap();
        let stack = SeriesFile::open(&file).unwrap().stack(0, 0, 0).unwrap();
        all(&stack, stack.frames(), |frame| frame)
    });
    let truth: Vec<Labels> = truth.into_iter().map(numbered).collect();
    let found: Vec<Labels> = images.into_iter().map(segment).collect();
    let grow = |labels: &Labels| {
        ExpandLabels { distance: 2.0 }.run(In::new(labels.clone()), &Context::default()).unwrap()
    };
    let grown: Vec<Labels> = found.iter().map(grow).collect();
    // The truth has the halos in it.
    let (seg, cells, wrong) = scores(&truth, &grown);
    println!("C2C12, grown: SEG {seg:.3}, {cells} cells of 103, {wrong} false");
    assert!(seg >= 0.47 && cells >= 80.0 && wrong <= 100.0, "SEG {seg}, {cells} of 103, {wrong}");
    let (seg, cells, wrong) = scores(&truth, &found);
    println!("C2C12: SEG {seg:.3}, {cells} cells of 103, {wrong} false");
    assert!(seg >= 0.24 && cells >= 45.0, "SEG {seg}, {cells} of 103");
    let hit: usize = truth.iter().zip(&found).map(|(truth, found)| hit(truth, found)).sum();
    let count: u32 = found.iter().map(Labels::count).sum();
    println!("C2C12: {hit} cells of 103 have one of {count} objects in them");
    assert!(hit >= 90 && count <= 185, "{hit} of 103 have one of {count} objects in them");
}

/// How many true objects have a found one that lies in them by more than half of itself.
fn hit(truth: &Labels, found: &Labels) -> usize {
    let inputs = (In::new(found.clone()), In::new(truth.clone()));
    let overlaps = LabelOverlaps {}.run(inputs, &Context::default()).unwrap();
    let [of_found, of_truth, pixels] =
        ["first", "second", "pixels"].map(|name| overlaps.column(name).unwrap());
    let area = |label: f64| -> f64 {
        (0..pixels.len()).filter(|&at| of_found[at] == label).map(|at| pixels[at]).sum()
    };
    let is_hit = |label: u32| {
        (0..pixels.len()).any(|at| {
            of_truth[at] == f64::from(label)
                && of_found[at] > 0.0
                && pixels[at] > area(of_found[at]) / 2.0
        })
    };
    (1..=truth.count()).filter(|&label| is_hit(label)).count()
}

/// The arrays of an archive of NumPy, with their names.
pub(crate) fn arrays(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let starts = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(b"PK\x03\x04"));
    let array = |at: usize| {
        let (name, extra) = (number(at + 26), number(at + 28));
        let from = at + 30 + name;
        let text = String::from_utf8(bytes[from - name..from].to_vec()).unwrap();
        (text, miniz_oxide::inflate::decompress_to_vec(&bytes[from + extra..]).unwrap())
    };
    starts.map(array).collect()
}

#[test]
fn what_is_added_to_all_samples_makes_no_difference() {
    let frame = movie().frame(3).unwrap();
    let found = segment(frame.clone());
    let samples = frame.samples::<u16>().unwrap();
    let more = u16::MAX - samples.iter().max().unwrap();
    let shifted: Vec<u16> = samples.iter().map(|sample| sample + more).collect();
    let shifted = Image::from_samples(frame.width(), frame.height(), 1, shifted).unwrap();
    check_alike(&found, &segment(shifted), 1.0);
    for offset in [0.0, 50_000.0, -1e6] {
        let shifted = floats(&frame).iter().map(|sample| sample + offset).collect();
        check_alike(&found, &segment(image(&frame, shifted)), 0.999);
    }
    for factor in [1e-6, 3.0, 1e6] {
        let scaled = floats(&frame).iter().map(|sample| sample * factor).collect();
        check_alike(&found, &segment(image(&frame, scaled)), 0.98);
    }
}

#[test]
fn dead_rows_and_columns_change_nothing_beside_them() {
    let frame = movie().frame(5).unwrap();
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    for (rows, columns) in [(60, 0), (0, 40), (60, 40)] {
        let is_dead = |at: usize| at / width >= height - rows || at % width < columns;
        for dead in [0.0, 65_535.0] {
            let samples = floats(&frame).into_iter().enumerate();
            let samples = samples.map(|(at, sample)| if is_dead(at) { dead } else { sample });
            let found = segment(image(&frame, samples.collect()));
            let beside = |labels: &[u32]| -> Vec<f32> {
                let live = labels.iter().enumerate();
                live.map(|(at, &label)| if is_dead(at) { 0.0 } else { label as f32 }).collect()
            };
            let beside = |labels: &Labels| numbered(image(&frame, beside(labels.labels())));
            assert!(
                found.labels().iter().enumerate().all(|(at, &label)| label == 0 || !is_dead(at))
            );
            let alike = likeness(&beside(&segment(frame.clone())), &beside(&found));
            let is_alike = alike.iter().all(|&likeness| likeness >= 0.98);
            assert!(is_alike && alike.len() > 2, "{rows}, {columns}, {dead}: {alike:?}");
        }
    }
}

#[test]
fn without_texture_there_are_no_cells() {
    for value in [0u16, 700, u16::MAX] {
        let blank = Image::from_samples(64, 48, 1, vec![value; 64 * 48]).unwrap();
        assert_eq!(segment(blank).count(), 0);
    }
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 22) as u16;
    let noise = Image::from_samples(200, 150, 1, (0..30_000).map(noise).collect::<Vec<_>>());
    assert_eq!(segment(noise.unwrap()).count(), 0);
}

#[test]
fn images_of_any_size_and_any_samples_are_taken() {
    let sample = |at: u32| at.wrapping_mul(2_654_435_761) >> 16;
    let sizes = (1..7).flat_map(|width| (1..7).map(move |height| (width, height)));
    for (width, height) in sizes.chain([(1, 300), (300, 1), (2, 90), (90, 3), (9, 70), (65, 17)]) {
        let samples = || (0..width * height).map(sample);
        let bytes: Vec<u8> = samples().map(|sample| (sample >> 8) as u8).collect();
        let wide: Vec<u16> = samples().map(|sample| sample as u16).collect();
        let of = |factor: f32| -> Vec<f32> {
            wide.iter().map(|&sample| (f32::from(sample) - 30_000.0) * factor).collect()
        };
        for samples in [of(1.0), of(1e33), of(1e-40)] {
            segment(Image::from_samples(width, height, 1, samples).unwrap());
        }
        segment(Image::from_samples(width, height, 1, bytes).unwrap());
        segment(Image::from_samples(width, height, 1, wide).unwrap());
    }
}

#[test]
fn samples_that_are_no_numbers_are_counted_in_the_error() {
    let frame = movie().frame(0).unwrap();
    for (count, strange) in [(1, f32::NAN), (7, f32::INFINITY), (192 * 224, f32::NAN)] {
        let mut samples = floats(&frame);
        samples[..count].fill(strange);
        let image = In::new(image(&frame, samples));
        let error = SegmentCells::default().run(image, &Context::default()).unwrap_err();
        assert!(matches!(error, Error::Input { .. }), "{error:?}");
        let expected = format!("the image is {count} samples that are NaN or infinite");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn labels_have_no_gaps() {
    for t in 0..movie().frames() {
        let found = segment(movie().frame(t).unwrap());
        let mut seen = vec![false; found.count() as usize + 1];
        found.labels().iter().for_each(|&label| seen[label as usize] = true);
        assert!(seen.iter().all(|&seen| seen) && found.count() > 3);
    }
}

#[test]
fn less_is_found_where_more_is_asked_for() {
    let frame = movie().frame(0).unwrap();
    let found =
        |step: SegmentCells| step.run(In::new(frame.clone()), &Context::default()).unwrap().count();
    let all = found(SegmentCells::default());
    assert_eq!(found(SegmentCells { contrast: 1000.0, ..SegmentCells::default() }), 0);
    assert_eq!(found(SegmentCells { min_area: 100_000, ..SegmentCells::default() }), 0);
    assert!(found(SegmentCells { join: 0.0, ..SegmentCells::default() }) >= all);
}
