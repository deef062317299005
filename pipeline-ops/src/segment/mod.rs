//! Segmentation: which pixels belong to an object.

mod mask_image;
mod otsu;

pub use mask_image::MaskImage;
pub use otsu::Otsu;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<MaskImage>()?;
    registry.register::<Otsu>()
}
