//! Steps that run as one give what they give one after the other, and are told of one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use pipeline_core::event::{RunStatus, Status};
use pipeline_core::plan::Bindings;
use pipeline_core::{
    CancelToken, Context, Error, Executor, Fusion, Graph, Image, In, Layout, Node, Options, Report,
    Result, RunOptions, SampleType, Step, Tile, View, ViewMut, tile,
};
use pipeline_ops::filter::{Border, BoxBlur, GaussianBlur, UnsharpMask};
use pipeline_ops::geometry::{Axis, Crop, Flip, QuarterTurns, Resize, Rotate90};
use pipeline_ops::point::{Blend, Convert, Gain, Gamma, Invert, Threshold};
use pipeline_ops::rank::Median;
use pipeline_ops::segment::MaskImage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::filled;

fn executor(fusion: Fusion, threads: usize) -> Executor {
    Executor::new(Options { fusion, threads: Some(threads), ..Options::default() }).unwrap()
}

fn run(graph: &Graph, photo: &Image, fusion: Fusion, threads: usize) -> Arc<Report> {
    let bindings = Bindings::new().with("photo", photo.clone()).unwrap();
    let options = RunOptions { bindings, ..RunOptions::default() };
    executor(fusion, threads).run(graph, &options).unwrap()
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

#[test]
fn no_bit_depends_on_fusion_or_threads() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut next = numbers(seed + 1);
        let sample = [SampleType::U8, SampleType::U16, SampleType::F32][next(3) as usize];
        let photo =
            filled((300 + next(400), 100 + next(200)), [1, 3][next(2) as usize], sample, seed);
        let mut graph = Graph::new();
        let mut nodes = vec![graph.input::<Image>("photo")];
        for at in 0..2 + next(12) as usize {
            let recent = |next: &mut dyn FnMut(u32) -> u32| {
                nodes[nodes.len() - 1 - next(nodes.len().min(3) as u32) as usize]
            };
            let (a, b) = (recent(&mut next), recent(&mut next));
            nodes.push(add(&mut graph, next(15), at, a, b));
        }
        let apart = run(&graph, &photo, Fusion::Never, 1);
        for threads in [1, 2] {
            let fused = run(&graph, &photo, Fusion::Auto, threads);
            for &node in &nodes[1..] {
                let (Ok(apart), fused) = (apart.output(node), fused.output(node)) else { continue };
                assert_eq!(*fused.unwrap(), *apart, "graph {seed}, {threads} threads, {node:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} results were compared");
}

/// Gain, and what goes wrong at a pixel of the sample 250.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Touchy {
    panics: bool,
}

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

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let input = inputs[0].typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            row.copy_from_slice(input.row(y));
            if row.contains(&250) {
                assert!(!self.panics, "250 is too much");
                return Err(Error::failed("250 is too much"));
            }
        }
        Ok(())
    }
}

/// photo → first → touchy → last, and the nodes of these three.
fn chain(panics: bool) -> (Graph, [Node<Image>; 3]) {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let first = graph.add("first", Invert {}, photo);
    let touchy = graph.add("touchy", Touchy { panics }, first);
    let last = graph.add("last", GaussianBlur::default(), touchy);
    (graph, [first, touchy, last])
}

fn plain(sample: u8) -> Image {
    Image::from_samples(900, 700, 1, vec![sample; 900 * 700]).unwrap()
}

#[test]
fn every_step_that_ran_as_one_is_told_of() {
    let (graph, nodes) = chain(false);
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
    for panics in [false, true] {
        let (graph, [first, touchy, last]) = chain(panics);
        let report = run(&graph, &plain(5), Fusion::Auto, 2);
        assert_eq!(report.status(), RunStatus::Failed);
        let status = |node: Node<Image>| report.step(node.id()).unwrap().status;
        assert_eq!(status(touchy), Status::Failed);
        assert_eq!([status(first), status(last)], [Status::Skipped; 2]);
        let error = report.ok().unwrap_err().to_string();
        assert!(
            error.contains("step `touchy` (touchy)") && error.contains("250 is too much"),
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
    let (graph, nodes) = chain(false);
    let token = CancelToken::new();
    token.cancel(pipeline_core::CancelReason::User);
    let bindings = Bindings::new().with("photo", plain(9)).unwrap();
    let options = RunOptions { bindings, token, ..RunOptions::default() };
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
    let first = graph.add("first", Seeded { number: 1 }, photo);
    let second = graph.add("second", Seeded { number: 2 }, first);
    let last = graph.add("last", Invert {}, second);
    let images = [Fusion::Never, Fusion::Auto].map(|fusion| {
        let report = run(&graph, &plain(0), fusion, 1);
        report.output(last).unwrap()
    });
    assert_eq!(*images[0], *images[1]);
    let black = images[0].samples::<u8>().unwrap()[0];
    assert_ne!(black, 255, "the seeds are no zeros");
}

/// Adds a part of its seed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Seeded {
    number: u32,
}

impl Step for Seeded {
    const NAME: &'static str = "seeded";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Seeded {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = inputs[0].typed::<u8>()?;
        let seed = ctx.seed() as u8;
        for (y, row) in out.rows::<u8>()? {
            let samples = row.iter_mut().zip(input.row(y));
            samples.for_each(|(out, &sample)| *out = sample.wrapping_add(seed));
        }
        Ok(())
    }
}

/// What the tiles of a strong blur would make again and again is made once.
#[test]
fn a_wide_neighbourhood_does_not_make_steps_run_again() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let a = graph.add("a", Counting {}, photo);
    let b = graph.add("b", GaussianBlur { sigma: 25.0, ..Default::default() }, a);
    graph.add("c", GaussianBlur { sigma: 25.0, ..Default::default() }, b);
    let before = COUNT.load(Relaxed);
    run(&graph, &plain(9), Fusion::Auto, 2).ok().unwrap();
    let pixels = COUNT.load(Relaxed) - before;
    assert!((900 * 700..900 * 700 * 3 / 2).contains(&pixels), "{pixels}");
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Copies, and counts what it copies.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Counting {}

impl Step for Counting {
    const NAME: &'static str = "counting";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Counting {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let input = inputs[0].typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            row.copy_from_slice(input.row(y));
            COUNT.fetch_add(row.len(), Relaxed);
        }
        Ok(())
    }
}
