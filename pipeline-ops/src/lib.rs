//! Image operations as pipeline steps.
//!
//! Every step is one file: its documentation, its parameters, and the call into `kernel`, plain
//! functions on slices. Groups of steps are modules; [`register`] names all of them to a registry.
//!
//! ```
//! use pipeline_core::Registry;
//!
//! let mut registry = Registry::new();
//! pipeline_ops::register(&mut registry)?;
//! assert!(registry.find("gaussian_blur").is_ok());
//! # Ok::<(), pipeline_core::Error>(())
//! ```

mod check;
mod columns;
mod components;
mod kernel;
mod line_buffer;
mod memory;
mod neighborhood;
mod passes;
mod statistics;

#[cfg(feature = "codecs")]
pub mod io;

pub mod point;

pub mod geometry;

pub mod filter;
pub mod morphology;
pub mod rank;

pub mod measure;
pub mod segment;

pub mod cells;

pub mod draw;

use pipeline_core::{Registry, Result};

/// Adds every step of this crate to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    #[cfg(feature = "codecs")]
    io::register(registry)?;
    point::register(registry)?;
    geometry::register(registry)?;
    filter::register(registry)?;
    rank::register(registry)?;
    morphology::register(registry)?;
    segment::register(registry)?;
    measure::register(registry)?;
    cells::register(registry)?;
    draw::register(registry)
}
