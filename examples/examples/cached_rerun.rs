//! A second process of this program finds on disk what the first has made.
//!
//! ```text
//! photo ──▶ soft ───────▶ quiet ──▶ tone
//! open      bilateral     median    levels
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use pipeline_cache::{DiskCache, DiskOptions, MemoryCache, TieredCache};
use pipeline_core::event::Status;
use pipeline_core::{Executor, Graph, Options, RunOptions};
use pipeline_ops::filter::Bilateral;
use pipeline_ops::io::Open;
use pipeline_ops::point::Levels;
use pipeline_ops::rank::Median;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/coffee.png"), ());
    let soft = graph.add("soft", Bilateral::default(), photo);
    let quiet = graph.add("quiet", Median { radius: 6, ..Median::default() }, soft);
    let tone = graph.add("tone", Levels { gamma: 1.2, ..Levels::default() }, quiet);
    graph.target(tone);

    // Results go into memory, and those that take longer to make than to read to the disk as well.
    let disk = DiskCache::open("out/cached_rerun/cache", DiskOptions::default())?;
    let cache = Arc::new(TieredCache::new(MemoryCache::new(256 << 20), disk)?);
    let executor = Executor::new(Options {
        cache: Some(Arc::<TieredCache>::clone(&cache)),
        ..Options::default()
    })?;

    let report = executor.run(&graph, &RunOptions::default())?;
    report.ok()?;
    println!("{report}\n");
    let (computed, found) =
        (report.nodes_that(Status::Computed), report.nodes_that(Status::Cached));
    if found.is_empty() {
        cache.flush();
        let disk = cache.disk().stats();
        println!("computed:  {}", computed.join(", "));
        println!("on disk:   {} results of {} bytes", disk.entries, disk.bytes);
        println!("run this example again to see them found");
        assert!(disk.entries > 0, "nothing was worth to be written");
    } else {
        let saved = cache.disk().stats().saved;
        println!("from disk: {}", found.join(", "));
        println!("saved:     {saved:.1?}; the run took {} µs", report.totals().duration_us);
    }
    // Not one bit depends on where results come from.
    let anew = Executor::new(Options::default())?.run(&graph, &RunOptions::default())?;
    assert_eq!(*report.output(tone)?, *anew.output(tone)?, "the cache changed the picture");
    Ok(())
}
