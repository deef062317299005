//! Cells over time: microscope files, and what is made of them beside the original workflow.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline_core::cache::Cache;
use pipeline_core::event::Status;
use pipeline_core::{
    Bindings, Context, Executor, Graph, Image, In, Labels, Mask, Options, Result, RunOptions,
    Stack, Step,
};
use pipeline_ops::cells::{Background, CellFeatures, CellSums, Link, Shown, Traces};
use pipeline_ops::filter::{Arithmetic, LogStd};
use pipeline_ops::io::{Field, Frame, Open, OpenStack, SeriesFile};
use pipeline_ops::measure::Table;
use pipeline_ops::morphology::{ClosingMask, Element, FillHoles, OpeningMask};
use pipeline_ops::segment::{Border, ConnectedComponents, Connectivity, ModeThreshold};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::io::data;
use crate::segment_cells::arrays;
use crate::support::{Kept, shipped};

/// What the original makes of a series.
#[derive(Debug, Deserialize)]
struct Expected {
    path: PathBuf,
    field: usize,
    frames: usize,
    masks: String,
    labels: String,
    pixels: Vec<usize>,
    objects: Vec<u32>,
}

/// The series that are here: the shipped one, and those of the full data set if there is one.
fn series() -> Vec<(String, PathBuf, Expected)> {
    let table = std::fs::read(shipped("cells/expected.json")).unwrap();
    let table: BTreeMap<String, Expected> = serde_json::from_slice(&table).unwrap();
    let all = data("microscopy");
    let path = |name: &str, expected: &Expected| match name {
        "shipped" => Some(shipped("cells").join(&expected.path)),
        _ => Some(all.as_ref()?.parent()?.join(&expected.path)),
    };
    let there = table.into_iter().filter_map(|(name, expected)| {
        let path = path(&name, &expected)?;
        Some((name, path, expected))
    });
    there.collect()
}

/// The frames of a field: of a series, of the array `images` of an archive, or of a folder of
/// pictures, of which they are what is green.
fn stack(path: &Path, field: usize) -> Stack {
    let frames: Vec<Image> = if path.is_dir() {
        let names = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<PathBuf> = names.collect();
        names.sort();
        let green = |name: PathBuf| {
            let image = Open::path(name).run((), &Context::default()).unwrap();
            let samples = image.samples::<u8>().unwrap().chunks_exact(3).map(|rgb| rgb[1]);
            Image::from_samples(image.width(), image.height(), 1, samples.collect::<Vec<_>>())
        };
        names.into_iter().map(|name| green(name).unwrap()).collect()
    } else if path.extension().is_some_and(|extension| extension == "npz") {
        let (arrays, folder) = (arrays(path), tempfile::tempdir().unwrap());
        let (_, bytes) = arrays.iter().find(|(name, _)| name.starts_with("images")).unwrap();
        let file = folder.path().join("images.npy");
        std::fs::write(&file, bytes).unwrap();
        let stack = SeriesFile::open(&file).unwrap().stack(0, 0, 0).unwrap();
        (0..stack.frames()).map(|t| stack.frame(t).unwrap()).collect()
    } else {
        return SeriesFile::open(path).unwrap().stack(field, 0, 0).unwrap();
    };
    let samples = frames.iter().flat_map(|frame| frame.samples::<u8>().unwrap());
    let samples: Vec<u8> = samples.copied().collect();
    Stack::new(frames[0].layout(), frames.len(), samples.into()).unwrap()
}

/// The mask of a frame as the original makes it.
fn mask(frame: Image) -> Mask {
    let ctx = Context::default();
    let texture = LogStd { arithmetic: Arithmetic::Single, ..LogStd::default() };
    let texture = texture.run(In::new(frame), &ctx).unwrap();
    let mask = ModeThreshold::default().run(In::new(texture), &ctx).unwrap();
    let mask = FillHoles::default().run(In::new(mask), &ctx).unwrap();
    let (element, radius, border) = (Element::Square, 9, Border::Constant(0.0));
    let mask = OpeningMask { element, radius, border }.run(In::new(mask), &ctx).unwrap();
    ClosingMask { element, radius, border }.run(In::new(mask), &ctx).unwrap()
}

#[test]
fn masks_are_those_of_the_original() {
    for (name, path, expected) in series() {
        let stack = stack(&path, expected.field);
        assert_eq!(stack.frames(), expected.frames, "{name}");
        let mut digest = Sha256::new();
        for (t, &pixels) in expected.pixels.iter().enumerate() {
            let mask = mask(stack.frame(t).unwrap());
            let found = mask.bytes().iter().filter(|&&byte| byte != 0).count();
            assert_eq!(found, pixels, "{name}, frame {t}");
            digest.update(mask.bytes());
        }
        assert_eq!(format!("{:x}", digest.finalize()), expected.masks, "{name}");
    }
}

#[test]
fn backgrounds_are_those_of_the_original() {
    let Some(all) = data("microscopy") else { return };
    let movie = SeriesFile::open(all.join("synth-a/synth-a.ome.tiff")).unwrap();
    for field in 0..2 {
        let expected = SeriesFile::open(shipped("cells").join(format!("background-{field}.npy")));
        let expected = expected.unwrap().stack(0, 0, 0).unwrap();
        let [cells, signal] = [0, 1].map(|channel| movie.stack(field, channel, 0).unwrap());
        for (at, t) in [0, 16, 31].into_iter().enumerate() {
            let mask = mask(cells.frame(t).unwrap());
            let step = Background { output: Shown::Background, ..Background::compatible() };
            let inputs = (In::new(signal.frame(t).unwrap()), Some(In::new(mask)));
            let found = step.run(inputs, &Context::default()).unwrap();
            let rows = found.samples::<f32>().unwrap().chunks_exact(found.width() as usize);
            let found = rows.skip(233).take(48).flat_map(|row| &row[..96]);
            let expected = expected.frame(at).unwrap();
            for (found, expected) in found.zip(expected.samples::<f32>().unwrap()) {
                assert!((found - expected).abs() <= 1e-4, "{found} for {expected}");
            }
        }
    }
}

/// The objects of frames, and their tracks as the original finds them.
pub(crate) fn tracked(stack: &Stack) -> (Vec<Labels>, Table) {
    let ctx = Context::default();
    let number = |t| {
        let step = ConnectedComponents { connectivity: Connectivity::Four };
        step.run(In::new(mask(stack.frame(t).unwrap())), &ctx).unwrap()
    };
    let labels: Vec<Labels> = (0..stack.frames()).map(number).collect();
    let measure =
        |labels: &Labels| In::new(CellFeatures {}.run(In::new(labels.clone()), &ctx).unwrap());
    let frames = labels.iter().map(measure).collect();
    let tracks = Link::compatible().run(frames, &ctx).unwrap();
    (labels, tracks)
}

#[test]
fn labels_are_those_of_the_original() {
    for (name, path, expected) in series() {
        let (labels, tracks) = tracked(&stack(&path, expected.field));
        let counts: Vec<u32> = labels.iter().map(Labels::count).collect();
        assert_eq!(counts, expected.objects, "{name}");
        let of = |name: &str| tracks.column(name).unwrap().iter().map(|&number| number as u16);
        let rows = of("frame").zip(of("label")).zip(of("track"));
        let numbers: HashMap<(u16, u16), u16> = rows.collect();
        let mut digest = Sha256::new();
        for (t, labels) in (0..).zip(&labels) {
            for &label in labels.labels() {
                let track = numbers.get(&(t, label as u16)).copied().unwrap_or(0);
                digest.update(track.to_le_bytes());
            }
        }
        assert_eq!(format!("{:x}", digest.finalize()), expected.labels, "{name}");
    }
}

/// Traces as the newer version of the original prints them, without the fields and channels.
fn printed(traces: &Table) -> Vec<String> {
    let of = |name: &str| traces.column(name).unwrap();
    let places = ["position_x", "position_y", "bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"];
    (0..traces.rows())
        .map(|row| {
            let frame = of("frame")[row];
            let numbers = places.iter().chain(&["intensity_total_signal", "area"]);
            let numbers: Vec<String> =
                numbers.map(|name| format!("{:.6}", of(name)[row])).collect();
            format!("{},{frame},{frame:.6},True,{}", of("cell")[row], numbers.join(","))
        })
        .collect()
}

/// The traces of a channel, whose background is taken away or not.
pub(crate) fn traces(
    path: &Path,
    field: usize,
    channel: usize,
    is_corrected: bool,
    step: &Traces,
) -> Table {
    let movie = SeriesFile::open(path).unwrap();
    let [cells, signal] = [0, channel].map(|channel| movie.stack(field, channel, 0).unwrap());
    traces_of(&cells, &signal, is_corrected, step)
}

fn traces_of(cells: &Stack, signal: &Stack, is_corrected: bool, step: &Traces) -> Table {
    let ctx = Context::default();
    let (labels, tracks) = tracked(cells);
    let features =
        labels.iter().map(|labels| CellFeatures {}.run(In::new(labels.clone()), &ctx).unwrap());
    let sums = labels.iter().zip(0..).map(|(labels, t)| {
        let mut frame = signal.frame(t).unwrap();
        if is_corrected {
            let inputs = (In::new(frame), Some(In::new(mask(cells.frame(t).unwrap()))));
            frame = Background::compatible().run(inputs, &ctx).unwrap();
        }
        CellSums {}.run((In::new(labels.clone()), In::new(frame)), &ctx).unwrap()
    });
    let tables = [tracks].into_iter().chain(features).chain(sums).map(In::new);
    step.run(tables.collect(), &ctx).unwrap()
}

/// Traces as the older version of the original prints them.
fn printed_as_before(traces: &Table) -> Vec<String> {
    let line = |line: String| {
        let parts: Vec<&str> = line.split(',').collect();
        [&parts[..1], &parts[2..6], &parts[10..]].concat().join(",")
    };
    printed(traces).into_iter().map(line).collect()
}

/// The lines of a file of the original that are not its head, by cell and frame.
fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    let place = |line: &String| {
        let numbers: Vec<f64> = line.split(',').take(2).map(|n| n.parse().unwrap()).collect();
        (numbers[0] as u32, numbers[1] as u32)
    };
    lines.sort_by_key(place);
    lines
}

#[test]
fn traces_are_those_of_the_original() {
    let all = Traces { channels: vec!["signal".to_owned()], ..Traces::default() };
    let kept = Traces { min_frames: 30, margin: 50, ..all.clone() };
    for channel in [1, 2] {
        let path = shipped("cells/synth-b.ome.tif");
        let found = printed(&traces(&path, 0, channel, false, &all));
        let expected = lines(&shipped("cells").join(format!("traces-{channel}.csv")));
        assert_eq!(found, expected, "channel {channel}");
    }
    let Some(folder) = data("microscopy") else { return };
    for (movie, field, channel, is_corrected) in [
        ("synth-a", 0, 1, true),
        ("synth-a", 1, 1, true),
        ("synth-b", 0, 1, false),
        ("synth-b", 0, 2, false),
    ] {
        let path = folder.join(format!("{movie}/{movie}.ome.tiff"));
        let golden = folder.join(format!("golden/{movie}-main/fov_{field:03}"));
        for (step, name) in [(&all, "raw_traces"), (&kept, "traces")] {
            let found = printed(&traces(&path, field, channel, is_corrected, step));
            let expected = lines(&golden.join(format!("{name}_ch{channel}.csv")));
            assert_eq!(found.len(), expected.len(), "{name} of {movie}");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "{name} of {movie}, field {field}");
            }
        }
    }
}

#[test]
fn traces_of_real_movies_are_those_of_the_original() {
    let Some(folder) = data("microscopy") else { return };
    let step = Traces { channels: vec!["signal".to_owned()], ..Traces::default() };
    let check = |cells: &Stack, signal: &Stack, golden: &str| {
        let found = printed_as_before(&traces_of(cells, signal, false, &step));
        let expected = lines(&folder.join("golden").join(golden));
        assert!(expected.len() > 20);
        assert_eq!(found, expected, "{golden}");
    };
    for (movie, golden) in [
        ("real/cancer_cell_migration_crop.tif", "real-nuclei"),
        ("real/drosophila_seq1", "real-drosophila1-green"),
    ] {
        let cells = stack(&folder.join(movie), 0);
        check(&cells, &cells, &format!("{golden}/raw_traces_ch0.csv"));
    }
    let movie = SeriesFile::open(folder.join("synth-b/synth-b.ome.tiff")).unwrap();
    let [cells, first, second] = [0, 1, 2].map(|channel| movie.stack(0, channel, 0).unwrap());
    for (signal, channel) in [(&first, 1), (&second, 2)] {
        check(&cells, signal, &format!("synth-b-seed/fov_000/raw_traces_ch{channel}.csv"));
    }
}

/// Errors of a background beside the truth, root mean squares: of the inner part and of the border,
/// which is half a tile of the original wide.
fn errors(found: &Image, truth: impl Fn(f64, f64) -> f64) -> [f64; 2] {
    const BORDER: usize = 43;
    let (width, height) = (found.width() as usize, found.height() as usize);
    let mut sums = [[0.0; 2]; 2];
    for (at, &sample) in found.samples::<f32>().unwrap().iter().enumerate() {
        let (x, y) = (at % width, at / width);
        let is_inner =
            (BORDER..width - BORDER).contains(&x) && (BORDER..height - BORDER).contains(&y);
        let place = |at: usize, len: usize| 2.0 * at as f64 / (len - 1) as f64 - 1.0;
        let error = f64::from(sample) - truth(place(x, width), place(y, height));
        let sum = &mut sums[usize::from(!is_inner)];
        *sum = [sum[0] + 1.0, sum[1] + error * error];
    }
    sums.map(|[count, squares]| (squares / count).sqrt())
}

#[test]
fn a_smooth_background_is_nearer_to_the_truth() {
    let Some(all) = data("microscopy") else { return };
    let movie = SeriesFile::open(all.join("synth-a/synth-a.ome.tiff")).unwrap();
    let truth = std::fs::read(all.join("synth-a/truth/truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    for field in 0..2 {
        let known = &truth["fovs"][field]["fl_background"][0];
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        let k: Vec<f64> = known["quad"].as_array().unwrap().iter().map(number).collect();
        let [cells, signal] = [0, 1].map(|channel| movie.stack(field, channel, 0).unwrap());
        for t in [0, 13, 31] {
            let light = number(&known["level"])
                * (-number(&known["bleach"]) * t as f64).exp()
                * number(&known["flicker"][t]);
            let truth = |u: f64, v: f64| {
                let shade = k[0] + k[1] * u + k[2] * v + k[3] * u * u + k[4] * u * v + k[5] * v * v;
                number(&truth["camera_offset"]) + light * shade
            };
            let mask = mask(cells.frame(t).unwrap());
            let [smooth, original] =
                [Background::default(), Background::compatible()].map(|step| {
                    let step = Background { output: Shown::Background, ..step };
                    let inputs = (In::new(signal.frame(t).unwrap()), Some(In::new(mask.clone())));
                    errors(&step.run(inputs, &Context::default()).unwrap(), truth)
                });
            let [inside, border] = [original[0] / smooth[0], original[1] / smooth[1]];
            println!("background of field {field}, frame {t}: {inside:.1}, border {border:.1}");
            assert!(inside > 2.5 && border > 5.0, "field {field}, frame {t}: {inside}, {border}");
        }
    }
}

#[test]
fn an_image_of_any_size_has_a_background() {
    for (width, height) in [(1, 1), (2, 3), (32, 32), (33, 7), (600, 5)] {
        let samples: Vec<u16> =
            (0..width * height).map(|at| 500 + (at % width) as u16 / 16).collect();
        let image = Image::from_samples(width, height, 1, samples).unwrap();
        for step in [Background::default(), Background::compatible()] {
            let out = step.run((In::new(image.clone()), None), &Context::default()).unwrap();
            let out = out.samples::<f32>().unwrap();
            assert!(out.iter().all(|sample| sample.abs() < 10.0), "{width} × {height}: {step:?}");
        }
    }
    let image = Image::from_samples(40, 40, 1, vec![7u8; 1600]).unwrap();
    let all = Mask::from_bytes(40, 40, vec![1; 1600]).unwrap();
    for step in [Background::default(), Background::compatible()] {
        let inputs = (In::new(image.clone()), Some(In::new(all.clone())));
        let error = step.run(inputs, &Context::default()).unwrap_err().to_string();
        assert!(error.contains("all foreground"), "{error}");
    }
}

/// The samples of a made plane.
fn made(field: u16, t: u16, channel: u16) -> Vec<u16> {
    let places = (0..5).flat_map(|y| (0..8).map(move |x| y + x / 4));
    places.map(|place| 1000 * field + 100 * t + 10 * channel + place).collect()
}

#[test]
fn planes_of_every_container_are_found() {
    for (name, fields, channels) in [
        ("fields.ome.tif", 2, 2),
        ("big-endian.ome.tif", 1, 2),
        ("imagej.tif", 1, 2),
        ("plain.tif", 1, 1),
        ("array.npy", 1, 1),
    ] {
        let file = SeriesFile::open(shipped("cells").join(name)).unwrap();
        assert_eq!(file.fields().len(), fields, "{name}");
        for field in 0..fields {
            let info = &file.fields()[field];
            assert_eq!((info.frames, info.channels.len(), info.slices), (3, channels, 1), "{name}");
            for channel in 0..channels {
                let stack = file.stack(field, channel, 0).unwrap();
                for t in [2, 0, 1] {
                    let frame = stack.frame(t).unwrap();
                    let expected = made(field as u16, t as u16, channel as u16);
                    assert_eq!(frame.samples::<u16>(), Some(&expected[..]), "{name}, frame {t}");
                }
            }
        }
    }
    let floats = SeriesFile::open(shipped("cells/array-f4.npy")).unwrap().stack(0, 0, 0).unwrap();
    let expected: Vec<f32> = made(0, 2, 0).into_iter().map(f32::from).collect();
    assert_eq!(floats.frame(2).unwrap().samples::<f32>(), Some(&expected[..]));
}

#[test]
fn numbers_of_every_kind_become_samples() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    for (kind, one, other, expected) in [
        ("<i1", vec![0x80u8], vec![0x7F], [-128.0f32, 127.0]),
        (">i2", vec![0xFF, 0xFE], vec![0x01, 0x00], [-2.0, 256.0]),
        ("<i4", vec![0xFE, 0xFF, 0xFF, 0xFF], vec![7, 0, 0, 0], [-2.0, 7.0]),
        (">u4", vec![0x80, 0, 0, 0], vec![0, 0, 0, 7], [31.0f32.exp2(), 7.0]),
        ("<f8", 0.1f64.to_le_bytes().to_vec(), f64::NAN.to_le_bytes().to_vec(), [0.1, f32::NAN]),
    ] {
        let header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (2, 1, 1), }}\n");
        let len = u16::try_from(header.len()).unwrap().to_le_bytes();
        let bytes = [&b"\x93NUMPY\x01\x00"[..], &len, header.as_bytes(), &one, &other].concat();
        std::fs::write(&path, bytes).unwrap();
        let stack = SeriesFile::open(&path).unwrap().stack(0, 0, 0).unwrap();
        for (t, expected) in expected.into_iter().enumerate() {
            let frame = stack.frame(t).unwrap();
            let found = frame.samples::<f32>().unwrap()[0];
            assert!(found.total_cmp(&expected).is_eq(), "{kind}: {found} for {expected}");
        }
    }
}

#[test]
fn a_file_says_what_it_knows_of_its_fields() {
    let file = SeriesFile::open(shipped("cells/synth-b.ome.tif")).unwrap();
    let [field] = file.fields() else { panic!("one field") };
    assert_eq!(field.channels, ["PC", "FL1", "FL2"]);
    assert_eq!((field.frames, field.seconds_per_frame), (8, Some(600.0)));
    let file = SeriesFile::open(shipped("cells/fields.ome.tif")).unwrap();
    assert_eq!([0, 1].map(|at| &*file.fields()[at].name), ["well 0", "well 1"]);
    let file = SeriesFile::open(shipped("cells/imagej.tif")).unwrap();
    assert_eq!(file.fields()[0].seconds_per_frame, Some(2.5));
}

#[test]
fn what_a_file_does_not_have_is_named() {
    let file = SeriesFile::open(shipped("cells/fields.ome.tif")).unwrap();
    for (place, expected) in [
        ((2, 0, 0), "field is 2, expected 0 to 1"),
        ((0, 2, 0), "channel is 2, expected 0 to 1"),
        ((0, 0, 1), "slice is 1, expected 0 to 0"),
    ] {
        let error = file.stack(place.0, place.1, place.2).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("fields.ome.tif"), "{error}");
    }
    let error = file.stack(0, 0, 0).unwrap().frame(3).unwrap_err().to_string();
    assert!(error.contains("frame is 3, expected 0 to 2"), "{error}");
}

#[test]
fn a_series_that_is_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    // And how many bytes at the end nothing in the file refers to.
    for (name, idle) in
        [("fields.ome.tif", 0), ("big-endian.ome.tif", 0), ("imagej.tif", 16), ("array.npy", 0)]
    {
        let bytes = std::fs::read(shipped("cells").join(name)).unwrap();
        let path = folder.path().join(name);
        let open = |bytes: &[u8]| -> Result<()> {
            std::fs::write(&path, bytes).unwrap();
            let file = SeriesFile::open(&path)?;
            for (field, info) in file.fields().iter().enumerate() {
                for channel in 0..info.channels.len() {
                    let stack = file.stack(field, channel, 0)?;
                    (0..stack.frames()).try_for_each(|t| stack.frame(t).map(|_| ()))?;
                }
            }
            Ok(())
        };
        open(&bytes).unwrap();
        for len in (0..bytes.len() - idle).step_by(7).chain([bytes.len() - idle - 1]) {
            let opened = open(&bytes[..len]);
            let error = opened.expect_err(&format!("{len} of {} bytes of {name}", bytes.len()));
            assert!(error.to_string().contains(name), "{len} bytes of {name}: {error}");
        }
        // Whatever is in it, nothing panics.
        for at in (0..bytes.len()).step_by(3) {
            let mut harmed = bytes.clone();
            harmed[at] ^= 0xFF;
            let _ = open(&harmed);
        }
    }
}

/// A field of view as a graph in which each frame has nodes of its own.
fn graph(frames: u32, min_frames: u32) -> Graph {
    let mut graph = Graph::new();
    let field = graph.input::<Field>("field");
    let open = |channel| OpenStack { channel, ..OpenStack::path(shipped("cells/synth-b.ome.tif")) };
    let [phase, signal] =
        [0, 1].map(|channel| graph.add(format!("open {channel}"), open(channel), Some(field)));
    let (mut shapes, mut sums) = (Vec::new(), Vec::new());
    for frame in 0..frames {
        let name = |step: &str| format!("{step} {frame}");
        let cells = graph.add(name("phase"), Frame { frame, ..Frame::default() }, phase);
        let texture = LogStd { arithmetic: Arithmetic::Single, ..LogStd::default() };
        let texture = graph.add(name("texture"), texture, cells);
        let mask = graph.add(name("mask"), ModeThreshold::default(), texture);
        let mask = graph.add(name("holes"), FillHoles::default(), mask);
        let (element, radius, border) = (Element::Square, 9, Border::Constant(0.0));
        let mask = graph.add(name("opening"), OpeningMask { element, radius, border }, mask);
        let mask = graph.add(name("closing"), ClosingMask { element, radius, border }, mask);
        let number = ConnectedComponents { connectivity: Connectivity::Four };
        let labels = graph.add(name("labels"), number, mask);
        shapes.push(graph.add(name("shapes"), CellFeatures {}, labels));
        let light = graph.add(name("signal"), Frame { frame, ..Frame::default() }, signal);
        sums.push(graph.add(name("sums"), CellSums {}, (labels, light)));
    }
    let tracks = graph.add("tracks", Link::compatible(), shapes.clone());
    let step = Traces { channels: vec!["signal".to_owned()], min_frames, ..Traces::default() };
    let tables = [tracks].into_iter().chain(shapes).chain(sums).collect();
    let traces = graph.add("traces", step, tables);
    graph.target(traces);
    graph
}

#[test]
fn a_movie_goes_through_the_engine_frame_by_frame() {
    let cache: Arc<dyn Cache> = Arc::new(Kept::default());
    let options = Options { threads: Some(2), cache: Some(cache), ..Options::default() };
    let executor = Executor::new(options).unwrap();
    let bindings = Bindings::new().with("field", Field(0));
    let run = |graph: &Graph| {
        let options = RunOptions { bindings: bindings.clone(), ..RunOptions::default() };
        let report = executor.run(graph, &options).unwrap();
        report.ok().unwrap();
        let end = graph.find("traces").unwrap();
        let traces = report.value(end, 0).unwrap().downcast_ref::<Table>().cloned().unwrap();
        (printed(&traces), report.nodes_that(Status::Computed).len())
    };
    let expected = lines(&shipped("cells/traces-1.csv"));
    let (found, computed) = run(&graph(8, 1));
    assert_eq!((found, computed), (expected.clone(), 2 + 8 * 10 + 2));
    assert_eq!(run(&graph(8, 1)), (expected, 0), "nothing is made twice");
    let (kept, computed) = run(&graph(8, 8));
    assert!(kept.len().is_multiple_of(8) && computed == 1, "only the traces are made again");
    // Frames of a shorter movie are known.
    assert_eq!(run(&graph(5, 1)).1, 2);
    let missing = executor
        .run(&graph(9, 1), &RunOptions { bindings: bindings.clone(), ..RunOptions::default() });
    let error = missing.unwrap().ok().unwrap_err().to_string();
    assert!(error.contains("phase 8") || error.contains("signal 8"), "{error}");
}
