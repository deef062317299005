//! Rank filters: each output pixel is one of the pixels around it.

mod median;

pub use median::Median;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Median>()
}
