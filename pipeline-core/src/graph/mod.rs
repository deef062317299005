//! Which steps, wired how: plain data that is edited in place.

mod edit;
mod node;

use std::any::TypeId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use petgraph::Directed;
use petgraph::stable_graph::{NodeIndex, StableGraph};
use petgraph::visit::{EdgeRef, IntoEdgeReferences};

pub use node::{NodeInfo, Retry, Settings};

use crate::data::Data;
use crate::error::{Error, Result, nearest};
use crate::id::NodeId;
use crate::step::{AnyStep, Inputs, Node, Outputs, Step, StepType, Wire};
use node::Body;

/// A wire inside the graph: from an output port to a place among the wires of an input port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Joint {
    /// The input port of the consumer.
    pub(crate) input: u16,
    /// The output port of the producer.
    pub(crate) output: u16,
    /// The place among the wires of the same input port.
    pub(crate) place: u32,
}

/// A directed graph of steps.
///
/// Nodes are added with their wires and get a typed handle, so a wire between ports that carry
/// different data does not compile. Names must be unique; that and everything else that the
/// compiler cannot see is checked when the graph is planned, and all faults are reported at once.
///
/// ```
/// # use pipeline_core::{Context, Graph, Result, Step, data::In};
/// # use serde::{Deserialize, Serialize};
/// # use schemars::JsonSchema;
/// # #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
/// # struct Source {}
/// # impl Step for Source {
/// #     const NAME: &'static str = "source";
/// #     type Input = ();
/// #     type Output = ();
/// #     fn run(&self, (): (), _: &Context<'_>) -> Result<()> { Ok(()) }
/// # }
/// # #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
/// # struct Join {}
/// # impl Step for Join {
/// #     const NAME: &'static str = "join";
/// #     type Input = (In<()>, In<()>);
/// #     type Output = ();
/// #     fn run(&self, _: (In<()>, In<()>), _: &Context<'_>) -> Result<()> { Ok(()) }
/// # }
/// let mut graph = Graph::new();
/// let left = graph.add("left", Source {}, ());
/// let right = graph.add("right", Source {}, ());
/// let both = graph.add("both", Join {}, (left, right));
/// graph.target(both);
/// assert_eq!(graph.name(both.id()), Some("both"));
/// ```
#[derive(Debug)]
pub struct Graph {
    id: u64,
    nodes: StableGraph<Arc<NodeInfo>, Joint, Directed, u32>,
    names: HashMap<Arc<str>, NodeIndex<u32>>,
    /// Names that were given to more than one node; the second one keeps its own name in faults.
    duplicates: Vec<Arc<str>>,
    types: HashMap<TypeId, Arc<StepType>>,
    targets: Vec<Wire>,
    /// Counts every edit.
    revision: u64,
    /// The revision of the last edit that changed more than parameters.
    structure: u64,
    /// Nodes whose parameters changed since then, oldest first; one entry per revision.
    edited: Vec<NodeIndex<u32>>,
    meta: Option<serde_json::Value>,
}

/// How many parameter edits are remembered one by one before they count as a change of structure.
const EDITS_KEPT: usize = 4096;

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Graph {
    /// The same nodes and wires under the same ids, as a graph of its own.
    fn clone(&self) -> Self {
        Self {
            id: next_id(),
            nodes: self.nodes.clone(),
            names: self.names.clone(),
            duplicates: self.duplicates.clone(),
            types: self.types.clone(),
            targets: self.targets.clone(),
            revision: self.revision,
            structure: self.structure,
            edited: self.edited.clone(),
            meta: self.meta.clone(),
        }
    }
}

impl Graph {
    /// A graph without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            id: next_id(),
            nodes: StableGraph::default(),
            names: HashMap::new(),
            duplicates: Vec::new(),
            types: HashMap::new(),
            targets: Vec::new(),
            revision: 0,
            structure: 0,
            edited: Vec::new(),
            meta: None,
        }
    }

    /// Adds a step under a name, with a wire for each of its inputs.
    ///
    /// Returns a handle for its output, or a tuple of handles if it has several.
    #[expect(clippy::needless_pass_by_value, reason = "wires are handles, given up when used")]
    pub fn add<S: Step>(
        &mut self,
        name: impl Into<Arc<str>>,
        step: S,
        wires: <S::Input as Inputs>::Wires,
    ) -> <S::Output as Outputs>::Nodes {
        let kind = self.step_type::<S>();
        let node = self.insert(name.into(), Body::step(Arc::new(step), kind));
        let mut places = [0u32; 8];
        S::Input::list(&wires, &mut |input, producer, output| {
            let slot = &mut places[usize::from(input) % 8];
            let joint = Joint { input, output, place: *slot };
            *slot += 1;
            self.nodes.add_edge(NodeIndex::new(producer as usize), node, joint);
        });
        S::Output::nodes(id(node))
    }

    /// Adds a step whose type is known only at run time, without wires.
    pub fn add_any(
        &mut self,
        name: impl Into<Arc<str>>,
        step: Arc<dyn AnyStep>,
        kind: Arc<StepType>,
    ) -> NodeId {
        id(self.insert(name.into(), Body::step(step, kind)))
    }

    /// Adds a named input: a value that is given anew for each run.
    pub fn input<T: Data>(&mut self, name: impl Into<Arc<str>>) -> Node<T> {
        Node::new(id(self.insert(name.into(), Body::input::<T>())), 0)
    }

    /// Adds a named input whose type is known only at run time.
    pub fn input_any(&mut self, name: impl Into<Arc<str>>, data: crate::data::DataType) -> NodeId {
        id(self.insert(name.into(), Body::Input(data)))
    }

    fn insert(&mut self, name: Arc<str>, body: Body) -> NodeIndex<u32> {
        self.restructure();
        let node = self.nodes.add_node(Arc::new(NodeInfo::new(Arc::clone(&name), body)));
        match self.names.entry(name) {
            Entry::Occupied(taken) => self.duplicates.push(Arc::clone(taken.key())),
            Entry::Vacant(free) => {
                free.insert(node);
            }
        }
        node
    }

    fn step_type<S: Step>(&mut self) -> Arc<StepType> {
        let kind = self.types.entry(TypeId::of::<S>());
        Arc::clone(kind.or_insert_with(|| Arc::new(StepType::of::<S>())))
    }

    /// Makes an output one of the graph's targets: what a run computes if it is not told otherwise.
    pub fn target<T>(&mut self, node: Node<T>) {
        self.restructure();
        if !self.targets.contains(&node.wire()) {
            self.targets.push(node.wire());
        }
    }

    /// Makes output `port` of a node one of the graph's targets.
    pub fn target_any(&mut self, node: NodeId, port: u16) {
        self.restructure();
        let wire = Wire { node, port };
        if !self.targets.contains(&wire) {
            self.targets.push(wire);
        }
    }

    /// The declared targets, as nodes and output ports. None declared means every node that
    /// nothing reads from.
    pub fn targets(&self) -> impl Iterator<Item = (NodeId, u16)> {
        self.targets.iter().map(|wire| (wire.node, wire.port))
    }

    /// The node of this name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest name.
    pub fn find(&self, name: &str) -> Result<NodeId> {
        self.names.get(name).copied().map(id).ok_or_else(|| Error::Unknown {
            what: "node",
            name: name.to_owned(),
            nearest: nearest(name, self.names.keys().map(|name| &**name)),
        })
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, node: NodeId) -> Option<&str> {
        self.node(node).map(NodeInfo::name)
    }

    /// A node: its step, parameters and settings.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<&NodeInfo> {
        self.nodes.node_weight(index(node)).map(|info| &**info)
    }

    /// All nodes with their ids, in the order in which they were added.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &NodeInfo)> {
        self.nodes
            .node_indices()
            .filter_map(|node| Some((id(node), &**self.nodes.node_weight(node)?)))
    }

    /// All wires: producer and its output port, consumer and its input port, in the order in which
    /// they were added.
    pub fn wires(&self) -> impl Iterator<Item = ((NodeId, u16), (NodeId, u16))> {
        self.nodes.edge_references().map(|edge| {
            let joint = edge.weight();
            ((id(edge.source()), joint.output), (id(edge.target()), joint.input))
        })
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.node_count() == 0
    }

    /// Counts the edits of this graph.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What the embedder attached to the graph, such as a title; kept in files.
    #[must_use]
    pub const fn meta(&self) -> Option<&serde_json::Value> {
        self.meta.as_ref()
    }

    /// Attaches something to the graph. Never enters a key.
    pub fn set_meta(&mut self, meta: Option<serde_json::Value>) {
        self.meta = meta;
    }

    fn restructure(&mut self) {
        self.revision += 1;
        self.structure = self.revision;
        self.edited.clear();
    }
}

/// What the planner reads.
impl Graph {
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) const fn structure(&self) -> u64 {
        self.structure
    }

    /// The nodes whose parameters changed after `revision`, if only parameters did.
    pub(crate) fn edited_since(&self, revision: u64) -> Option<&[NodeIndex<u32>]> {
        let first = usize::try_from(revision.checked_sub(self.structure)?).ok()?;
        self.edited.get(first..)
    }

    pub(crate) const fn store(&self) -> &StableGraph<Arc<NodeInfo>, Joint, Directed, u32> {
        &self.nodes
    }

    pub(crate) fn duplicates(&self) -> &[Arc<str>] {
        &self.duplicates
    }

    pub(crate) fn declared_targets(&self) -> &[Wire] {
        &self.targets
    }
}

pub(crate) fn id(node: NodeIndex<u32>) -> NodeId {
    NodeId::from_index(u32::try_from(node.index()).expect("indices are 32 bits"))
}

pub(crate) fn index(node: NodeId) -> NodeIndex<u32> {
    NodeIndex::new(node.index())
}
