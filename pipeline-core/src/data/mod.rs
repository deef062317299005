//! What flows on an edge: images, masks, labels, stacks, and any type an embedder adds.

mod buffer;
mod codec;
mod image;
mod interop;
mod layout;
mod mask;
mod pages;
mod region;
mod sample;
mod spare;
mod stack;
mod table;
mod value;
mod view;

pub use buffer::{Allocation, Buffer, Samples, leftovers, zeros};
pub use codec::Codec;
pub use image::Image;
pub use layout::{ColorSpace, Layout};
pub use mask::{Labels, Mask};
pub use region::Region;
pub use sample::{Element, Sample, SampleType};
pub(crate) use spare::release;
pub use stack::{ReadFrames, Stack};
pub use table::look_up;
pub use value::{Data, DataType, In, Value};
pub use view::{Canvas, Plane, Raster, View, ViewMut};
