//! A step of one's own, defined here: used from Rust, registered, and used by name from a file.
//!
//! ```text
//!  photo ──▶ mosaic ──▶ save
//!  open      (ours)     out/own_step/mosaic.png
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use pipeline_cache::MemoryCache;
use pipeline_core::{Context, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use pipeline_core::{Executor, Graph, Image, In, Options, Registry, RunOptions, event::Status};
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
        let (input, image, left) = (inputs[0].typed::<u8>()?, out.image(), out.region().x);
        let middle = |at: u32, end: u32| (at - at % self.size + self.size / 2).min(end - 1);
        for (y, row) in out.rows::<u8>()? {
            for (x, pixel) in (left..).zip(row.chunks_exact_mut(input.channels())) {
                let (x, y) = (middle(x, image.width), middle(y, image.height));
                pixel.copy_from_slice(input.pixel(x, y));
            }
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/rocket.jpg"), ());
    let mosaic = graph.add("mosaic", Mosaic { size: 16 }, photo);
    graph.add("save", Save::path("out/own_step/mosaic.png"), mosaic);
    let cache = std::sync::Arc::new(MemoryCache::new(64 << 20));
    let executor = Executor::new(Options { cache: Some(cache), ..Options::default() })?;
    executor.run(&graph, &RunOptions::default())?.ok()?;

    // Registered, it is known to pipeline files, where the same step has the same key.
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry)?;
    registry.register::<Mosaic>()?;
    let file = graph.to_json()?;
    let report = executor.run(&Graph::from_json(&file, &registry)?, &RunOptions::default())?;
    println!("{file}\n{report}");
    assert_eq!(report.nodes_that(Status::Cached), ["mosaic"]);
    Ok(())
}
