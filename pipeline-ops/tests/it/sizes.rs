//! Sizes that are known before anything runs.

use pipeline_core::{Executor, Fusion, Graph, Image, Options, RunOptions, plan::Bindings};
use pipeline_ops::filter::GaussianBlur;
use pipeline_ops::geometry::{Crop, Flip};
use pipeline_ops::point::Blend;
use pipeline_ops::segment::Otsu;

#[test]
fn sizes_follow_from_the_values_at_hand() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let part = graph.add("part", Crop { x: 0, y: 0, width: Some(400), height: Some(300) }, photo);
    let soft = graph.add("soft", GaussianBlur::default(), part);
    let mixed = graph.add("mixed", Blend::default(), (part, soft));
    let turned = graph.add("turned", Flip::default(), mixed);
    let mask = graph.add("mask", Otsu::default(), turned);
    graph.target(mask);
    let picture = Image::from_samples(800, 600, 3, vec![7u8; 800 * 600 * 3]).unwrap();
    let bindings = Bindings::new().with("photo", picture);
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() }).unwrap();
    let options = RunOptions { bindings, ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();

    let layouts = plan.layouts();
    let size = |id| {
        let layout = layouts.iter().find(|&&(node, _)| node == id).unwrap().1;
        layout.map(|layout| (layout.width, layout.height, layout.channels))
    };
    assert_eq!(size(photo.id()), Some((800, 600, 3)));
    for node in [part, soft, mixed, turned] {
        assert_eq!(size(node.id()), Some((400, 300, 3)));
    }
    assert_eq!(size(mask.id()), None, "a step without a tile-wise form does not say");

    // The photo and its part; later three of that size, when two are blended.
    let (photo, part) = (800 * 600 * 3, 400 * 300 * 3);
    let (peak, is_known) = plan.peak_bytes();
    assert!((photo + part..photo + part + 1000).contains(&peak), "{peak}");
    assert!(!is_known, "of the mask nothing is known");
    assert!(plan.to_string().contains("at least 1.8 MB alive at once"), "{plan}");
    // It keeps to that.
    let report = executor.run_plan(plan, &options).unwrap();
    assert!(report.totals().peak_bytes <= peak + 400 * 300);
}

/// What a bypassed node passes on is still there while others read it.
#[test]
fn a_result_that_is_passed_on_still_counts() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let passed = graph.add("passed", GaussianBlur::default(), photo);
    graph.bypass(passed.id()).unwrap();
    let first = graph.add("first", GaussianBlur { sigma: 1.0, ..Default::default() }, passed);
    let second = graph.add("second", GaussianBlur { sigma: 2.0, ..Default::default() }, first);
    let mixed = graph.add("mixed", Blend::default(), (passed, second));
    graph.target(mixed);
    let picture = Image::from_samples(100, 100, 1, vec![7u8; 10_000]).unwrap();
    let one = picture.layout().size_bytes();
    let bindings = Bindings::new().with("photo", picture);
    let executor =
        Executor::new(Options { threads: Some(1), fusion: Fusion::Never, ..Options::default() })
            .unwrap();
    let options = RunOptions { bindings, ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();

    let (peak, is_known) = plan.peak_bytes();
    assert!(is_known);
    assert!((3 * one..3 * one + 1000).contains(&peak), "photo, first and second: {peak}");
}
