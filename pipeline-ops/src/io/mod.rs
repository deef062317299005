//! Picture files, microscope files and files of tables: opening and saving.

mod complete;
mod csv;
mod decode;
mod encode;
mod file;
mod jpeg;
mod open;
mod plot;
mod png;
mod replace;
mod save;
mod save_plot;
mod save_table;
mod save_traces;
mod scanlines;
mod series;
mod text_file;
mod tiff;
mod upright;
mod watched;
mod whole;

pub use open::{Open, Orientation};
pub use save::Save;
pub use save_plot::SavePlot;
pub use save_table::SaveTable;
pub use save_traces::SaveTraces;
pub use series::{
    Field, FieldInfo, Frame, FrameFile, OpenFiles, OpenStack, SaveFrame, SavedStack, SeriesFile,
};
pub(crate) use text_file::renew_text;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Frame>()?;
    registry.register::<Open>()?;
    registry.register::<OpenStack>()?;
    registry.register::<SaveFrame>()?;
    registry.register::<SavedStack>()?;
    registry.register::<Save>()?;
    registry.register::<SavePlot>()?;
    registry.register::<SaveTable>()?;
    registry.register::<SaveTraces>()
}
