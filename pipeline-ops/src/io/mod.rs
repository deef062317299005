//! Picture files and microscope files: opening and saving.

mod complete;
mod decode;
mod encode;
mod file;
mod jpeg;
mod open;
mod png;
mod replace;
mod save;
mod scanlines;
mod series;
mod tiff;
mod upright;
mod watched;
mod whole;

pub use open::{Open, Orientation};
pub use save::Save;
pub use series::{
    Field, FieldInfo, Frame, FrameFile, OpenFiles, OpenStack, SaveFrame, SavedStack, SeriesFile,
};

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
    registry.register::<Save>()
}
