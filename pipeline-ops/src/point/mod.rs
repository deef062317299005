//! Point operations: each output pixel is made from the same pixel of the inputs.

mod blend;
mod convert;
mod each;
mod gain;
mod gamma;
mod grayscale;
mod invert;
mod levels;
mod threshold;

pub use crate::kernel::BlendMode;
pub use blend::Blend;
pub use convert::{Convert, Range};
pub use gain::Gain;
pub use gamma::Gamma;
pub use grayscale::{Grayscale, Luma};
pub use invert::Invert;
pub use levels::Levels;
pub use threshold::Threshold;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Blend>()?;
    registry.register::<Convert>()?;
    registry.register::<Gain>()?;
    registry.register::<Gamma>()?;
    registry.register::<Grayscale>()?;
    registry.register::<Invert>()?;
    registry.register::<Levels>()?;
    registry.register::<Threshold>()
}
