//! The tour: a photo becomes a comic. Then one parameter changes, and only what depends on it runs.
//!
//! ```text
//!             flat        tone
//!         ┌─▶ median ───▶ levels ────────────────────────┐
//!  photo ─┤                                              ├─▶ comic ──▶ save
//!  open   └─▶ smooth ───▶ edges ──▶ contrast ──▶ ink ────┘   blend     out/quickstart/comic.png
//!             gaussian    sobel     levels       invert
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use pipeline_cache::MemoryCache;
use pipeline_core::event::Status;
use pipeline_core::observe::Progress;
use pipeline_core::{Context, Executor, Graph, In, Options, Result, RunOptions, Step};
use pipeline_ops::draw::ContactSheet;
use pipeline_ops::filter::{GaussianBlur, Sobel};
use pipeline_ops::io::{Open, Save};
use pipeline_ops::point::{Blend, BlendMode, Invert, Levels};
use pipeline_ops::rank::Median;

fn main() -> Result<()> {
    // What happens to the photo. A wire between ports that carry different data does not compile.
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/coffee.png"), ());

    let flat = graph.add("flat", Median { radius: 6, ..Median::default() }, photo);
    let tone = Levels { in_black: 0.03, in_white: 0.85, gamma: 1.15, ..Levels::default() };
    let tone = graph.add("tone", tone, flat);

    let blur = GaussianBlur { sigma: 1.2, ..GaussianBlur::default() };
    let smooth = graph.add("smooth", blur, photo);
    let edges = graph.add("edges", Sobel::default(), smooth);
    let levels = Levels { in_black: 0.03, in_white: 0.18, ..Levels::default() };
    let contrast = graph.add("contrast", levels, edges);
    let ink = graph.add("ink", Invert {}, contrast);

    let multiply = Blend { mode: BlendMode::Multiply, ..Blend::default() };
    let comic = graph.add("comic", multiply, (tone, ink));
    let save = graph.add("save", Save::path("out/quickstart/comic.png"), comic);
    graph.target(photo);
    graph.target(comic);
    graph.target(save);

    // Who runs it: threads, a cache of 256 MB, and a progress bar if this is a terminal.
    let executor = Executor::new(Options {
        cache: Some(Arc::new(MemoryCache::new(256 << 20))),
        observers: vec![Arc::new(Progress::new())],
        ..Options::default()
    })?;
    let options = RunOptions::default();
    let first = executor.run(&graph, &options)?;
    first.ok()?;
    println!("{first}\n");

    // One parameter: thicker lines.
    graph.edit::<Levels>(contrast.id(), |levels| levels.in_white = 0.08)?;
    let second = executor.run(&graph, &options)?;
    second.ok()?;
    println!("after the edit of `contrast`:\n{second}\n");
    // The same edited graph without a cache, to see what the cache was worth.
    let anew = Executor::new(Options::default())?.run(&graph, &options)?;
    let [all, rest] = [&anew, &second].map(|report| report.totals().duration_us as f64 / 1e3);
    println!("from the cache:  {}", second.nodes_that(Status::Cached).join(", "));
    println!("saved:           {:.1} ms of {all:.1} ms", all - rest);

    assert_eq!(second.nodes_that(Status::Computed), ["contrast", "ink", "comic", "save"]);
    assert_eq!(*second.output(comic)?, *anew.output(comic)?, "the cache changed the picture");

    // A step can be called by hand, too.
    let pictures = vec![first.output(photo)?, first.output(comic)?, second.output(comic)?];
    let (columns, width, height) = (Some(3), Some(290), Some(194));
    let sheet = ContactSheet { columns, width, height, ..ContactSheet::default() };
    let sheet = In::new(sheet.run(pictures, &Context::default())?);
    Save::path("out/quickstart/sheet.png").run(sheet, &Context::default())?;
    println!("pictures:        out/quickstart/comic.png, out/quickstart/sheet.png");
    Ok(())
}
