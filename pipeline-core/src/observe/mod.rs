//! Who listens: the stream of a run's events, and the observers that make something of it.

mod bus;
mod limiter;
mod queue;
mod signal;
mod subscription;

pub use bus::{Bus, Emit};
pub use subscription::{Received, Subscription};

#[cfg(all(test, not(shuttle)))]
mod tests;
