//! Which steps, wired how: plain data that is edited in place.

mod check;
mod cycle;
mod edit;
mod facts;
mod file;
mod group;
mod node;
mod partner;
mod rows;
mod running_order;
mod store;

use std::any::TypeId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use petgraph::stable_graph::NodeIndex;
use petgraph::visit::EdgeRef;

pub(crate) use check::structure;
pub(crate) use cycle::cycle;
pub(crate) use facts::Facts;
pub use file::{FileFormat, FileLimits};
pub(crate) use group::group;
pub(crate) use node::StepBody;
pub use node::{NodeInfo, Retry, Settings};
pub(crate) use partner::Partner;
pub(crate) use rows::{NodeRows, Wired};
pub(crate) use running_order::running_order;

use crate::data::Data;
use crate::error::{Error, Result};
use crate::id::NodeId;
use crate::step::{AnyStep, Inputs, Node, Outputs, Step, StepType, Wire};
use node::Body;
use store::{Joint, Store};

/// A wire to an input from a node that is not there; told when the graph is planned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loose {
    /// The node that was named; `None` if what is wrong with the wire is told elsewhere.
    from: Option<NodeId>,
    to: NodeId,
    input: u16,
}

/// A step with its parameters, for all nodes that run it: see [`Graph::share`].
#[derive(Debug)]
pub struct Shared<S> {
    body: Body,
    step: PhantomData<fn() -> S>,
}

/// Tells graphs apart.
#[derive(Debug)]
struct GraphId(u64);

impl Default for GraphId {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for GraphId {
    /// Another one: a copy of a graph is a graph of its own.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A directed graph of steps.
///
/// Nodes are added with their wires and get a typed handle, so a wire between ports that carry
/// different data does not compile. Names must be unique; that and everything else that the
/// compiler cannot see is checked when the graph is planned, and all faults are reported at once.
///
/// A copy of a graph is a graph of its own, with the same nodes and wires under the same ids.
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
///
/// A mask is no image:
///
/// ```compile_fail,E0308
/// use pipeline_core::{Graph, Image, Mask};
/// # use pipeline_core::{Context, Result, Step, data::In};
/// # use serde::{Deserialize, Serialize};
/// # use schemars::JsonSchema;
/// # #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
/// # struct Blur {}
/// # impl Step for Blur {
/// #     const NAME: &'static str = "blur";
/// #     type Input = In<Image>;
/// #     type Output = Image;
/// #     fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> { Ok(image.into_owned()) }
/// # }
/// let mut graph = Graph::new();
/// let photo = graph.input::<Image>("photo");
/// let cells = graph.input::<Mask>("cells");
/// graph.add("blurred photo", Blur {}, photo);
/// graph.add("blurred cells", Blur {}, cells);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Graph {
    id: GraphId,
    nodes: Store,
    /// The largest place of a wire among those of its port.
    last_place: u32,
    /// Wires that were asked for and could not be made.
    loose: Vec<Loose>,
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
    /// The JSON Schema that the graph's file names for editors.
    pub(crate) schema_link: Option<Arc<str>>,
}

/// How many parameter edits are remembered one by one before they count as a change of structure.
const EDITS_KEPT: usize = 4096;

impl Graph {
    /// A graph without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step under a name, with a wire for each of its inputs.
    ///
    /// Returns a handle for its output, or a tuple of handles if it has several. A wire from a node
    /// that was removed is a fault of the next plan.
    pub fn add<S: Step>(
        &mut self,
        name: impl Into<Arc<str>>,
        step: S,
        wires: <S::Input as Inputs>::Wires,
    ) -> <S::Output as Outputs>::Nodes {
        let step = self.share(step);
        self.add_shared(name, &step, wires)
    }

    /// Works out what is known of a step and its parameters, once for all nodes that run it.
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
    /// let mut graph = Graph::new();
    /// let source = graph.share(Source {});
    /// let all: Vec<_> = ["a", "b"].map(|name| graph.add_shared(name, &source, ())).into();
    /// assert_eq!(graph.name(all[1].id()), Some("b"));
    /// ```
    pub fn share<S: Step>(&mut self, step: S) -> Shared<S> {
        let kind = self.step_type::<S>();
        Shared { body: Body::step(Arc::new(step), kind), step: PhantomData }
    }

    /// As [`add`](Self::add), of a step that other nodes run too. A node whose parameters are set
    /// later has a step of its own from then on.
    #[expect(clippy::needless_pass_by_value, reason = "wires are handles, given up when used")]
    pub fn add_shared<S: Step>(
        &mut self,
        name: impl Into<Arc<str>>,
        step: &Shared<S>,
        wires: <S::Input as Inputs>::Wires,
    ) -> <S::Output as Outputs>::Nodes {
        let node = self.insert(name.into(), step.body.clone());
        let mut places = [0u32; 8];
        S::Input::list(&wires, &mut |input, producer, output| {
            let slot = &mut places[usize::from(input) % 8];
            self.join(producer, node, Joint { input, output, place: *slot });
            *slot += 1;
        });
        S::Output::nodes(id(node))
    }

    /// Adds one step for each of so many frames, under the names `name[0]`, `name[1]` and so on:
    /// what is told of their progress counts them as one step.
    ///
    /// Returns their handles by frame.
    pub fn add_frames<S: Step>(
        &mut self,
        name: &str,
        frames: usize,
        mut of: impl FnMut(usize) -> (S, <S::Input as Inputs>::Wires),
    ) -> Vec<<S::Output as Outputs>::Nodes> {
        let each = |frame: usize| {
            let (step, wires) = of(frame);
            self.add(format!("{name}[{frame}]"), step, wires)
        };
        (0..frames).map(each).collect()
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
        let node = self.nodes.add_node(NodeInfo::new(Arc::clone(&name), body));
        match self.names.entry(name) {
            Entry::Occupied(taken) => self.duplicates.push(Arc::clone(taken.key())),
            Entry::Vacant(free) => {
                free.insert(node);
            }
        }
        node
    }

    /// Adds a wire to a node that is there, loose if the one it comes from is not.
    fn join(&mut self, from: NodeId, to: NodeIndex<u32>, joint: Joint) {
        self.last_place = self.last_place.max(joint.place);
        if self.node(from).is_some() {
            self.nodes.add_edge(index(from), to, joint);
        } else {
            self.loose.push(Loose { from: Some(from), to: id(to), input: joint.input });
        }
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
        let known = || self.names.keys().map(|name| &**name);
        self.names.get(name).copied().map(id).ok_or_else(|| Error::unknown("node", name, known()))
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
        self.nodes.nodes().map(|(node, info)| (id(node), &**info))
    }

    /// All wires: producer and its output port, consumer and its input port. They come in the order
    /// in which they were added, but for those that stand where another was removed.
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
        self.len() == 0
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

/// What a file fills in, having checked it.
impl Graph {
    /// Adds a wire to an input port, at a place among the wires of that port.
    pub(crate) fn wire(&mut self, from: Wire, to: NodeId, input: u16, place: u32) {
        let joint = Joint { input, output: from.port, place };
        self.join(from.node, index(to), joint);
        self.restructure();
    }

    /// Notes that an input is meant to have a wire whose fault is told elsewhere.
    pub(crate) fn leave_open(&mut self, to: NodeId, input: u16) {
        self.loose.push(Loose { from: None, to, input });
    }

    pub(crate) fn put_settings(&mut self, node: NodeId, settings: Settings) {
        if let Some(info) = self.nodes.node_weight_mut(index(node)) {
            info.set_settings(settings);
        }
        self.restructure();
    }

    pub(crate) fn set_targets(&mut self, targets: Vec<Wire>) {
        self.targets = targets;
        self.restructure();
    }
}

/// What the planner reads.
impl Graph {
    pub(crate) const fn id(&self) -> u64 {
        self.id.0
    }

    pub(crate) const fn structure(&self) -> u64 {
        self.structure
    }

    /// The nodes whose parameters changed after `revision`, if only parameters did.
    pub(crate) fn edited_since(&self, revision: u64) -> Option<&[NodeIndex<u32>]> {
        let first = usize::try_from(revision.checked_sub(self.structure)?).ok()?;
        self.edited.get(first..)
    }

    pub(crate) const fn store(&self) -> &Store {
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
