//! What tests and benches of steps, caches and observers share.

mod schedule;

pub use schedule::Drain;
