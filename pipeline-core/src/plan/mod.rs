//! From a graph to a plan: what to run, in which order, under which keys.
#![doc = include_str!("README.md")]

mod demand;
mod explain;
mod freeze;
mod keys;
mod narrow;
mod order;
mod recheck;
mod request;
mod shape;
mod sources;
mod validate;

use std::collections::HashMap;
use std::sync::Arc;

pub use keys::Identities;
pub use recheck::Recheck;
pub use request::{Bindings, Costs, Request, Targets};
pub use sources::Sources;

pub(crate) use demand::{Action, GivenValue};
pub(crate) use keys::{Identity, extended};
pub(crate) use narrow::Program;
pub(crate) use order::UNKNOWN_NANOS;
#[cfg(all(test, shuttle))]
pub(crate) use {order::Estimates, shape::Shape};

use crate::error::{Error, Fault, FaultCode, Result};
use crate::graph::{Facts, Graph, NodeInfo};
use crate::id::NodeId;
use crate::key::Key;
use crate::step::{AnyStep, Wire};
use demand::demand;
use freeze::{Frozen, freeze};
use keys::Keys;
use narrow::narrow;
#[cfg(not(all(test, shuttle)))]
use order::Estimates;

/// What a run will do: which steps, in which order, under which keys, and what is there already.
///
/// Plain data: it can be printed, drawn, kept and run any number of times. It holds the values that
/// were found in the cache, so nothing it counts on can be evicted before it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    revision: u64,
    pub(crate) program: Arc<Program>,
    pub(crate) infos: Arc<[Arc<NodeInfo>]>,
    /// The step at each place, within one reach of the executor.
    pub(crate) steps: Arc<[Option<Arc<dyn AnyStep>>]>,
    pub(crate) traits: Traits,
    /// The derived key of each place, or [`Key::UNKNOWN`].
    pub(crate) keys: Arc<Vec<Key>>,
    pub(crate) given: Vec<GivenValue>,
    /// What is known of keys that come to light during the run; `None` where there are none.
    pub(crate) late: Option<Arc<LateKeys>>,
    /// For places that read files: the digest of the step and of what the files were.
    pub(crate) sources: HashMap<u32, Key>,
    pub(crate) recheck: Recheck,
}

/// What a run would otherwise have to ask every node for.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "answers to questions that are asked apart")]
pub(crate) struct Traits {
    /// Whether any step asks for named resource units.
    pub(crate) needs_units: bool,
    /// Whether any node has a time limit.
    pub(crate) has_timeouts: bool,
    /// Whether any node retries, has a time limit or runs on threads of its own.
    pub(crate) has_special: bool,
    /// Whether any result may go by the digest of its content.
    pub(crate) has_digests: bool,
}

impl Traits {
    fn add(&mut self, facts: &Facts) {
        self.needs_units |= facts.needs_units;
        self.has_timeouts |= facts.has_timeout;
        self.has_special |= facts.is_special;
        self.has_digests |= facts.cut_off != crate::step::CutOff::Never;
    }
}

/// Places whose keys depend on the content of results that the run has yet to make.
#[derive(Debug, Default)]
pub(crate) struct LateKeys {
    /// The identity of each slot as far as it is known.
    pub(crate) identities: Vec<Identity>,
    /// Whether a place's key comes to light during the run.
    pub(crate) late: Vec<bool>,
    /// Whether a place's results are digested.
    pub(crate) digested: Vec<bool>,
    /// What each late key starts from.
    pub(crate) bases: HashMap<u32, Key>,
}

/// Makes plans of one graph after the other edit of it, and keeps what an edit leaves unchanged.
///
/// One planner per graph. Given another graph it starts anew.
#[derive(Debug, Default)]
pub struct Planner {
    graph: u64,
    structure: u64,
    revision: u64,
    frozen: Frozen,
    keys: Keys,
    estimates: Estimates,
    /// The version of the learned costs that the estimates are of.
    costs: u64,
    last: Option<(Vec<u32>, Vec<Action>, Arc<Program>)>,
}

/// Plans one run of a graph.
///
/// # Errors
/// [`Error::Invalid`] with every fault of the graph: names, wires, cycles, parameters, values that
/// are missing.
pub fn compile(graph: &Graph, request: &Request<'_>) -> Result<Plan> {
    Planner::default().compile(graph, request)
}

impl Planner {
    /// Plans one run of a graph, reusing the last plan of the same graph where it still holds.
    ///
    /// # Errors
    /// As [`compile`].
    pub fn compile(&mut self, graph: &Graph, request: &Request<'_>) -> Result<Plan> {
        let edited = self.freeze(graph)?;
        self.name(edited, request);
        if self.costs != request.costs.version() {
            self.estimate(request);
        }
        let frozen = &self.frozen;
        let targets = targets(graph, frozen, request)?;
        let mut demand = demand(frozen, &self.keys, &targets, request);
        if !demand.faults.is_empty() {
            demand.faults.sort_by(|a, b| a.path.cmp(&b.path));
            return Err(Error::Invalid(demand.faults));
        }

        let program = match &self.last {
            Some((last_targets, actions, program))
                if *last_targets == targets
                    && *actions == demand.actions
                    && demand.shared.is_empty() =>
            {
                Arc::clone(program)
            }
            _ => Arc::new(narrow(frozen, &demand, &targets, &self.estimates)),
        };
        let mut plan = self.assemble(graph, &program, std::mem::take(&mut demand.given));
        plan.recheck = request.recheck;
        self.last = demand.shared.is_empty().then_some((targets, demand.actions, program));
        Ok(plan)
    }

    /// Brings the frozen form up to date; returns the places whose parameters changed, or `None`
    /// if the structure did.
    fn freeze(&mut self, graph: &Graph) -> Result<Option<Vec<u32>>> {
        let known = self.graph == graph.id() && self.structure == graph.structure();
        let edited = if known { graph.edited_since(self.revision) } else { None };
        let places = edited.map(|edited| patch(&mut self.frozen, graph, edited));
        if places.is_none() {
            self.frozen = freeze(graph);
            self.last = None;
        }
        let frozen = &self.frozen;
        let mut faults = frozen.faults.clone();
        match &places {
            // Only what was edited can have become faulty.
            Some(places) => {
                let infos = places.iter().map(|&place| &frozen.infos[place as usize]);
                faults.extend(infos.flat_map(|info| validate::params(info)));
            }
            // Where the structure is faulty, nothing is at hand but the graph itself.
            None if !faults.is_empty() => {
                faults.extend(graph.nodes().flat_map(|(_, info)| validate::params(info)));
            }
            None => {
                let faulty = frozen.infos.iter().zip(&frozen.facts);
                let faulty = faulty.filter(|(_, facts)| facts.has_faults);
                faults.extend(faulty.flat_map(|(info, _)| validate::params(info)));
            }
        }
        if !faults.is_empty() {
            // Nothing of this graph is known for good.
            self.graph = 0;
            return Err(Error::Invalid(faults));
        }
        (self.graph, self.structure) = (graph.id(), graph.structure());
        self.revision = graph.revision();
        Ok(places)
    }

    fn name(&mut self, edited: Option<Vec<u32>>, request: &Request<'_>) {
        match edited {
            Some(places) => {
                self.keys.renew(places.into_iter(), &self.frozen, request);
            }
            None => {
                self.keys = Keys::all(&self.frozen, request);
                self.estimate(request);
            }
        }
    }

    /// Learned costs enter the order of the queue, never a result.
    fn estimate(&mut self, request: &Request<'_>) {
        self.costs = request.costs.version();
        self.estimates = Estimates::of(&self.frozen, request.costs);
        self.last = None;
    }

    fn assemble(&self, graph: &Graph, program: &Arc<Program>, given: Vec<GivenValue>) -> Plan {
        let frozen = &self.frozen;
        let old = &*frozen.shape;
        let shape = &*program.shape;
        let (infos, steps, keys) = if program.origins.is_empty() {
            (Arc::clone(&frozen.infos), Arc::clone(&frozen.steps), Arc::clone(&self.keys.derived))
        } else {
            let origins = || program.origins.iter().map(|&origin| origin as usize);
            (
                origins().map(|origin| Arc::clone(&frozen.infos[origin])).collect(),
                origins().map(|origin| frozen.steps[origin].as_ref().map(Arc::clone)).collect(),
                Arc::new(origins().map(|origin| self.keys.derived[origin]).collect()),
            )
        };
        let renumbered = |mut given: GivenValue| {
            if !program.origins.is_empty() {
                let origin = old.producer(given.slot);
                let place = program.origins.binary_search(&origin).unwrap_or_default();
                given.slot =
                    shape.first_slot(shape::narrow(place)) + u32::from(old.port(given.slot));
            }
            given
        };
        Plan {
            revision: graph.revision(),
            program: Arc::clone(program),
            traits: frozen.traits,
            infos,
            steps,
            keys,
            given: given.into_iter().map(renumbered).collect(),
            late: self.late(frozen, program),
            sources: self.sources(frozen, program),
            recheck: Recheck::default(),
        }
    }

    /// What the steps that read files and run are named after.
    fn sources(&self, frozen: &Frozen, program: &Program) -> HashMap<u32, Key> {
        let place_of = |origin: u32| match program.origins.as_slice() {
            [] => Some(origin),
            origins => origins.binary_search(&origin).ok().map(shape::narrow),
        };
        let extended = self.keys.extended();
        let reading = extended.filter(|&(origin, _)| frozen.facts[origin as usize].reads_files);
        reading
            .filter_map(|(origin, digest)| Some((place_of(origin)?, digest?)))
            .filter(|&(place, _)| program.actions[place as usize] == Action::Run)
            .collect()
    }

    fn late(&self, frozen: &Frozen, program: &Program) -> Option<Arc<LateKeys>> {
        let (old, shape) = (&*frozen.shape, &*program.shape);
        let places = || (0..shape::narrow(shape.len())).map(|place| (place, program.origin(place)));
        let is_digested = |place: u32, origin: u32| {
            matches!(program.actions[place as usize], Action::Run | Action::Given)
                && frozen.facts[origin as usize].is_step
                && self.keys.is_digested(origin, old)
        };
        if !places()
            .any(|(place, origin)| self.keys.late[origin as usize] || is_digested(place, origin))
        {
            return None;
        }
        let mut late = LateKeys::default();
        for (place, origin) in places() {
            let is_late = self.keys.late[origin as usize];
            late.late.push(is_late);
            late.digested.push(is_digested(place, origin));
            late.identities.extend(old.slots(origin).map(|slot| self.keys.identity(slot, old)));
            if is_late && let Some(base) = self.keys.base(origin, frozen) {
                late.bases.insert(place, base);
            }
        }
        Some(Arc::new(late))
    }
}

/// Puts edited nodes in their places.
fn patch(
    frozen: &mut Frozen,
    graph: &Graph,
    edited: &[petgraph::stable_graph::NodeIndex<u32>],
) -> Vec<u32> {
    let mut places: Vec<u32> = Vec::with_capacity(edited.len());
    let ids = &frozen.shape.ids;
    for &node in edited {
        let id = crate::graph::id(node);
        let place = match ids.get(id.index()) {
            // Graphs that only grew in order keep nodes at the places of their ids.
            Some(&at) if at == id => Some(id.index()),
            _ => ids.iter().position(|&other| other == id),
        };
        places.extend(place.map(shape::narrow));
    }
    places.sort_unstable();
    places.dedup();
    let infos = Arc::make_mut(&mut frozen.infos);
    let steps = Arc::make_mut(&mut frozen.steps);
    for &place in &places {
        let node = crate::graph::index(frozen.shape.ids[place as usize]);
        if let Some(info) = graph.store().node_weight(node) {
            infos[place as usize] = Arc::clone(info);
            steps[place as usize] = info.step().map(Arc::clone);
            let facts = Facts::of(info);
            frozen.traits.add(&facts);
            frozen.facts[place as usize] = facts;
        }
    }
    places
}

/// The slots that the request wants.
fn targets(graph: &Graph, frozen: &Frozen, request: &Request<'_>) -> Result<Vec<u32>> {
    let shape = &*frozen.shape;
    let wanted: &[Wire] = match request.targets.0.as_slice() {
        [] => graph.declared_targets(),
        wanted => wanted,
    };
    if wanted.is_empty() {
        let sinks =
            (0..shape::narrow(shape.len())).filter(|&place| shape.consumers(place).is_empty());
        return Ok(sinks.flat_map(|place| shape.slots(place)).collect());
    }
    let places: HashMap<NodeId, u32> = if wanted.len() > 8 {
        (0u32..).zip(&shape.ids).map(|(place, &id)| (id, place)).collect()
    } else {
        HashMap::new()
    };
    // A few targets are compared with each other, many are ticked off.
    let mut seen = if wanted.len() > 8 { vec![false; shape.slot_count()] } else { Vec::new() };
    let mut slots = Vec::with_capacity(wanted.len());
    let mut faults = Vec::new();
    for wire in wanted {
        let place = places
            .get(&wire.node)
            .copied()
            .or_else(|| shape.ids.iter().position(|id| *id == wire.node).map(shape::narrow));
        match place.map(|place| shape.slots(place)) {
            Some(outputs) if usize::from(wire.port) < outputs.len() => {
                let slot = outputs.start + u32::from(wire.port);
                let is_new = match seen.get_mut(slot as usize) {
                    Some(seen) => !std::mem::replace(seen, true),
                    None => !slots.contains(&slot),
                };
                if is_new {
                    slots.push(slot);
                }
            }
            found => {
                let found = match found {
                    Some(_) => format!("output {} of node {}", wire.port, wire.node.index()),
                    None => format!("node {}", wire.node.index()),
                };
                let expected = "an output of a node of this graph";
                faults.push(Fault::new(FaultCode::UnknownNode, "targets", found, expected));
            }
        }
    }
    if faults.is_empty() { Ok(slots) } else { Err(Error::Invalid(faults)) }
}

/// What a plan tells about itself.
impl Plan {
    /// The number of nodes, those with results at hand included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// Whether there is nothing to do and nothing at hand.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }

    /// Whether any step asks for named resource units.
    pub(crate) fn needs_units(&self) -> bool {
        self.traits.needs_units
    }

    /// The revision of the graph that was planned.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The number of steps that will run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.program.actions.iter().filter(|&&action| action == Action::Run).count()
    }

    /// The nodes whose results are there already.
    pub fn cached(&self) -> impl Iterator<Item = NodeId> {
        let found = self.given.iter().filter(|given| given.tier.is_some());
        let shape = &self.program.shape;
        let mut places: Vec<u32> = found.map(|given| shape.producer(given.slot)).collect();
        places.dedup();
        places.into_iter().map(|place| shape.ids[place as usize])
    }

    /// The key under which the first result of a node is kept, if it is known before the run.
    #[must_use]
    pub fn key(&self, node: NodeId) -> Option<Key> {
        let place = self.program.shape.ids.iter().position(|&id| id == node)?;
        self.keys[place].known()
    }

    /// The nodes by generation: each stands one after the latest of its inputs. A view for people;
    /// the executor starts a step as soon as its own inputs are there.
    #[must_use]
    pub fn batches(&self) -> Vec<Vec<NodeId>> {
        let shape = &self.program.shape;
        let mut generation = vec![0usize; shape.len()];
        let mut batches: Vec<Vec<NodeId>> = Vec::new();
        for place in 0..shape::narrow(shape.len()) {
            let before = shape.inputs(place).iter().map(|&slot| shape.producer(slot));
            let mine = before.map(|input| generation[input as usize] + 1).max().unwrap_or(0);
            generation[place as usize] = mine;
            if batches.len() == mine {
                batches.push(Vec::new());
            }
            batches[mine].push(shape.ids[place as usize]);
        }
        batches
    }

    /// The chain of nodes that is expected to take longest, first to last.
    #[must_use]
    pub fn critical_path(&self) -> Vec<NodeId> {
        let (shape, ranks) = (&self.program.shape, &self.program.ranks);
        let by_rank =
            |a: &u32, b: &u32| ranks[*a as usize].total_cmp(&ranks[*b as usize]).then(b.cmp(a));
        let mut path = Vec::new();
        let mut next = (0..shape::narrow(shape.len())).max_by(by_rank);
        while let Some(place) = next {
            path.push(shape.ids[place as usize]);
            next = shape.consumers(place).iter().copied().max_by(by_rank);
        }
        path
    }

    /// For each node, the last node in running order that reads a result of it. A target's result
    /// lives on.
    pub fn lifetimes(&self) -> impl Iterator<Item = (NodeId, Option<NodeId>)> {
        let shape = &self.program.shape;
        (0..shape::narrow(shape.len())).map(move |place| {
            let last = shape.consumers(place).iter().max();
            (shape.ids[place as usize], last.map(|&last| shape.ids[last as usize]))
        })
    }

    /// Microseconds that a run on so many threads is expected to take: as long as the longest chain,
    /// or as all the work shared out. `None` while nothing was measured.
    pub(crate) fn estimate_us(&self, threads: usize) -> Option<u64> {
        let (program, mut work) = (&*self.program, 0.0f64);
        for (&nanos, &action) in program.estimates.nanos.iter().zip(&program.actions) {
            if action == Action::Run {
                if nanos == UNKNOWN_NANOS {
                    return None;
                }
                work += f64::from(nanos);
            }
        }
        let longest = program.ranks.iter().copied().fold(0.0, f32::max);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate; the cast saturates"
        )]
        let us = (work / threads.max(1) as f64).max(longest.into()) as u64 / 1000;
        Some(us)
    }

    /// Bytes that the plan itself takes, without the steps and the values at hand.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let (program, shape) = (&*self.program, &*self.program.shape);
        size_of::<Self>()
            + size_of_val(&*self.infos)
            + size_of_val(&*self.steps)
            + size_of_val(self.keys.as_slice())
            + shape.size_bytes()
            + program.actions.len()
            + 4 * (program.waits.len() + program.uses.len() + program.targets.len())
            + 4 * (program.ranks.len()
                + program.urgency.len()
                + program.positions.len()
                + program.origins.len())
            + 4 * (program.estimates.nanos.len() + program.estimates.bytes.len())
    }
}
