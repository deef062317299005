//! What the crate promises, from the outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod claims;
mod codecs;
mod contract;
mod differential;
mod disk;
mod harmed;
mod memory;
mod model;
mod restarts;
mod runs;
mod shared;
mod tiers;
mod values;
mod worth;
