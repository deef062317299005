//! A step of one's own, defined here: used from Rust, registered, and used by name from a file.
//!
//! ```text
//!  photo ──▶ mosaic ──▶ save
//!  open      (ours)     out/own_step/mosaic.png
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use pipeline_cache::MemoryCache;
use pipeline_core::event::Status;
use pipeline_core::{
    Context, Executor, Graph, Image, In, Layout, Options, Region, Registry, Result, RunOptions,
    Step, Tile, View, ViewMut, testkit, tile,
};
use pipeline_ops::io::{Open, Save};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Replaces square blocks of an 8-bit image by their means.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mosaic {
    /// Side of a block.
    #[schemars(range(min = 1, max = 4096), extend("x-unit" = "px"))]
    size: u32,
}

impl Step for Mosaic {
    const NAME: &'static str = "mosaic";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Mosaic {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    /// A block is seen whole, wherever it is cut.
    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        region.grow(self.size - 1, self.size - 1, &inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let (region, size, mut line) = (out.region(), self.size, Vec::new());
        for (y, row) in out.rows::<u8>()? {
            if y == region.y || y % size == 0 {
                line.clear();
                let (mut x, end) = (region.x, region.x + region.width);
                while x < end {
                    let block = Region::new(x - x % size, y - y % size, size, size);
                    let mean = mean(&inputs[0].crop(block.intersect(&inputs[0].image().region())))?;
                    let next = end.min(x - x % size + size);
                    (x..next).for_each(|_| line.extend_from_slice(&mean));
                    x = next;
                }
            }
            row.copy_from_slice(&line);
        }
        Ok(())
    }
}

/// The mean colour of a block.
fn mean(block: &View<'_>) -> Result<Vec<u8>> {
    let block = block.typed::<u8>()?;
    let mut sums = vec![(0u64, 0u64); block.channels()];
    for pixel in block.rows().flat_map(|row| row.chunks_exact(block.channels())) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum = (sum.0 + u64::from(v), sum.1 + 1));
    }
    Ok(sums.iter().map(|(sum, n)| u8::try_from((sum + n / 2) / n).unwrap_or(u8::MAX)).collect())
}

fn main() -> Result<()> {
    let cache = Arc::new(MemoryCache::new(64 << 20));
    let executor = Executor::new(Options { cache: Some(cache), ..Options::default() })?;

    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/rocket.jpg"), ());
    let mosaic = graph.add("mosaic", Mosaic { size: 16 }, photo);
    graph.add("save", Save::path("out/own_step/mosaic.png"), mosaic);
    let report = executor.run(&graph, &RunOptions::default())?;
    report.ok()?;
    println!("from Rust:\n{report}\n");

    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry)?;
    registry.register::<Mosaic>()?;
    let file = r#"{
      "version": 1,
      "nodes": {
        "photo": { "step": "open", "params": { "path": "examples/data/rocket.jpg" } },
        "blocks": { "step": "mosaic", "params": { "size": 16 }, "inputs": { "in": "photo" } }
      }
    }"#;
    let report = executor.run(&Graph::from_json(file, &registry)?, &RunOptions::default())?;
    report.ok()?;
    println!("from a file:\n{report}\n");

    // The same step, parameters and photo have the same key, however they were put together.
    assert_eq!(report.nodes_that(Status::Cached), ["blocks"]);

    // What a test of this step would do: everything the engine expects, tried on it.
    let picture = Image::from_samples(7, 5, 3, (0..105).collect::<Vec<u8>>())?;
    testkit::step::check(&Mosaic { size: 3 }, In::new(picture));

    println!("help for editors: {}", registry.find("mosaic")?.schema["properties"]["size"]);
    println!("picture:          out/own_step/mosaic.png");
    Ok(())
}
