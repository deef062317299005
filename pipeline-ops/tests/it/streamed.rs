//! Pictures that are read, worked on and written row by row are what they are as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pipeline_core::event::{EventKind, RunStatus, Status};
use pipeline_core::observe::Observer;
use pipeline_core::{
    CancelReason, CancelToken, Context, Error, Executor, Fusion, Graph, Image, In, Layout, Node,
    Options, Report, Result, RunOptions, SampleType, Services, Step, Tile, View, ViewMut, tile,
};
use pipeline_ops::filter::{GaussianBlur, UnsharpMask};
use pipeline_ops::geometry::{Axis, Crop, Flip, QuarterTurns, Resize, Rotate90};
use pipeline_ops::io::{Open, Save};
use pipeline_ops::point::{Blend, Gain, Gamma, Invert};
use pipeline_ops::rank::Median;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::{Heard, Kept, filled};

fn executor(fusion: Fusion, threads: usize) -> Executor {
    Executor::new(Options { fusion, threads: Some(threads), ..Options::default() }).unwrap()
}

fn run(graph: &Graph, fusion: Fusion, threads: usize) -> Arc<Report> {
    executor(fusion, threads).run(graph, &RunOptions::default()).unwrap()
}

fn save(image: &Image, path: impl Into<PathBuf>) {
    Save::path(path).run(In::new(image.clone()), &Context::default()).unwrap();
}

fn open(path: &Path) -> Image {
    Open::path(path).run((), &Context::default()).unwrap()
}

fn half() -> Resize {
    Resize { width: Some(200), height: Some(400), ..Resize::default() }
}

/// One of the operations, on one or two of the images that are there.
fn add(graph: &mut Graph, kind: u32, at: usize, a: Node<Image>, b: Node<Image>) -> Node<Image> {
    let name = format!("node{at}");
    match kind {
        0 => graph.add(name, Gain { factor: 1.3 }, a),
        1 => graph.add(name, Invert::default(), a),
        2 => graph.add(name, Gamma { gamma: 1.7 }, a),
        3 => graph.add(name, GaussianBlur { sigma: 1.5, ..Default::default() }, a),
        4 => graph.add(name, GaussianBlur { sigma: 30.0, ..Default::default() }, a),
        5 => graph.add(name, Median { radius: 1, ..Default::default() }, a),
        6 => graph.add(name, Flip { axis: Axis::Horizontal }, a),
        7 => graph.add(name, Flip { axis: Axis::Vertical }, a),
        8 => graph.add(name, Rotate90 { turn: QuarterTurns::One }, a),
        9 => graph.add(name, Crop { x: 7, y: 5, ..Default::default() }, a),
        10 => graph.add(name, half(), a),
        11 => graph.add(name, UnsharpMask { sigma: 1.0, ..Default::default() }, a),
        _ => {
            let (a, b) = (
                graph.add(format!("{name}a"), half(), a),
                graph.add(format!("{name}b"), half(), b),
            );
            graph.add(name, Blend { opacity: 0.6, ..Default::default() }, (a, b))
        }
    }
}

/// Numbers that look random, the same in every run.
fn numbers(seed: u64) -> impl FnMut(u32) -> u32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as u32 % below
    }
}

#[test]
fn no_bit_depends_on_streaming() {
    let folder = tempfile::tempdir().unwrap();
    let formats = ["tif", "png", "jpg", "webp"];
    for seed in 0..32u64 {
        let mut next = numbers(seed + 1);
        let sample = [SampleType::U8, SampleType::U16][usize::from(next(4) == 0)];
        let lossless = if sample == SampleType::U8 { 4 } else { 2 };
        let paths: Vec<PathBuf> = (0..2)
            .map(|number| {
                let format = formats[next(lossless) as usize];
                let path = folder.path().join(format!("in{seed}-{number}.{format}"));
                save(&filled((200 + next(300), 600 + next(700)), 3, sample, seed + number), &path);
                path
            })
            .collect();
        let steps: Vec<(u32, usize, usize)> =
            (0..next(7)).map(|_| (next(13), next(3) as usize, next(3) as usize)).collect();
        let format = formats[next(lossless) as usize];
        // One of the steps may be switched off.
        let off = 2 + next(12) as usize;
        let out = |name: &str| folder.path().join(format!("out{seed}-{name}.{format}"));
        let graph = |name: &str| {
            let mut graph = Graph::new();
            let mut nodes: Vec<Node<Image>> = Vec::new();
            for (at, path) in paths.iter().enumerate() {
                nodes.push(graph.add(format!("open{at}"), Open::path(path), ()));
            }
            for (at, &(kind, a, b)) in steps.iter().enumerate() {
                let recent = |back: usize| nodes[nodes.len() - 1 - back.min(nodes.len() - 1)];
                let (a, b) = (recent(a), recent(b));
                nodes.push(add(&mut graph, kind, at, a, b));
            }
            let quality = [75, 90][seed as usize % 2];
            let save = Save { quality, ..Save::path(out(name)) };
            let saved = graph.add("save", save, nodes[nodes.len() - 1]);
            graph.target(saved);
            if let Some(node) = nodes.get(off) {
                graph.bypass(node.id()).unwrap();
            }
            graph
        };
        run(&graph("apart"), Fusion::Never, 1).ok().unwrap();
        let expected = std::fs::read(out("apart")).unwrap();
        for threads in [1, 2, 4] {
            run(&graph("fused"), Fusion::Auto, threads).ok().unwrap();
            let bytes = std::fs::read(out("fused")).unwrap();
            assert!(bytes == expected, "graph {seed}, {threads} threads, {steps:?}");
        }
    }
}

/// The chain of a file that is made smaller and sharper, from one folder into it.
fn chain(folder: &Path, from: &str, to: &str, height: u32) -> (Graph, [Node<Image>; 5]) {
    chain_of(Open::path(folder.join(from)), folder.join(to), height)
}

fn chain_of(open: Open, to: PathBuf, height: u32) -> (Graph, [Node<Image>; 5]) {
    let mut graph = Graph::new();
    let photo = graph.add("open", open, ());
    let part = Crop { x: 10, y: 10, width: Some(280), height: Some(height - 20) };
    let part = graph.add("crop", part, photo);
    let size = Resize { width: Some(252), height: Some((height - 20) / 10 * 9), ..half() };
    let small = graph.add("shrink", size, part);
    let sharp = graph.add("sharpen", UnsharpMask { sigma: 0.5, ..Default::default() }, small);
    let bright = graph.add("gain", Gain { factor: 1.1 }, sharp);
    let saved = graph.add("save", Save::path(to), bright);
    graph.target(saved);
    (graph, [photo, part, small, sharp, bright])
}

#[test]
fn memory_does_not_grow_with_the_height() {
    let folder = tempfile::tempdir().unwrap();
    for (format, to) in [("tif", "tif"), ("png", "png"), ("jpg", "jpg")] {
        let name = format!("in.{format}");
        let peaks = [6_000, 18_000].map(|height| {
            let path = folder.path().join(&name);
            save(&filled((300, height), 3, SampleType::U8, 1), &path);
            // A JPEG of this size would be decoded at once without the limit.
            let open = Open { max_bytes: 1 << 20, ..Open::path(path) };
            let (graph, _) = chain_of(open, folder.path().join(format!("out.{to}")), height);
            let budget = Some(8 << 20);
            let options = RunOptions { budget, ..RunOptions::default() };
            let plan = executor(Fusion::Auto, 2).plan(&graph, &options).unwrap();
            let report = executor(Fusion::Auto, 2).run(&graph, &options).unwrap();
            report.ok().unwrap();
            let peak = report.totals().peak_bytes;
            assert_eq!(plan.peak_bytes(), (peak, true));
            assert!(peak < 8 << 20, "{peak} bytes at once");
            peak
        });
        assert_eq!(peaks[0], peaks[1], "{format} to {to}");
    }
}

#[test]
fn a_limit_is_for_what_is_there_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["tif", "png", "jpg"] {
        let path = folder.path().join(format!("in.{format}"));
        let picture = filled((300, 6000), 3, SampleType::U8, 1);
        save(&picture, &path);
        let opened = Open { max_bytes: 1 << 20, ..Open::path(&path) };
        let mut graph = Graph::new();
        let photo = graph.add("open", opened, ());
        let bright = graph.add("bright", Gain { factor: 1.5 }, photo);
        let copy = folder.path().join(format!("out.{format}"));
        graph.add("save", Save::path(&copy), bright);
        run(&graph, Fusion::Auto, 2).ok().unwrap();
        assert_eq!(open(&copy).height(), 6000);
        // Where it has to be there as a whole, it is too large.
        for report in [run(&graph, Fusion::Never, 1), {
            let turned = graph.add("turned", Rotate90::default(), bright);
            graph.target(turned);
            run(&graph, Fusion::Auto, 2)
        }] {
            let error = report.ok().unwrap_err();
            let Error::Node { node, source, .. } = error else { panic!("{error}") };
            assert_eq!(&*node, "open");
            let bytes = picture.layout().size_bytes();
            let refused = matches!(*source, Error::TooLarge { needed, .. } if needed == bytes);
            assert!(refused, "{source}");
        }
    }
    // A row of strips is decoded at once, whatever follows.
    let tiny = Open { max_bytes: 700, ..Open::path(folder.path().join("in.tif")) };
    let found = tiny.run((), &Context::default());
    assert!(matches!(found, Err(Error::TooLarge { allowed: 700, .. })), "{found:?}");
}

#[test]
fn a_step_that_is_switched_off_does_not_break_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    save(&filled((300, 6000), 3, SampleType::U8, 1), folder.path().join("in.tif"));
    let (mut graph, [_, _, _, sharp, bright]) = chain(folder.path(), "in.tif", "out.tif", 6000);
    let all = run(&graph, Fusion::Auto, 2).totals().peak_bytes;
    for node in [sharp, bright] {
        graph.bypass(node.id()).unwrap();
        let report = run(&graph, Fusion::Auto, 2);
        assert_eq!(report.step(node.id()).unwrap().status, Status::Bypassed);
        let peak = report.totals().peak_bytes;
        assert!(peak <= all, "{peak} bytes at once, {all} with all steps");
        assert_eq!(report.plan().peak_bytes(), (peak, true));
    }
}

#[test]
fn a_plan_knows_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["tif", "png", "jpg", "webp"] {
        let name = format!("in.{format}");
        save(&filled((300, 700), 3, SampleType::U8, 1), folder.path().join(&name));
        let (graph, nodes) = chain(folder.path(), &name, "out.tif", 700);
        for fusion in [Fusion::Auto, Fusion::Never] {
            let plan = executor(fusion, 1).plan(&graph, &RunOptions::default()).unwrap();
            let layouts = plan.layouts();
            let of = |node: Node<Image>| layouts.iter().find(|(id, _)| *id == node.id()).unwrap().1;
            assert_eq!(of(nodes[0]), Some(Layout::new(300, 700, 3, SampleType::U8)), "{format}");
            assert_eq!(of(nodes[4]), Some(Layout::new(252, 612, 3, SampleType::U8)), "{format}");
            assert!(plan.peak_bytes().1, "{format}");
        }
    }
}

/// What only the last band needs is damaged, or what none needs.
#[test]
fn a_file_that_is_damaged_anywhere_fails_as_it_does_at_once_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.png");
    save(&filled((300, 1500), 3, SampleType::U8, 1), &path);
    let bytes = std::fs::read(&path).unwrap();
    for place in [bytes.len() / 3, bytes.len() / 10 * 9, bytes.len() - 60] {
        let mut damaged = bytes.clone();
        damaged[place..place + 40].fill(0x5A);
        std::fs::write(&path, damaged).unwrap();
        let errors = [Fusion::Never, Fusion::Auto].map(|fusion| {
            let (graph, nodes) = chain(folder.path(), "in.png", "out/out.tif", 1500);
            let report = run(&graph, fusion, 2);
            let status = |node: Node<Image>| report.step(node.id()).unwrap().status;
            assert_eq!(status(nodes[0]), Status::Failed);
            assert_eq!(status(nodes[2]), Status::Skipped);
            let error = report.ok().unwrap_err();
            let Error::Node { node, source, .. } = &error else { panic!("{error}") };
            assert!(node == "open" && matches!(**source, Error::File { .. }), "{error}");
            assert_eq!(left(&folder.path().join("out")), 0);
            (error.to_string(), error.causes())
        });
        assert_eq!(errors[0], errors[1]);
    }
}

/// Files in a folder that may not be there.
fn left(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Copies 8-bit images; at the row of that number it does something else.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Touchy {
    act: String,
    row: u32,
}

/// Rows that were copied by now, and what stops the run.
#[derive(Debug, Clone, Default)]
struct Ledger(Arc<AtomicU64>, CancelToken);

impl Step for Touchy {
    const NAME: &'static str = "touchy";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Touchy {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = inputs[0].typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            row.copy_from_slice(input.row(y));
            ctx.service::<Ledger>()?.0.fetch_add(1, Relaxed);
            match self.act.as_str() {
                _ if y != self.row => {}
                "fail" => return Err(Error::failed("enough")),
                "panic" => panic!("enough"),
                _ => {
                    ctx.service::<Ledger>()?.1.cancel(CancelReason::User);
                }
            }
        }
        Ok(())
    }
}

fn with_touchy(folder: &Path, act: &str, out: &str) -> (Arc<Report>, u64) {
    let mut graph = Graph::new();
    let photo = graph.add("open", Open::path(folder.join("in.tif")), ());
    let touchy = graph.add("touchy", Touchy { act: act.to_owned(), row: 1000 }, photo);
    let bright = graph.add("gain", Gain { factor: 1.1 }, touchy);
    let saved = graph.add("save", Save::path(folder.join(out)), bright);
    graph.target(saved);
    let ledger = Ledger::default();
    let services = Services::new().with(ledger.clone());
    let options = Options { threads: Some(2), services, ..Options::default() };
    let options_of_run = RunOptions { token: ledger.1.clone(), ..RunOptions::default() };
    let report = Executor::new(options).unwrap().run(&graph, &options_of_run).unwrap();
    (report, ledger.0.load(Relaxed))
}

#[test]
fn a_fault_in_the_middle_is_that_of_its_step_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    save(&filled((300, 6000), 1, SampleType::U8, 1), folder.path().join("in.tif"));
    for (act, kept) in [("fail", "enough"), ("panic", "enough")] {
        for format in ["tif", "png", "jpg", "webp"] {
            let (report, rows) = with_touchy(folder.path(), act, &format!("out/out.{format}"));
            let error = report.ok().unwrap_err().to_string();
            assert!(error.contains("`touchy` (touchy)") && error.contains(kept), "{error}");
            let names = report.nodes_that(Status::Failed);
            assert_eq!(names, ["touchy"]);
            assert!(rows < 2000, "{rows} rows were made");
            assert_eq!(left(&folder.path().join("out")), 0);
        }
    }
}

#[test]
fn a_cancel_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    save(&filled((300, 6000), 1, SampleType::U8, 1), folder.path().join("in.tif"));
    for format in ["tif", "jpg"] {
        let (report, rows) = with_touchy(folder.path(), "cancel", &format!("out/out.{format}"));
        assert_eq!(report.status(), RunStatus::Cancelled);
        assert!(rows < 2000, "{rows} rows were made");
        assert_eq!(left(&folder.path().join("out")), 0);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_the_fault_of_the_step_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    save(&filled((300, 2000), 3, SampleType::U8, 1), folder.path().join("in.tif"));
    // A folder stands where a folder of that name is to be made of a file.
    std::fs::write(folder.path().join("file"), "no folder").unwrap();
    for to in ["out.xyz", "file/out.tif"] {
        let (graph, nodes) = chain(folder.path(), "in.tif", to, 2000);
        let report = run(&graph, Fusion::Auto, 2);
        assert_eq!(report.nodes_that(Status::Failed), ["save"], "{to}");
        assert_eq!(report.step(nodes[0].id()).unwrap().status, Status::Skipped);
        let apart = run(&graph, Fusion::Never, 2);
        let text = |report: &Report| report.ok().unwrap_err().to_string();
        assert_eq!(text(&report), text(&apart));
    }
}

/// Whoever else wants an image gets it, and the file is written all the same.
#[test]
fn an_image_that_others_want_is_there_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    save(&filled((300, 2000), 3, SampleType::U8, 1), folder.path().join("in.tif"));
    for wanted in 0..5 {
        let (mut graph, nodes) = chain(folder.path(), "in.tif", "out.tif", 2000);
        graph.target(nodes[wanted]);
        let images = [Fusion::Never, Fusion::Auto].map(|fusion| {
            let report = run(&graph, fusion, 2);
            (
                report.output(nodes[wanted]).unwrap().into_owned(),
                open(&folder.path().join("out.tif")),
            )
        });
        assert!(images[0] == images[1], "{wanted}");
    }
}

#[test]
fn every_step_of_a_stream_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    save(&filled((300, 3000), 3, SampleType::U8, 1), folder.path().join("in.tif"));
    let (graph, nodes) = chain(folder.path(), "in.tif", "out.tif", 3000);
    let heard = Arc::new(Heard::default());
    let observers: Vec<Arc<dyn Observer>> = vec![Arc::clone(&heard) as _];
    let options = RunOptions { observers, ..RunOptions::default() };
    let report = executor(Fusion::Auto, 2).run(&graph, &options).unwrap();
    report.ok().unwrap();
    assert_eq!(report.totals().counts.computed, 6);
    let events = heard.0.lock().unwrap();
    let ends = |node: Node<Image>| {
        let of = events.iter().filter(|event| event.node == Some(node.id()));
        of.filter(|event| matches!(event.kind, EventKind::StepFinished(_))).count()
    };
    for node in nodes {
        let step = report.step(node.id()).unwrap();
        assert_eq!(step.status, Status::Computed);
        assert!(step.duration > std::time::Duration::ZERO, "{node:?}");
        assert_eq!(ends(node), 1, "{node:?}");
    }
}

#[test]
fn a_file_is_copied_to_another_format_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let image = filled((300, 9000), 3, SampleType::U16, 1);
    save(&image, folder.path().join("in.tif"));
    let mut graph = Graph::new();
    let photo = graph.add("open", Open::path(folder.path().join("in.tif")), ());
    let saved = graph.add("save", Save::path(folder.path().join("out.png")), photo);
    graph.target(saved);
    let report = run(&graph, Fusion::Auto, 1);
    report.ok().unwrap();
    assert!(open(&folder.path().join("out.png")) == image);
    assert!(report.totals().peak_bytes < 4 << 20, "{}", report.totals().peak_bytes);
}

#[test]
fn what_a_group_made_from_a_file_that_changed_meanwhile_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.tif");
    let pictures = [1, 2].map(|seed| filled((300, 200), 3, SampleType::U8, seed));
    let mut graph = Graph::new();
    let opened = graph.add("open", Open::path(&path), ());
    let gain = graph.add("gain", Gain { factor: 1.3 }, opened);
    let invert = graph.add("invert", Invert::default(), gain);
    graph.target(invert);
    let options = Options {
        cache: Some(Arc::new(Kept::default())),
        fusion: Fusion::Always,
        threads: Some(1),
        ..Options::default()
    };
    let executor = Executor::new(options).unwrap();
    save(&pictures[0], &path);
    let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
    save(&pictures[1], &path);
    let second = executor.run_plan(plan, &RunOptions::default()).unwrap();
    let second = second.output(invert).unwrap();
    save(&pictures[0], &path);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.nodes_that(Status::Computed), ["open", "gain", "invert"]);
    assert_ne!(*report.output(invert).unwrap(), *second);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.nodes_that(Status::Computed), [""; 0], "now it is kept");
}
