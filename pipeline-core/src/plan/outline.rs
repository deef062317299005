//! What a run would do, by name, and which files it would write, whatever is cached.

use std::path::PathBuf;

use super::freeze::{Frozen, freeze};
use super::keys::{extended, passed_on};
use super::request::Request;
use super::shape::to_u32;
use super::targets::targets;
use super::validate;
use crate::error::{Error, Result};
use crate::graph::{Graph, Partner};
use crate::key::{Key, KeyHasher};
use crate::step::Kind;

/// What a run would do and write.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    /// The name of everything that the run would do: steps, parameters, wires, the content of files
    /// and of given values. None if some of it may be otherwise each time.
    pub(crate) fingerprint: Option<Key>,
    /// The files that its steps make or replace.
    pub(crate) writes: Vec<PathBuf>,
}

/// Goes through what the targets need, front to back.
///
/// # Errors
/// [`Error::Invalid`] with every fault of the graph and of the targets.
pub(crate) fn outline(graph: &Graph, request: &Request<'_>) -> Result<Outline> {
    let frozen = freeze(graph, Partner::of(graph.len(), request.threads));
    let mut faults = frozen.faults.clone();
    faults.extend(graph.nodes().flat_map(|(_, info)| validate::params(info)));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let targets = targets(graph, &frozen, request)?;
    let shape = &*frozen.shape;
    let mut is_needed = vec![false; shape.len()];
    for &slot in &targets {
        is_needed[shape.producer(slot) as usize] = true;
    }
    for place in (0..to_u32(shape.len())).rev() {
        if is_needed[place as usize] {
            let producers = shape.inputs(place).iter().map(|&slot| shape.producer(slot));
            producers.for_each(|producer| is_needed[producer as usize] = true);
        }
    }

    let (mut names, mut writes) = (vec![None; shape.slot_count()], Vec::new());
    for place in (0..to_u32(shape.len())).filter(|&place| is_needed[place as usize]) {
        for slot in shape.slots(place) {
            names[slot as usize] = name(place, slot, &names, &frozen, request);
        }
        let info = &frozen.infos[place as usize];
        if let Some(body) = info.body().filter(|_| !frozen.facts[place as usize].is_bypassed) {
            writes.extend(body.spec.writes.iter().cloned());
        }
    }
    // Steps that write in turns write one file.
    writes.sort();
    writes.dedup();
    let targets: Option<Vec<Key>> = targets.iter().map(|&slot| names[slot as usize]).collect();
    let fingerprint = targets.map(|targets| {
        let mut hasher = KeyHasher::result();
        hasher.text("run").number(targets.len() as u64);
        targets.iter().for_each(|target| {
            hasher.key(target);
        });
        hasher.finish()
    });
    Ok(Outline { fingerprint, writes })
}

/// The name of what a slot carries, from those before it.
fn name(
    place: u32,
    slot: u32,
    names: &[Option<Key>],
    frozen: &Frozen,
    request: &Request<'_>,
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
    let base = extended(counts, info, digest, request.services)?;
    let inputs: Option<Vec<Key>> = inputs.iter().map(|&input| names[input as usize]).collect();
    Some(Key::of_result(&base, inputs?).port(shape.port(slot)))
}
