//! What a batch goes through.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use crate::error::Result;
use crate::graph::Graph;
use crate::plan::{Bindings, Targets};

/// One thing to be done, by name: a field of view, a file.
///
/// Its job is made when its turn comes, so a batch of any length holds the graphs of the items only
/// that are at work.
pub struct Item<'a> {
    pub(super) name: Arc<str>,
    pub(super) job: Box<dyn Fn() -> Result<Job> + Send + Sync + 'a>,
}

impl<'a> Item<'a> {
    /// An item and how its job is made. That may be asked for more than once, and fail.
    pub fn new(
        name: impl Into<Arc<str>>,
        job: impl Fn() -> Result<Job> + Send + Sync + 'a,
    ) -> Self {
        Self { name: name.into(), job: Box::new(job) }
    }

    /// An item of a graph that all items share: only the values of its inputs are its own.
    pub fn of(name: impl Into<Arc<str>>, graph: &Arc<Graph>, bindings: Bindings) -> Self {
        let graph = Arc::clone(graph);
        Self::new(name, move || {
            let (graph, bindings) = (Arc::clone(&graph), bindings.clone());
            Ok(Job { graph, bindings, ..Job::default() })
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Debug for Item<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is to be run for an item.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// The graph.
    pub graph: Arc<Graph>,
    /// Values of its inputs.
    pub bindings: Bindings,
    /// What is wanted of it; its own targets by default.
    pub targets: Targets,
}

impl From<Graph> for Job {
    fn from(graph: Graph) -> Self {
        Self { graph: Arc::new(graph), ..Self::default() }
    }
}
