//! The samples of a given place in the order of square windows, by networks of comparisons that are
//! made for the size of the window.
//!
//! Windows of neighbouring pixels share most of their samples. What the windows of a tile of pixels
//! have in common is sorted once, and of that only what may still be the sample sought is kept;
//! then the tile is halved again and again, and to each half is added what its windows see beside
//! that. All of it is comparisons of samples at known places, the same for any picture, so vectors
//! of many tiles go through it together.
//!
//! After Adams, "Fast median filters using separable sorting networks" (2021).

mod network;
mod program;

pub(crate) use program::{Shape, Windows};
