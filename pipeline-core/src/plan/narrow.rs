//! Pass 4: the part of the frozen graph that a run is about, as a program of its own.

use std::collections::HashMap;
use std::sync::Arc;

use super::demand::{Action, Demand};
use super::freeze::Frozen;
use super::fuse::{Fusion, Joining, fuse};
use super::keys::passed_on;
use super::order::{self, Estimates};
use super::shape::{Shape, to_u32};
use crate::graph::Partner;
use crate::step::Group;

/// Everything about a run that does not depend on parameters: what happens at which place, in
/// which order, and how often each result is read.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) shape: Arc<Shape>,
    pub(crate) actions: Vec<Action>,
    /// Wires of each place whose value is not there before the run.
    pub(crate) waits: Vec<u32>,
    /// Wires that read each slot, and one more for a target.
    pub(crate) uses: Vec<u32>,
    /// The slots that the run is for.
    pub(crate) targets: Vec<u32>,
    pub(crate) ranks: Vec<f32>,
    /// The number of each place's step type among those of the program, or [`DECLARED`].
    pub(crate) kinds: Vec<u16>,
    /// Nanoseconds that steps of each type took so far, or [`UNKNOWN_NANOS`].
    pub(crate) paces: Vec<f32>,
    /// What the executor's queue is ordered by.
    pub(crate) urgency: Vec<u32>,
    /// Empty where the position is the place.
    pub(crate) positions: Vec<u32>,
    pub(crate) estimates: Estimates,
    /// For each place, its place in the frozen graph; empty where that is the same.
    pub(crate) origins: Vec<u32>,
    /// What runs as one; `None` where nothing does.
    pub(crate) fusion: Option<Fusion>,
}

impl Program {
    /// The place in the frozen graph.
    pub(crate) fn origin(&self, place: u32) -> u32 {
        self.origins.get(place as usize).copied().unwrap_or(place)
    }

    /// Where a place stands in memory order.
    pub(crate) fn position(&self, place: u32) -> u32 {
        self.positions.get(place as usize).copied().unwrap_or(place)
    }

    /// The wires as they are in the graph.
    pub(crate) fn wires(&self) -> &Shape {
        self.fusion.as_ref().map_or(&self.shape, |fusion| &fusion.wires)
    }

    /// The group that a place runs.
    pub(crate) fn group(&self, place: u32) -> Option<&Group> {
        self.fusion.as_ref()?.group(place)
    }

    /// The number of the group that a place belongs to.
    pub(crate) fn group_number(&self, place: u32) -> Option<u32> {
        self.fusion.as_ref()?.number(place)
    }
}

#[cfg(test)]
impl Program {
    /// A program of these wires, producers first. Every result is read by its wires alone.
    pub(crate) fn of_wires(places: u32, wires: &[(u32, u32)]) -> Arc<Self> {
        let mine = |place: u32| wires.iter().filter(move |wire| wire.1 == place);
        let ids = (0..places).map(crate::id::NodeId::from_index).collect();
        let shape = Shape::new(
            ids,
            |_| 1,
            |place, _, inputs| {
                inputs.extend(mine(place).map(|wire| wire.0));
                None
            },
        );
        let count = places as usize;
        Arc::new(Self {
            waits: (0..places).map(|place| to_u32(mine(place).count())).collect(),
            uses: (0..places).map(|place| to_u32(shape.consumers(place).len())).collect(),
            actions: vec![Action::Run; count],
            urgency: (0..places).collect(),
            kinds: vec![DECLARED; count],
            estimates: Estimates { nanos: vec![1.0; count], bytes: vec![1.0; count] },
            shape: Arc::new(shape),
            ..Self::default()
        })
    }
}

/// The program of what is demanded. Steps are put together if it is said how.
pub(super) fn narrow(
    frozen: &Frozen,
    demand: &Demand,
    targets: &[u32],
    estimates: &Estimates,
    joining: Option<Joining<'_>>,
    partner: Partner,
) -> Program {
    let whole = demand.actions.iter().all(|&action| action == Action::Run);
    let mut program = if whole {
        Program {
            shape: Arc::clone(&frozen.shape),
            targets: targets.to_vec(),
            estimates: estimates.clone(),
            ..Program::default()
        }
    } else {
        part(frozen, demand, targets, estimates)
    };
    program.actions = match program.origins.as_slice() {
        [] => demand.actions.clone(),
        origins => origins.iter().map(|&place| demand.actions[place as usize]).collect(),
    };
    if let Some(joining) = joining.filter(|_| frozen.traits.has_forms) {
        fuse(frozen, joining, &mut program);
    }
    let shape = &program.shape;
    let order = || {
        let ranks = order::ranks(shape, &program.estimates.nanos);
        let priority = |place| frozen.facts[program.origin(place) as usize].priority;
        let priorities = (0..to_u32(shape.len())).map(priority).collect();
        let urgency = order::urgency(shape, priorities, &ranks);
        (ranks, urgency, order::positions(shape, &program.estimates.bytes))
    };
    let counts = || (waits(&program, whole), uses(&program), kinds(frozen, &program));
    let ((ranks, urgency, positions), (waits, uses, (kinds, paces))) = partner.both(order, counts);
    Program { waits, uses, ranks, kinds, paces, urgency, positions, ..program }
}

/// The wires of each place whose value is not there before the run.
fn waits(program: &Program, whole: bool) -> Vec<u32> {
    let shape = &*program.shape;
    let is_awaited =
        |slot: &&u32| program.actions[shape.producer(**slot) as usize] != Action::Given;
    (0..to_u32(shape.len()))
        .map(|place| {
            let inputs = shape.inputs(place).iter();
            to_u32(if whole { inputs.len() } else { inputs.filter(is_awaited).count() })
        })
        .collect()
}

/// The wires that read each slot, and one more for a target.
fn uses(program: &Program) -> Vec<u32> {
    let mut uses = vec![0; program.shape.slot_count()];
    for &slot in program.shape.inputs.iter().chain(&program.targets) {
        uses[slot as usize] += 1;
    }
    uses
}

/// Stands for the type of a step that says itself how long it takes, or does not run.
pub(crate) const DECLARED: u16 = u16::MAX;

/// Numbers the types of steps, and tells what is known of each. Of very many, the last ones share a
/// number.
fn kinds(frozen: &Frozen, program: &Program) -> (Vec<u16>, Vec<f32>) {
    let mut numbers: HashMap<&str, u16> = HashMap::new();
    let mut paces = Vec::new();
    // Neighbours are often of one type; one look-up serves them all.
    let mut last = ("", 0);
    let mut kind = |place: u32| {
        let facts = &frozen.facts[program.origin(place) as usize];
        let runs = program.actions[place as usize] == Action::Run;
        if facts.nanos.is_some() || !facts.is_step || !runs {
            return DECLARED;
        }
        if last.0 != facts.step {
            let next = u16::try_from(numbers.len()).unwrap_or(DECLARED).min(DECLARED - 1);
            last = (facts.step, *numbers.entry(facts.step).or_insert(next));
            if usize::from(last.1) == paces.len() {
                paces.push(program.estimates.nanos[place as usize]);
            }
        }
        last.1
    };
    let kinds = (0..to_u32(program.shape.len())).map(&mut kind).collect();
    (kinds, paces)
}

/// Renumbers the places that are kept.
fn part(frozen: &Frozen, demand: &Demand, targets: &[u32], estimates: &Estimates) -> Program {
    let old = &*frozen.shape;
    let origins: Vec<u32> = (0..to_u32(old.len()))
        .filter(|&place| demand.actions[place as usize] != Action::Skip)
        .collect();
    let mut place_of = vec![u32::MAX; old.len()];
    for (place, &origin) in origins.iter().enumerate() {
        place_of[origin as usize] = to_u32(place);
    }
    let ids = origins.iter().map(|&origin| old.ids[origin as usize]).collect();
    let outputs = |place: u32| {
        let slots = old.slots(origins[place as usize]);
        u16::try_from(slots.len()).unwrap_or(u16::MAX)
    };
    let renumber = |slot: u32, first_slot: &dyn Fn(u32) -> u32| {
        first_slot(place_of[old.producer(slot) as usize]) + u32::from(old.port(slot))
    };
    let shape = Shape::new(ids, outputs, |place, first_slot, inputs| {
        let origin = origins[place as usize];
        let renumbered = |slot: u32| renumber(slot, first_slot);
        let counts = old.port_counts(origin);
        match demand.actions[origin as usize] {
            Action::Skip | Action::Given => {}
            Action::Run | Action::Fuse => {
                inputs.extend(old.inputs(origin).iter().map(|&slot| renumbered(slot)));
                return (!counts.is_empty()).then(|| counts.into());
            }
            Action::Pass | Action::FusePass => {
                let info = &frozen.infos[origin as usize];
                inputs.extend(old.slots(origin).map(|slot| {
                    let wire = passed_on(info, old.port(slot), counts).unwrap_or(0);
                    renumbered(old.inputs(origin)[wire])
                }));
            }
            Action::Share | Action::FuseShare => {
                inputs.extend(old.slots(demand.shared[&origin]).map(renumbered));
            }
        }
        None
    });
    let renumber = |slot: u32| renumber(slot, &|place| shape.first_slot(place));
    let targets = targets.iter().map(|&slot| renumber(slot)).collect();
    let nanos = |&origin: &u32| match demand.actions[origin as usize] {
        Action::Run | Action::Fuse => estimates.nanos[origin as usize],
        // What does not run takes no time.
        _ => 0.0,
    };
    let bytes = |&origin: &u32| estimates.bytes[origin as usize];
    let estimates = Estimates {
        nanos: origins.iter().map(nanos).collect(),
        bytes: origins.iter().map(bytes).collect(),
    };
    Program { shape: Arc::new(shape), targets, estimates, origins, ..Program::default() }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::super::recheck::Recheck;
    use super::super::request::{Bindings, Costs, Fuse, Request, Targets};
    use super::super::{FileDigests, Identities, Planner, Stop};
    use crate::data::In;
    use crate::error::Result;
    use crate::graph::Graph;
    use crate::step::{Context, Services, Step};

    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct Same {}

    impl Step for Same {
        const NAME: &'static str = "same";
        type Input = Vec<In<()>>;
        type Output = ();

        fn run(&self, _: Vec<In<()>>, _: &Context<'_>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_does_not_run_says_nothing_of_the_time_that_others_of_its_type_take() {
        let mut graph = Graph::new();
        let input = graph.input::<()>("input");
        let off = graph.add("off", Same {}, vec![input]);
        graph.add("below", Same {}, vec![off]);
        graph.bypass(off.id()).unwrap();
        let costs = Costs::default();
        costs.learn("same", 5000, 1);
        let plan = Planner::default().compile(
            &graph,
            &Request {
                targets: &Targets::declared(),
                bindings: &Bindings::new().with("input", ()),
                cache: None,
                services: &Services::new(),
                digests: &FileDigests::new(),
                stop: Stop::default(),
                identities: &Identities::default(),
                costs: &costs,
                fuse: Fuse::Nothing,
                threads: 1,
                recheck: Recheck::default(),
            },
        );
        assert_eq!(plan.unwrap().program.paces, [5000.0]);
    }
}
