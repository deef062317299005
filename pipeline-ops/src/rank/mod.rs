//! Rank filters: each output pixel is one of the pixels around it.

mod maximum;
mod median;
mod minimum;
mod nth;
mod percentile;

pub use maximum::Maximum;
pub use median::Median;
pub use minimum::Minimum;
pub use percentile::Percentile;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Maximum>()?;
    registry.register::<Median>()?;
    registry.register::<Minimum>()?;
    registry.register::<Percentile>()
}
