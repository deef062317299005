//! Geometry: which pixel goes where.

mod crop;
mod flip;
mod resize;
mod rotate90;

pub use crate::kernel::{QuarterTurns, Resampling};
pub use crop::Crop;
pub use flip::{Axis, Flip};
pub use resize::Resize;
pub use rotate90::Rotate90;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Crop>()?;
    registry.register::<Flip>()?;
    registry.register::<Resize>()?;
    registry.register::<Rotate90>()
}
