//! Who listens: the stream of a run's events, and the observers that make something of it.
//!
//! ```text
//!  workers ── emit ──▶ Bus ──▶ backlog ──▶ Subscription        a web client, a test
//!                       │
//!                       └────▶ backlog ──▶ Pump ──▶ Observers  progress bar, metrics, log
//! ```
//!
//! Nothing is built for nobody. While no one listens, [`Bus::is_active`] is false and an emitter
//! does nothing else than load it. When the first subscriber comes, the bus needs the state that
//! the events so far would have added up to, which no one kept; the executor makes it from its own
//! records.
//!
//! # The executor's part
//!
//! For everything that happens to a node, and for the end of the run, in this order:
//!
//! 1. Store the new status where the seed of [`Bus::subscribe`] reads it, with sequentially
//!    consistent ordering.
//! 2. Load [`Bus::is_active`]. If it is true, emit the event, at once or in a batch.
//!
//! A subscriber does the reverse: it makes the bus active, then reads the statuses. So of every
//! change at least one is true: the seed sees it, or its event is emitted. Where both are, the
//! event changes nothing in the state and is dropped without a number.
//!
//! Before the status of the run's end is stored, every node has ended and every batch has been
//! emitted: [`RunFinished`](crate::event::RunFinished) closes the bus, and what comes later is
//! dropped.
//!
//! Warnings, evictions and throttling leave no trace in the executor's records; who joins a bus
//! that was inactive does not hear of earlier ones.
//!
//! # A slow subscriber
//!
//! The bus never waits. A backlog that is nearly full merges progress and previews, newest per
//! node; one that is full lets go of them; if that is not enough, it lets go of everything and the
//! subscriber gets [`Received::Lagged`] with the state instead. Copies of a state share what does
//! not change, so taking one holds the emitters up for microseconds even in a large run.
//!
//! A subscriber that is busy is not woken for every event, because waking a thread costs more than
//! the event: for a moment after its last one it looks again by itself, every two milliseconds.

mod backlog;
mod bus;
mod limiter;
mod observer;
mod pump;
mod signal;
mod subscription;

mod advice;
mod json_lines;
mod log;
mod metrics;
#[cfg(feature = "progress")]
mod progress;

pub use bus::Bus;
pub use observer::Observer;
pub use subscription::{Received, Subscription};

pub(crate) use bus::Emit;
pub(crate) use pump::Pump;

pub use advice::{Advice, Adviser};
pub use json_lines::{JsonLines, read};
pub use log::Log;
pub use metrics::{Figures, Metrics, Summary};
#[cfg(feature = "progress")]
pub use progress::Progress;

#[cfg(all(test, shuttle))]
mod model;
#[cfg(all(test, not(shuttle)))]
mod tests;
