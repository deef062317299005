//! What the crate promises, from the outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod batch;
mod batch_records;
mod claims;
mod corners;
mod declared;
mod edits;
mod events;
mod extremes;
mod faults;
mod figures;
mod file;
mod file_limits;
mod file_random;
mod file_syntax;
mod groups;
mod kept;
mod laws;
mod names;
mod patience;
mod peaks;
mod per_frame;
mod run;
mod scalars;
mod shapes;
mod sharing;
mod sketch;
mod spared;
#[cfg(feature = "testkit")]
mod testkit;
mod threads;
mod toy;
mod trust;
