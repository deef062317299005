//! Point operations: each output pixel is made from the same pixel of the inputs.

mod apply_mask;
mod arithmetic;
mod blend;
mod brightness_contrast;
mod convert;
mod each;
mod equalize;
mod gain;
mod gamma;
mod grayscale;
mod invert;
mod levels;
mod lookup;
mod merge_channels;
mod rescale;
mod scalar;
mod shuffle_channels;
mod split_channels;
mod threshold;

pub use crate::kernel::{BlendMode, Operation};
pub use apply_mask::ApplyMask;
pub use arithmetic::Arithmetic;
pub use blend::Blend;
pub use brightness_contrast::BrightnessContrast;
pub use convert::{Convert, Range};
pub use equalize::Equalize;
pub use gain::Gain;
pub use gamma::Gamma;
pub use grayscale::{Grayscale, Luma};
pub use invert::Invert;
pub use levels::Levels;
pub use lookup::Lookup;
pub use merge_channels::MergeChannels;
pub use rescale::Rescale;
pub use scalar::Scalar;
pub use shuffle_channels::ShuffleChannels;
pub use split_channels::SplitChannels;
pub use threshold::Threshold;
pub(crate) use threshold::mask_layout;

use pipeline_core::{Registry, Result};

pub(crate) fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<ApplyMask>()?;
    registry.register::<Arithmetic>()?;
    registry.register::<Blend>()?;
    registry.register::<BrightnessContrast>()?;
    registry.register::<Convert>()?;
    registry.register::<Equalize>()?;
    registry.register::<Gain>()?;
    registry.register::<Gamma>()?;
    registry.register::<Grayscale>()?;
    registry.register::<Invert>()?;
    registry.register::<Levels>()?;
    registry.register::<Lookup>()?;
    registry.register::<MergeChannels>()?;
    registry.register::<Rescale>()?;
    registry.register::<Scalar>()?;
    registry.register::<ShuffleChannels>()?;
    registry.register::<SplitChannels>()?;
    registry.register::<Threshold>()
}
