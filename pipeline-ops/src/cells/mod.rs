//! Cells over time: what is behind them, and which is which.

mod background;
mod cell_features;
mod columns;
mod divisions;
mod identity;
mod label_overlaps;
mod link;
mod objects;
mod surface;
mod traces;
mod track_image;
mod tracking_scores;

pub use background::{Background, Shown, Surface};
pub use cell_features::CellFeatures;
pub use label_overlaps::LabelOverlaps;
pub use link::{By, Link};
pub use traces::{Poor, Traces};
pub use track_image::TrackImage;
pub use tracking_scores::TrackingScores;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Background>()?;
    registry.register::<CellFeatures>()?;
    registry.register::<LabelOverlaps>()?;
    registry.register::<Link>()?;
    registry.register::<TrackImage>()?;
    registry.register::<Traces>()?;
    registry.register::<TrackingScores>()
}
