//! Sessions that a program has recorded with [`pipeline_cache::Recorder`].

use std::collections::{HashMap, HashSet};

use pipeline_core::Key;

use super::rival::Rival;
use super::session::Node;

/// A session as it was recorded.
#[derive(Debug, Default)]
pub struct Recording {
    /// How each result was made, the last time.
    made: HashMap<Key, Made>,
    /// What each request has asked for, in that order.
    requests: Vec<Vec<Key>>,
}

#[derive(Debug)]
struct Made {
    node: Node,
    step: usize,
    inputs: Vec<Key>,
}

impl Recording {
    /// Reads the lines of a file. What is no line of one is an error that tells where.
    ///
    /// # Errors
    /// The number of the line, counted from 1, and the line.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut recording = Self::default();
        let mut steps = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            recording.line(line, &mut steps).ok_or_else(|| format!("line {number}: {line}"))?;
        }
        Ok(recording)
    }

    fn line<'t>(&mut self, line: &'t str, steps: &mut HashMap<&'t str, usize>) -> Option<()> {
        let parts: Vec<&str> = line.split('\t').collect();
        match parts[..] {
            ["begin"] => self.requests.push(Vec::new()),
            ["get", asked, "hit" | "miss"] => self.requests.last_mut()?.push(key(asked)?),
            ["put", made, step, nanos, bytes, inputs] => {
                let inputs: Option<Vec<Key>> = inputs.split_terminator(' ').map(key).collect();
                let seconds = nanos.parse::<f64>().ok()? / 1e9;
                let node = Node { inputs: Vec::new(), seconds, bytes: bytes.parse().ok()? };
                let next = steps.len();
                let step = *steps.entry(step).or_insert(next);
                self.made.insert(key(made)?, Made { node, step, inputs: inputs? });
            }
            _ => return None,
        }
        Some(())
    }

    /// Bytes of all results.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.made.values().map(|made| made.node.bytes).sum()
    }

    /// Seconds of computing that the session takes with a cache. A request asks again for what
    /// stood lowest of all that it asked for, and what is missing is made from its inputs.
    pub fn replay(&self, cache: &mut dyn Rival) -> f64 {
        let mut seconds = 0.0;
        for request in &self.requests {
            cache.begin();
            let inputs = request.iter().filter_map(|key| self.made.get(key));
            let above: HashSet<Key> = inputs.flat_map(|made| made.inputs.iter().copied()).collect();
            let mut seen = HashSet::new();
            for key in request.iter().filter(|key| !above.contains(key)) {
                seconds += self.demand(*key, cache, &mut seen);
            }
        }
        seconds
    }

    fn demand(&self, key: Key, cache: &mut dyn Rival, seen: &mut HashSet<Key>) -> f64 {
        let Some(made) = self.made.get(&key).filter(|_| seen.insert(key)) else { return 0.0 };
        if cache.get(&key) {
            return 0.0;
        }
        let mut seconds = made.node.seconds;
        for &input in &made.inputs {
            seconds += self.demand(input, cache, seen);
        }
        cache.put(key, &made.node, made.step, &made.inputs);
        seconds
    }
}

fn key(text: &str) -> Option<Key> {
    serde_json::from_value(text.into()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pipeline_cache::{MemoryCache, Recorder};
    use pipeline_core::{Executor, Graph, Options, RunOptions};
    use pipeline_ops::filter::GaussianBlur;
    use pipeline_ops::io::Open;
    use pipeline_ops::point::Gain;

    use super::super::rival::{Endless, Lru, Nothing, Ours};
    use super::*;

    /// A person moves a slider there and back.
    fn record(path: &std::path::Path) {
        let cache = Arc::new(MemoryCache::new(1 << 30));
        let recorder = Arc::new(Recorder::create(cache, path).expect("a file"));
        let cache = Some(Arc::<Recorder>::clone(&recorder) as _);
        let options = Options { cache, ..Options::default() };
        let executor = Executor::new(options).expect("a pool");
        let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/coffee.png");
        for factor in [1.0, 1.1, 1.2, 1.1, 1.0] {
            let mut graph = Graph::new();
            let photo = graph.add("photo", Open::path(photo), ());
            let blur = graph.add("blur", GaussianBlur::default(), photo);
            graph.add("gain", Gain { factor }, blur);
            executor.run(&graph, &RunOptions::default()).expect("a run").ok().expect("no failure");
        }
        recorder.flush();
    }

    #[test]
    fn a_session_is_replayed_on_any_cache() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("session.trace");
        record(&path);
        let text = std::fs::read_to_string(&path).expect("a recording");
        let recording = Recording::read(&text).expect("lines of a recorder");
        assert_eq!(recording.requests.len(), 5);
        let [without, least] =
            [recording.replay(&mut Nothing), recording.replay(&mut Endless::default())];
        let made: f64 = recording.made.values().map(|made| made.node.seconds).sum();
        assert!((least - made).abs() < 1e-9, "each result once: {least} of {made}");
        assert!(without > 1.5 * least, "{without} and {least}");
        for with in [
            recording.replay(&mut Ours::new(2 * recording.bytes())),
            recording.replay(&mut Lru::new(2 * recording.bytes())),
        ] {
            assert!((with - least).abs() < 1e-9, "there is room for all: {with}");
        }
    }

    #[test]
    fn what_is_no_line_is_told() {
        let key = "0".repeat(64);
        for (text, line) in [
            ("begin\nget\t12\thit", "line 2"),
            (&*format!("get\t{key}\thit"), "line 1"),
            (&*format!("begin\nput\t{key}\tgain\tsoon\t5\t"), "line 2"),
        ] {
            let error = Recording::read(text).expect_err("not a recording");
            assert!(error.starts_with(line), "{error}");
        }
    }
}
