//! Graphs of image-processing steps: planned once, run in parallel, never computed twice.

mod sync;

pub mod id;
pub mod key;

pub mod error;

pub mod data;

pub mod step;

pub mod graph;

pub mod cache;

pub mod plan;

pub mod event;

pub mod observe;

pub mod exec;

pub mod batch;

#[cfg(feature = "testkit")]
pub mod testkit;

pub use data::{
    ColorSpace, Data, Image, In, Labels, Layout, Mask, Region, Sample, SampleType, Stack, Value,
    View, ViewMut,
};
pub use error::{CancelReason, Error, Fault, Result};
pub use event::{Event, EventKind};
pub use exec::{Executor, Fusion, Options, Report, RunOptions};
pub use graph::Graph;
pub use id::{NodeId, RunId};
pub use key::Key;
pub use observe::Observer;
pub use plan::{Bindings, Plan, Targets};
pub use step::{CancelToken, Context, Node, Registry, Services, Spec, Step, Tile, tile};
