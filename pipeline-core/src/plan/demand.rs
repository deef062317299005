//! Pass 3: what has to run. From the targets upwards; a hit cuts off everything above it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::freeze::Frozen;
use super::keys::{Keys, passed_on};
use super::request::Request;
use super::shape::to_u32;
use crate::cache::Tier;
use crate::data::Value;
use crate::error::{Fault, FaultCode};
use crate::graph::{NodeInfo, Partner};
use crate::key::Key;
use crate::step::{Kind, Services};

/// What a run does at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing: no target needs it.
    Skip,
    /// The value is there already.
    Given,
    /// Passes its input on: a bypassed node.
    Pass,
    /// Takes the result of an earlier place that has the same key.
    Share,
    /// Runs the step.
    Run,
    /// Runs as part of a later place, whose group it belongs to.
    Fuse,
    /// Passes its input on inside a group, with which it ends.
    FusePass,
    /// Takes the result of an earlier place of the same group, with which it ends.
    FuseShare,
}

impl Action {
    /// Whether what a place gives is what another one made.
    pub(crate) const fn is_passing(self) -> bool {
        matches!(self, Self::Pass | Self::Share | Self::FusePass | Self::FuseShare)
    }

    /// Whether a place belongs to the group of a later one, and has no turn of its own.
    pub(crate) const fn is_within(self) -> bool {
        matches!(self, Self::Fuse | Self::FusePass | Self::FuseShare)
    }

    /// What it is inside a group.
    pub(super) const fn within(self) -> Self {
        match self {
            Self::Pass => Self::FusePass,
            Self::Share => Self::FuseShare,
            _ => Self::Fuse,
        }
    }
}

/// A value that is there before the run.
#[derive(Debug, Clone)]
pub(crate) struct GivenValue {
    pub(crate) slot: u32,
    pub(crate) value: Value,
    /// Where it was found; `None` for a value that the program gave.
    pub(crate) tier: Option<Tier>,
}

/// What the targets need.
#[derive(Debug, Default)]
pub(super) struct Demand {
    pub(super) actions: Vec<Action>,
    pub(super) given: Vec<GivenValue>,
    /// For each sharing place, the place it shares with.
    pub(super) shared: HashMap<u32, u32>,
    pub(super) faults: Vec<Fault>,
    /// What was found at the first look.
    known: Option<Vec<GivenValue>>,
}

/// Keys are digests: their first bytes are as good a hash as any.
#[derive(Debug, Default)]
struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, prefix: u64) {
        self.0 = prefix;
    }
}

pub(super) fn demand(
    frozen: &Frozen,
    keys: &Keys,
    targets: &[u32],
    request: &Request<'_>,
    partner: Partner,
) -> Demand {
    let mut demand = Demand::default();
    if let Some(cache) = request.cache {
        cache.begin();
    }
    let sweep = || demand.sweep(frozen, keys, targets, request);
    let ((), repeats) = partner.both(sweep, || Repeats::among(&keys.derived));
    if demand.share(frozen, keys, &repeats) {
        // What the cache has and has not is known by now.
        demand.known = Some(std::mem::take(&mut demand.given));
        demand.sweep(frozen, keys, targets, request);
    }
    demand
}

impl Demand {
    /// Marks what the targets need, last place first.
    fn sweep(&mut self, frozen: &Frozen, keys: &Keys, targets: &[u32], request: &Request<'_>) {
        let shape = &*frozen.shape;
        self.actions = vec![Action::Skip; shape.len()];
        self.given.clear();
        self.faults.clear();
        let mut wanted = vec![false; shape.len()];
        // Which outputs are read at all; one per place needs no table.
        let several = !shape.is_single();
        let mut used = vec![!several; shape.slot_count()];
        for &slot in targets {
            wanted[shape.producer(slot) as usize] = true;
            used[slot as usize] = true;
        }
        for place in (0..to_u32(shape.len())).rev() {
            if !wanted[place as usize] {
                continue;
            }
            if let Some(&other) = self.shared.get(&place) {
                self.actions[place as usize] = Action::Share;
                wanted[other as usize] = true;
                for (slot, same) in shape.slots(place).zip(shape.slots(other)) {
                    used[same as usize] |= used[slot as usize];
                }
                continue;
            }
            let action = self.decide(place, frozen, keys, &used, request);
            self.actions[place as usize] = action;
            let mut want = |slot: u32| {
                wanted[shape.producer(slot) as usize] = true;
                used[slot as usize] = true;
            };
            match action {
                Action::Run | Action::Fuse => {
                    shape.inputs(place).iter().for_each(|&slot| want(slot));
                }
                // Of what a bypassed node could pass on, only that is needed which it does.
                Action::Pass | Action::FusePass => {
                    let info = &frozen.infos[place as usize];
                    let counts = shape.port_counts(place);
                    let wires = shape
                        .slots(place)
                        .filter_map(|slot| passed_on(info, shape.port(slot), counts));
                    wires.for_each(|wire| want(shape.inputs(place)[wire]));
                }
                Action::Skip | Action::Given | Action::Share | Action::FuseShare => {}
            }
        }
        self.given.reverse();
    }

    fn decide(
        &mut self,
        place: u32,
        frozen: &Frozen,
        keys: &Keys,
        used: &[bool],
        request: &Request<'_>,
    ) -> Action {
        let facts = &frozen.facts[place as usize];
        if !facts.is_step {
            let info = &frozen.infos[place as usize];
            match request.bindings.find(info.name()) {
                Some(binding) if Some(binding.value.data_type()) == info.input_type() => {
                    let slot = frozen.shape.first_slot(place);
                    self.given.push(GivenValue { slot, value: binding.value.clone(), tier: None });
                }
                found => self.faults.push(unbound(info, found.map(|b| b.value.data_type().name))),
            }
            return Action::Given;
        }
        if facts.is_bypassed {
            return Action::Pass;
        }
        if facts.is_external {
            let info = &frozen.infos[place as usize];
            self.faults.extend(unidentified(info, request.services));
        }
        if facts.kind == Kind::Pure
            && let Some(key) = keys.derived[place as usize].known()
            && self.is_cached(place, key, frozen, used, request)
        {
            return Action::Given;
        }
        Action::Run
    }

    /// Takes all outputs that are used from the cache, or none.
    fn is_cached(
        &mut self,
        place: u32,
        key: Key,
        frozen: &Frozen,
        used: &[bool],
        request: &Request<'_>,
    ) -> bool {
        let Some(cache) = request.cache else { return false };
        if request.recheck.picks(&key) {
            return false;
        }
        if let Some(known) = &self.known {
            let slots = frozen.shape.slots(place);
            let from = known.partition_point(|given| given.slot < slots.start);
            let there = known[from..].iter().take_while(|given| given.slot < slots.end);
            let before = self.given.len();
            self.given.extend(there.cloned());
            return self.given.len() > before;
        }
        let before = self.given.len();
        for slot in frozen.shape.slots(place).filter(|&slot| used[slot as usize]) {
            let Some(hit) = cache.get(&key.port(frozen.shape.port(slot))) else {
                self.given.truncate(before);
                return false;
            };
            self.given.push(GivenValue { slot, value: hit.value, tier: Some(hit.tier) });
        }
        true
    }

    /// Finds places that would compute the same result; says whether there are any.
    fn share(&mut self, frozen: &Frozen, keys: &Keys, repeats: &Repeats) -> bool {
        let mut first: HashMap<u64, u32, BuildHasherDefault<Prefix>> = HashMap::default();
        let mut shared = HashMap::new();
        for place in (0..to_u32(frozen.shape.len())).filter(|_| !repeats.prefixes.is_empty()) {
            let key = keys.derived[place as usize];
            let may_share = repeats.may_hold(key)
                && self.actions[place as usize] == Action::Run
                && frozen.facts[place as usize].kind == Kind::Pure;
            if !may_share {
                continue;
            }
            let other = *first.entry(key.prefix()).or_insert(place);
            if other != place && keys.derived[other as usize] == key {
                shared.insert(place, other);
            }
        }
        self.shared = shared;
        !self.shared.is_empty()
    }
}

/// Keys that may be there twice.
///
/// Nearly always all keys differ. A bit per key tells so for most of them, in less memory than a
/// table takes; the table is for those that are left.
#[derive(Debug)]
struct Repeats {
    mask: u64,
    prefixes: HashSet<u64, BuildHasherDefault<Prefix>>,
}

/// Bits of the filter for each key: few keys meet in one by chance.
const BITS_PER_KEY: usize = 16;

impl Repeats {
    fn among(keys: &[Key]) -> Self {
        let bits = (keys.len() * BITS_PER_KEY).next_power_of_two().max(64);
        let mut repeats = Self { mask: bits as u64 - 1, prefixes: HashSet::default() };
        let mut seen = vec![0u64; bits / 64];
        for prefix in keys.iter().filter_map(|key| Some(key.known()?.prefix() & repeats.mask)) {
            #[expect(clippy::cast_possible_truncation, reason = "the mask leaves what is counted")]
            let (word, bit) = (&mut seen[prefix as usize / 64], 1 << (prefix % 64));
            if *word & bit != 0 {
                repeats.prefixes.insert(prefix);
            }
            *word |= bit;
        }
        repeats
    }

    fn may_hold(&self, key: Key) -> bool {
        key != Key::UNKNOWN && self.prefixes.contains(&(key.prefix() & self.mask))
    }
}

/// Services that a step declares, and that nobody can tell from others.
fn unidentified<'a>(
    info: &'a NodeInfo,
    services: &'a Services,
) -> impl Iterator<Item = Fault> + use<'a> {
    let declared = info.body().map_or(&[][..], |body| &body.spec.services);
    let lacking = declared.iter().filter(|name| services.identity(name).is_none());
    lacking.map(|name| {
        let path = format!("nodes.{}.services.{name}", info.name());
        let expected = "a service registered with `Services::with_identity`";
        Fault::new(FaultCode::Missing, path, "no identity", expected)
    })
}

fn unbound(info: &NodeInfo, found: Option<&'static str>) -> Fault {
    let code = if found.is_some() { FaultCode::Type } else { FaultCode::Missing };
    let expected = info.input_type().map_or("a value", |data| data.name);
    Fault::new(code, format!("inputs.{}", info.name()), found.unwrap_or("no value"), expected)
}
