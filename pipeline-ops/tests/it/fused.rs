//! Steps that run as one give what they give one after the other, and are told of one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pipeline_core::cache::Cache;
use pipeline_core::event::{EventKind, RunStatus, Status};
use pipeline_core::observe::Observer;
use pipeline_core::plan::{Bindings, Targets};
use pipeline_core::{
    CancelToken, Context, Error, Executor, Fusion, Graph, Image, In, Layout, Node, Options, Region,
    Report, Result, RunOptions, SampleType, Services, Spec, Step, Tile, View, ViewMut, tile,
};
use pipeline_ops::draw::{ColorLabels, OutlineLabels, Side};
use pipeline_ops::filter::{Border, BoxBlur, GaussianBlur, UnsharpMask};
use pipeline_ops::geometry::{Axis, Crop, Flip, QuarterTurns, Resize, Rotate90};
use pipeline_ops::morphology::ErodeMask;
use pipeline_ops::point::{
    AlphaOver, Blend, Convert, Gain, Gamma, Invert, ShuffleChannels, Threshold,
};
use pipeline_ops::rank::Median;
use pipeline_ops::segment::{ConnectedComponents, LabelImage, MaskImage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::{Heard, Kept, filled};

fn executor(fusion: Fusion, threads: usize) -> Executor {
    Executor::new(Options { fusion, threads: Some(threads), ..Options::default() }).unwrap()
}

fn run(graph: &Graph, photo: &Image, fusion: Fusion, threads: usize) -> Arc<Report> {
    executor(fusion, threads).run(graph, &bound(photo)).unwrap()
}

fn bound(photo: &Image) -> RunOptions {
    let bindings = Bindings::new().with("photo", photo.clone());
    RunOptions { bindings, ..RunOptions::default() }
}

/// One of the operations, on one or two of the images that are there.
fn add(graph: &mut Graph, kind: u32, at: usize, a: Node<Image>, b: Node<Image>) -> Node<Image> {
    let name = format!("node{at}");
    let sides =
        |width, height| Resize { width: Some(width), height: Some(height), ..Default::default() };
    match kind {
        0 => graph.add(name, Gain { factor: 1.3 }, a),
        1 => graph.add(name, Invert::default(), a),
        2 => graph.add(name, Gamma { gamma: 1.7 }, a),
        3 => graph.add(name, GaussianBlur { sigma: 1.5, ..Default::default() }, a),
        4 => graph.add(name, BoxBlur { radius: 5, border: Border::Wrap }, a),
        5 => graph.add(name, Median { radius: 1, ..Default::default() }, a),
        6 => graph.add(name, Flip { axis: Axis::Horizontal }, a),
        7 => graph.add(name, Rotate90 { turn: QuarterTurns::One }, a),
        8 => graph.add(name, Crop { x: 7, y: 5, ..Default::default() }, a),
        9 => graph.add(name, sides(301, 203), a),
        10 => graph.add(name, Convert { to: SampleType::F32, ..Default::default() }, a),
        11 => graph.add(name, UnsharpMask { sigma: 1.0, ..Default::default() }, a),
        12 => {
            let mask = graph.add(format!("{name}mask"), Threshold { level: 0.4 }, a);
            graph.add(name, MaskImage {}, mask)
        }
        13 => {
            let mask = graph.add(format!("{name}mask"), Threshold { level: 0.6 }, a);
            let labels = ConnectedComponents::default();
            let labels = graph.add(format!("{name}labels"), labels, mask);
            graph.add(name, OutlineLabels { opacity: 0.7, ..Default::default() }, (a, labels))
        }
        _ => graph.add(name, Blend { opacity: 0.6, ..Default::default() }, (a, b)),
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

/// A graph of operations on a photo, with the photo and the nodes below it.
fn random(seed: u64) -> (Graph, Image, Vec<Node<Image>>) {
    let mut next = numbers(seed + 1);
    let sample = [SampleType::U8, SampleType::U16, SampleType::F32][next(3) as usize];
    let photo = filled((300 + next(400), 100 + next(200)), [1, 3][next(2) as usize], sample, seed);
    let mut graph = Graph::new();
    let mut nodes = vec![graph.input::<Image>("photo")];
    for at in 0..2 + next(12) as usize {
        let recent = |next: &mut dyn FnMut(u32) -> u32| {
            nodes[nodes.len() - 1 - next(nodes.len().min(3) as u32) as usize]
        };
        let (a, b) = (recent(&mut next), recent(&mut next));
        nodes.push(add(&mut graph, next(16), at, a, b));
    }
    nodes.remove(0);
    (graph, photo, nodes)
}

/// The executor cuts the tiles here; those of other sizes are compared where each operation is
/// checked alone.
#[test]
fn no_bit_depends_on_threads_budget_cache_and_fusion() {
    let mut compared = 0;
    for seed in 100..112 {
        let (graph, photo, nodes) = random(seed);
        let plain = run(&graph, &photo, Fusion::Never, 1);
        for threads in [1, 2, 4] {
            for fusion in [Fusion::Never, Fusion::Auto, Fusion::Always] {
                for is_cached in [false, true] {
                    let cache = is_cached.then(|| Arc::new(Kept::every_other()) as Arc<dyn Cache>);
                    let threads = Some(threads);
                    let options = Options { threads, fusion, cache, ..Options::default() };
                    let executor = Executor::new(options).unwrap();
                    // Less than one image, than a few, and none. The cache is warm from the second
                    // run on.
                    for budget in [Some(10_000), Some(3_000_000), None] {
                        let options = RunOptions { budget, ..bound(&photo) };
                        let report = executor.run(&graph, &options).unwrap();
                        for &node in &nodes {
                            let Ok(expected) = plain.output(node) else { continue };
                            let found = report.output(node).unwrap();
                            assert_eq!(
                                *found, *expected,
                                "graph {seed}, {executor:?}, {budget:?}, {node:?}"
                            );
                            compared += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(compared > 300, "only {compared} results were compared");
}

#[test]
fn masks_are_made_in_a_group_unless_their_content_names_what_is_below() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let soft = graph.add("soft", GaussianBlur { sigma: 1.5, ..Default::default() }, photo);
    let bright = graph.add("bright", Threshold { level: 0.5 }, soft);
    let thin = graph.add("thin", ErodeMask::default(), bright);
    let image = graph.add("image", MaskImage {}, thin);
    let dark = graph.add("dark", Invert::default(), image);
    let photo = filled((900, 700), 1, SampleType::U8, 3);
    let alone = run(&graph, &photo, Fusion::Never, 1);
    for has_cache in [false, true] {
        let cache = has_cache.then(|| Arc::new(Kept::every_other()) as Arc<dyn Cache>);
        let options = Options { fusion: Fusion::Always, cache, ..Options::default() };
        let report = Executor::new(options).unwrap().run(&graph, &bound(&photo)).unwrap();
        assert_eq!(*report.output(dark).unwrap(), *alone.output(dark).unwrap());
        let members = report.plan().to_string().matches("in group").count();
        // Beside a cache `soft` stands above what is digested, and the others have no name yet.
        assert_eq!(members, if has_cache { 0 } else { 5 });
    }
}

#[test]
fn labels_are_read_by_a_group() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let bright = graph.add("bright", Threshold { level: 250.0 }, photo);
    let labels = graph.add("labels", ConnectedComponents::default(), bright);
    let soft = graph.add("soft", GaussianBlur { sigma: 1.5, ..Default::default() }, photo);
    let side = Side::Outer;
    let outlines =
        graph.add("outlines", OutlineLabels { side, ..Default::default() }, (soft, labels));
    let numbers = graph.add("numbers", LabelImage { to: SampleType::F32 }, labels);
    let shown = graph.add("shown", Convert::to(SampleType::U8), numbers);
    let both = graph.add("both", Blend { opacity: 0.6, ..Default::default() }, (outlines, shown));
    let colors = graph.add("colors", ColorLabels { transparent: true }, labels);
    let rgb = graph.add("rgb", ShuffleChannels { channels: vec![0; 3] }, both);
    let last = graph.add("last", AlphaOver { opacity: 0.5, ..Default::default() }, (rgb, colors));
    graph.target(labels);
    graph.target(last);
    let photo = filled((900, 700), 1, SampleType::U8, 3);
    let alone = run(&graph, &photo, Fusion::Never, 1);
    assert!(alone.output(labels).unwrap().count() > 100);
    for threads in [1, 2] {
        let report = run(&graph, &photo, Fusion::Always, threads);
        assert_eq!(*report.output(last).unwrap(), *alone.output(last).unwrap());
        let plan = report.plan().to_string();
        assert_eq!(plan.matches("in group").count(), 7, "{plan}");
    }
}

#[test]
fn no_bit_depends_on_fusion_or_threads() {
    let mut compared = 0;
    for seed in 0..60 {
        let (graph, photo, nodes) = random(seed);
        let apart = run(&graph, &photo, Fusion::Never, 1);
        for threads in [1, 2] {
            let fused = run(&graph, &photo, Fusion::Auto, threads);
            for &node in &nodes {
                let (Ok(apart), fused) = (apart.output(node), fused.output(node)) else { continue };
                assert_eq!(*fused.unwrap(), *apart, "graph {seed}, {threads} threads, {node:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} results were compared");
}

/// What a probe does beside copying.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
enum Act {
    #[default]
    Nothing,
    /// Fails at the sample 250.
    Fail,
    /// Panics there.
    Panic,
    /// Adds a part of its seed.
    AddSeed,
}

/// Copies 8-bit images, and tells the [`Ledger`] of the program.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Probe {
    act: Act,
    number: u32,
    /// Nanoseconds per pixel that it says it takes; 0 if it says nothing.
    nanos: f32,
}

/// What probes copied: pixels in all, and at once at the most.
#[derive(Debug, Clone, Default)]
struct Ledger(Arc<(AtomicU64, AtomicU64)>);

impl Ledger {
    fn copied(&self) -> u64 {
        self.0.0.load(Relaxed)
    }

    fn largest(&self) -> u64 {
        self.0.1.load(Relaxed)
    }
}

impl Step for Probe {
    const NAME: &'static str = "probe";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        let spec = Spec::default();
        let spec = if self.act == Act::AddSeed { spec.seeded() } else { spec };
        if self.nanos == 0.0 {
            return spec;
        }
        spec.cost(std::time::Duration::from_secs_f32(self.nanos * 900.0 * 700.0 / 1e9))
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Probe {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let Region { width, height, .. } = out.region();
        let pixels = u64::from(width) * u64::from(height);
        if let Ok(ledger) = ctx.service::<Ledger>() {
            ledger.0.0.fetch_add(pixels, Relaxed);
            ledger.0.1.fetch_max(pixels, Relaxed);
        }
        let added = if self.act == Act::AddSeed { ctx.seed()? as u8 } else { 0 };
        let input = inputs[0].typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            let samples = row.iter_mut().zip(input.row(y));
            samples.for_each(|(out, &sample)| *out = sample.wrapping_add(added));
            if row.contains(&250) {
                assert_ne!(self.act, Act::Panic, "250 is too much");
                if self.act == Act::Fail {
                    return Err(Error::failed("250 is too much"));
                }
            }
        }
        Ok(())
    }
}

/// photo → first → touchy → last, and the nodes of these three.
fn chain(act: Act) -> (Graph, [Node<Image>; 3]) {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let first = graph.add("first", Invert {}, photo);
    let touchy = graph.add("touchy", Probe { act, ..Probe::default() }, first);
    let last = graph.add("last", GaussianBlur::default(), touchy);
    (graph, [first, touchy, last])
}

fn plain(sample: u8) -> Image {
    Image::from_samples(900, 700, 1, vec![sample; 900 * 700]).unwrap()
}

#[test]
fn every_step_that_ran_as_one_is_told_of() {
    let (graph, nodes) = chain(Act::Nothing);
    let apart = run(&graph, &plain(9), Fusion::Never, 1);
    let fused = run(&graph, &plain(9), Fusion::Auto, 1);
    for node in nodes {
        let step = fused.step(node.id()).unwrap();
        assert_eq!(step.status, Status::Computed);
        assert!(step.duration > std::time::Duration::ZERO, "{node:?}");
    }
    assert_eq!(fused.totals().counts.computed, 3);
    let (image, peaks) = (900 * 700, [&apart, &fused].map(|report| report.totals().peak_bytes));
    assert!(peaks[0] > 2 * image && peaks[1] < 2 * image + image / 2, "{peaks:?}");
}

#[test]
fn a_fault_is_that_of_its_step_though_it_ran_with_others() {
    for act in [Act::Fail, Act::Panic] {
        let (graph, [first, touchy, last]) = chain(act);
        let report = run(&graph, &plain(5), Fusion::Auto, 2);
        assert_eq!(report.status(), RunStatus::Failed);
        let status = |node: Node<Image>| report.step(node.id()).unwrap().status;
        assert_eq!(status(touchy), Status::Failed);
        assert_eq!([status(first), status(last)], [Status::Skipped; 2]);
        let error = report.ok().unwrap_err().to_string();
        assert!(
            error.contains("step `touchy` (probe)") && error.contains("250 is too much"),
            "{error}"
        );
        assert!(!error.contains("last"), "{error}");
    }
}

#[test]
fn a_layout_that_a_step_refuses_is_its_fault() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let soft = graph.add("soft", GaussianBlur::default(), photo);
    let part = graph.add("part", Crop { x: 5000, ..Default::default() }, soft);
    graph.add("last", Invert {}, part);
    let report = run(&graph, &plain(5), Fusion::Auto, 1);
    let error = report.ok().unwrap_err().to_string();
    assert!(error.contains("step `part` (crop)"), "{error}");
}

#[test]
fn a_cancel_reaches_steps_that_run_as_one() {
    let (graph, nodes) = chain(Act::Nothing);
    let token = CancelToken::new();
    token.cancel(pipeline_core::CancelReason::User);
    let options = RunOptions { token, ..bound(&plain(9)) };
    let report = executor(Fusion::Auto, 2).run(&graph, &options).unwrap();
    assert_eq!(report.status(), RunStatus::Cancelled);
    for node in nodes {
        assert_eq!(report.step(node.id()).unwrap().status, Status::Cancelled);
    }
}

#[test]
fn a_step_has_its_own_seed_whatever_it_runs_with() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let first =
        graph.add("first", Probe { act: Act::AddSeed, number: 1, ..Probe::default() }, photo);
    let second =
        graph.add("second", Probe { act: Act::AddSeed, number: 2, ..Probe::default() }, first);
    let last = graph.add("last", Invert {}, second);
    let images = [Fusion::Never, Fusion::Auto].map(|fusion| {
        let report = run(&graph, &plain(0), fusion, 1);
        report.output(last).unwrap()
    });
    assert_eq!(*images[0], *images[1]);
    let black = images[0].samples::<u8>().unwrap()[0];
    assert_ne!(black, 255, "the seeds are no zeros");
}

/// Runs a graph and tells what its probes copied, and the most bytes that were alive.
fn probed(graph: &Graph, photo: &Image) -> (Ledger, u64) {
    let ledger = Ledger::default();
    let services = Services::new().with(ledger.clone());
    let options = Options { threads: Some(2), services, ..Options::default() };
    let report = Executor::new(options).unwrap().run(graph, &bound(photo)).unwrap();
    report.ok().unwrap();
    (ledger, report.totals().peak_bytes)
}

/// What the tiles of a strong blur would make again and again is made once, and counts as alive.
#[test]
fn what_tiles_would_make_again_is_made_as_a_whole() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let a = graph.add("a", Probe::default(), photo);
    let b = graph.add("b", GaussianBlur { sigma: 25.0, ..Default::default() }, a);
    let c = graph.add("c", Probe { number: 1, ..Default::default() }, b);
    let d = graph.add("d", GaussianBlur { sigma: 25.0, ..Default::default() }, c);
    graph.target(d);
    let (image, photo) = (900 * 700, plain(9));
    let (ledger, peak) = probed(&graph, &photo);
    assert!((2 * image..3 * image).contains(&ledger.copied()), "{ledger:?}");
    // The photo, what the last blur reads and what it makes; or what the first one reads and makes.
    assert!((3 * image..3 * image + image / 2).contains(&peak), "{peak}");
    let plan = executor(Fusion::Auto, 1).plan(&graph, &bound(&photo)).unwrap();
    let (expected, is_known) = plan.peak_bytes();
    assert!(is_known && expected >= peak && expected < 4 * image, "{expected}");
}

/// Whether a step is made as a whole depends on what it costs, and the plan says it.
#[test]
fn what_costs_little_is_made_again_and_what_costs_much_is_not() {
    let copied = |nanos: f32, sigma: f32| {
        let mut graph = Graph::new();
        let photo = graph.input::<Image>("photo");
        let probe = graph.add("probe", Probe { nanos, ..Probe::default() }, photo);
        graph.add("blur", GaussianBlur { sigma, ..Default::default() }, probe);
        let photo = plain(9);
        let plan = executor(Fusion::Auto, 1).plan(&graph, &bound(&photo)).unwrap();
        let is_whole = plan.to_string().contains("(probe) fused in group 0, as a whole");
        let (ledger, _) = probed(&graph, &photo);
        assert_eq!(is_whole, ledger.copied() == 900 * 700, "{ledger:?} {plan}");
        is_whole
    };
    // The tiles of the small blur make a tenth again, those of the large one more than all.
    let [small, large, huge] = [2.0, 25.0, 60.0];
    assert_eq!([small, large].map(|sigma| copied(0.0, sigma)), [false, true], "nothing is known");
    assert_eq!([small, large].map(|sigma| copied(9.0, sigma)), [true, true], "it costs much");
    assert_eq!([small, large].map(|sigma| copied(0.01, sigma)), [false, false], "it costs little");
    assert!(copied(0.01, huge), "it would be made many times");
}

/// What a step cost on small images alone and what it costs within a group on large ones go
/// together.
#[test]
fn what_a_step_costs_is_known_per_byte() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let probe = graph.add("probe", Probe::default(), photo);
    let blur = graph.add("blur", GaussianBlur { sigma: 1.0, ..Default::default() }, probe);
    let executor = executor(Fusion::Auto, 1);
    let gray = |width: u32, height: u32| {
        let samples = vec![9u8; width as usize * height as usize];
        bound(&Image::from_samples(width, height, 1, samples).unwrap())
    };
    graph.target(probe);
    graph.target(blur);
    for _ in 0..4 {
        executor.run(&graph, &gray(100, 80)).unwrap().ok().unwrap();
    }
    let targets = Targets::node(blur);
    let large = RunOptions { targets, ..gray(1600, 1280) };
    let plans: Vec<String> = (0..24)
        .map(|_| {
            let report = executor.run(&graph, &large).unwrap();
            report.ok().unwrap();
            report.plan().to_string()
        })
        .collect();
    // A run that had to wait for the processor is soon forgotten; what is counted wrongly stays.
    let right = plans.iter().filter(|plan| plan.contains("(probe) fused in group 0\n"));
    assert!(right.count() > plans.len() / 2, "{plans:?}");
}

/// A small picture of a large one is not made in one piece.
#[test]
fn a_tile_stays_small_though_it_reads_much() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let copy = graph.add("copy", Probe::default(), photo);
    let size = Resize { width: Some(180), height: Some(140), ..Default::default() };
    graph.add("small", size, copy);
    let photo = Image::from_samples(3600, 2800, 1, vec![9u8; 3600 * 2800]).unwrap();
    let (ledger, _) = probed(&graph, &photo);
    assert!(ledger.largest() < 1 << 20, "{ledger:?}");
    assert!(ledger.copied() < 3600 * 2800 * 3 / 2, "{ledger:?}");
}

/// The steps that a plan runs as a part of others.
fn fused(executor: &Executor, graph: &Graph, options: &RunOptions) -> usize {
    executor.plan(graph, options).unwrap().to_string().matches(" fused").count()
}

#[test]
fn a_step_with_a_limit_of_its_own_runs_by_itself() {
    let (mut graph, [_, touchy, _]) = chain(Act::Nothing);
    let (executor, options) = (executor(Fusion::Auto, 1), bound(&plain(9)));
    assert_eq!(fused(&executor, &graph, &options), 2);
    // A second plan of the same graph, and one after an edit, are made from the first.
    let hurried =
        RunOptions { step_timeout: Some(std::time::Duration::from_secs(60)), ..options.clone() };
    assert_eq!(fused(&executor, &graph, &hurried), 0);
    assert_eq!(fused(&executor, &graph, &options), 2);
    let limit = Some(std::time::Duration::from_secs(60));
    graph.settings(touchy.id(), |settings| settings.timeout = limit).unwrap();
    assert_eq!(fused(&executor, &graph, &options), 0);
    graph.settings(touchy.id(), |settings| settings.timeout = None).unwrap();
    assert_eq!(fused(&executor, &graph, &options), 2);
}

/// A listener hears of each step that it began and how it ended, also of the one that failed.
#[test]
fn the_events_of_steps_that_run_as_one_are_whole() {
    for act in [Act::Nothing, Act::Fail] {
        let (graph, nodes) = chain(act);
        let heard = Arc::new(Heard::default());
        let observer: Arc<dyn Observer> = Arc::clone(&heard) as _;
        let options = RunOptions { observers: vec![observer], ..bound(&plain(5)) };
        executor(Fusion::Auto, 2).run(&graph, &options).unwrap();
        for node in nodes {
            let heard = heard.0.lock().unwrap();
            let of = heard.iter().filter(|event| event.node == Some(node.id()));
            let kinds: Vec<_> = of.map(|event| &event.kind).collect();
            let Some(EventKind::StepFinished(finished)) = kinds.last() else {
                panic!("{node:?} did not end: {kinds:?}");
            };
            let began = |kind: &&&EventKind| matches!(kind, EventKind::StepStarted { .. });
            let has_run = matches!(finished.status, Status::Computed | Status::Failed);
            let starts = kinds.iter().filter(began).count();
            assert!(starts == 1 || !has_run && starts < 2, "{node:?}: {kinds:?}");
            assert_eq!(finished.duration_us > 0, starts == 1, "{node:?}: {kinds:?}");
        }
    }
}
