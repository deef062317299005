//! Series of pictures over time, as microscopes write them.

mod describe;
mod file;
mod frame;
mod npy;
mod open_stack;
mod pages;

pub use file::{FieldInfo, SeriesFile};
pub use frame::Frame;
pub use open_stack::{Field, OpenStack};
