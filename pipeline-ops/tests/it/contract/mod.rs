//! Every step through the contract of the engine, on every sample type that it takes.

mod cells;
mod draw;
mod filter;
mod geometry;
mod io;
mod measure;
mod morphology;
mod point;
mod rank;
mod segment;

use std::sync::Arc;

use pipeline_core::testkit::step::Check;
use pipeline_core::{
    ColorSpace, Context, Executor, Graph, Image, In, Labels, Mask, Options, RunOptions, SampleType,
    Step,
};
use pipeline_ops::filter::{BoxBlur, GaussianBlur, Sobel, UnsharpMask};
use pipeline_ops::geometry::{Crop, Resize, Rotate, Rotate90};
use pipeline_ops::io::Open;
use pipeline_ops::point::{Blend, Convert, Gain, Grayscale};
use pipeline_ops::rank::Median;
use pipeline_ops::segment::{ConnectedComponents, Otsu};
use serde_json::{Value as Json, json};

use crate::support::{filled, registry, shipped};

/// The name of a step and what checks it.
type Row = (&'static str, fn());

const TYPES: [SampleType; 3] = [SampleType::U8, SampleType::U16, SampleType::F32];

/// Enough for the contract and not a multiple of anything.
const SIZE: (u32, u32) = (23, 17);

/// Fewer cancels than usual, because the steps share their loops. Levels, samples, the ends of a
/// palette or a histogram and the corner of a crop have the range of the image.
fn contract() -> Check {
    let unbounded = vec!["level", "low", "high", "value", "fill", "offset", "x", "y"];
    Check { cancels: 12, unbounded, ..Check::default() }
}

fn step<S: Step>(params: &Json) -> S {
    serde_json::from_value(params.clone()).unwrap()
}

/// A step of one image with some sets of parameters, on images of these channels.
fn images<S: Step<Input = In<Image>>>(channels: &[u16], params: &[Json]) {
    for (at, params) in (0..).zip(params) {
        for sample in TYPES {
            for &channels in channels {
                let image = filled(SIZE, channels, sample, 7 + at);
                contract().run(&step::<S>(params), In::new(image));
            }
        }
    }
}

/// Stripes that are open to the edge and closed, and single pixels.
fn mask() -> Mask {
    let bytes = (0..SIZE.0 * SIZE.1).map(|at| u8::from(at % 7 < 3 || at % 31 == 0)).collect();
    Mask::from_bytes(SIZE.0, SIZE.1, bytes).unwrap()
}

/// Two borders: one that sees the far side and one that has a value of its own.
fn bordered(params: &Json) -> [Json; 2] {
    [json!("wrap"), json!({ "constant": 3.5 })].map(|border| {
        let mut params = params.clone();
        params["border"] = border;
        params
    })
}

/// A step of one mask with some sets of parameters.
fn masks<S: Step<Input = In<Mask>>>(params: &[Json]) {
    for params in params {
        contract().run(&step::<S>(params), In::new(mask()));
    }
}

/// Four and eight neighbours.
fn connectivities() -> [Json; 2] {
    ["four", "eight"].map(|connectivity| json!({ "connectivity": connectivity }))
}

/// As many objects as the stripes have parts.
fn labels() -> Labels {
    ConnectedComponents::default().run(In::new(mask()), &Context::default()).unwrap()
}

#[test]
fn every_step_keeps_the_contract() {
    let mut names: Vec<_> = registry().iter().map(|step| step.name).collect();
    let rows: Vec<Row> = [
        cells::ROWS,
        draw::ROWS,
        filter::ROWS,
        geometry::ROWS,
        io::ROWS,
        measure::ROWS,
        morphology::ROWS,
        point::ROWS,
        rank::ROWS,
        segment::ROWS,
    ]
    .concat();
    let mut checked: Vec<_> = rows.iter().map(|&(name, _)| name).collect();
    names.sort_unstable();
    checked.sort_unstable();
    assert_eq!(checked, names, "one row for each step");
    for (_, check) in rows {
        check();
    }
}

#[test]
fn any_threads_and_any_budget_give_the_same_picture() {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path(shipped("files/exif/6.jpg")), ());
    // Large enough for many bands.
    let large = graph.add("large", Resize::to(640, 430), photo);
    let small = graph.add("small", step::<Median>(&json!({ "radius": 2 })), large);
    let soft = graph.add("soft", step::<GaussianBlur>(&json!({ "sigma": 3.5 })), large);
    let sharp = graph.add("sharp", step::<UnsharpMask>(&json!({ "amount": 2.0 })), small);
    let mixed = graph.add("mixed", step::<Blend>(&json!({ "mode": "overlay" })), (sharp, soft));
    let turned = graph.add("turned", Rotate90::default(), mixed);
    let edges = graph.add("edges", Sobel::default(), turned);
    let floats = graph.add("floats", Convert::to(SampleType::F32), edges);
    let mean = graph.add("mean", step::<BoxBlur>(&json!({ "radius": 9 })), floats);
    let gray = graph.add("gray", Grayscale::default(), mean);
    let mask = graph.add("mask", Otsu {}, gray);
    graph.target(mean);
    graph.target(mask);

    let mut first: Option<(Image, Mask)> = None;
    for threads in [1, 2, 4] {
        for budget in [None, Some(4 << 20), Some(1)] {
            let executor = Executor::new(Options { threads: Some(threads), ..Options::default() });
            let options = RunOptions { budget, ..RunOptions::default() };
            let report = executor.unwrap().run(&graph, &options).unwrap();
            let image = report.output(mean).unwrap().into_owned();
            let found = (image, report.output(mask).unwrap().into_owned());
            let first = first.get_or_insert(found.clone());
            assert!(first == &found, "{threads} threads, {budget:?} bytes");
        }
    }
}

#[test]
fn a_profile_stays_until_the_colours_change_their_meaning() {
    let icc: Arc<[u8]> = Arc::from(&b"................RGB ............"[..]);
    let photo = filled(SIZE, 3, SampleType::U8, 5).with_icc(Some(Arc::clone(&icc)));
    let ctx = Context::default();
    let input = || In::new(photo.clone());
    let kept = [
        Gain { factor: 2.0 }.run(input(), &ctx),
        GaussianBlur::default().run(input(), &ctx),
        Resize::to(9, 9).run(input(), &ctx),
        Crop { x: 3, ..Crop::default() }.run(input(), &ctx),
        Rotate90::default().run(input(), &ctx),
        Rotate::by(3.0).run(input(), &ctx),
        Sobel::default().run(input(), &ctx),
    ];
    for image in kept {
        assert_eq!(image.unwrap().icc(), Some(&icc));
    }
    let derivative = step::<Sobel>(&json!({ "output": "x" })).run(input(), &ctx).unwrap();
    assert_eq!(derivative.layout().color, ColorSpace::Data);
    assert!(derivative.icc().is_none(), "a profile on numbers that are no colours");
    let gray = Grayscale::default().run(input(), &ctx).unwrap();
    assert!(gray.icc().is_none(), "a profile for RGB on gray");
}
