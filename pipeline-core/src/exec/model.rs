//! The protocols of the executor under the model checker: every test is run through many
//! interleavings.
//!
//! Each model was seen to fail with its protocol weakened: the counters of the schedule decremented
//! by a load and a store, a thread that is counted out under another lock than the one of its last
//! look, units that are not taken, the look into the cache outside of the lock of the computations
//! in flight, followers that go with the one that leaves, a value given to the last reader but one,
//! a place set back without a comparison, a hand emptied by a load and a store, a hand that is not
//! recalled from a lost thread.

use std::collections::HashMap;
use std::sync::Arc;

use shuttle::scheduler::RandomScheduler;
use shuttle::{Config, Runner, thread};

use super::cell::{Cell, State};
use super::gate::{Gate, Needs};
use super::handful::{Hand, Handful};
use super::inflight::{Begin, InFlight};
use super::schedule::{Left, Schedule};
use super::slots::{Slots, Take};
use super::state::RunState;
use crate::data::{Image, Value};
use crate::event::Status;
use crate::key::{Key, KeyHasher};
use crate::plan::Program;
use crate::step::Units;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

fn check(body: impl Fn() + Send + Sync + 'static) {
    Runner::new(RandomScheduler::new_from_seed(7, 5_000), Config::default()).run(body);
}

/// Every place takes one unit.
struct One(Vec<Units>);

impl Needs for One {
    fn bytes(&self, _: u32) -> Option<u64> {
        None
    }

    fn units(&self, _: u32) -> &[Units] {
        &self.0
    }

    fn live(&self) -> u64 {
        0
    }
}

/// What an executor does with a schedule, reduced to counters.
struct Machine {
    schedule: Schedule,
    needs: One,
    program: Arc<Program>,
    ran: Vec<AtomicU32>,
    ends: AtomicU32,
    holders: AtomicU32,
    /// A place that waits for another attempt the first time.
    flaky: AtomicU32,
    timers: Mutex<Vec<thread::JoinHandle<()>>>,
}

const NONE: u32 = u32::MAX;

impl Machine {
    fn new(places: u32, wires: &[(u32, u32)], gate: Option<Gate>) -> Arc<Self> {
        let program = Program::of_wires(places, wires);
        let is_limited = gate.is_some();
        let units = Units { resource: "device", units: 1 };
        Arc::new(Self {
            schedule: Schedule::new(
                Arc::clone(&program),
                RunState::new(&program, &Arc::default(), false),
                gate,
            ),
            needs: One(if is_limited { vec![units] } else { vec![] }),
            program,
            ran: (0..places).map(|_| AtomicU32::new(0)).collect(),
            ends: AtomicU32::new(0),
            holders: AtomicU32::new(0),
            flaky: AtomicU32::new(NONE),
            timers: Mutex::new(Vec::new()),
        })
    }

    fn left(&self, left: Left) {
        if left == Left::Nobody {
            self.ends.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn execute(self: &Arc<Self>, place: u32, hand: &Hand) -> Option<u32> {
        if self.flaky.load(Ordering::SeqCst) == place {
            self.flaky.store(NONE, Ordering::SeqCst);
            self.schedule.enter();
            let machine = Arc::clone(self);
            self.timers.lock().push(thread::spawn(move || {
                machine.schedule.push(place, &machine.needs);
                machine.left(machine.schedule.leave());
            }));
            self.schedule.put_back(place, &self.needs.0);
            return None;
        }
        for &input in self.program.shape.inputs(place) {
            assert_eq!(self.ran[input as usize].load(Ordering::SeqCst), 1, "{input} is not there");
        }
        if self.schedule.is_limited() {
            assert_eq!(self.holders.fetch_add(1, Ordering::SeqCst), 0, "the unit is taken twice");
            self.holders.fetch_sub(1, Ordering::SeqCst);
        }
        assert_eq!(self.ran[place as usize].fetch_add(1, Ordering::SeqCst), 0, "{place} ran twice");
        self.schedule.done(place, &self.needs.0, 1);
        self.schedule.release(place, hand, &self.needs, &mut Vec::new(), |_| ()).next
    }

    fn drain(self: &Arc<Self>, first: u32) {
        let (mut next, mut hand) = (Some(first), None);
        loop {
            let place = match next.take() {
                Some(place) => place,
                None => match self.schedule.pop_or_leave(&mut hand, &self.needs) {
                    Ok(place) => place,
                    Err(left) => return self.left(left),
                },
            };
            next = self.execute(place, &hand);
        }
    }

    /// The starter and two workers that look in.
    fn run(self: &Arc<Self>) {
        self.schedule.start();
        let workers = [(); 2].map(|()| {
            let machine = Arc::clone(self);
            thread::spawn(move || {
                if let Some(place) = machine.schedule.join(&machine.needs) {
                    machine.drain(place);
                }
            })
        });
        self.left(self.schedule.leave());
        self.finish();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        let timers = std::mem::take(&mut *self.timers.lock());
        timers.into_iter().for_each(|timer| timer.join().unwrap());
        self.check_end();
        assert!(!self.schedule.has_queued());
    }

    /// Looks in until the run has ended.
    fn finish(self: &Arc<Self>) {
        while self.ends.load(Ordering::SeqCst) == 0 {
            match self.schedule.join(&self.needs) {
                Some(place) => self.drain(place),
                None => thread::yield_now(),
            }
        }
    }

    fn check_end(&self) {
        assert!(self.ran.iter().all(|ran| ran.load(Ordering::SeqCst) == 1));
        assert_eq!(self.ends.load(Ordering::SeqCst), 1);
    }
}

const DIAMOND: [(u32, u32); 5] = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)];

#[test]
fn a_join_sees_all_its_inputs_and_the_run_ends_once() {
    check(|| {
        let machine = Machine::new(4, &DIAMOND, None);
        machine.run();
        // The counters have set themselves back.
        machine.ran.iter().for_each(|ran| ran.store(0, Ordering::SeqCst));
        machine.ends.store(0, Ordering::SeqCst);
        machine.run();
    });
}

#[test]
fn nothing_is_queued_when_the_last_one_leaves() {
    let wires: Vec<_> = (1..5).flat_map(|middle| [(0, middle), (middle, 5)]).collect();
    check(move || Machine::new(6, &wires, None).run());
}

#[test]
fn a_place_that_comes_back_is_run_before_the_end() {
    check(|| {
        let machine = Machine::new(4, &DIAMOND, None);
        machine.flaky.store(1, Ordering::SeqCst);
        machine.run();
    });
}

#[test]
fn a_unit_is_held_by_one_at_a_time() {
    check(|| {
        let gate = Gate::new(None, HashMap::from([("device", 1)]));
        Machine::new(4, &DIAMOND, Some(gate)).run();
    });
}

#[test]
fn a_place_in_a_hand_is_taken_by_one() {
    check(|| {
        let hand = Arc::new(Handful::default());
        let taken: Arc<Vec<AtomicU32>> = Arc::new((0..4).map(|_| AtomicU32::new(0)).collect());
        let take = |place: u32| taken[place as usize].fetch_add(1, Ordering::SeqCst);
        (0..2).for_each(|place| assert!(hand.put(place)));
        let (theirs, log) = (Arc::clone(&hand), Arc::clone(&taken));
        let thief = thread::spawn(move || {
            for _ in 0..2 {
                theirs.empty(|place| _ = log[place as usize].fetch_add(1, Ordering::SeqCst));
            }
        });
        for place in 2..4 {
            hand.take().map(take);
            assert!(hand.put(place));
        }
        while let Some(place) = hand.take() {
            take(place);
        }
        thief.join().unwrap();
        hand.empty(|place| _ = take(place));
        assert!(taken.iter().all(|taken| taken.load(Ordering::SeqCst) == 1));
    });
}

/// One source, five that follow, and one that waits for all: a thread takes several, and others run
/// what it still holds once it has gone `away` with the first of them.
fn check_that_others_run(away: fn(&Arc<Machine>, u32, &mut Hand)) {
    check(move || {
        let wires: Vec<_> = (1..6).flat_map(|middle| [(0, middle), (middle, 6)]).collect();
        let machine = Machine::new(7, &wires, None);
        machine.schedule.start();
        let mut hand = None;
        let first = machine.schedule.pop_or_leave(&mut hand, &machine.needs).unwrap();
        // Others may have looked into the hand before there was anything in it.
        assert_eq!(machine.schedule.join(&machine.needs), None);
        let next = machine.execute(first, &hand).unwrap();
        let other = Arc::clone(&machine);
        let helper = thread::spawn(move || {
            if let Some(place) = other.schedule.join(&other.needs) {
                other.drain(place);
            }
        });
        away(&machine, next, &mut hand);
        helper.join().unwrap();
        machine.finish();
        machine.check_end();
    });
}

#[test]
fn what_a_lost_thread_holds_is_run_by_others() {
    check_that_others_run(|machine, next, _| {
        // It is given up on in `next`, which fails for it; then it is counted out.
        machine.schedule.recall();
        let released = machine.execute(next, &None);
        if let Some(place) = released {
            machine.schedule.push(place, &machine.needs);
        }
        machine.left(machine.schedule.leave());
    });
}

#[test]
fn what_a_thread_holds_that_turns_to_something_else_is_run_by_others() {
    check_that_others_run(|machine, next, hand| {
        machine.left(machine.schedule.give_back(next, hand, &machine.needs));
    });
}

fn key() -> Key {
    KeyHasher::result().text("k").finish()
}

#[test]
fn a_computation_is_led_by_one_and_nobody_is_left_waiting() {
    check(|| {
        let inflight = Arc::new(InFlight::new());
        let cache = Arc::new(Mutex::new(None::<u32>));
        let (computed, answered) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let workers: Vec<_> = (0..3u32)
            .map(|number| {
                let (inflight, cache) = (Arc::clone(&inflight), Arc::clone(&cache));
                let (computed, answered) = (Arc::clone(&computed), Arc::clone(&answered));
                thread::spawn(move || {
                    match inflight.begin(
                        key(),
                        || cache.lock().is_some(),
                        || *cache.lock(),
                        || number,
                    ) {
                        Begin::Hit(value) => {
                            assert_eq!(value, 9);
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                        Begin::Leader => {
                            computed.fetch_add(1, Ordering::SeqCst);
                            thread::yield_now();
                            *cache.lock() = Some(9);
                            let followers = u32::try_from(inflight.finish(&key()).len()).unwrap();
                            answered.fetch_add(1 + followers, Ordering::SeqCst);
                        }
                        Begin::Follower => {}
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        assert_eq!(computed.load(Ordering::SeqCst), 1);
        assert_eq!(answered.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn a_follower_that_leaves_is_called_once() {
    check(|| {
        let inflight = Arc::new(InFlight::new());
        assert!(matches!(inflight.begin(key(), || false, || None::<()>, || 0u32), Begin::Leader));
        assert!(matches!(inflight.begin(key(), || false, || None::<()>, || 1u32), Begin::Follower));
        assert!(matches!(inflight.begin(key(), || false, || None::<()>, || 2u32), Begin::Follower));
        let called = Arc::new(AtomicU32::new(0));
        let (other, calls) = (Arc::clone(&inflight), Arc::clone(&called));
        let leaver = thread::spawn(move || {
            let gone = other.detach(|&follower| follower == 1);
            calls.fetch_add(u32::try_from(gone.len()).unwrap(), Ordering::SeqCst);
        });
        let told = inflight.finish(&key());
        called.fetch_add(u32::try_from(told.len()).unwrap(), Ordering::SeqCst);
        leaver.join().unwrap();
        assert_eq!(called.load(Ordering::SeqCst), 2, "one left, one was told");
        assert!(told.contains(&2));
        assert!(!inflight.has_followers(&key()));
    });
}

fn image() -> Value {
    Value::new(Image::from_samples(2, 2, 1, vec![7u8; 4]).unwrap())
}

#[test]
fn every_reader_finds_the_value_and_the_last_one_leaves_nothing() {
    check(|| {
        let mut slots = Slots::default();
        slots.reset(&[3]);
        let slots = Arc::new(slots);
        slots.fill(0, image());
        let readers = [(); 3].map(|()| {
            let slots = Arc::clone(&slots);
            thread::spawn(move || {
                let value = slots.take(0, Take::Last);
                assert!(value.downcast_ref::<Image>().is_some(), "it is gone");
                drop(value);
                slots.finish(0);
            })
        });
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(slots.live(), 0);
        assert_eq!(slots.take(0, Take::Keep).size_bytes(), 0);
    });
}

#[test]
fn a_step_ends_once_whether_it_returns_fails_or_is_given_up_on() {
    check(|| {
        let cell = Arc::new(Cell::default());
        cell.set(State::Running);
        let again = Arc::new(AtomicBool::new(false));
        let ends = Arc::new(AtomicU32::new(0));
        let (watched, ended) = (Arc::clone(&cell), Arc::clone(&ends));
        let timer = thread::spawn(move || {
            if watched.claim(0) {
                ended.fetch_add(1, Ordering::SeqCst);
                watched.set(State::Ended(Status::Failed));
            }
        });
        // The step comes back with a failure that may pass.
        if cell.set_back() {
            again.store(true, Ordering::SeqCst);
        }
        timer.join().unwrap();
        let ended = ends.load(Ordering::SeqCst);
        assert_eq!(u32::from(again.load(Ordering::SeqCst)) + ended, 1);
        let state = if ended == 1 { State::Ended(Status::Failed) } else { State::Pending };
        assert_eq!(cell.state(), state);
    });
}
