//! Where results live: caches for [`pipeline_core`] under a byte budget, in memory and on disk.
//!
//! # Which cache when
//!
//! | cache | keeps | use it for |
//! |---|---|---|
//! | none | nothing | one pass over many files |
//! | [`MemoryCache`] | what costs most to lose, in this process | editing a graph live; undo; many runs that share steps |
//! | [`DiskCache`] | results in a directory, for several processes | batches; small machines |
//! | [`TieredCache`] | both, the disk written behind | a program that goes on tomorrow where it is now |
//!
//! # Rules of every budget
//!
//! - A budget is in bytes. In memory it includes what the cache itself needs per entry, on disk it
//!   is for the values.
//! - In memory room is made before a value is taken in, so the bytes held never pass the budget; on
//!   disk it is made right after.
//! - In memory a step that a run begins has room made for what it is expected to make, as
//!   [`MemoryCache`] says of claims. If it fails, what went for it is gone all the same.
//! - A buffer that several values share counts once, and is free when the last of them goes.
//! - A value that would not fit into an empty cache is refused, and the others stay.
//! - What a cache has thrown out may live on: a run that still holds a value keeps it alive.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use pipeline_cache::MemoryCache;
//! use pipeline_core::event::Status;
//! use pipeline_core::testkit::image_of;
//! use pipeline_core::{Bindings, Context, Executor, Graph, Image, In, Options, RunOptions, Step};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Turns black into white.
//! #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
//! struct Invert {}
//!
//! impl Step for Invert {
//!     const NAME: &'static str = "invert";
//!     type Input = In<Image>;
//!     type Output = Image;
//!
//!     fn run(&self, image: In<Image>, _: &Context<'_>) -> pipeline_core::Result<Image> {
//!         let mut image = image.into_owned();
//!         for sample in image.samples_mut::<u8>().into_iter().flatten() {
//!             *sample = 255 - *sample;
//!         }
//!         Ok(image)
//!     }
//! }
//!
//! let cache = Arc::new(MemoryCache::new(512 << 20));
//! let executor =
//!     Executor::new(Options { cache: Some(cache.clone()), ..Options::default() })?;
//!
//! let mut graph = Graph::new();
//! let photo = graph.input::<Image>("photo");
//! let negative = graph.add("negative", Invert {}, photo);
//! let bindings = Bindings::new().with("photo", image_of::<u8>(&[&[0, 100], &[200, 255]]));
//! let options = RunOptions { bindings, ..RunOptions::default() };
//!
//! let first = executor.run(&graph, &options)?;
//! assert_eq!(first.nodes_that(Status::Computed), ["negative"]);
//! let second = executor.run(&graph, &options)?;
//! assert_eq!(second.nodes_that(Status::Cached), ["negative"]);
//! assert_eq!(second.output(negative)?.samples::<u8>(), Some(&[255, 155, 55, 0][..]));
//! assert_eq!(cache.stats().hits, 1);
//! # Ok::<(), pipeline_core::Error>(())
//! ```

mod chances;
mod codecs;
mod disk;
mod history;
mod key_state;
mod ledger;
mod memory;
mod pressure;
mod recorder;
mod slots;
mod stats;
mod store;
mod tiers;
mod waiting;

pub use codecs::Codecs;
pub use disk::{Compression, DiskCache, DiskEntry, DiskOptions, DiskStats, Durability, OpenError};
pub use memory::{EntryInfo, MemoryCache, Pin, Policy};
pub use pressure::Pressure;
pub use recorder::Recorder;
pub use stats::Stats;
pub use tiers::TieredCache;
