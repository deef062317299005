//! Point operations: each output pixel is made from the same pixel of the inputs.

mod alpha_over;
mod apply_mask;
mod arithmetic;
mod assign_color_space;
mod blend;
mod brightness_contrast;
mod clahe;
mod color;
mod convert;
mod convert_profile;
mod each;
mod equalize;
mod from_hsv;
mod from_lab;
mod from_linear;
mod gain;
mod gamma;
mod grayscale;
mod invert;
mod levels;
mod lookup;
mod merge_channels;
mod profile;
mod rescale;
mod scalar;
mod shuffle_channels;
mod split_channels;
mod threshold;
mod to_hsv;
mod to_lab;
mod to_linear;

pub use crate::kernel::{BlendMode, Operation};
pub use alpha_over::AlphaOver;
pub use apply_mask::ApplyMask;
pub use arithmetic::Arithmetic;
pub use assign_color_space::AssignColorSpace;
pub use blend::Blend;
pub use brightness_contrast::BrightnessContrast;
pub use clahe::Clahe;
pub use convert::{Convert, Range};
pub use convert_profile::ConvertProfile;
pub use equalize::Equalize;
pub use from_hsv::FromHsv;
pub use from_lab::FromLab;
pub use from_linear::FromLinear;
pub use gain::Gain;
pub use gamma::Gamma;
pub use grayscale::{Grayscale, Luma};
pub use invert::Invert;
pub use levels::Levels;
pub use lookup::Lookup;
pub use merge_channels::MergeChannels;
pub use profile::{Intent, Profile};
#[cfg(feature = "codecs")]
pub(crate) use profile::{declared, declaring};
pub use rescale::Rescale;
pub use scalar::Scalar;
pub use shuffle_channels::ShuffleChannels;
pub use split_channels::SplitChannels;
pub use threshold::Threshold;
pub(crate) use threshold::mask_layout;
pub use to_hsv::ToHsv;
pub use to_lab::ToLab;
pub use to_linear::ToLinear;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<AlphaOver>()?;
    registry.register::<ApplyMask>()?;
    registry.register::<Arithmetic>()?;
    registry.register::<AssignColorSpace>()?;
    registry.register::<Blend>()?;
    registry.register::<BrightnessContrast>()?;
    registry.register::<Clahe>()?;
    registry.register::<Convert>()?;
    registry.register::<ConvertProfile>()?;
    registry.register::<Equalize>()?;
    registry.register::<FromHsv>()?;
    registry.register::<FromLab>()?;
    registry.register::<FromLinear>()?;
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
    registry.register::<Threshold>()?;
    registry.register::<ToHsv>()?;
    registry.register::<ToLab>()?;
    registry.register::<ToLinear>()
}
