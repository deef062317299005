//! From a graph to a plan: what to run, in which order, under which keys.
#![doc = include_str!("README.md")]

mod demand;
mod explain;
mod file_digests;
mod freeze;
mod fuse;
mod keys;
mod narrow;
mod order;
mod outline;
#[expect(clippy::module_inception, reason = "the type that the folder is named after")]
mod plan;
mod planner;
mod recheck;
mod request;
mod shape;
mod size;
mod targets;
mod validate;

pub use plan::Plan;
pub use request::{Bindings, Targets};

pub(crate) use demand::{Action, GivenValue};
pub(crate) use file_digests::{FileDigests, Stop};
pub(crate) use keys::{Identities, Identity, extended};
pub(crate) use narrow::{DECLARED, Program};
pub(crate) use order::UNKNOWN_NANOS;
pub(crate) use outline::{Outline, Target, Write, outline};
pub(crate) use planner::Planner;
pub(crate) use recheck::Recheck;
pub(crate) use request::{Costs, Fuse, Request};
