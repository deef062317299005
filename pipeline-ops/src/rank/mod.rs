//! Rank filters: each output pixel is one of the pixels around it.

mod maximum;
mod median;
mod minimum;
mod networks;
mod nth;
mod percentile;
mod straight;

pub use crate::kernel::Border;
pub use maximum::Maximum;
pub use median::Median;
pub use minimum::Minimum;
pub use percentile::Percentile;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Maximum>()?;
    registry.register::<Median>()?;
    registry.register::<Minimum>()?;
    registry.register::<Percentile>()
}
