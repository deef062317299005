//! Segmentation: which pixels belong to an object.

mod adaptive_threshold;
mod hysteresis;
mod level;
mod li;
mod mask_image;
mod otsu;
mod percentile_threshold;
mod sauvola;
mod triangle;
mod yen;

pub use crate::kernel::Connectivity;
pub use adaptive_threshold::{AdaptiveThreshold, LocalMean};
pub use hysteresis::Hysteresis;
pub use li::Li;
pub use mask_image::MaskImage;
pub use otsu::Otsu;
pub use percentile_threshold::PercentileThreshold;
pub use sauvola::Sauvola;
pub use triangle::Triangle;
pub use yen::Yen;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<AdaptiveThreshold>()?;
    registry.register::<Hysteresis>()?;
    registry.register::<Li>()?;
    registry.register::<MaskImage>()?;
    registry.register::<Otsu>()?;
    registry.register::<PercentileThreshold>()?;
    registry.register::<Sauvola>()?;
    registry.register::<Triangle>()?;
    registry.register::<Yen>()
}
