//! Linear filters and edges: each output pixel is made from a neighbourhood of the input.

mod box_blur;
mod gaussian_blur;
mod sobel;
mod unsharp_mask;

pub use crate::kernel::Border;
pub use box_blur::BoxBlur;
pub use gaussian_blur::GaussianBlur;
pub use sobel::{Sobel, SobelOutput};
pub use unsharp_mask::UnsharpMask;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<BoxBlur>()?;
    registry.register::<GaussianBlur>()?;
    registry.register::<Sobel>()?;
    registry.register::<UnsharpMask>()
}
