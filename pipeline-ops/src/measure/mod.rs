//! Measurements: numbers of images and of objects, as tables.

mod chosen;
mod histogram;
mod psnr;
mod region_moments;
mod region_properties;
mod similar;
mod ssim;
mod statistics;
mod table;

pub use histogram::Histogram;
pub use psnr::Psnr;
pub use region_moments::MomentKind;
pub use region_properties::RegionProperties;
pub use ssim::{SimilarityWindow, Ssim};
pub use statistics::Statistics;
pub use table::Table;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Histogram>()?;
    registry.register::<Psnr>()?;
    registry.register::<RegionProperties>()?;
    registry.register::<Ssim>()?;
    registry.register::<Statistics>()
}
