//! Pass 2: what every result is called, before anything runs.
//!
//! A key is made of the step's digest and the identities of its inputs, so one pass from front to
//! back names everything. After an edit only the edited nodes and what stands below them are named
//! anew. No pixel is read and no step is asked.

use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::file_digests::FileDigests;
use super::freeze::Frozen;
use super::request::{Bindings, Request};
use super::shape::{Shape, to_u32};
use crate::cache::Cache;
use crate::graph::{NodeInfo, Partner};
use crate::key::{Key, KeyHasher};
use crate::step::{CutOff, Kind, Services, Spec};

/// What is known of an identity before a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It is this key.
    Known(Key),
    /// It is the digest of a content that the run has yet to make.
    Late,
    /// It has none: it may differ each time, so nothing made from it is kept.
    Never,
}

/// The identity of the content behind a derived key, for results that are digested.
///
/// What a key once stood for it stands for ever: an entry is written the first time a result is
/// made and read at every later plan, so that the steps below keep their keys even when the result
/// itself is gone.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    known: Mutex<HashMap<Key, Key>>,
}

/// Places that two threads name before what depends on others of them is named.
const STRETCH: u32 = 1 << 15;

/// Places whose inputs are looked at before the first of them is named.
const GLANCE: u32 = 32;

/// Entries kept; beyond that all are dropped, which costs runs and never correctness.
const IDENTITIES_KEPT: usize = 1 << 18;

impl Identities {
    /// The content digest recorded for the result of this key.
    pub(crate) fn find(&self, key: &Key) -> Option<Key> {
        self.known.lock().get(key).copied()
    }

    /// The same, or what a cache has recorded, which is recorded here from then on.
    pub(crate) fn look_up(&self, key: &Key, cache: Option<&dyn Cache>) -> Option<Key> {
        self.find(key).or_else(|| Some(self.record(*key, cache?.identity(key)?)))
    }

    /// Records the content digest for the result of a key; the first record stays.
    pub(crate) fn record(&self, key: Key, digest: Key) -> Key {
        let mut known = self.known.lock();
        if known.len() >= IDENTITIES_KEPT {
            known.clear();
        }
        *known.entry(key).or_insert(digest)
    }
}

/// The names of all results of a frozen graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// The derived key of each place; [`Key::UNKNOWN`] if it is late or never known.
    pub(crate) derived: Arc<Vec<Key>>,
    /// Whether an unknown key will be known during the run.
    pub(crate) late: Vec<bool>,
    /// Slots whose identity is not their derived key.
    exceptions: HashMap<u32, Identity>,
    /// Digests of steps that depend on more than their parameters: files, services.
    extended: HashMap<u32, Option<Key>>,
    /// Places whose name may change without an edit.
    unstable: Vec<u32>,
    /// Whether names say what contents are. Otherwise they only tell the results of one plan from
    /// one another: nothing is looked up, so nothing is read or digested to name it.
    pub(super) by_content: bool,
}

impl Keys {
    /// Names everything.
    pub(super) fn all(frozen: &Frozen, request: &Request<'_>, partner: Partner) -> Self {
        let places = frozen.shape.len();
        let mut keys = Self {
            derived: Arc::new(Vec::with_capacity(places)),
            late: vec![false; places],
            by_content: is_by_content(frozen, request),
            ..Self::default()
        };
        let places = to_u32(places);
        let stretch = if partner.is_large() { STRETCH } else { places };
        for from in (0..places).step_by(stretch.max(1) as usize) {
            let to = places.min(from.saturating_add(stretch));
            if partner.is_large() {
                keys.begin(from..to, frozen, partner);
            }
            Arc::make_mut(&mut keys.derived).resize(to as usize, Key::UNKNOWN);
            for place in from..to {
                if frozen.facts[place as usize].is_unstable() {
                    keys.unstable.push(place);
                }
                if keys.derived[place as usize] == Key::UNKNOWN {
                    keys.name(place, frozen, request);
                }
            }
        }
        keys
    }

    /// Names what needs nothing of a stretch itself, each half for itself.
    fn begin(&mut self, stretch: Range<u32>, frozen: &Frozen, partner: Partner) {
        let known = &*self;
        let half = stretch.start.midpoint(stretch.end);
        let (first, second) = partner.both(
            || known.plain(stretch.start..half, frozen),
            || known.plain(half..stretch.end, frozen),
        );
        let derived = Arc::make_mut(&mut self.derived);
        derived.extend(first);
        derived.extend(second);
    }

    /// The names of plain places that read nothing but what is named by now; [`Key::UNKNOWN`] for
    /// all others.
    fn plain(&self, places: Range<u32>, frozen: &Frozen) -> Vec<Key> {
        let shape = &*frozen.shape;
        let producers = |place| shape.inputs(place).iter().map(|&slot| shape.producer(slot));
        let name = |place: u32| {
            let facts = &frozen.facts[place as usize];
            let is_named = |producer| (producer as usize) < self.derived.len();
            if !facts.is_plain() || facts.has_odd_ports || !producers(place).all(is_named) {
                return Key::UNKNOWN;
            }
            let digest = facts.digest.known();
            digest.map_or(Key::UNKNOWN, |digest| self.of_inputs(&digest, place, shape).0)
        };
        let mut names = Vec::with_capacity(places.len());
        for from in places.clone().step_by(GLANCE as usize) {
            let few = from..places.end.min(from.saturating_add(GLANCE));
            // All that is read here is looked at first, so that the waits for memory overlap.
            let seen = few.clone().flat_map(producers);
            let seen = seen.filter_map(|producer| self.derived.get(producer as usize));
            black_box(seen.fold(0, |seen, key| seen ^ key.prefix()));
            names.extend(few.map(name));
        }
        names
    }

    /// Whether these names are of the kind that this request needs.
    pub(super) fn fit(&self, frozen: &Frozen, request: &Request<'_>) -> bool {
        self.by_content == is_by_content(frozen, request)
    }

    /// Whether names say what results are, wherever the graph is planned.
    pub(super) fn say_what_is_named(&self) -> bool {
        self.by_content || self.unstable.is_empty()
    }

    /// Names the edited places, those that depend on the world, and everything below what changed.
    pub(super) fn renew(
        &mut self,
        edited: impl Iterator<Item = u32>,
        frozen: &Frozen,
        request: &Request<'_>,
    ) {
        let shape = &*frozen.shape;
        let mut dirty = vec![false; shape.len()];
        for place in edited {
            dirty[place as usize] = true;
            // Other parameters may read other files, or none.
            let unstable = frozen.facts[place as usize].is_unstable();
            match self.unstable.binary_search(&place) {
                Ok(at) if !unstable => {
                    self.unstable.remove(at);
                }
                Err(at) if unstable => self.unstable.insert(at, place),
                Ok(_) | Err(_) => {}
            }
        }
        for &place in &self.unstable {
            dirty[place as usize] = true;
        }
        let Some(first) = dirty.iter().position(|&dirty| dirty) else { return };
        for place in to_u32(first)..to_u32(shape.len()) {
            let is_dirty = dirty[place as usize]
                || shape.inputs(place).iter().any(|&slot| dirty[shape.producer(slot) as usize]);
            if is_dirty {
                dirty[place as usize] = self.name(place, frozen, request);
            }
        }
    }

    /// The identity of what a slot carries.
    pub(crate) fn identity(&self, slot: u32, shape: &Shape) -> Identity {
        if !self.exceptions.is_empty()
            && let Some(identity) = self.exceptions.get(&slot)
        {
            return *identity;
        }
        let place = shape.producer(slot) as usize;
        match self.derived[place].known() {
            Some(key) => Identity::Known(key.port(shape.port(slot))),
            None if self.late[place] => Identity::Late,
            None => Identity::Never,
        }
    }

    /// The digest that the key of a place starts from: step, version, parameters, and whatever
    /// else the step declared. There is none if something of that is not known.
    pub(crate) fn base(&self, place: u32, frozen: &Frozen) -> Option<Key> {
        match self.extended.get(&place) {
            Some(extended) => *extended,
            None => frozen.facts[place as usize].digest.known(),
        }
    }

    /// Whether the identity of this place's results is the digest of their content.
    pub(crate) fn is_digested(&self, place: u32, shape: &Shape) -> bool {
        !self.exceptions.is_empty() && self.exceptions.contains_key(&shape.first_slot(place))
    }

    /// Names one place; says whether its name or that of a result is new.
    fn name(&mut self, place: u32, frozen: &Frozen, request: &Request<'_>) -> bool {
        let shape = &*frozen.shape;
        let before = (self.derived[place as usize], self.late[place as usize]);
        let (key, late) = self.derive(place, frozen, request);
        Arc::make_mut(&mut self.derived)[place as usize] = key;
        self.late[place as usize] = late;
        let mut changed = before != (key, late);
        if frozen.facts[place as usize].is_plain() && self.exceptions.is_empty() {
            return changed;
        }
        for slot in shape.slots(place) {
            let exception = self.exception(place, slot, frozen, request);
            let old = match exception {
                Some(identity) => self.exceptions.insert(slot, identity),
                None => self.exceptions.remove(&slot),
            };
            changed |= old != exception;
        }
        changed
    }

    fn derive(&mut self, place: u32, frozen: &Frozen, request: &Request<'_>) -> (Key, bool) {
        let (shape, facts) = (&*frozen.shape, &frozen.facts[place as usize]);
        let unknown = (Key::UNKNOWN, false);
        if !facts.is_step || facts.is_bypassed || facts.kind == Kind::Effect {
            return unknown;
        }
        self.extend(place, frozen, request);
        let base = self.base(place, frozen);
        base.map_or(unknown, |base| self.of_inputs(&base, place, shape))
    }

    /// The key that starts from a digest and goes on with the inputs of a place, or whether it will
    /// be known during the run.
    fn of_inputs(&self, base: &Key, place: u32, shape: &Shape) -> (Key, bool) {
        let (mut late, mut never) = (false, false);
        let inputs = shape.inputs(place).iter().map(|&slot| match self.identity(slot, shape) {
            Identity::Known(key) => key,
            Identity::Late => {
                late = true;
                Key::UNKNOWN
            }
            Identity::Never => {
                never = true;
                Key::UNKNOWN
            }
        });
        let key = Key::of_result(base, inputs);
        match (never, late) {
            (true, _) => (Key::UNKNOWN, false),
            (false, true) => (Key::UNKNOWN, true),
            (false, false) => (key, false),
        }
    }

    /// Works out the digest of a step that depends on more than its parameters. There is none if a
    /// file cannot be read, which the step will say when it runs, or a service has no identity.
    fn extend(&mut self, place: u32, frozen: &Frozen, request: &Request<'_>) {
        let facts = &frozen.facts[place as usize];
        let counts = frozen.shape.port_counts(place);
        if counts.is_empty() && !facts.is_external {
            if !self.extended.is_empty() {
                self.extended.remove(&place);
            }
            return;
        }
        let info = &frozen.infos[place as usize];
        let name_of = |path: &Path| match self.by_content {
            true => request.digests.digest(path, request.cache, &request.stop),
            false => FileDigests::stamp(path),
        };
        let digest = extended(counts, info, name_of, request.services);
        self.extended.insert(place, digest);
    }

    /// The places that depend on more than their parameters, with their digests.
    pub(super) fn extended(&self) -> impl Iterator<Item = (u32, Option<Key>)> {
        self.extended.iter().map(|(&place, &digest)| (place, digest))
    }

    /// The identity of a slot where it is not the derived key.
    fn exception(
        &self,
        place: u32,
        slot: u32,
        frozen: &Frozen,
        request: &Request<'_>,
    ) -> Option<Identity> {
        let (shape, facts) = (&*frozen.shape, &frozen.facts[place as usize]);
        let info = &*frozen.infos[place as usize];
        if !facts.is_step {
            return Some(self.bound(info, request.bindings));
        }
        if facts.is_bypassed {
            let wire = passed_on(info, shape.port(slot), shape.port_counts(place))?;
            let source = *shape.inputs(place).get(wire)?;
            return Some(self.identity(source, shape));
        }
        match (facts.kind, facts.cut_off) {
            (Kind::Effect, _) => return Some(Identity::Never),
            (Kind::Volatile, _) if !self.by_content => return Some(Identity::Never),
            // Made anew in every run, so no record can speak for it.
            (Kind::Volatile, _) => return Some(Identity::Late),
            (Kind::Pure, CutOff::Auto | CutOff::Always) if self.by_content => {}
            (Kind::Pure, _) => return None,
        }
        if let Some(key) = self.derived[place as usize].known() {
            let key = key.port(shape.port(slot));
            if let Some(identity) = request.identities.look_up(&key, request.cache) {
                return Some(Identity::Known(identity));
            }
        } else if !self.late[place as usize] {
            return None;
        }
        let digests = match facts.cut_off {
            CutOff::Always => true,
            // Of what is not kept and went by how it was made there is no record. A process that
            // has learned other times would look for what was made of it under other names.
            _ => is_kept(info, request) && request.costs.is_worth_a_digest(place, frozen),
        };
        digests.then_some(Identity::Late)
    }

    /// What the value of an input of the graph is called.
    fn bound(&self, info: &NodeInfo, bindings: &Bindings) -> Identity {
        let Some(binding) = bindings.find(info.name()) else { return Identity::Never };
        if self.by_content {
            return binding.identity().map_or(Identity::Never, Identity::Known);
        }
        Identity::Known(KeyHasher::result().text("input").text(info.name()).finish())
    }
}

/// Whether names have to say what contents are: a cache looks results up by them, and seeds are
/// made of them, which are the same with a cache and without.
fn is_by_content(frozen: &Frozen, request: &Request<'_>) -> bool {
    request.cache.is_some() || frozen.traits.has_seeds
}

/// Whether the cache keeps all results of a step.
fn is_kept(info: &NodeInfo, request: &Request<'_>) -> bool {
    let (Some(cache), Some(kind)) = (request.cache, info.step_type()) else { return true };
    kind.outputs.iter().all(|output| cache.keeps(output.data))
}

/// The digest of a step and of what it depends on besides its parameters and inputs, as that is
/// now. `counts` are its wires per port, empty where each has one; `name_of` names files.
pub(crate) fn extended(
    counts: &[u32],
    info: &NodeInfo,
    name_of: impl Fn(&Path) -> Option<Key>,
    services: &Services,
) -> Option<Key> {
    let body = info.body()?;
    extend(body.digest?, counts, &body.spec, name_of, services)
}

/// The same for a step of which only the digest and what it declares are known.
pub(super) fn extend(
    digest: Key,
    counts: &[u32],
    spec: &Spec,
    name_of: impl Fn(&Path) -> Option<Key>,
    services: &Services,
) -> Option<Key> {
    let mut hasher = KeyHasher::result();
    hasher.key(&digest);
    for &count in counts {
        hasher.number(count.into());
    }
    for path in &spec.reads {
        hasher.key(&name_of(path)?);
    }
    for name in &spec.services {
        hasher.text(name).text(services.identity(name)?);
    }
    Some(hasher.finish())
}

/// The wire that a bypassed node passes on to an output port, as its place among all wires of the
/// node: the first one that carries the same data. `counts` are the node's wires per port, empty
/// where each has one.
pub(super) fn passed_on(info: &NodeInfo, output: u16, counts: &[u32]) -> Option<usize> {
    let kind = info.step_type()?;
    let data = kind.outputs.get(usize::from(output))?.data;
    let is_wired = |port: usize| counts.get(port).is_none_or(|&count| count > 0);
    let mut ports = kind.inputs.iter().enumerate();
    let (port, _) = ports.find(|&(port, input)| input.data == data && is_wired(port))?;
    Some(place_of_port(counts, port))
}

/// The place of the first wire of a port among all wires of its node.
fn place_of_port(counts: &[u32], port: usize) -> usize {
    if counts.is_empty() {
        return port;
    }
    counts[..port].iter().map(|&count| count as usize).sum()
}
