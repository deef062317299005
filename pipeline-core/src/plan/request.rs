//! What a plan is made for: targets, given values, and what is already known.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::file_digests::{FileDigests, Stop};
use super::freeze::Frozen;
use super::keys::Identities;
use super::recheck::Recheck;
use crate::cache::Cache;
use crate::data::{Data, Value};
use crate::id::NodeId;
use crate::key::Key;
use crate::step::{Node, Services, Wire};

/// Everything that planning looks at besides the graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// What is wanted; the graph's own targets if empty.
    pub(crate) targets: &'a Targets,
    /// Values for the graph's named inputs.
    pub(crate) bindings: &'a Bindings,
    /// Where finished results may be found.
    pub(crate) cache: Option<&'a dyn Cache>,
    /// Services whose identities enter keys.
    pub(crate) services: &'a Services,
    /// What is known of files.
    pub(crate) digests: &'a FileDigests,
    /// When files are not read any more; those that were not have no name.
    pub(crate) stop: Stop<'a>,
    /// What is known of digested results.
    pub(crate) identities: &'a Identities,
    /// What is known of the time and bytes that steps take.
    pub(crate) costs: &'a Costs,
    /// Which results are computed though they are there.
    pub(crate) recheck: Recheck,
    /// Which steps may run as one.
    pub(crate) fuse: Fuse,
    /// Threads that the program allows.
    pub(crate) threads: usize,
}

/// Which steps may run as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fuse {
    /// None.
    Nothing,
    /// Tile-wise steps, between results that are worth keeping.
    Between,
    /// All that can, with those that bring images in and take them out.
    All,
}

/// The outputs that a run is to compute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets(pub(crate) Vec<Wire>);

impl Targets {
    /// The graph's declared targets, or if it has none, every node that nothing reads from.
    #[must_use]
    pub fn declared() -> Self {
        Self::default()
    }

    /// One output.
    #[must_use]
    pub fn node<T>(node: Node<T>) -> Self {
        Self(vec![node.wire()])
    }

    /// One more output.
    #[must_use]
    pub fn and<T>(mut self, node: Node<T>) -> Self {
        self.0.push(node.wire());
        self
    }

    /// The first output of each of these nodes.
    #[must_use]
    pub fn nodes(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self(nodes.into_iter().map(|node| Wire { node, port: 0 }).collect())
    }
}

impl<T> From<Node<T>> for Targets {
    fn from(node: Node<T>) -> Self {
        Self::node(node)
    }
}

impl From<NodeId> for Targets {
    fn from(node: NodeId) -> Self {
        Self::nodes([node])
    }
}

/// Values for the named inputs of a graph.
///
/// The identity of a value is the digest of its content, so equal values give equal keys. It is
/// worked out once, by the first plan that needs it: an executor without a cache does not. A type
/// without a codec, or whose codec fails, has no digest: nothing computed from it is kept, unless
/// the program names the value with [`with_key`](Self::with_key).
#[derive(Debug, Clone, Default)]
pub struct Bindings(HashMap<Arc<str>, Binding>);

#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) value: Value,
    /// What the value is called, once somebody has asked.
    identity: Arc<OnceLock<Option<Key>>>,
}

impl Binding {
    /// What the value is called, if it has a name.
    pub(crate) fn identity(&self) -> Option<Key> {
        *self.identity.get_or_init(|| self.value.try_digest())
    }
}

impl Bindings {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a value to the input of this name.
    #[must_use]
    pub fn with<T: Data>(self, name: &str, value: T) -> Self {
        self.with_value(name, Value::new(value))
    }

    /// Gives a value whose type is known only at run time to the input of this name.
    #[must_use]
    pub fn with_value(self, name: &str, value: Value) -> Self {
        self.insert(name, Binding { value, identity: Arc::default() })
    }

    /// Gives a value to the input of this name under an identity that the program vouches for:
    /// equal keys must mean equal values.
    #[must_use]
    pub fn with_key<T: Data>(self, name: &str, value: T, key: Key) -> Self {
        let identity = Arc::new(OnceLock::from(Some(key)));
        self.insert(name, Binding { value: Value::new(value), identity })
    }

    fn insert(mut self, name: &str, binding: Binding) -> Self {
        self.0.insert(name.into(), binding);
        self
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Binding> {
        self.0.get(name)
    }
}

/// What steps took so far, by step name: running means that later plans estimate from.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    by_step: Mutex<HashMap<&'static str, Learned>>,
    version: AtomicU64,
}

/// What a step is expected to take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) nanos: f64,
    pub(crate) bytes: f64,
}

#[derive(Debug, Clone, Copy)]
struct Learned {
    mean: Estimate,
    /// What plans go by: the mean when it last differed by much.
    told: Estimate,
}

/// Bytes of a digest per nanosecond on one core.
const DIGEST_SPEED: f64 = 7.0;

/// How much of the mean the newest run makes up.
const NEWEST: f64 = 0.25;

/// How many times the time of the mean a run counts at the most, for each byte that it made: one
/// that had to wait for the processor says little of the step, and alone must not move what plans
/// go by. What is dearer for good, as after a change of parameters, is learned within some runs.
const SLOWEST: f64 = 1.0 + (MUCH - 1.0) / NEWEST;

/// By what factor a mean must differ from what plans go by before they are told, and by how many
/// nanoseconds or bytes: what is small wavers much and decides nothing.
const MUCH: f64 = 1.5;
const MANY: f64 = 1000.0;

impl Costs {
    /// Learns from runs of a step: their mean time and size.
    pub(crate) fn learn(&self, step: &'static str, nanos: u64, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 53 bits")]
        let new = Estimate { nanos: nanos as f64, bytes: bytes as f64 };
        let mut known = self.by_step.lock();
        let learned = known.entry(step).or_insert_with(|| {
            self.version.fetch_add(1, Ordering::Relaxed);
            Learned { mean: new, told: new }
        });
        let Learned { mean, told } = learned;
        let growth = if mean.bytes > 0.0 && bytes > 0 { new.bytes / mean.bytes } else { 1.0 };
        let slowest = (mean.nanos * growth.max(1.0) * SLOWEST).max(MANY);
        mean.nanos += (new.nanos.min(slowest) - mean.nanos) * NEWEST;
        if mean.bytes == 0.0 {
            mean.bytes = new.bytes;
        } else if bytes > 0 {
            // A step that ran as part of another made nothing of its own.
            mean.bytes += (new.bytes - mean.bytes) * NEWEST;
        }
        let differs = |a: f64, b: f64| (a > b * MUCH || b > a * MUCH) && (a - b).abs() > MANY;
        if differs(mean.nanos, told.nanos) || differs(mean.bytes, told.bytes) {
            *told = *mean;
            self.version.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Changes whenever a plan would estimate otherwise than before.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    pub(crate) fn find(&self, step: &str) -> Option<Estimate> {
        self.by_step.lock().get(step).map(|learned| learned.told)
    }

    /// Whether the steps below a place are known to cost more than a digest of its results.
    pub(super) fn is_worth_a_digest(&self, place: u32, frozen: &Frozen) -> bool {
        let known = self.by_step.lock();
        let cost =
            |place: u32| known.get(frozen.facts[place as usize].step).map(|learned| learned.told);
        let Some(own) = cost(place) else { return false };
        let price = own.bytes / DIGEST_SPEED;
        let mut below = 0.0;
        let mut seen = HashSet::new();
        let mut next = vec![place];
        // Far enough for any sensible answer, bounded in any graph.
        while let Some(at) = next.pop() {
            for &consumer in frozen.shape.consumers(at) {
                if seen.len() == 64 {
                    return below > price;
                }
                if seen.insert(consumer) {
                    below += cost(consumer).map_or(0.0, |cost| cost.nanos);
                    next.push(consumer);
                }
            }
        }
        below > price
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    #[test]
    fn a_run_that_was_held_up_changes_no_plan() {
        let costs = Costs::default();
        costs.learn("step", MILLISECOND, 1 << 20);
        let (version, known) = (costs.version(), costs.find("step"));
        costs.learn("step", 1000 * MILLISECOND, 1 << 20);
        assert_eq!((costs.version(), costs.find("step")), (version, known));
    }

    #[test]
    fn a_larger_result_may_take_longer_at_once() {
        let costs = Costs::default();
        costs.learn("step", MILLISECOND, 1 << 20);
        costs.learn("step", 100 * MILLISECOND, 100 << 20);
        let Estimate { nanos, bytes } = costs.find("step").unwrap();
        assert_eq!(nanos / bytes, 1e6 / f64::from(1 << 20));
    }

    #[test]
    fn what_takes_longer_for_good_is_learned() {
        let costs = Costs::default();
        costs.learn("step", MILLISECOND, 1 << 20);
        for _ in 0..20 {
            costs.learn("step", 100 * MILLISECOND, 1 << 20);
        }
        let Estimate { nanos, .. } = costs.find("step").unwrap();
        assert!(nanos > 6e7, "{nanos}");
    }
}
