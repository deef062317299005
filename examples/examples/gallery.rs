//! Every operation on one photo: a pipeline file with a node for each, and a sheet of all results.
//!
//! ```text
//!  open ──▶ thumbnail ──┬─▶ gaussian_blur ──▶ blend, psnr, …
//!                       ├─▶ grayscale ──▶ otsu ──▶ skeleton ──▶ fill_holes
//!                       └─▶ some 80 more
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::HashSet;

use pipeline_core::{
    Context, Executor, Graph, Image, In, Options, Registry, Result, RunOptions, Step, Targets,
    Value,
};
use pipeline_examples::picture;
use pipeline_ops::draw::{ContactSheet, Text};
use pipeline_ops::geometry::{Pad, Thumbnail};
use pipeline_ops::io::Save;

/// The size of a picture on the sheet, in pixels; its name stands below.
const SIZE: (u32, u32) = (184, 122);

fn main() -> Result<()> {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry)?;
    let graph = Graph::read("examples/data/gallery.json", &registry)?;

    // All nodes are wanted, and each runs once, however many others read it.
    let nodes: Vec<_> = graph.nodes().map(|(node, info)| (node, info.step_name())).collect();
    let options = RunOptions::to(Targets::nodes(nodes.iter().map(|&(node, _)| node)));
    let report = Executor::new(Options::default())?.run(&graph, &options)?;
    report.ok()?;

    // Of files and of movies; a photo has no frames, and nothing in phase contrast.
    let others = [
        "save",
        "save_frame",
        "saved_stack",
        "save_plot",
        "save_table",
        "save_traces",
        "track_image",
        "open_stack",
        "frame",
        "segment_cells",
        "tracking_scores",
    ];
    let (mut cells, mut shown) = (Vec::new(), HashSet::from(others));
    for (node, name) in nodes {
        if shown.insert(name) {
            cells.push(In::new(cell(name, report.value(node, 0)?)?));
        }
    }
    let missing: Vec<_> = registry.iter().filter(|step| !shown.contains(step.name)).collect();
    assert!(missing.is_empty(), "not in the gallery: {missing:?}");

    let ctx = Context::default();
    let count = cells.len();
    let sheet = ContactSheet { columns: Some(10), ..ContactSheet::default() }.run(cells, &ctx)?;
    // Copied as it is to `docs/images/gallery.jpg`; small, because a repository keeps every
    // version.
    Save { quality: 60, ..Save::path("out/gallery/gallery.jpg") }.run(In::new(sheet), &ctx)?;
    println!("{count} operations took {} µs", report.totals().duration_us);
    println!("picture: out/gallery/gallery.jpg");
    Ok(())
}

/// A result as a small picture with its name.
fn cell(name: &str, value: &Value) -> Result<Image> {
    let ctx = Context::default();
    let image = picture(value, SIZE, &ctx)?;
    let image = Thumbnail::within(SIZE.0, SIZE.1).run(In::new(image), &ctx)?;
    let (right, bottom) = (SIZE.0 - image.width(), SIZE.1 + 20 - image.height());
    let image = Pad { right, bottom, ..Pad::default() }.run(In::new(image), &ctx)?;
    Text::at(0, SIZE.1.cast_signed() + 3, name).run(In::new(image), &ctx)
}
