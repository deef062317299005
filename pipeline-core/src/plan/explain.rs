//! A plan for people: as text and as a drawing.

use std::fmt::{Display, Formatter, Result, Write};

use super::file_digests::Stop;
use super::shape::to_u32;
use super::size::Sizes;
use super::{Action, Plan, order};
use crate::graph::NodeInfo;

impl Plan {
    /// What happens at a place, and in which group; within a group, whether it is made as a whole.
    fn words(&self, place: u32, sizes: &Sizes) -> String {
        let word = self.word(place);
        let how = if sizes.is_whole[place as usize] { ", as a whole" } else { "" };
        match self.program.group_number(place) {
            Some(number) => format!("{word} in group {number}{how}"),
            None => word.to_owned(),
        }
    }

    fn word(&self, place: u32) -> &'static str {
        match self.program.actions[place as usize] {
            Action::Skip => "skip",
            Action::Given if self.infos[place as usize].step().is_none() => "given",
            Action::Given => "cached",
            Action::Pass | Action::FusePass => "bypass",
            Action::Share | Action::FuseShare => "share",
            Action::Run => "run",
            Action::Fuse => "fused",
        }
    }

    fn info(&self, place: u32) -> &NodeInfo {
        &self.infos[place as usize]
    }

    /// The plan as a drawing in the DOT language of Graphviz: one box per node, coloured by what
    /// happens to it. Steps are asked what their results look like, and sources may look into
    /// files.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
        let (shape, sizes) = (self.program.wires(), self.sizes(&Stop::default()));
        for place in 0..to_u32(shape.len()) {
            let (info, word) = (self.info(place), self.word(place));
            let color = match word {
                "run" | "fused" => "lightsalmon",
                "cached" | "given" => "palegreen",
                _ => "lightgray",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "  n{place} [label=\"{}\\n{}\\n{}\", style=filled, fillcolor={color}];",
                escape(info.name()),
                info.step_name(),
                self.words(place, &sizes),
            );
        }
        for place in 0..to_u32(shape.len()) {
            for &slot in shape.inputs(place) {
                let _ = writeln!(out, "  n{} -> n{place};", shape.producer(slot));
            }
        }
        out.push_str("}\n");
        out
    }
}

fn escape(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Lists the batches with what happens to each node, then the critical path. Steps that run as one
/// have the number of their group; the last of them stands for it on the path. Of the others only
/// what is made `as a whole` is ever there in one piece.
///
/// ```text
/// plan: 4 nodes, 3 to run, 0 cached
/// batch 0: photo (input) given
/// batch 1: bright (gain) fused in group 0 77e0a1be3390
/// batch 2: soft (gaussian_blur) run in group 0 0c9921c5a7f1
/// batch 3: level (otsu) run 3f9a0c1b22d4
/// critical path: photo → soft → level
/// ```
impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let cached = self.cached().count();
        let expected: f32 = self.program.estimates.nanos.iter().sum();
        write!(f, "plan: {} nodes, {} to run, {cached} cached", self.len(), self.running())?;
        if self.is_measured() {
            write!(f, ", about {:.1} ms of work", expected / 1e6)?;
        }
        let sizes = self.sizes(&Stop::default());
        let (peak, is_known) = sizes.peak(self);
        if peak >= WORTH_TELLING {
            let word = if is_known { "about" } else { "at least" };
            #[expect(clippy::cast_precision_loss, reason = "printed with one digit")]
            write!(f, ", {word} {:.1} MB alive at once", peak as f64 / 1e6)?;
        }
        writeln!(f)?;
        let places: std::collections::HashMap<_, _> =
            (0u32..).zip(&self.program.shape.ids).map(|(place, &id)| (id, place)).collect();
        for (number, batch) in self.batches().into_iter().enumerate() {
            for node in batch {
                let place = places[&node];
                let (info, words) = (self.info(place), self.words(place, &sizes));
                write!(f, "batch {number}: {} ({}) {words}", info.name(), info.step_name())?;
                match self.told_key(place as usize) {
                    Some(key) => writeln!(f, " {key:?}")?,
                    None => writeln!(f)?,
                }
            }
        }
        let path = self.critical_path();
        let names: Vec<&str> = path.iter().map(|node| self.info(places[node]).name()).collect();
        writeln!(f, "critical path: {}", names.join(" → "))
    }
}

/// Bytes that a plan mentions.
const WORTH_TELLING: u64 = 100_000;

impl Plan {
    /// Whether any time in the plan was declared or measured.
    fn is_measured(&self) -> bool {
        self.program.estimates.nanos.iter().any(|&nanos| nanos != order::UNKNOWN_NANOS)
    }
}
