//! Sources and sinks that wait, hang, panic or say what cannot be, in runs where they go row by
//! row.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::event::Status;
use pipeline_core::{Executor, Fusion, Graph, Image, Node, Options, Report, RunOptions, Services};
use pipeline_ops::geometry::Crop;
use pipeline_ops::point::{Gain, Grayscale};
use pipeline_ops::segment::Otsu;

use crate::sevens::{Door, Drain, Sevens, sevens};

fn options(fusion: Fusion, threads: usize) -> Options {
    Options { fusion, threads: Some(threads), ..Options::default() }
}

fn run(graph: &Graph, fusion: Fusion) -> Arc<Report> {
    Executor::new(options(fusion, 2)).unwrap().run(graph, &RunOptions::default()).unwrap()
}

/// A source, a crop that changes nothing, a gain, and a drain.
fn chain(source: Sevens, drain: Drain) -> (Graph, [Node<Image>; 3]) {
    let mut graph = Graph::new();
    let photo = graph.add("open", source, ());
    let part = graph.add("crop", Crop::default(), photo);
    let bright = graph.add("gain", Gain { factor: 2.0 }, part);
    let end = graph.add("drain", drain, bright);
    graph.target(end);
    (graph, [photo, part, bright])
}

#[test]
fn sources_that_wait_hold_no_worker_up() {
    let door = Door::new(4);
    let services = Services::new().with(door);
    let executor = Executor::new(Options { services, ..options(Fusion::Auto, 1) }).unwrap();
    let mut graph = Graph::new();
    for number in 0..4 {
        let photo = graph.add(format!("open{number}"), sevens(16, 400 + number, "wait"), ());
        let bright = graph.add(format!("gain{number}"), Gain { factor: 2.0 }, photo);
        let end = graph.add(format!("drain{number}"), Drain::default(), bright);
        graph.target(end);
    }
    executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
}

#[test]
fn idle_workers_help_whoever_writes() {
    // By bands, as a whole, and without steps between; each chunk waits for the other.
    for (height, with_steps) in [(4000, true), (16, true), (4000, false)] {
        let services = Services::new().with(Door::new(2));
        let executor = Executor::new(Options { services, ..options(Fusion::Auto, 2) }).unwrap();
        let drain = Drain { calls: true, ..Drain::default() };
        let (mut graph, _) = chain(sevens(16, height, ""), drain.clone());
        if !with_steps {
            graph = Graph::new();
            let photo = graph.add("open", sevens(16, height, ""), ());
            let end = graph.add("drain", drain, photo);
            graph.target(end);
        }
        executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
    }
}

#[test]
fn a_source_that_hangs_is_given_up_on_by_its_name() {
    let door = Door::new(2);
    let services = Services::new().with(door.clone());
    let executor = Executor::new(Options { services, ..options(Fusion::Auto, 1) }).unwrap();
    let (graph, [photo, ..]) = chain(sevens(16, 400, "wait"), Drain::default());
    let (limit, grace) = (Duration::from_millis(30), Duration::from_millis(30));
    let options = RunOptions { timeout: Some(limit), grace, ..RunOptions::default() };
    let report = executor.run(&graph, &options).unwrap();
    door.pass().unwrap();
    let error = report.ok().unwrap_err().to_string();
    assert!(error.starts_with("step `open` (sevens)") && error.contains("timed out"), "{error}");
    assert_eq!(report.step(photo.id()).unwrap().status, Status::Failed);
}

#[test]
fn a_panic_of_a_source_is_its_own() {
    for act in ["layout", "icc", "aside", "read", "drop"] {
        for height in [16, 4000] {
            // A whole image may be there before its source panics on its way out.
            let (graph, _) = chain(sevens(16, height, act), Drain::default());
            let report = run(&graph, Fusion::Auto);
            assert_eq!(report.nodes_that(Status::Failed), ["open"], "{act} {height}");
        }
    }
}

#[test]
fn an_image_that_cannot_be_is_the_fault_of_its_source() {
    for (width, height) in [(0, 16), (16, 0), (u32::MAX, u32::MAX)] {
        for with_steps in [false, true] {
            let texts = [Fusion::Never, Fusion::Auto].map(|fusion| {
                let (mut graph, [photo, ..]) = chain(sevens(width, height, ""), Drain::default());
                if !with_steps {
                    graph = Graph::new();
                    let photo = graph.add("open", sevens(width, height, ""), ());
                    let end = graph.add("drain", Drain::default(), photo);
                    graph.target(end);
                }
                let report = run(&graph, fusion);
                assert_eq!(report.nodes_that(Status::Failed), ["open"], "{photo:?}");
                report.ok().unwrap_err().to_string()
            });
            assert_eq!(texts[0], texts[1]);
        }
    }
}

#[test]
fn a_sink_that_leaves_rows_has_failed() {
    for height in [16, 4000] {
        for rows in [0, 1, height - 1] {
            let (mut graph, _) =
                chain(sevens(16, height, ""), Drain { rows: Some(rows), ..Drain::default() });
            for with_steps in [true, false] {
                if !with_steps {
                    graph = Graph::new();
                    let photo = graph.add("open", sevens(16, height, ""), ());
                    let end =
                        graph.add("drain", Drain { rows: Some(rows), ..Drain::default() }, photo);
                    graph.target(end);
                }
                let report = run(&graph, Fusion::Auto);
                if with_steps && height == 16 {
                    // It is made at once, and then no more can come to light.
                    report.ok().unwrap();
                    continue;
                }
                let error = report.ok().unwrap_err();
                assert!(error.to_string().starts_with("step `drain`"), "{error}");
                assert!(error.to_string().contains("not all rows of it"), "{error}");
            }
        }
    }
}

#[test]
fn to_go_row_by_row_never_takes_more_memory() {
    for (width, height) in [(3000, 300), (20_000, 260), (20_000, 300), (3000, 600), (100, 9000)] {
        let (graph, _) = chain(sevens(width, height, ""), Drain::default());
        let peaks = [Fusion::Never, Fusion::Auto].map(|fusion| {
            let report = run(&graph, fusion);
            report.ok().unwrap();
            report.totals().peak_bytes
        });
        // The row of the sink is counted only where the engine asks for it.
        assert!(peaks[1] <= peaks[0] + u64::from(width), "{width} × {height}: {peaks:?}");
    }
}

#[test]
fn a_result_known_by_its_content_elsewhere_changes_nothing() {
    let (mut graph, _) = chain(sevens(3000, 3000, ""), Drain::default());
    let alone = run(&graph, Fusion::Auto).totals().peak_bytes;
    let other = graph.add("other", sevens(10, 10, ""), ());
    let gray = graph.add("gray", Grayscale::default(), other);
    let mask = graph.add("light", Otsu::default(), gray);
    graph.target(mask);
    let report = run(&graph, Fusion::Auto);
    report.ok().unwrap();
    let peak = report.totals().peak_bytes;
    assert!(peak < alone + 100_000 && peak < 5_000_000, "{alone} alone, {peak} beside it");
}
