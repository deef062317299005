//! What the benches share: graphs, calibrated work, clocks, and one module per question with what
//! is measured for it. The files in `benches/` give these to criterion; the program `figures` runs
//! them all and prints one table.

#![expect(clippy::missing_panics_doc, reason = "a bench that cannot go on may panic anywhere")]

pub mod clock;
pub mod figure;
pub mod graphs;
pub mod operation;
pub mod pictures;
pub mod work;

pub mod behind;
pub mod cancel;
pub mod cells;
pub mod copies;
pub mod disk;
pub mod events;
pub mod files;
pub mod fusion;
pub mod latency;
pub mod memory;
mod movie;
pub mod nested;
pub mod order;
pub mod overhead;
pub mod peak;
pub mod plan;
pub mod radius;
pub mod rerun;
pub mod resize;
pub mod threads;
pub mod trace;
pub mod workflow;
