//! What the crate promises, from the outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod events;
mod faults;
mod laws;
mod patience;
mod run;
mod shapes;
mod sharing;
mod sketch;
mod toy;
