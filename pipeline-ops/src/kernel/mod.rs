//! Plain functions on slices: what the steps compute, without graphs, views or parameters.
//!
//! Rows are interleaved: the samples of one pixel stand next to each other. Of the engine the
//! functions know [`Sample`](pipeline_core::Sample) and nothing else. Each is written so that the
//! order of its float operations depends on the place of a pixel in the image and never on how the
//! image was cut into tiles.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "kernels convert between places, counts and floats whose ranges their callers checked"
)]

mod border;
mod box_mean;
mod convolve;
mod gaussian;
mod histogram;
mod map;
mod median;
mod otsu;
mod resample;

pub use border::{Border, Span, pad_row};
pub use box_mean::BoxMean;
pub use convolve::{horizontal, vertical};
pub use gaussian::gaussian;
pub use histogram::{Bins, Histogram};
pub use map::{Map, Pixel};
pub use median::{Rank, RankHistogram, median_3x3, median_row};
pub use otsu::otsu;
pub use resample::{Filter, Taps, blend_pixels, blend_rows, premultiply, unpremultiply};
