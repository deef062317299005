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

/// Gives square blocks of an 8-bit image the colour of their middle pixels.
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

    /// The middle of a block may lie beyond the region that is asked for.
    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        region.grow(self.size - 1, self.size - 1, &inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let (input, image) = (inputs[0].typed::<u8>()?, out.image());
        let (first, left, channels) = (out.region().x, input.region().x, input.channels());
        let middle = |at: u32, end: u32| (at - at % self.size + self.size / 2).min(end - 1);
        for (y, row) in out.rows::<u8>()? {
            let line = input.row(middle(y, image.height));
            for (x, pixel) in (first..).zip(row.chunks_exact_mut(channels)) {
                let at = (middle(x, image.width) - left) as usize * channels;
                pixel.copy_from_slice(&line[at..at + channels]);
            }
        }
        Ok(())
    }
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
