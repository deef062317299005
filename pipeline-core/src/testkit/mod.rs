//! Contracts that any step, tile, cache or observer can be run through, ours and an embedder's.
//!
//! Behind the feature `testkit`, for a `[dev-dependencies]` entry of the crate that has the
//! implementation. Each contract is a function that returns if the implementation keeps it and
//! panics with what went wrong if not, which is what a test wants.
//!
//! | contract | run it over |
//! |---|---|
//! | [`step::check`] | a step and inputs it works on |
//! | [`tile::check`] | a tile-wise form and images; `step::check` does it for steps that have one |
//! | [`stream::check_source`], [`stream::check_sink`] | a row-wise form; `step::check` does it too |
//! | [`cache::check`] | a cache |
//! | [`observer::check`] | an observer |
//!
//! Beside them there are the things that tests of steps need all the time: images written as grids
//! ([`image_of`]), an observer that keeps what it hears ([`Recorder`]), a cache that counts
//! ([`CountingCache`]), and which nodes ran ([`assert_ran`]).
//!
//! ```
//! use pipeline_core::testkit::{self, image_of};
//! use pipeline_core::{Context, Image, In, Layout, Result, Step, Tile, View, ViewMut, tile};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Adds a number to every sample of an 8-bit image.
//! #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields, default)]
//! struct Lift {
//!     /// What is added.
//!     #[schemars(range(min = 0, max = 255))]
//!     by: u8,
//! }
//!
//! impl Step for Lift {
//!     const NAME: &'static str = "lift";
//!     type Input = In<Image>;
//!     type Output = Image;
//!
//!     fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
//!         tile(self, image, &[], ctx)
//!     }
//!
//!     fn tile(&self) -> Option<&dyn Tile> {
//!         Some(self)
//!     }
//! }
//!
//! impl Tile for Lift {
//!     fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
//!         Ok(inputs[0])
//!     }
//!
//!     fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
//!         let input = inputs[0].typed::<u8>()?;
//!         for (y, row) in out.rows::<u8>()? {
//!             for (out, &sample) in row.iter_mut().zip(input.row(y)) {
//!                 *out = sample.saturating_add(self.by);
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! // In a test of the crate:
//! let image = image_of(&[&[0u8, 50, 100], &[150, 200, 250]]);
//! testkit::step::check(&Lift { by: 10 }, In::new(image));
//! ```

pub mod cache;
pub mod observer;
pub mod step;
pub mod stream;
pub mod tile;

mod counting;
mod dice;
mod guard;
mod history;
mod images;
mod odd;
mod params;
mod recorder;
mod schedule;
mod schema;
mod stop;
mod subject;
mod supply;

pub use counting::CountingCache;
pub use images::{image_of, rows_of};
pub use recorder::{Recorder, assert_ran, assert_started};
pub use schedule::Drain;
pub use supply::Supply;
