//! Tests of the operations against other programs, against laws, and against files from the wild.

mod golden;
#[cfg(feature = "codecs")]
mod io;
mod laws;
mod refusals;
mod support;
