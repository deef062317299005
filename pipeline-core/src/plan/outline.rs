//! What a run would do, by name, and which files it would write, whatever is cached.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::freeze::{Frozen, freeze};
use super::keys::{extend, passed_on};
use super::request::Request;
use super::shape::{Shape, to_u32};
use super::targets::targets;
use super::validate;
use crate::error::{Error, Result};
use crate::graph::{Graph, Partner, StepBody};
use crate::id::NodeId;
use crate::key::{Key, KeyHasher, hash_params};
use crate::step::{Kind, Wire};

/// What a run would do and write.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    /// What is wanted.
    pub(crate) targets: Vec<Target>,
    /// The files that steps make or replace.
    pub(crate) writes: Vec<Write>,
}

/// One result that is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) wire: Wire,
    /// The name of all that is done for it. None if some of that may be otherwise each time.
    pub(crate) fingerprint: Option<Key>,
    /// Which of the files are written for it.
    pub(crate) writes: Vec<usize>,
    /// Which of these are not finished for it: other steps add to them.
    pub(crate) begins: Vec<usize>,
}

/// A file that is written.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) path: PathBuf,
    /// The last step that writes to it.
    pub(crate) node: NodeId,
    /// The name of all that is done for it, up to that step.
    pub(crate) fingerprint: Option<Key>,
}

/// Goes through what the targets need, front to back. What is below `folder` is known by its place
/// there, so that what was done keeps its names when the folder moves.
///
/// # Errors
/// [`Error::Invalid`] with every fault of the graph and of the targets; [`Error::Input`] if two
/// steps write to a file of which neither takes what the other one made.
pub(crate) fn outline(
    graph: &Graph,
    request: &Request<'_>,
    folder: Option<&Path>,
) -> Result<Outline> {
    let frozen = freeze(graph, Partner::of(graph.len(), request.threads));
    let mut faults = frozen.faults.clone();
    faults.extend(graph.nodes().flat_map(|(_, info)| validate::params(info)));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let shape = &*frozen.shape;
    let slots = targets(graph, &frozen, request)?;
    let is_needed = needed(slots.iter().copied(), shape);

    let mut names = vec![None; shape.slot_count()];
    let (mut writes, mut writers) = (Vec::<Write>::new(), Vec::new());
    let mut known: HashMap<&Path, (usize, u32)> = HashMap::new();
    for place in (0..to_u32(shape.len())).filter(|&place| is_needed[place as usize]) {
        for slot in shape.slots(place) {
            names[slot as usize] = name((place, slot), &names, &frozen, request, folder);
        }
        if frozen.facts[place as usize].is_bypassed {
            continue;
        }
        let body = frozen.infos[place as usize].body();
        for path in body.into_iter().flat_map(|body| &body.spec.writes) {
            // Steps that add to a file in turns write one file.
            let (at, before) = *known.entry(path).or_insert((writes.len(), place));
            let node = shape.ids[place as usize];
            let fingerprint = names[shape.first_slot(place) as usize];
            let write = Write { path: path.clone(), node, fingerprint };
            if at == writes.len() {
                writes.push(write);
            } else {
                check_turns(path, before, place, &frozen)?;
                writes[at] = write;
            }
            known.insert(path, (at, place));
            writers.push((place, at));
        }
    }
    let last: Vec<u32> = {
        let mut last: Vec<(usize, u32)> = known.into_values().collect();
        last.sort_unstable();
        last.into_iter().map(|(_, place)| place).collect()
    };
    let of_slots = written_for(&slots, &writers, &last, shape);
    let target = |(&slot, (writes, begins)): (&u32, (Vec<usize>, Vec<usize>))| {
        let node = shape.ids[shape.producer(slot) as usize];
        let wire = Wire { node, port: shape.port(slot) };
        Target { wire, fingerprint: names[slot as usize], writes, begins }
    };
    Ok(Outline { targets: slots.iter().zip(of_slots).map(target).collect(), writes })
}

/// Which files are written for each of these slots, and which of them are not finished by that;
/// `last` are the places that finish them. Only slots that files are written for cost a walk, and
/// each walk ends at what it has seen.
fn written_for(
    slots: &[u32],
    writers: &[(u32, usize)],
    last: &[u32],
    shape: &Shape,
) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut of_place: HashMap<u32, Vec<usize>> = HashMap::new();
    for &(place, at) in writers {
        of_place.entry(place).or_default().push(at);
    }
    // Whether anything is written for a place or before it: elsewhere no walk goes.
    let mut leads = vec![false; shape.len()];
    for place in 0..to_u32(shape.len()) {
        let mut inputs = shape.inputs(place).iter().map(|&slot| shape.producer(slot) as usize);
        leads[place as usize] = of_place.contains_key(&place) || inputs.any(|input| leads[input]);
    }
    let mut seen_for = vec![u32::MAX; shape.len()];
    let mut all = Vec::with_capacity(slots.len());
    for (number, &slot) in (0..).zip(slots) {
        let (mut writes, mut next) = (Vec::new(), vec![shape.producer(slot)]);
        while let Some(place) = next.pop() {
            if !leads[place as usize] || seen_for[place as usize] == number {
                continue;
            }
            seen_for[place as usize] = number;
            writes.extend(of_place.get(&place).into_iter().flatten().copied());
            next.extend(shape.inputs(place).iter().map(|&slot| shape.producer(slot)));
        }
        writes.sort_unstable();
        writes.dedup();
        let is_begun = |&at: &usize| seen_for[last[at] as usize] != number;
        let begins = writes.iter().copied().filter(is_begun).collect();
        all.push((writes, begins));
    }
    all
}

/// Which places these slots need.
fn needed(slots: impl Iterator<Item = u32>, shape: &Shape) -> Vec<bool> {
    let mut is_needed = vec![false; shape.len()];
    slots.for_each(|slot| is_needed[shape.producer(slot) as usize] = true);
    for place in (0..to_u32(shape.len())).rev() {
        if is_needed[place as usize] {
            let producers = shape.inputs(place).iter().map(|&slot| shape.producer(slot));
            producers.for_each(|producer| is_needed[producer as usize] = true);
        }
    }
    is_needed
}

/// Steps that write one file do so in turns, each after what the one before it has made.
fn check_turns(path: &Path, before: u32, place: u32, frozen: &Frozen) -> Result<()> {
    if before == place {
        return Ok(());
    }
    let shape = &*frozen.shape;
    let producers = |place| shape.inputs(place).iter().map(|&slot| shape.producer(slot));
    let (mut next, mut seen) = (vec![place], HashSet::new());
    while let Some(at) = next.pop() {
        if producers(at).any(|producer| producer == before) {
            return Ok(());
        }
        // Places stand in an order in which inputs come first.
        next.extend(producers(at).filter(|&producer| producer > before && seen.insert(producer)));
    }
    let [one, other] = [before, place].map(|place| frozen.infos[place as usize].name());
    let found = format!("{}, which `{one}` and `{other}` both write", path.display());
    Err(Error::input("a file to write", found, "one step, or steps of which one follows the other"))
}

/// The name of what a slot carries, from those before it.
fn name(
    (place, slot): (u32, u32),
    names: &[Option<Key>],
    frozen: &Frozen,
    request: &Request<'_>,
    folder: Option<&Path>,
) -> Option<Key> {
    let (shape, info) = (&*frozen.shape, &*frozen.infos[place as usize]);
    let facts = &frozen.facts[place as usize];
    if !facts.is_step {
        return request.bindings.find(info.name())?.identity();
    }
    let (inputs, counts) = (shape.inputs(place), shape.port_counts(place));
    if facts.is_bypassed {
        return names[*inputs.get(passed_on(info, shape.port(slot), counts)?)? as usize];
    }
    if facts.kind == Kind::Volatile {
        return None;
    }
    let digest = |path: &_| request.digests.digest(path, request.cache, &request.stop);
    let body = info.body()?;
    let own = match folder {
        Some(folder) if !(body.spec.reads.is_empty() && body.spec.writes.is_empty()) => {
            placed(body, folder)?
        }
        _ => body.digest?,
    };
    let base = extend(own, counts, &body.spec, digest, request.services)?;
    let inputs: Option<Vec<Key>> = inputs.iter().map(|&input| names[input as usize]).collect();
    Some(Key::of_result(&base, inputs?).port(shape.port(slot)))
}

/// The digest of a step, in which files that it writes are told by where they are in a folder, and
/// those that it reads, whose content counts, by their names.
fn placed(body: &StepBody, folder: &Path) -> Option<Key> {
    let mut params = body.step.params();
    let mut next = vec![&mut params];
    while let Some(value) = next.pop() {
        match value {
            Json::String(text) => {
                let path = Path::new(&*text);
                let place = if body.spec.writes.iter().any(|known| known == path) {
                    path.strip_prefix(folder).ok()
                } else if body.spec.reads.iter().any(|known| known == path) {
                    path.file_name().map(Path::new)
                } else {
                    None
                };
                if let Some(place) = place.map(|place| place.to_string_lossy().into_owned()) {
                    *text = place;
                }
            }
            Json::Array(values) => next.extend(values),
            Json::Object(fields) => next.extend(fields.values_mut()),
            _ => {}
        }
    }
    let mut hasher = KeyHasher::result();
    hasher.text(body.kind.name).number(body.kind.version.into()).key(&hash_params(&params).ok()?);
    Some(hasher.finish())
}
