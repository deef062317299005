//! The passes in the order in which they run, and what of them an edit leaves unchanged.

use std::collections::HashMap;
use std::sync::Arc;

use super::demand::{Action, GivenValue, demand};
use super::freeze::{Frozen, freeze};
use super::fuse::{Joining, may_join};
use super::keys::Keys;
use super::narrow::{Program, narrow};
use super::order::Estimates;
use super::plan::{LateKeys, Plan};
use super::recheck::Recheck;
use super::request::{Fuse, Request};
use super::targets::targets;
use super::{shape, validate};
use crate::error::{Error, Result};
use crate::graph::{Facts, Graph, Partner};
use crate::id::NodeId;
use crate::key::Key;

/// Makes plans of one graph after the other edit of it, and keeps what an edit leaves unchanged.
///
/// One planner per graph. Given another graph it starts anew.
#[derive(Debug, Default)]
pub(crate) struct Planner {
    graph: u64,
    structure: u64,
    revision: u64,
    frozen: Frozen,
    keys: Keys,
    estimates: Estimates,
    /// The version of the learned costs that the estimates are of.
    costs: u64,
    last: Option<Last>,
    /// The steps that were edited last.
    recent: Vec<NodeId>,
}

/// Steps that count as being edited at the same time.
const RECENT: usize = 4;

/// A program and what it was made for.
#[derive(Debug)]
struct Last {
    targets: Vec<u32>,
    actions: Vec<Action>,
    fuse: Fuse,
    /// Steps that were being edited, whose inputs are kept.
    recent: Vec<NodeId>,
    /// Places whose keys come late, where steps may run as one: these have to stay apart.
    late: Vec<bool>,
    program: Arc<Program>,
}

/// No version of the learned costs.
const NEVER: u64 = u64::MAX;

impl Planner {
    /// Plans one run of a graph, reusing the last plan of the same graph where it still holds.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the graph: names, wires, cycles, parameters, values
    /// that are missing.
    pub(crate) fn compile(&mut self, graph: &Graph, request: &Request<'_>) -> Result<Plan> {
        let partner = Partner::of(graph.len(), request.threads);
        let edited = self.freeze(graph, partner)?;
        self.name(edited, request, partner);
        if self.costs != request.costs.version() {
            self.estimate(request);
        }
        let frozen = &self.frozen;
        let targets = targets(graph, frozen, request)?;
        let mut demand = demand(frozen, &self.keys, &targets, request, partner);
        if !demand.faults.is_empty() {
            demand.faults.sort_by(|a, b| a.path.cmp(&b.path));
            return Err(Error::Invalid(demand.faults));
        }

        let may_fuse = request.fuse != Fuse::Nothing;
        let late = if may_fuse && frozen.traits.has_forms { &*self.keys.late } else { &[] };
        let program = match &self.last {
            Some(last)
                if last.targets == targets
                    && last.actions == demand.actions
                    && last.fuse == request.fuse
                    && (request.fuse != Fuse::Between || last.recent == self.recent)
                    && last.late == late
                    && demand.shared.is_empty() =>
            {
                Arc::clone(&last.program)
            }
            _ => {
                let joining = may_fuse.then(|| Joining {
                    keys: &self.keys,
                    kept_for: (request.fuse == Fuse::Between).then_some(&*self.recent),
                });
                Arc::new(narrow(frozen, &demand, &targets, &self.estimates, joining, partner))
            }
        };
        let mut plan = self.assemble(graph, &program, std::mem::take(&mut demand.given));
        plan.recheck = request.recheck;
        let (actions, late, recent) = (demand.actions, late.to_vec(), self.recent.clone());
        let last = Last { targets, actions, fuse: request.fuse, recent, late, program };
        self.last = demand.shared.is_empty().then_some(last);
        Ok(plan)
    }

    /// Brings the frozen form up to date; returns the places whose parameters changed, or `None`
    /// if the structure did.
    fn freeze(&mut self, graph: &Graph, partner: Partner) -> Result<Option<Vec<u32>>> {
        let known = self.graph == graph.id() && self.structure == graph.structure();
        let edited = if known { graph.edited_since(self.revision) } else { None };
        let patched = edited.map(|edited| patch(&mut self.frozen, graph, edited));
        let places = patched.map(|(places, is_other)| {
            if is_other {
                self.costs = NEVER;
            }
            places
        });
        if self.graph != graph.id() {
            self.recent.clear();
        }
        if let Some(edited) = edited {
            self.note(edited);
        }
        if places.is_none() {
            self.frozen = freeze(graph, partner);
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
            None if !frozen.traits.has_faults => {}
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

    /// Takes note of who was edited last. The order is that of their first edit, so that going back
    /// and forth between a few changes nothing.
    fn note(&mut self, edited: &[petgraph::stable_graph::NodeIndex<u32>]) {
        for &node in edited.iter().rev().take(RECENT).rev() {
            let id = crate::graph::id(node);
            if !self.recent.contains(&id) {
                self.recent.push(id);
            }
        }
        let more = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..more);
    }

    fn name(&mut self, edited: Option<Vec<u32>>, request: &Request<'_>, partner: Partner) {
        match edited {
            Some(places) if self.keys.fit(&self.frozen, request) => {
                self.keys.renew(places.into_iter(), &self.frozen, request);
            }
            Some(_) => {
                self.keys = Keys::all(&self.frozen, request, partner);
                self.last = None;
            }
            None => {
                self.keys = Keys::all(&self.frozen, request, partner);
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
                    shape.first_slot(shape::to_u32(place)) + u32::from(old.port(given.slot));
            }
            given
        };
        let mut traits = frozen.traits;
        traits.has_digests &= self.keys.by_content;
        Plan {
            graph: graph.id(),
            revision: graph.revision(),
            program: Arc::clone(program),
            traits,
            infos,
            steps,
            keys,
            tells_keys: self.keys.say_what_is_named(),
            given: given.into_iter().map(renumbered).collect(),
            late: self.late(frozen, program),
            sources: self.sources(frozen, program),
            recheck: Recheck::default(),
        }
    }

    /// What the steps that read files and run are named after, if that is their content.
    fn sources(&self, frozen: &Frozen, program: &Program) -> HashMap<u32, Key> {
        if !self.keys.by_content {
            return HashMap::new();
        }
        let place_of = |origin: u32| match program.origins.as_slice() {
            [] => Some(origin),
            origins => origins.binary_search(&origin).ok().map(shape::to_u32),
        };
        let extended = self.keys.extended();
        let reading = extended.filter(|&(origin, _)| frozen.facts[origin as usize].reads_files);
        reading
            .filter_map(|(origin, digest)| Some((place_of(origin)?, digest?)))
            .filter(|&(place, _)| {
                matches!(program.actions[place as usize], Action::Run | Action::Fuse)
            })
            .collect()
    }

    fn late(&self, frozen: &Frozen, program: &Program) -> Option<Arc<LateKeys>> {
        if !self.keys.by_content {
            return None;
        }
        let (old, shape) = (&*frozen.shape, &*program.shape);
        let places = || (0..shape::to_u32(shape.len())).map(|place| (place, program.origin(place)));
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
        late.identities.reserve_exact(old.slot_count());
        late.late.reserve_exact(shape.len());
        late.digested.reserve_exact(shape.len());
        for (place, origin) in places() {
            let is_late = self.keys.late[origin as usize];
            late.late.push(is_late);
            late.digested.push(is_digested(place, origin));
            late.identities.extend(old.slots(origin).map(|slot| self.keys.identity(slot, old)));
            if is_late && let Some(base) = self.keys.base(origin, frozen) {
                late.bases.push((place, base));
            }
        }
        late.bases.shrink_to_fit();
        debug_assert!(late.bases.is_sorted_by_key(|&(place, _)| place));
        Some(Arc::new(late))
    }
}

/// Puts edited nodes in their places, which are returned, and whether they may now go in another
/// order or other company.
fn patch(
    frozen: &mut Frozen,
    graph: &Graph,
    edited: &[petgraph::stable_graph::NodeIndex<u32>],
) -> (Vec<u32>, bool) {
    let mut edited = edited.to_vec();
    edited.sort_unstable();
    edited.dedup();
    let ids = &frozen.shape.ids;
    // A few are looked for one by one, many at once.
    let table: HashMap<NodeId, u32> =
        if edited.len() > 8 { ids.iter().copied().zip(0u32..).collect() } else { HashMap::new() };
    let place_of = |id: NodeId| match ids.get(id.index()) {
        // Graphs that only grew in order keep nodes at the places of their ids.
        Some(&at) if at == id => Some(shape::to_u32(id.index())),
        _ if table.is_empty() => ids.iter().position(|&other| other == id).map(shape::to_u32),
        _ => table.get(&id).copied(),
    };
    let mut places: Vec<u32> =
        edited.into_iter().filter_map(|node| place_of(crate::graph::id(node))).collect();
    places.sort_unstable();
    let infos = Arc::make_mut(&mut frozen.infos);
    let steps = Arc::make_mut(&mut frozen.steps);
    let mut is_other = false;
    for &place in &places {
        let node = crate::graph::index(frozen.shape.ids[place as usize]);
        if let Some(info) = graph.store().node_weight(node) {
            infos[place as usize] = Arc::clone(info);
            steps[place as usize] = info.step().map(Arc::clone);
            let facts = Facts::of(info);
            frozen.traits.add(&facts);
            let before = std::mem::replace(&mut frozen.facts[place as usize], facts);
            let order =
                |of: &Facts| (of.nanos, of.bytes, of.priority, may_join(of, false), of.cut_off);
            is_other |= order(&before) != order(&facts);
        }
    }
    (places, is_other)
}
