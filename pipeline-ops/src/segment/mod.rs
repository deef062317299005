//! Segmentation: which pixels belong to an object, and to which.

mod adaptive_threshold;
mod connected_components;
mod expand_labels;
mod hysteresis;
mod label_image;
mod level;
mod li;
mod mask_image;
mod mode_threshold;
mod otsu;
mod percentile_threshold;
mod relabel;
mod sauvola;
mod triangle;
mod watershed;
mod yen;

pub use crate::kernel::{Border, Connectivity};
pub use adaptive_threshold::{AdaptiveThreshold, LocalMean};
pub use connected_components::ConnectedComponents;
pub use expand_labels::ExpandLabels;
pub use hysteresis::Hysteresis;
pub use label_image::LabelImage;
pub(crate) use label_image::image_of;
pub use li::Li;
pub use mask_image::MaskImage;
pub use mode_threshold::ModeThreshold;
pub use otsu::Otsu;
pub use percentile_threshold::PercentileThreshold;
pub use relabel::Relabel;
pub use sauvola::Sauvola;
pub use triangle::Triangle;
pub use watershed::Watershed;
pub(crate) use watershed::close_gaps;
pub use yen::Yen;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<AdaptiveThreshold>()?;
    registry.register::<ConnectedComponents>()?;
    registry.register::<ExpandLabels>()?;
    registry.register::<Hysteresis>()?;
    registry.register::<LabelImage>()?;
    registry.register::<Li>()?;
    registry.register::<MaskImage>()?;
    registry.register::<ModeThreshold>()?;
    registry.register::<Otsu>()?;
    registry.register::<PercentileThreshold>()?;
    registry.register::<Relabel>()?;
    registry.register::<Sauvola>()?;
    registry.register::<Triangle>()?;
    registry.register::<Watershed>()?;
    registry.register::<Yen>()
}
