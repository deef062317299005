//! Linear filters and edges: each output pixel is made from a neighbourhood of the input.

mod bilateral;
mod box_blur;
mod canny;
mod convolve;
mod difference_of_gaussians;
mod edges;
mod gaussian_blur;
mod laplace;
mod laplacian_of_gaussian;
mod local_std;
mod log_std;
mod prewitt;
mod rounded_moments;
mod scharr;
mod seen;
mod sobel;
mod unsharp_mask;
mod weighted;

pub use crate::kernel::Border;
pub use bilateral::Bilateral;
pub use box_blur::BoxBlur;
pub use canny::Canny;
pub use convolve::Convolve;
pub use difference_of_gaussians::DifferenceOfGaussians;
pub use edges::EdgeOutput;
pub use gaussian_blur::GaussianBlur;
pub use laplace::Laplace;
pub use laplacian_of_gaussian::LaplacianOfGaussian;
pub use local_std::LocalStd;
pub use log_std::{Arithmetic, LogStd};
pub use prewitt::Prewitt;
pub use scharr::Scharr;
pub use sobel::Sobel;
pub use unsharp_mask::UnsharpMask;

use pipeline_core::{Registry, Result};

/// Adds the steps of this group to `registry`.
///
/// # Errors
/// [`Error::Input`](pipeline_core::Error::Input) if a step of the same name is there already.
pub fn register(registry: &mut Registry) -> Result<()> {
    registry.register::<Bilateral>()?;
    registry.register::<BoxBlur>()?;
    registry.register::<Canny>()?;
    registry.register::<Convolve>()?;
    registry.register::<DifferenceOfGaussians>()?;
    registry.register::<GaussianBlur>()?;
    registry.register::<Laplace>()?;
    registry.register::<LaplacianOfGaussian>()?;
    registry.register::<LocalStd>()?;
    registry.register::<LogStd>()?;
    registry.register::<Prewitt>()?;
    registry.register::<Scharr>()?;
    registry.register::<Sobel>()?;
    registry.register::<UnsharpMask>()
}
