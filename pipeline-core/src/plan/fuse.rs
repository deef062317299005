//! Pass 5: which tile-wise steps run as one.
//!
//! A step joins the steps that read it if all of them are in one group, so that nothing of what is
//! made inside a group is seen outside but its last result. That one is made as a whole: a target,
//! what several groups read, and what a step without a tile-wise form reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::demand::Action;
use super::freeze::Frozen;
use super::narrow::Program;
use super::order::UNKNOWN_NANOS;
use super::shape::{Shape, narrow};
use crate::data::{DataType, Image, Mask};
use crate::graph::Facts;
use crate::key::Key;
use crate::step::{CutOff, Group, Kind, Member, Source};

/// The groups of a program.
#[derive(Debug, Default)]
pub(crate) struct Fusion {
    /// The wires as they are in the graph; the program's own lead to and from groups.
    pub(crate) wires: Arc<Shape>,
    /// By the place of the last member, which runs the group.
    groups: HashMap<u32, Group>,
}

impl Fusion {
    /// The group that a place runs.
    pub(crate) fn group(&self, place: u32) -> Option<&Group> {
        self.groups.get(&place)
    }
}

/// Members of a group at the most: what is decided about a group takes the square of that.
const MOST: u32 = 256;

const NONE: u32 = u32::MAX;

/// Puts tile-wise steps together.
pub(super) fn fuse(frozen: &Frozen, program: &mut Program) {
    let shape = Arc::clone(&program.shape);
    let places = 0..narrow(shape.len());
    let facts = |place: u32| &frozen.facts[program.origin(place) as usize];
    let is_fit = |program: &Program, place: u32| {
        let info = &frozen.infos[program.origin(place) as usize];
        let types = || info.body().into_iter().flat_map(|body| body.kind.inputs.iter());
        program.actions[place as usize] == Action::Run
            && may_join(facts(place))
            && types().all(|port| is_raster(port.data))
            && info.output_type(0).is_some_and(is_raster)
    };
    let mut is_target = vec![false; shape.len()];
    for &slot in &program.targets {
        is_target[shape.producer(slot) as usize] = true;
    }

    // The last member of each place's group.
    let mut last = vec![NONE; shape.len()];
    let mut sizes = vec![0; shape.len()];
    for place in places.clone().rev().filter(|&place| is_fit(program, place)) {
        let readers = || shape.consumers(place).iter().map(|&reader| last[reader as usize]);
        let group = match readers().next() {
            Some(first)
                if first != NONE
                    && !is_target[place as usize]
                    && sizes[first as usize] < MOST
                    && readers().all(|other| other == first) =>
            {
                first
            }
            _ => place,
        };
        last[place as usize] = group;
        sizes[group as usize] += 1;
    }

    let mut fusion = Fusion { wires: Arc::clone(&shape), ..Fusion::default() };
    let mut inputs_of: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut number = vec![0; shape.len()];
    for place in places.clone().filter(|&place| last[place as usize] != NONE) {
        let root = last[place as usize];
        if sizes[root as usize] < 2 {
            continue;
        }
        let output = frozen.infos[program.origin(root) as usize].output_type(0);
        let output = output.unwrap_or(DataType::of::<Image>());
        let group =
            fusion.groups.entry(root).or_insert_with(|| Group { members: Vec::new(), output });
        let slots = inputs_of.entry(root).or_default();
        let sources = shape.inputs(place).iter().map(|&slot| {
            let producer = shape.producer(slot);
            if last[producer as usize] == root {
                return Source::Member(number[producer as usize]);
            }
            let known = slots.iter().position(|&other| other == slot);
            Source::Input(known.unwrap_or_else(|| {
                slots.push(slot);
                slots.len() - 1
            }))
        });
        let inputs = sources.collect();
        number[place as usize] = group.members.len();
        group.members.push(Member { place, inputs });
        if place != root {
            program.actions[place as usize] = Action::Fuse;
        }
    }
    if fusion.groups.is_empty() {
        return;
    }

    let nanos = &mut program.estimates.nanos;
    for (&root, group) in &fusion.groups {
        let of = |member: &Member| nanos[member.place as usize];
        let is_known = group.members.iter().all(|member| of(member) != UNKNOWN_NANOS);
        let sum = group.members.iter().map(of).sum();
        group.members.iter().for_each(|member| nanos[member.place as usize] = 0.0);
        nanos[root as usize] = if is_known { sum } else { UNKNOWN_NANOS };
    }
    let actions = &program.actions;
    let outputs = |place: u32| u16::try_from(shape.slots(place).len()).unwrap_or(u16::MAX);
    let fused =
        Shape::new(shape.ids.clone(), outputs, |place, _, inputs| match inputs_of.get(&place) {
            _ if actions[place as usize] == Action::Fuse => None,
            Some(slots) => {
                inputs.extend(slots);
                None
            }
            None => {
                inputs.extend(shape.inputs(place));
                let counts = shape.port_counts(place);
                (!counts.is_empty()).then(|| counts.into())
            }
        });
    program.shape = Arc::new(fused);
    program.fusion = Some(fusion);
}

/// Whether a step has a tile-wise form and nothing about it asks for a turn of its own.
pub(super) fn may_join(facts: &Facts) -> bool {
    facts.is_tiled
        && facts.kind == Kind::Pure
        && facts.cut_off == CutOff::Never
        && facts.digest != Key::UNKNOWN
        && !(facts.is_external || facts.is_special || facts.needs_units || facts.has_odd_ports)
        && facts.outputs == 1
        && facts.bytes.is_none()
}

fn is_raster(data: DataType) -> bool {
    data == DataType::of::<Image>() || data == DataType::of::<Mask>()
}
