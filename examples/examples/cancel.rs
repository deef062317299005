//! A long run is cancelled. It returns at once, and what it had finished is served the next time.
//!
//! ```text
//!  photo ──▶ large ──▶ soft ──▶ heavy
//!  open      resize    gaussian median over 121 × 121 pixels
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Instant;

use pipeline_cache::MemoryCache;
use pipeline_core::event::{EventKind, RunStatus, Status};
use pipeline_core::{Executor, Graph, Options, Result, RunOptions};
use pipeline_ops::filter::GaussianBlur;
use pipeline_ops::geometry::Resize;
use pipeline_ops::io::Open;
use pipeline_ops::rank::Median;

fn main() -> Result<()> {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/coffee.png"), ());
    let large = graph.add("large", Resize::to(3600, 2400), photo);
    let blur = GaussianBlur { sigma: 3.0, ..GaussianBlur::default() };
    let soft = graph.add("soft", blur, large);
    let heavy = graph.add("heavy", Median { radius: 60, ..Median::default() }, soft);

    let cache = Arc::new(MemoryCache::new(256 << 20));
    let executor = Executor::new(Options { cache: Some(cache), ..Options::default() })?;
    let run = executor.spawn(&graph, &RunOptions::to(heavy))?;

    // Waits until the heavy step has done a part of its work, by listening.
    let (_, events) = run.subscribe(256);
    for event in events.filter_map(pipeline_core::observe::Received::event) {
        if let EventKind::StepProgress(progress) = event.kind
            && event.node == Some(heavy.id())
            && progress.done > 0
        {
            println!("`heavy` has done {} of {} {}", progress.done, progress.total, progress.unit);
            break;
        }
    }

    let asked = Instant::now();
    run.cancel();
    let report = run.wait();
    let waited = asked.elapsed();
    println!("cancelled, and back after {:.1} ms\n", waited.as_secs_f64() * 1e3);
    println!("{report}\n");
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(report.nodes_that(Status::Cancelled), ["heavy"]);

    // Whoever asks for what was finished gets it without running anything.
    let again = executor.run(&graph, &RunOptions::to(soft))?;
    println!("{again}");
    assert_eq!(again.nodes_that(Status::Cached), ["soft"]);
    assert_eq!(again.nodes_that(Status::Computed), [""; 0]);
    Ok(())
}
