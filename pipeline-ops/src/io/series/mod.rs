//! Series of pictures over time, as microscopes write them.

mod describe;
mod file;
mod frame;
mod npy;
mod open_files;
mod open_stack;
mod packer;
mod pages;
mod save_frame;
mod saved_stack;
mod writer;

pub use file::{FieldInfo, SeriesFile};
pub use frame::Frame;
pub use open_files::OpenFiles;
pub use open_stack::{Field, OpenStack};
pub use save_frame::{FrameFile, SaveFrame};
pub use saved_stack::SavedStack;
