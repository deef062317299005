//! Every tile-wise step between two others, as one of a group: it gives what it gives alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use pipeline_core::data::{Data, Value};
use pipeline_core::step::StepType;
use pipeline_core::{
    Bindings, ColorSpace, Error, Executor, Fusion, Graph, Image, Labels, Mask, Options, RunOptions,
    Step, dispatch,
};
use pipeline_ops::point::{Gain, Threshold};
use pipeline_ops::segment::{MaskImage, Relabel};

use crate::golden::{Case, cases};
use crate::support::{array, registry};

/// More than one tile of any kind of samples.
const LARGE: (u32, u32) = (701, 307);

/// An image again and again, across and down, cut off at [`LARGE`]; rows of one pixel stay that.
fn repeated(image: &Image) -> Image {
    let layout = image.layout();
    let (width, height) = (LARGE.0, if layout.height == 1 { 1 } else { LARGE.1 });
    let channels = usize::from(layout.channels);
    let repeated = dispatch!(layout.sample, T => {
        let samples = image.samples::<T>().unwrap();
        let mut out: Vec<T> = Vec::new();
        for y in 0..height as usize {
            let row = &samples[y % layout.height as usize * layout.row_len()..][..layout.row_len()];
            out.extend(row.iter().cycle().take(width as usize * channels));
        }
        Image::from_samples(width, height, layout.channels, out)
    });
    repeated.unwrap().with_color(layout.color)
}

/// The input of a case in full size. A mask is an image here, white where it is set.
fn given(case: &Case, name: &str, is_mask: bool) -> Image {
    let mut image = array(name);
    if is_mask {
        image.samples_mut::<u8>().unwrap().iter_mut().for_each(|sample| *sample *= u8::MAX);
    }
    let color = match case.op.as_str() {
        "from_linear" => ColorSpace::LinearSrgb,
        "from_hsv" => ColorSpace::Hsv,
        "from_lab" => ColorSpace::Lab,
        _ => image.layout().color,
    };
    repeated(&image.with_color(color))
}

/// The graph that has the step of a case between two others.
fn graph_of(case: &Case, kind: &Arc<StepType>) -> (Graph, Bindings) {
    let (mut graph, mut bindings) = (Graph::new(), Bindings::new());
    let between = graph.add_any("between", kind.build(&case.params).unwrap(), Arc::clone(kind));
    for (port, name) in kind.inputs.iter().zip(&case.inputs) {
        let is_mask = port.data.name == Mask::NAME;
        let input = graph.input::<Image>(name.as_str());
        bindings = bindings.with_value(name, Value::new(given(case, name, is_mask)));
        let before = format!("before {name}");
        let before = match port.data.name {
            Mask::NAME => graph.add(before, Threshold { level: 0.5 }, input).id(),
            Labels::NAME => graph.add(before, Relabel {}, input).id(),
            _ => graph.add(before, Gain { factor: 1.0 }, input).id(),
        };
        graph.connect((before, "out"), (between, port.name)).unwrap();
    }
    let output = &kind.outputs[0];
    let is_mask = output.data.name == Mask::NAME;
    let after = if is_mask { MaskImage::NAME } else { Gain::NAME };
    let after = Arc::clone(registry().find(after).unwrap());
    let step = after.build(&serde_json::json!({})).unwrap();
    let last = graph.add_any("after", step, Arc::clone(&after));
    graph.connect((between, output.name), (last, after.inputs[0].name)).unwrap();
    graph.target_any(last, 0);
    (graph, bindings)
}

#[test]
fn every_tiled_step_gives_between_others_what_it_gives_alone() {
    let registry = registry();
    let (mut tiled, mut grouped, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (case, _) in cases() {
        let kind = registry.find(&case.op).unwrap();
        if kind.build(&case.params).unwrap().tile().is_none() {
            continue;
        }
        tiled.insert(kind.name);
        // Every operation once on every kind of picture.
        let kinds = case.inputs.iter().map(|name| {
            let layout = array(name).layout();
            format!("{} {}", layout.sample, layout.channels)
        });
        if !seen.insert((kind.name, kinds.collect::<Vec<_>>())) {
            continue;
        }
        let (graph, bindings) = graph_of(&case, kind);
        let options = RunOptions { bindings, ..RunOptions::default() };
        let mut run = |fusion, threads| -> Result<Image, Error> {
            let options_of = Options { fusion, threads: Some(threads), ..Options::default() };
            let executor = Executor::new(options_of).unwrap();
            let report = executor.run(&graph, &options).unwrap();
            report.ok()?;
            if report.plan().to_string().contains(&format!("between ({}) fused", kind.name)) {
                grouped.insert(kind.name);
            }
            let last = graph.targets().next().unwrap().0;
            Ok(report.value(last, 0)?.downcast_ref::<Image>().unwrap().clone())
        };
        let alone = run(Fusion::Never, 1).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        for threads in [1, 2] {
            let found = run(Fusion::Always, threads).unwrap();
            assert_eq!(found.layout(), alone.layout(), "{}", case.name);
            assert!(found.bytes() == alone.bytes(), "{} on {threads} threads", case.name);
        }
    }
    // It takes any number of images, and members of groups have one on each port.
    let alone: Vec<_> = tiled.difference(&grouped).copied().collect();
    assert_eq!(alone, ["merge_channels"]);
    assert!(tiled.len() > 60, "only {tiled:?}");
}
