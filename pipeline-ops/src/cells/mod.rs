//! Cells over time: what is behind them, and which is which.

mod background;
mod cell_features;
mod cell_sums;
mod columns;
mod divisions;
#[cfg(feature = "codecs")]
mod field_files;
#[cfg(feature = "codecs")]
mod field_graph;
mod heights;
mod identity;
mod label_overlaps;
mod link;
mod live;
mod objects;
#[cfg(feature = "codecs")]
mod results;
mod segment_cells;
mod surface;
mod traces;
mod track_image;
mod tracking_scores;
mod whole_cells;
#[cfg(feature = "codecs")]
mod workflow;

pub use background::{Background, Shown, Surface};
pub use cell_features::CellFeatures;
pub use cell_sums::CellSums;
#[cfg(feature = "codecs")]
pub use field_files::FieldFiles;
pub use label_overlaps::LabelOverlaps;
pub use link::{By, Link};
pub use segment_cells::SegmentCells;
pub use traces::{Poor, Traces};
pub use track_image::TrackImage;
pub use tracking_scores::TrackingScores;
#[cfg(feature = "codecs")]
pub use workflow::{Mode, TraceLayout, Workflow};

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Background>()?;
    registry.register::<CellFeatures>()?;
    registry.register::<CellSums>()?;
    registry.register::<LabelOverlaps>()?;
    registry.register::<Link>()?;
    registry.register::<TrackImage>()?;
    registry.register::<SegmentCells>()?;
    registry.register::<Traces>()?;
    registry.register::<TrackingScores>()
}
