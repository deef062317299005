//! Pass 5: which steps run as one: tile-wise ones, with sources of rows before and a sink behind.
//!
//! A step joins the steps that read it if all of them are in one group, so that nothing of what is
//! made inside a group is seen outside but its last result. A node that only passes on what a
//! member gives, to members of the same group, belongs to it too: a step that is switched off in
//! the middle of a chain leaves it in one piece. The last result is made as a whole: a target, what
//! several groups read, and what a step reads that has no such form. A group that ends with a sink
//! has no result at all.
//!
//! Beside a cache, which keeps what groups make, more is made as a whole: what it would take long
//! to make again from what is kept above it, and what a step reads that is being edited.

use std::collections::HashMap;
use std::sync::Arc;

use super::demand::Action;
use super::freeze::Frozen;
use super::keys::Keys;
use super::narrow::Program;
use super::order::{Estimates, UNKNOWN_NANOS};
use super::plan::Plan;
use super::shape::{Shape, to_u32};
use crate::data::{DataType, Image, Labels, Mask};
use crate::graph::{Facts, NodeInfo};
use crate::id::NodeId;
use crate::key::Key;
use crate::step::{CutOff, Form, Group, Kind, Lane, Member, Origin};

/// The groups of a program.
#[derive(Debug)]
pub(crate) struct Fusion {
    /// The wires as they are in the graph; the program's own lead to and from groups.
    pub(crate) wires: Arc<Shape>,
    /// By the place of the last member, which runs the group.
    groups: HashMap<u32, Group>,
    /// The number of each place's group, or [`NONE`]. Groups are numbered in running order.
    numbers: Vec<u32>,
}

impl Fusion {
    /// The group that a place runs.
    pub(crate) fn group(&self, place: u32) -> Option<&Group> {
        self.groups.get(&place)
    }

    /// The number of the group that a place belongs to.
    pub(crate) fn number(&self, place: u32) -> Option<u32> {
        Some(self.numbers[place as usize]).filter(|&number| number != NONE)
    }
}

impl Plan {
    /// Whether a place gives rows to one other place that would take them row by row or tile by
    /// tile, if steps were let to run as one.
    pub(crate) fn could_stream(&self, place: u32) -> bool {
        let (program, shape) = (&*self.program, &*self.program.shape);
        let facts = |place: u32| Facts::of(&self.infos[place as usize]);
        let is_wanted = program.targets.iter().any(|&slot| shape.producer(slot) == place);
        let [reader, others @ ..] = shape.consumers(place) else { return false };
        let forms = [place, *reader].map(facts);
        forms[0].form == Form::Source
            && !is_wanted
            && others.iter().all(|other| other == reader)
            && program.actions[*reader as usize] == Action::Run
            && forms.iter().all(|facts| may_join(facts, true))
    }
}

/// Nanoseconds per byte of a result that it may take to make it again. To write it to memory and to
/// read it again takes about a third of that.
const DEAR: f32 = 1.0;

/// Members of a group at the most: what is decided about a group takes the square of that, and more
/// where much would be made again.
const MOST: u32 = 256;

const NONE: u32 = u32::MAX;

/// How steps are put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joining<'a> {
    pub(super) keys: &'a Keys,
    /// Where results are kept: the steps whose inputs are to be there for their next edit.
    pub(super) kept_for: Option<&'a [NodeId]>,
}

/// Puts steps together.
///
/// A result whose name comes to light only during the run is made as a whole: its step has no seed
/// before.
pub(super) fn fuse(frozen: &Frozen, joining: Joining<'_>, program: &mut Program) {
    let shape = Arc::clone(&program.shape);
    let fuser = Fuser { frozen, joining, shape: &shape };
    let last = fuser.last_members(program);
    let (groups, inputs) = fuser.groups(program, &last);
    if groups.is_empty() {
        return;
    }
    let roots = (0..to_u32(shape.len())).filter(|root| groups.contains_key(root));
    let numbers: HashMap<u32, u32> = roots.zip(0..).collect();
    let numbers = last.iter().map(|root| numbers.get(root).copied().unwrap_or(NONE)).collect();
    add_up(&groups, &mut program.estimates.nanos);
    program.shape = Arc::new(around(&shape, &program.actions, &inputs));
    program.fusion = Some(Fusion { wires: shape, groups, numbers });
}

/// What decides which steps are put together.
struct Fuser<'a> {
    frozen: &'a Frozen,
    joining: Joining<'a>,
    shape: &'a Shape,
}

impl Fuser<'_> {
    fn facts(&self, program: &Program, place: u32) -> &Facts {
        &self.frozen.facts[program.origin(place) as usize]
    }

    /// Whether a place may be a member of a group.
    fn is_fit(&self, program: &Program, place: u32) -> bool {
        let Joining { keys, kept_for } = self.joining;
        let (origin, facts) = (program.origin(place) as usize, self.facts(program, place));
        program.actions[place as usize] == Action::Run
            && (kept_for.is_none() || facts.form == Form::Tiled)
            && !keys.late[origin]
            && may_join(facts, keys.by_content)
            && has_fit_ports(facts.form, &self.frozen.infos[origin])
    }

    /// Whether a place passes on the only thing that it reads.
    fn is_passing(&self, program: &Program, place: u32) -> bool {
        let (inputs, outputs) = (self.shape.inputs(place), self.shape.slots(place).len());
        program.actions[place as usize].is_passing() && matches!((inputs, outputs), ([_], 1))
    }

    /// The last member of each place's group, or [`NONE`].
    fn last_members(&self, program: &Program) -> Vec<u32> {
        let shape = self.shape;
        let mut is_kept = vec![false; shape.len()];
        for &slot in &program.targets {
            is_kept[shape.producer(slot) as usize] = true;
        }
        if let Some(edited) = self.joining.kept_for {
            keep(program, edited, |place| self.is_fit(program, place), &mut is_kept);
        }
        let mut last = vec![NONE; shape.len()];
        let mut sizes = vec![0; shape.len()];
        for place in (0..to_u32(shape.len())).rev() {
            let readers = || shape.consumers(place).iter().map(|&reader| last[reader as usize]);
            let first = readers().next().filter(|&first| {
                first != NONE && !is_kept[place as usize] && readers().all(|other| other == first)
            });
            if self.is_fit(program, place) {
                let group = first.filter(|&first| sizes[first as usize] < MOST).unwrap_or(place);
                last[place as usize] = group;
                sizes[group as usize] += 1;
            } else if self.is_passing(program, place) {
                last[place as usize] = first.unwrap_or(NONE);
            }
        }
        for place in 0..to_u32(shape.len()) {
            let root = last[place as usize];
            // What passes on the result of another group, or of none, does so outside.
            let is_outside = self.is_passing(program, place)
                && last[shape.producer(shape.inputs(place)[0]) as usize] != root;
            if root != NONE && (is_outside || sizes[root as usize] < 2) {
                last[place as usize] = NONE;
            }
        }
        last
    }

    /// The groups by their last members, and the slots that each of them reads. Says of the other
    /// members that they run within.
    fn groups(
        &self,
        program: &mut Program,
        last: &[u32],
    ) -> (HashMap<u32, Group>, HashMap<u32, Vec<u32>>) {
        let shape = self.shape;
        let mut groups: HashMap<u32, Group> = HashMap::new();
        let mut inputs_of: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut origins = vec![Origin::Input(0); shape.len()];
        for place in (0..to_u32(shape.len())).filter(|&place| last[place as usize] != NONE) {
            let root = last[place as usize];
            let group = groups.entry(root).or_default();
            if self.is_passing(program, place) {
                let producer = shape.producer(shape.inputs(place)[0]);
                origins[place as usize] = origins[producer as usize];
                group.passing.push(place);
                let action = &mut program.actions[place as usize];
                *action = action.within();
                continue;
            }
            let slots = inputs_of.entry(root).or_default();
            let mut origin = |&slot: &u32| {
                let producer = shape.producer(slot);
                if last[producer as usize] == root {
                    return origins[producer as usize];
                }
                let known = slots.iter().position(|&other| other == slot);
                Origin::Input(known.unwrap_or_else(|| {
                    slots.push(slot);
                    slots.len() - 1
                }))
            };
            match self.facts(program, place).form {
                Form::Source => {
                    origins[place as usize] = Origin::Source(group.sources.len());
                    group.sources.push(place);
                }
                Form::Sink => group.sink = Some(place),
                Form::Tiled | Form::Whole => {
                    let inputs = shape.inputs(place).iter().map(&mut origin).collect();
                    origins[place as usize] = Origin::Member(group.members.len());
                    group.members.push(self.member(program, place, inputs));
                    let output = self.frozen.infos[program.origin(place) as usize].output_type(0);
                    group.is_mask = output == Some(DataType::of::<Mask>());
                }
            }
            if place != root {
                program.actions[place as usize] = Action::Fuse;
            }
        }
        (groups, inputs_of)
    }

    fn member(&self, program: &Program, place: u32, inputs: Vec<Origin>) -> Member {
        let Estimates { nanos, bytes } = &program.estimates;
        let (nanos, bytes) = (nanos[place as usize], bytes[place as usize]);
        let facts = self.facts(program, place);
        // What a step declares is meant for the image at hand.
        let (nanos, bytes) = match facts.nanos {
            Some(nanos) => (Some(nanos), None),
            None if nanos == UNKNOWN_NANOS || bytes == 0.0 => (None, None),
            None => (Some(nanos), Some(bytes)),
        };
        Member { place, inputs, is_by_sample: facts.is_by_sample, nanos, bytes }
    }
}

/// The last member of a group takes the time of all.
fn add_up(groups: &HashMap<u32, Group>, nanos: &mut [f32]) {
    for (&root, group) in groups {
        let of = |place: u32| nanos[place as usize];
        let is_known = group.places().all(|place| of(place) != UNKNOWN_NANOS);
        let sum = group.places().map(of).sum();
        group.places().for_each(|place| nanos[place as usize] = 0.0);
        nanos[root as usize] = if is_known { sum } else { UNKNOWN_NANOS };
    }
}

/// The shape in which the wires lead to and from groups, and to none of their other members.
fn around(shape: &Shape, actions: &[Action], inputs_of: &HashMap<u32, Vec<u32>>) -> Shape {
    let outputs = |place: u32| u16::try_from(shape.slots(place).len()).unwrap_or(u16::MAX);
    Shape::new(shape.ids.clone(), outputs, |place, _, inputs| {
        if actions[place as usize].is_within() {
            return None;
        }
        if let Some(slots) = inputs_of.get(&place) {
            inputs.extend(slots);
            return None;
        }
        inputs.extend(shape.inputs(place));
        let counts = shape.port_counts(place);
        (!counts.is_empty()).then(|| counts.into())
    })
}

/// Marks results of steps that could run with others, but are worth keeping. What is not known is.
fn keep(program: &Program, edited: &[NodeId], is_fit: impl Fn(u32) -> bool, is_kept: &mut [bool]) {
    let (shape, estimates) = (&*program.shape, &program.estimates);
    // Whether a step that is being edited reads a result, maybe by way of others that pass it on.
    let mut is_read = vec![false; shape.len()];
    for place in (0..to_u32(shape.len())).rev() {
        let is_edited = edited.contains(&shape.ids[place as usize]);
        let is_passed_on = program.actions[place as usize].is_passing() && is_read[place as usize];
        if is_edited || is_passed_on {
            let inputs = shape.inputs(place).iter();
            inputs.for_each(|&slot| is_read[shape.producer(slot) as usize] = true);
        }
    }
    // Nanoseconds to make each result again from what is kept above it.
    let mut again = vec![0.0f32; shape.len()];
    for place in 0..to_u32(shape.len()) {
        let at = place as usize;
        let inputs = shape.inputs(place).iter().map(|&slot| again[shape.producer(slot) as usize]);
        let inputs: f32 = inputs.sum();
        if program.actions[at].is_passing() {
            again[at] = inputs;
        } else if is_fit(place) {
            let nanos = inputs + estimates.nanos[at];
            is_kept[at] |= nanos > DEAR * estimates.bytes[at] || is_read[at];
            again[at] = if is_kept[at] { 0.0 } else { nanos };
        }
    }
}

/// Whether a step can run with others and nothing about it asks for a turn of its own. What brings
/// images in or takes them out may wait and may depend on files: it has its thread in the group. A
/// result whose content decides on the name of others stays apart where names matter.
pub(super) fn may_join(facts: &Facts, by_content: bool) -> bool {
    let is_fit = match facts.form {
        Form::Whole => false,
        Form::Tiled => facts.kind == Kind::Pure && !(facts.is_external || facts.is_special),
        Form::Source => facts.kind == Kind::Pure,
        Form::Sink => true,
    };
    is_fit
        && !(by_content && facts.cut_off != CutOff::Never)
        && facts.digest != Key::UNKNOWN
        && !(facts.has_timeout || facts.retries || facts.needs_units || facts.has_odd_ports)
        && facts.outputs == 1
        && facts.bytes.is_none()
}

/// Whether what a step reads and makes is what steps of its form may, as one of a group.
fn has_fit_ports(form: Form, info: &NodeInfo) -> bool {
    let inputs = info.body().map_or(&[][..], |body| &body.kind.inputs);
    let output = info.output_type(0);
    if info.body().is_some_and(|body| body.spec.lane == Lane::Rayon) {
        return false;
    }
    match form {
        Form::Whole => false,
        Form::Tiled => {
            let is_read = |data| is_made(data) || data == DataType::of::<Labels>();
            inputs.iter().all(|port| is_read(port.data)) && output.is_some_and(is_made)
        }
        Form::Source => inputs.is_empty() && output == Some(DataType::of::<Image>()),
        Form::Sink => {
            matches!(inputs, [port] if port.data == DataType::of::<Image>())
                && output == Some(DataType::of::<()>())
        }
    }
}

/// Whether tiles make such data.
fn is_made(data: DataType) -> bool {
    data == DataType::of::<Image>() || data == DataType::of::<Mask>()
}
