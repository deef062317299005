//! What the executor does about results that somebody else may be making.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Claim, Claimed, Evicted, Hit, Origin};
use pipeline_core::event::Status;
use pipeline_core::graph::Retry;
use pipeline_core::{Executor, Graph, Key, Node, Options, RunOptions, Services, Value};

use crate::toy::{Fault, Give, Hoard, Journal, Mix, Number, Split, mix};

/// Says of claims what it was told to, in turn, and notes what becomes of them.
#[derive(Debug, Default)]
struct Counter {
    hoard: Hoard,
    says: Mutex<Vec<Say>>,
    claimed: Mutex<Vec<Key>>,
    noted: Arc<Mutex<Vec<&'static str>>>,
}

#[derive(Debug)]
enum Say {
    Elsewhere,
    /// Another one has made it: the number is here now.
    Made(i64),
    /// As above, and it is lost again.
    Lost,
}

struct Leaving(Arc<Mutex<Vec<&'static str>>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.lock().push("left");
    }
}

impl Cache for Counter {
    fn get(&self, key: &Key) -> Option<Hit> {
        self.hoard.get(key)
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        self.noted.lock().push("put");
        self.hoard.put(key, value, origin)
    }

    fn contains(&self, key: &Key) -> bool {
        self.hoard.contains(key)
    }

    fn claim(&self, key: &Key, _: u64) -> Claim {
        self.claimed.lock().push(*key);
        let mut says = self.says.lock();
        let say = if says.is_empty() { None } else { Some(says.remove(0)) };
        drop(says);
        let mut noted = self.noted.lock();
        match say {
            None => {
                noted.push("claimed");
                Claim::Mine(Claimed::new(Leaving(Arc::clone(&self.noted))))
            }
            Some(Say::Elsewhere) => {
                noted.push("elsewhere");
                Claim::Elsewhere
            }
            Some(Say::Made(number)) => {
                self.hoard.put(*key, &Value::new(Number(number)), Origin::default());
                Claim::Made
            }
            Some(Say::Lost) => Claim::Made,
        }
    }
}

fn executor(says: Vec<Say>) -> (Executor, Arc<Counter>, Journal) {
    let (cache, journal) = (Arc::new(Counter::default()), Journal::default());
    *cache.says.lock() = says;
    let executor = Executor::new(Options {
        threads: Some(1),
        cache: Some(Arc::<Counter>::clone(&cache)),
        services: Services::new().with(journal.clone()),
        ..Options::default()
    });
    (executor.unwrap(), cache, journal)
}

fn noted(cache: &Counter) -> Vec<&'static str> {
    std::mem::take(&mut cache.noted.lock())
}

fn give(graph: &mut Graph) -> Node<Number> {
    graph.add("give", Give { number: 5, name: "give".into() }, ())
}

#[test]
fn a_result_is_claimed_before_it_is_made_and_put_before_the_claim_goes() {
    let (executor, cache, _) = executor(vec![]);
    let mut graph = Graph::new();
    let give = give(&mut graph);
    mix(&mut graph, "mix", 1, &[give]);
    executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
    assert_eq!(noted(&cache), ["claimed", "put", "left", "claimed", "put", "left"]);
    executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
    assert_eq!(noted(&cache), Vec::<&str>::new(), "nothing is made");
}

#[test]
fn what_somebody_else_makes_is_waited_for_and_taken() {
    let says = vec![Say::Elsewhere, Say::Elsewhere, Say::Made(70)];
    let (executor, cache, journal) = executor(says);
    let mut graph = Graph::new();
    let give = give(&mut graph);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    report.ok().unwrap();
    assert_eq!(report.output(give).unwrap().0, 70);
    assert_eq!(report.nodes_that(Status::Cached), ["give"]);
    assert_eq!((noted(&cache), journal.take()), (vec!["elsewhere"; 2], vec![]));
}

#[test]
fn what_somebody_else_gave_up_or_lost_is_made_here() {
    for says in [vec![Say::Elsewhere], vec![Say::Lost], vec![Say::Elsewhere, Say::Lost]] {
        let (executor, _, journal) = executor(says);
        let mut graph = Graph::new();
        let give = give(&mut graph);
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(report.output(give).unwrap().0, 5);
        assert_eq!(journal.take(), ["give"]);
    }
}

#[test]
fn of_several_outputs_the_first_that_is_not_there_is_claimed() {
    for there in [&[][..], &[0], &[1]] {
        let (executor, cache, journal) = executor(vec![]);
        let mut graph = Graph::new();
        let give = give(&mut graph);
        let split = Split { plus: 1, name: "split".into(), digest: false };
        let (one, two) = graph.add("split", split, give);
        mix(&mut graph, "mix", 1, &[one, two]);
        let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
        let key = plan.key(one.id()).unwrap();
        let (first, second) = Split { plus: 1, ..Split::default() }.parts(5);
        for (port, number) in [(0, first), (1, second)] {
            if there.contains(&port) {
                cache.hoard.put(key.port(port), &Value::new(number), Origin::default());
            }
        }
        executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
        assert_eq!(journal.take(), ["give", "mix", "split"]);
        let missing = key.port(u16::from(there == [0]));
        assert_eq!(cache.claimed.lock()[1], missing, "{there:?}");
    }
}

#[test]
fn a_claim_goes_with_a_step_that_fails_or_panics() {
    for fault in [Fault::Fail, Fault::Panic] {
        let (executor, cache, _) = executor(vec![]);
        let mut graph = Graph::new();
        graph.add("fails", Mix { fault, ..Mix::default() }, vec![]);
        assert!(executor.run(&graph, &RunOptions::default()).unwrap().ok().is_err());
        assert_eq!(noted(&cache), ["claimed", "left"]);
    }
}

#[test]
fn a_claim_lasts_from_the_first_attempt_to_the_last() {
    for delay_ms in [0, 20] {
        let (executor, cache, _) = executor(vec![]);
        let mut graph = Graph::new();
        let flaky = graph.add("flaky", Mix { fault: Fault::Flaky, ..Mix::default() }, vec![]);
        graph.settings(flaky.id(), |s| s.retry = Retry { attempts: 3, delay_ms }).unwrap();
        executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
        assert_eq!(noted(&cache), ["claimed", "put", "left"]);
    }
}

#[test]
fn a_run_that_waits_can_be_cancelled_and_leaves_it_to_those_that_follow() {
    let (executor, cache, journal) = executor((0..100_000).map(|_| Say::Elsewhere).collect());
    let mut graph = Graph::new();
    let give = give(&mut graph);
    let first = executor.spawn(&graph, &RunOptions::default()).unwrap();
    let second = executor.spawn(&graph, &RunOptions::default()).unwrap();
    assert!(first.wait_for(Duration::from_millis(30)).is_none());
    first.cancel();
    assert_eq!(first.wait().nodes_that(Status::Cancelled), ["give"]);
    assert!(second.wait_for(Duration::from_millis(30)).is_none());
    // Now nobody else makes it any more.
    cache.says.lock().clear();
    assert_eq!(second.wait().output(give).unwrap().0, 5);
    assert_eq!(journal.take(), ["give"]);
    assert_eq!(noted(&cache).iter().filter(|what| **what == "claimed").count(), 1);
}
