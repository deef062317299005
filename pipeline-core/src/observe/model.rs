//! The bus and the pump under the model checker: every test is run through many interleavings.

use std::sync::Arc;

use shuttle::scheduler::RandomScheduler;
use shuttle::{Config, Runner, thread};

use super::{Bus, Emit, Observer, Pump, Received, Subscription};
use crate::event::history::{finished, node, run_finished, run_started};
use crate::event::{Event, EventKind, RunStatus, Snapshot, Status};
use crate::id::RunId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const RUN: RunId = RunId(1);
const START: EventKind = EventKind::StepStarted { attempt: 1 };

fn check(body: impl Fn() + Send + Sync + 'static) {
    Runner::new(RandomScheduler::new_from_seed(7, 10_000), Config::default()).run(body);
}

/// What an executor does, reduced to its records and its bus.
struct Machine {
    bus: Bus,
    /// 0 pending, 1 running, 2 ended.
    nodes: Vec<AtomicU8>,
    ended: AtomicU8,
}

impl Machine {
    fn new(nodes: u32) -> Arc<Self> {
        let bus = Bus::new(RUN, 0);
        let nodes = (0..nodes).map(|_| AtomicU8::new(0)).collect();
        Arc::new(Self { bus, nodes, ended: AtomicU8::new(0) })
    }

    fn count(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap()
    }

    fn seed(&self) -> Snapshot {
        let mut state = Snapshot::new(RUN, 0);
        state.note(0, None, &run_started(self.count()));
        for index in 0..self.count() {
            let status = self.nodes[index as usize].load(Ordering::SeqCst);
            if status > 0 {
                state.note(0, Some(node(index)), &START);
            }
            if status > 1 {
                state.note(0, Some(node(index)), &finished(Status::Computed));
            }
        }
        if self.ended.load(Ordering::SeqCst) > 0 {
            state.note(0, None, &run_finished(RunStatus::Completed));
        }
        state
    }

    fn step(&self, index: u32, batch: &mut Vec<Emit>) {
        for (status, kind) in [(1, START), (2, finished(Status::Computed))] {
            self.nodes[index as usize].store(status, Ordering::SeqCst);
            if self.bus.is_active() {
                batch.push(Emit { t_us: 0, node: Some(node(index)), kind });
            }
        }
    }

    /// Runs every node on two threads, in batches of `batch` nodes, then ends the run.
    fn run(self: &Arc<Self>, batch: u32) {
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let machine = Arc::clone(self);
                thread::spawn(move || {
                    let mut events = Vec::new();
                    for index in (worker..machine.count()).step_by(2) {
                        machine.step(index, &mut events);
                        if (index / 2 + 1).is_multiple_of(batch) {
                            machine.bus.emit_all(&mut events);
                        }
                    }
                    machine.bus.emit_all(&mut events);
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        self.ended.store(1, Ordering::SeqCst);
        if self.bus.is_active() {
            self.bus.emit(0, None, run_finished(RunStatus::Completed));
        }
    }
}

/// Follows the stream to its end and fails if an event is lost or comes twice.
fn follow(mut state: Snapshot, tail: Subscription) -> Snapshot {
    for received in tail {
        match received {
            Received::Event(event) => {
                assert_eq!(event.seq, state.next_seq, "a gap");
                assert!(state.apply(&event), "{event:?} came twice");
            }
            Received::Lagged(fresh) => state = *fresh,
        }
    }
    assert_eq!(state.open(), 0, "an end was lost");
    assert!(state.finished.is_some(), "the end of the run was lost");
    state
}

#[test]
fn a_late_subscriber_loses_no_end_and_hears_none_twice() {
    check(|| {
        let machine = Machine::new(4);
        let late = Arc::clone(&machine);
        let listener = thread::spawn(move || {
            let (state, tail) = late.bus.subscribe(16, || late.seed());
            follow(state, tail)
        });
        machine.run(2);
        listener.join().unwrap();
    });
}

#[test]
fn two_late_subscribers_end_in_the_same_state() {
    check(|| {
        let machine = Machine::new(3);
        let listeners = [0, 1].map(|_| {
            let late = Arc::clone(&machine);
            thread::spawn(move || {
                let (state, tail) = late.bus.subscribe(16, || late.seed());
                follow(state, tail)
            })
        });
        machine.run(1);
        let [a, b] = listeners.map(|listener| listener.join().unwrap());
        assert_eq!(a.counts, b.counts);
    });
}

#[test]
fn one_may_leave_while_another_joins() {
    check(|| {
        let machine = Machine::new(3);
        let [early, late] = [(); 2].map(|()| Arc::clone(&machine));
        let leaver = thread::spawn(move || drop(early.bus.subscribe(16, || early.seed())));
        let listener = thread::spawn(move || {
            let (state, tail) = late.bus.subscribe(16, || late.seed());
            follow(state, tail)
        });
        machine.run(1);
        leaver.join().unwrap();
        listener.join().unwrap();
    });
}

#[test]
fn a_subscriber_that_falls_behind_is_set_right() {
    check(|| {
        // 20 nodes with two events each; 16 have room.
        let machine = Machine::new(20);
        let (state, tail) = machine.bus.subscribe(16, || machine.seed());
        let listener = thread::spawn(move || follow(state, tail));
        machine.run(3);
        listener.join().unwrap();
    });
}

#[test]
fn a_bus_that_is_dropped_lets_its_subscriber_go() {
    check(|| {
        let bus = Bus::new(RUN, 0);
        let (_, mut tail) = bus.subscribe(16, || Snapshot::new(RUN, 0));
        let listener = thread::spawn(move || {
            let heard = tail.by_ref().count();
            assert_eq!(tail.recv(), None);
            heard
        });
        bus.emit(0, None, run_started(1));
        drop(bus);
        assert_eq!(listener.join().unwrap(), 1);
    });
}

#[derive(Default)]
struct Ends {
    nodes: AtomicU64,
    runs: AtomicU64,
    last: Mutex<Option<u64>>,
}

impl Observer for Ends {
    fn on_event(&self, event: &Event) {
        let last = self.last.lock().replace(event.seq);
        assert!(last.is_none_or(|last| last < event.seq), "{last:?} before {event:?}");
        match &event.kind {
            EventKind::StepFinished(_) => self.nodes.fetch_add(1, Ordering::SeqCst),
            EventKind::RunFinished(_) => self.runs.fetch_add(1, Ordering::SeqCst),
            _ => 0,
        };
    }
}

#[test]
fn an_observer_hears_every_end_once_before_the_flush_returns() {
    check(|| {
        let machine = Machine::new(10);
        let ends = Arc::new(Ends::default());
        let observers: Vec<Arc<dyn Observer>> = vec![Arc::clone(&ends) as _];
        let pump = Pump::new();
        pump.observe(&machine.bus, observers, 16, || machine.seed());
        machine.run(2);
        assert!(pump.flush(RUN, std::time::Duration::MAX));
        assert_eq!(ends.nodes.load(Ordering::SeqCst), 10);
        assert_eq!(ends.runs.load(Ordering::SeqCst), 1);
    });
}
