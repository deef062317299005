//! Drawing: images made for people to look at.

mod color_labels;
mod color_map;
mod contact_sheet;
mod draw_tracks;
mod ink;
mod outline_labels;
mod text;

pub use crate::kernel::{Palette, Side};
pub use color_labels::ColorLabels;
pub use color_map::ColorMap;
pub use contact_sheet::ContactSheet;
pub use draw_tracks::DrawTracks;
pub use outline_labels::OutlineLabels;
pub use text::Text;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<ColorLabels>()?;
    registry.register::<ColorMap>()?;
    registry.register::<ContactSheet>()?;
    registry.register::<DrawTracks>()?;
    registry.register::<OutlineLabels>()?;
    registry.register::<Text>()
}
