//! Morphology: minima and maxima over structuring elements, and shapes of masks.

mod black_hat;
mod black_hat_mask;
mod clear_border;
mod closing;
mod closing_mask;
mod dilate;
mod dilate_mask;
mod distance_transform;
mod element;
mod erode;
mod erode_mask;
mod fill_holes;
mod flat;
mod opening;
mod opening_mask;
mod remove_small_holes;
mod remove_small_objects;
mod skeleton;
mod top_hat;
mod top_hat_mask;

pub use crate::kernel::{Border, Connectivity};
pub use black_hat::BlackHat;
pub use black_hat_mask::BlackHatMask;
pub use clear_border::ClearBorder;
pub use closing::Closing;
pub use closing_mask::ClosingMask;
pub use dilate::Dilate;
pub use dilate_mask::DilateMask;
pub use distance_transform::DistanceTransform;
pub use element::Element;
pub use erode::Erode;
pub use erode_mask::ErodeMask;
pub use fill_holes::FillHoles;
pub(crate) use flat::Flat;
pub use opening::Opening;
pub use opening_mask::OpeningMask;
pub use remove_small_holes::RemoveSmallHoles;
pub use remove_small_objects::RemoveSmallObjects;
pub use skeleton::Skeleton;
pub use top_hat::TopHat;
pub use top_hat_mask::TopHatMask;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<BlackHat>()?;
    registry.register::<BlackHatMask>()?;
    registry.register::<ClearBorder>()?;
    registry.register::<Closing>()?;
    registry.register::<ClosingMask>()?;
    registry.register::<Dilate>()?;
    registry.register::<DilateMask>()?;
    registry.register::<DistanceTransform>()?;
    registry.register::<Erode>()?;
    registry.register::<ErodeMask>()?;
    registry.register::<FillHoles>()?;
    registry.register::<Opening>()?;
    registry.register::<OpeningMask>()?;
    registry.register::<RemoveSmallHoles>()?;
    registry.register::<RemoveSmallObjects>()?;
    registry.register::<Skeleton>()?;
    registry.register::<TopHat>()?;
    registry.register::<TopHatMask>()
}
