//! What the crate promises, from the outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod contract;
mod memory;
mod model;
mod runs;
mod values;
mod worth;
