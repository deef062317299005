//! What a run will do, as data.

use std::collections::HashMap;
use std::sync::Arc;

use super::demand::{Action, GivenValue};
use super::keys::Identity;
use super::narrow::Program;
use super::order::UNKNOWN_NANOS;
use super::recheck::Recheck;
use super::shape::to_u32;
use crate::graph::{Facts, NodeInfo};
use crate::id::NodeId;
use crate::key::Key;
use crate::step::AnyStep;

/// What a run will do: which steps, in which order, under which keys, and what is there already.
///
/// Plain data: it can be printed, drawn, kept and run any number of times. It holds the values that
/// were found in the cache, so nothing it counts on can be evicted before it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which graph it is of, among all of this process.
    pub(crate) graph: u64,
    pub(super) revision: u64,
    pub(crate) program: Arc<Program>,
    pub(crate) infos: Arc<[Arc<NodeInfo>]>,
    /// The step at each place, within one reach of the executor.
    pub(crate) steps: Arc<[Option<Arc<dyn AnyStep>>]>,
    pub(crate) traits: Traits,
    /// The derived key of each place, or [`Key::UNKNOWN`].
    pub(crate) keys: Arc<Vec<Key>>,
    /// Whether these keys say what results are, and not only which of this plan are the same.
    pub(crate) tells_keys: bool,
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
    /// Whether any node's parameters have faults.
    pub(crate) has_faults: bool,
    /// Whether any step has a form in which it can run together with others.
    pub(crate) has_forms: bool,
    /// Whether any step may say what its result takes before it runs.
    pub(crate) has_sizes: bool,
    /// Whether any step starts random numbers from its name.
    pub(crate) has_seeds: bool,
}

impl Traits {
    pub(super) fn add(&mut self, facts: &Facts) {
        self.has_faults |= facts.has_faults;
        self.has_forms |= facts.form != crate::step::Form::Whole;
        self.has_sizes |= facts.bytes.is_some() || facts.form == crate::step::Form::Tiled;
        self.has_seeds |= facts.is_seeded;
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
    /// What each late key starts from, in ascending order of places.
    pub(crate) bases: Vec<(u32, Key)>,
}

impl LateKeys {
    /// What the key of a late place starts from.
    pub(crate) fn base(&self, place: u32) -> Option<&Key> {
        let at = self.bases.binary_search_by_key(&place, |&(place, _)| place).ok()?;
        Some(&self.bases[at].1)
    }
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
        let runs = |action: &&Action| matches!(action, Action::Run | Action::Fuse);
        self.program.actions.iter().filter(runs).count()
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
    ///
    /// An executor without a cache keeps nothing, and reads no file and no value only to name it:
    /// of a graph that has any, its plans tell no keys, unless a step needs its own for a seed.
    #[must_use]
    pub fn key(&self, node: NodeId) -> Option<Key> {
        let place = self.program.shape.ids.iter().position(|&id| id == node)?;
        self.told_key(place)
    }

    pub(super) fn told_key(&self, place: usize) -> Option<Key> {
        if self.tells_keys { self.keys[place].known() } else { None }
    }

    /// The nodes by generation: each stands one after the latest of its inputs. A view for people;
    /// the executor starts a step as soon as its own inputs are there.
    #[must_use]
    pub fn batches(&self) -> Vec<Vec<NodeId>> {
        let shape = self.program.wires();
        let mut generation = vec![0usize; shape.len()];
        let mut batches: Vec<Vec<NodeId>> = Vec::new();
        for place in 0..to_u32(shape.len()) {
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
        let mut next = (0..to_u32(shape.len())).max_by(by_rank);
        while let Some(place) = next {
            path.push(shape.ids[place as usize]);
            next = shape.consumers(place).iter().copied().max_by(by_rank);
        }
        path
    }

    /// For each node, the last node in running order that reads a result of it. A target's result
    /// lives on.
    pub fn lifetimes(&self) -> impl Iterator<Item = (NodeId, Option<NodeId>)> {
        let shape = self.program.wires();
        (0..to_u32(shape.len())).map(move |place| {
            let last = shape.consumers(place).iter().max();
            (shape.ids[place as usize], last.map(|&last| shape.ids[last as usize]))
        })
    }

    /// Microseconds that a run on so many threads is expected to take: as long as the longest
    /// chain, or as all the work shared out. `None` while nothing was measured.
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

    /// Bytes that the plan itself takes for its nodes and wires, without the steps, the values at
    /// hand, and what only some steps have: files that are read, groups, names that come late.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let (program, shape) = (&*self.program, &*self.program.shape);
        size_of::<Self>()
            + size_of_val(&*self.infos)
            + size_of_val(&*self.steps)
            + size_of_val(self.keys.as_slice())
            + shape.size_bytes()
            + program.actions.len()
            + 2 * program.kinds.len()
            + 4 * (program.waits.len() + program.uses.len() + program.targets.len())
            + 4 * (program.ranks.len()
                + program.urgency.len()
                + program.positions.len()
                + program.origins.len())
            + 4 * (program.estimates.nanos.len() + program.estimates.bytes.len())
    }
}
