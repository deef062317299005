//! Who listens: the stream of a run's events, and the observers that make something of it.

mod bus;
mod limiter;
mod observer;
mod pump;
mod queue;
mod signal;
mod subscription;

mod advice;
mod json_lines;
mod log;
mod metrics;
#[cfg(feature = "progress")]
mod progress;

pub use bus::{Bus, Emit};
pub use observer::Observer;
pub use pump::Pump;
pub use subscription::{Received, Subscription};

pub use advice::Advice;
pub use json_lines::{JsonLines, read};
pub use log::Log;
pub use metrics::{Figures, Metrics, Report};
#[cfg(feature = "progress")]
pub use progress::Progress;

#[cfg(all(test, shuttle))]
mod model;
#[cfg(all(test, not(shuttle)))]
mod tests;
