//! How much computing a cache saves, on sessions that are replayed.
//!
//! Hit rates say little where one result takes a second and the next a millisecond. What counts is
//! the share of the seconds that a cache without end would save. Requests walk the graph as the
//! planner does: from the targets upwards, and a hit cuts off what is above it.

mod dice;
pub mod recorded;
pub mod rival;
pub mod session;

use std::collections::HashSet;

use crate::figure::Figure;
use rival::{Endless, Gdsf, Lru, Moka, Nothing, Ours, Quick, Rival};
use session::{Graph, Kind, Request};

/// Budgets, as parts of the bytes of one graph.
pub const BUDGETS: [(&str, f64); 4] =
    [("quarter", 0.25), ("half", 0.5), ("one", 1.0), ("two", 2.0)];

/// Sessions of each kind.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;

/// Seconds of computing that a session takes with a cache.
pub fn replay(graph: &Graph, requests: &[Request], cache: &mut dyn Rival) -> f64 {
    let mut seconds = 0.0;
    for request in requests {
        cache.begin();
        let keys = graph.keys(request);
        let mut wanted: HashSet<usize> = request.targets.iter().copied().collect();
        let mut missing = Vec::new();
        for (at, node) in graph.0.iter().enumerate().rev() {
            if wanted.contains(&at) && !cache.get(&keys[at]) {
                missing.push(at);
                wanted.extend(&node.inputs);
            }
        }
        for at in missing.into_iter().rev() {
            let node = &graph.0[at];
            seconds += node.seconds;
            let inputs: Vec<_> = node.inputs.iter().map(|&input| keys[input]).collect();
            cache.put(keys[at], node, at, &inputs);
        }
    }
    seconds
}

/// A part of some bytes.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a budget"
)]
pub fn part_of(bytes: u64, part: f64) -> u64 {
    (bytes as f64 * part) as u64
}

/// Of a hundred seconds that a cache without end would save, how many does this one?
#[must_use]
pub fn saved(kind: Kind, budget: f64, make: &dyn Fn(u64) -> Box<dyn Rival>) -> f64 {
    let (mut sum, mut sessions) = (0.0, 0.0);
    for seed in SEEDS {
        let (graph, requests) = kind.session(seed);
        let bytes = part_of(graph.bytes(), budget);
        let without = replay(&graph, &requests, &mut Nothing);
        let least = replay(&graph, &requests, &mut Endless::default());
        let with = replay(&graph, &requests, &mut *make(bytes));
        sum += (without - with) / (without - least);
        sessions += 1.0;
    }
    100.0 * sum / sessions
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    type Make = fn(u64) -> Box<dyn Rival>;
    let rivals: [(&str, Make); 4] = [
        ("lru", |budget| Box::new(Lru::new(budget))),
        ("gdsf", |budget| Box::new(Gdsf::new(budget))),
        ("moka", |budget| Box::new(Moka::new(budget))),
        ("quick_cache", |budget| Box::new(Quick::new(budget))),
    ];
    let mut figures = Vec::new();
    let (mut sums, mut beside) = ([0.0; 5], 0.0);
    for kind in Kind::ALL {
        for (name, budget) in BUDGETS {
            let id = format!("trace/{}/{name}", kind.name());
            let theirs = rivals.map(|(_, make)| saved(kind, budget, &make));
            let ours = saved(kind, budget, &|budget| Box::new(Ours::new(budget)));
            // As it is printed.
            let best = (theirs[0].max(theirs[1]) * 10.0).round() / 10.0;
            figures.push(Figure::new(id, ours, "% saved").reach_at_least(best).peer("LRU, GDSF"));
            sums[0] += ours;
            beside += saved(kind, budget, &|budget| Box::new(Ours::beside(budget)));
            sums[1..].iter_mut().zip(theirs).for_each(|(sum, theirs)| *sum += theirs);
        }
    }
    let cells = 20.0;
    figures.push(Figure::new("trace/mean", sums[0] / cells, "% saved").reach_at_least(89.0));
    figures.push(Figure::new("trace/mean/beside", beside / cells, "% saved"));
    for ((rival, _), sum) in rivals.iter().zip(&sums[1..]) {
        figures.push(Figure::new(format!("trace/mean/{rival}"), sum / cells, "% saved"));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_saves_more_than_the_order_of_last_use() {
        for kind in Kind::ALL {
            let [ours, lru] = [
                saved(kind, 0.5, &|budget| Box::new(Ours::new(budget))),
                saved(kind, 0.5, &|budget| Box::new(Lru::new(budget))),
            ];
            assert!(ours > lru + 10.0, "{kind:?}: {ours} and {lru} of a hundred");
        }
    }
}
