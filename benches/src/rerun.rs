//! What an unchanged graph of a hundred steps costs, when all results are in the cache.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Evicted, Hit, Origin, Tier};
use pipeline_core::data::{Codec, Data, In};
use pipeline_core::{
    Context, Error, Executor, Graph, Key, Options, Result, RunOptions, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::wall_of;
use crate::figure::{Figure, Samples, micros};

/// Samples of each picture.
const SAMPLES: usize = 1 << 20;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// A picture that counts every byte that is read of it through its codec.
#[derive(Debug, Clone)]
pub struct Probe(Vec<u8>);

impl Data for Probe {
    const NAME: &'static str = "probe";

    fn size_bytes(&self) -> usize {
        self.0.len()
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |probe, out| {
                BYTES.fetch_add(probe.0.len(), Ordering::Relaxed);
                out.write_all(&probe.0)
            },
            |_| Err(Error::failed("nothing is read back here")),
        ))
    }
}

/// Makes a picture; counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Paint {}

impl Step for Paint {
    const NAME: &'static str = "paint";
    type Input = ();
    type Output = Probe;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Probe> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        Ok(Probe(vec![1; SAMPLES]))
    }
}

/// Brightens a picture; counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Brighten {}

impl Step for Brighten {
    const NAME: &'static str = "brighten";
    type Input = In<Probe>;
    type Output = Probe;

    fn run(&self, probe: In<Probe>, _: &Context<'_>) -> Result<Probe> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        Ok(Probe(probe.0.iter().map(|sample| sample.wrapping_add(1)).collect()))
    }
}

/// Keeps everything.
#[derive(Debug, Default)]
pub struct Hoard(Mutex<HashMap<Key, Value>>);

impl Cache for Hoard {
    fn get(&self, key: &Key) -> Option<Hit> {
        let value = self.0.lock().get(key)?.clone();
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        self.0.lock().insert(key, value.clone());
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.0.lock().contains_key(key)
    }
}

/// A graph of a hundred steps that has been run.
#[derive(Debug)]
pub struct Unchanged {
    executor: Executor,
    graph: Graph,
    options: RunOptions,
}

impl Default for Unchanged {
    fn default() -> Self {
        let mut graph = Graph::new();
        let mut last = graph.add("paint", Paint {}, ());
        for number in 1..100 {
            last = graph.add(format!("brighten {number}"), Brighten {}, last);
        }
        let cache: Option<Arc<dyn Cache>> = Some(Arc::new(Hoard::default()));
        let options = Options { threads: Some(2), cache, ..Options::default() };
        let executor = Executor::new(options).expect("the threads start");
        let unchanged = Self { executor, graph, options: RunOptions::default() };
        unchanged.again();
        unchanged
    }
}

impl Unchanged {
    /// Plans and runs it again.
    pub fn again(&self) {
        let report = self.executor.run(&self.graph, &self.options).expect("the graph is sound");
        report.ok().expect("all results are there");
    }

    /// How many steps were called and how many bytes of pixels were read while `f` ran.
    pub fn touched(f: impl FnOnce()) -> (usize, usize) {
        let before = (CALLS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        f();
        (CALLS.load(Ordering::Relaxed) - before.0, BYTES.load(Ordering::Relaxed) - before.1)
    }
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let unchanged = Unchanged::default();
    let id = "rerun/unchanged/100";
    let mut median = 0.0;
    let (calls, bytes) = Unchanged::touched(|| {
        median = micros(Samples::take(1001, || wall_of(|| unchanged.again())).median());
    });
    #[expect(clippy::cast_precision_loss, reason = "both are meant to be 0")]
    let counts = [calls as f64, bytes as f64];
    vec![
        Figure::new(id, median, "µs").reach(100.0).peer("134 ms"),
        Figure::new(format!("{id}/calls"), counts[0], "step calls").reach(0.0),
        Figure::new(format!("{id}/pixels"), counts[1], "bytes read").reach(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_graph_calls_no_step() {
        let unchanged = Unchanged::default();
        assert_eq!(Unchanged::touched(|| unchanged.again()), (0, 0));
    }
}
