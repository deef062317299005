//! Geometry: which pixel goes where.

mod affine;
mod crop;
mod flip;
mod pad;
mod perspective;
mod resize;
mod rotate;
mod rotate90;
mod scale;
mod shift;
mod thumbnail;
mod translate;
mod warp;

pub use crate::kernel::{Border, QuarterTurns, Resampling, Sampling};
pub use affine::Affine;
pub use crop::Crop;
pub use flip::{Axis, Flip};
pub use pad::Pad;
pub use perspective::Perspective;
pub use resize::Resize;
pub use rotate::{Canvas, Rotate};
pub use rotate90::Rotate90;
pub use scale::Mixing;
pub use thumbnail::{Framing, Thumbnail};
pub use translate::Translate;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Affine>()?;
    registry.register::<Crop>()?;
    registry.register::<Flip>()?;
    registry.register::<Pad>()?;
    registry.register::<Perspective>()?;
    registry.register::<Resize>()?;
    registry.register::<Rotate>()?;
    registry.register::<Rotate90>()?;
    registry.register::<Thumbnail>()?;
    registry.register::<Translate>()
}
