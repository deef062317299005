//! Tests of the operations against other programs, against laws, and against files from the wild.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what fails here is a failed test"
)]

#[cfg(feature = "codecs")]
mod between;
mod cells;
mod channels;
mod complete;
#[cfg(feature = "codecs")]
mod contract;
mod curves;
mod drawn;
mod fused;
mod golden;
#[cfg(feature = "codecs")]
mod io;
mod laws;
mod link;
mod morphology;
mod overlap;
mod pages;
#[cfg(feature = "codecs")]
mod profiles;
mod ranks;
mod refusals;
#[cfg(feature = "codecs")]
mod save_frame;
mod scanlines;
mod scores;
mod segment;
#[cfg(feature = "codecs")]
mod segment_cells;
mod sevens;
mod sizes;
mod steps;
#[cfg(feature = "codecs")]
mod streamed;
mod support;
#[cfg(feature = "codecs")]
mod table;
#[cfg(feature = "codecs")]
mod tiff;
mod traces;
mod track_image;
mod tracks;
mod transparent;
mod waiting;
mod widths;
mod windows;
#[cfg(feature = "codecs")]
mod workflow;
#[cfg(feature = "codecs")]
mod written;
