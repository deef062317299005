//! The thread on which observers are called.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::backlog::Waiting;
use super::signal::Signal;
use super::subscription::{LIGHTLY, SLEEPS_LIGHTLY};
use super::{Bus, Observer, Received, Subscription};
use crate::event::{Event, Snapshot, Suggestion, Warning};
use crate::id::RunId;
use crate::sync::{Condvar, Mutex, thread};

/// How many events of one run are passed on before the next run has its turn.
const TURN: usize = 256;

/// After so many ends of nodes what was heard of them is shared with the stream.
const SHARE_EVERY: u32 = 4096;

/// Carries the events of runs to their observers, on one thread that starts with the first run that
/// has any.
///
/// Dropping it does not wait: the thread passes on what is left and ends.
#[derive(Debug, Default)]
pub(crate) struct Pump {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    signal: Arc<Signal>,
    inbox: Mutex<Inbox>,
    /// Called when a run has been passed on to its end.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Inbox {
    new: Vec<Watch>,
    /// The runs that have not been passed on to their end.
    open: Vec<RunId>,
    running: bool,
    stopping: bool,
}

impl Pump {
    /// A pump without a thread.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Lets `observers` hear a run from its first event on, even if it has begun.
    ///
    /// `capacity` and `seed` are those of [`Bus::subscribe`]. If the system gives no thread, nobody
    /// hears anything and the run goes on.
    pub(crate) fn observe(
        &self,
        bus: &Bus,
        observers: Vec<Arc<dyn Observer>>,
        capacity: usize,
        seed: impl FnOnce() -> Snapshot,
    ) {
        if observers.is_empty() {
            return;
        }
        let signal = Arc::clone(&self.shared.signal);
        let (state, subscription) = bus.subscribe_with(capacity, signal, seed);
        let (run, seen) = (state.run, Snapshot::new(state.run, state.revision));
        let warned = vec![false; observers.len()];
        let ahead = Some(state);
        let watch = Watch { run, subscription, seen, shared_at: 0, ahead, observers, warned };

        let mut inbox = self.shared.inbox.lock();
        if !inbox.running {
            let shared = Arc::clone(&self.shared);
            if thread::spawn("pipeline-observers", move || shared.work()).is_err() {
                return;
            }
            inbox.running = true;
        }
        inbox.open.push(run);
        inbox.new.push(watch);
        drop(inbox);
        self.shared.signal.call();
    }

    /// Waits until the observers of a run have heard its end, for at most `timeout`. Returns
    /// whether they have.
    pub(crate) fn flush(&self, run: RunId, timeout: Duration) -> bool {
        let end = Instant::now().checked_add(timeout);
        let mut inbox = self.shared.inbox.lock();
        while inbox.open.contains(&run) {
            let left = end.map_or(timeout, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() || self.shared.ended.wait_for(&mut inbox, left).timed_out() {
                break;
            }
        }
        !inbox.open.contains(&run)
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.shared.inbox.lock().stopping = true;
        self.shared.signal.call();
    }
}

impl Shared {
    fn work(&self) {
        let mut watches = Vec::new();
        let mut lightly = false;
        loop {
            {
                let mut inbox = self.inbox.lock();
                watches.append(&mut inbox.new);
                if inbox.stopping && watches.is_empty() {
                    return;
                }
            }
            let mut heard = false;
            watches.retain_mut(|watch| self.turn(watch, &mut heard));
            if heard {
                lightly = SLEEPS_LIGHTLY;
                continue;
            }
            let sleep = if lightly { Waiting::Lightly } else { Waiting::Deeply };
            if watches.iter().all(|watch| watch.subscription.arm(sleep)) {
                self.signal.wait(lightly.then_some(LIGHTLY));
                lightly = false;
            }
        }
    }

    /// Passes on what there is of one run. Returns whether more may come.
    fn turn(&self, watch: &mut Watch, heard: &mut bool) -> bool {
        if let Some(state) = watch.ahead.take() {
            watch.catch_up(state);
        }
        for _ in 0..TURN {
            match watch.subscription.try_recv() {
                Poll::Pending => {
                    watch.share();
                    return true;
                }
                Poll::Ready(Some(Received::Event(event))) => watch.pass_on(&event),
                Poll::Ready(Some(Received::Lagged(state))) => watch.catch_up(*state),
                Poll::Ready(None) => {
                    // Whoever waits for this may want its observer back.
                    watch.observers.clear();
                    let mut inbox = self.inbox.lock();
                    if let Some(place) = inbox.open.iter().position(|&run| run == watch.run) {
                        inbox.open.swap_remove(place);
                    }
                    self.ended.notify_all();
                    return false;
                }
            }
            *heard = true;
        }
        true
    }
}

/// A run and who hears it.
struct Watch {
    run: RunId,
    subscription: Subscription,
    /// What the observers have heard so far adds up to this.
    seen: Snapshot,
    /// How many nodes had ended in it when it last shared their states with the stream.
    shared_at: u32,
    /// The state the subscription began with, until the observers have heard of it.
    ahead: Option<Snapshot>,
    observers: Vec<Arc<dyn Observer>>,
    warned: Vec<bool>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("run", &self.run).finish_non_exhaustive()
    }
}

impl Watch {
    fn catch_up(&mut self, state: Snapshot) {
        for event in state.catch_up(&self.seen) {
            self.tell(&event);
        }
        self.seen = state;
    }

    /// Lets go of the states of nodes that the stream has too: a long run would be known twice.
    fn share(&mut self) {
        let ended = self.seen.counts.total();
        if ended.saturating_sub(self.shared_at) >= SHARE_EVERY
            && let Some(state) = self.subscription.state()
        {
            self.seen.share_ended(&state);
            self.shared_at = ended;
        }
    }

    fn pass_on(&mut self, event: &Event) {
        self.seen.apply(event);
        self.tell(event);
    }

    fn tell(&mut self, event: &Event) {
        for (observer, warned) in self.observers.iter().zip(&mut self.warned) {
            if catch_unwind(AssertUnwindSafe(|| observer.on_event(event))).is_ok() {
                continue;
            }
            if !std::mem::replace(warned, true) {
                self.subscription.warn(Warning {
                    code: "observer_panicked".into(),
                    message: format!("an observer panicked on `{}`", event.kind.name()),
                    suggestions: vec![Suggestion::text("report it to the observer's author")],
                });
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::event::history::{finished, node, run_finished, run_started};
    use crate::event::{EventKind, RunStatus, Status};

    const RUN: RunId = RunId(1);
    const LONG: Duration = Duration::from_secs(60);

    fn empty() -> Snapshot {
        Snapshot::new(RUN, 0)
    }

    fn run(bus: &Bus, nodes: u32) {
        bus.emit(0, None, run_started(nodes));
        for index in 0..nodes {
            bus.emit(index.into(), Some(node(index)), EventKind::StepStarted { attempt: 1 });
            bus.emit(index.into(), Some(node(index)), finished(Status::Computed));
        }
        bus.emit(nodes.into(), None, run_finished(RunStatus::Completed));
    }

    /// An observer that keeps what it hears, as a list that can be read meanwhile.
    fn listener() -> (Arc<Mutex<Vec<Event>>>, Arc<dyn Observer>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heard);
        (heard, Arc::new(move |event: &Event| keep.lock().push(event.clone())))
    }

    #[test]
    fn observers_hear_a_run_that_had_begun_from_its_first_event_on() {
        let (heard, observer) = listener();
        let (bus, pump) = (Bus::new(RUN, 0), Pump::new());
        pump.observe(&bus, vec![observer], 1000, || {
            let mut state = empty();
            state.note(0, None, &run_started(3));
            state.note(1, Some(node(0)), &finished(Status::Cached));
            state
        });
        bus.emit(5, Some(node(1)), finished(Status::Computed));
        bus.emit(6, None, run_finished(RunStatus::Cancelled));
        assert!(pump.flush(RUN, LONG));
        let heard = heard.lock();
        let kinds: Vec<_> = heard.iter().map(|event| event.kind.name()).collect();
        assert_eq!(kinds, ["run_started", "step_finished", "step_finished", "run_finished"]);
    }

    #[test]
    fn what_was_heard_of_a_long_run_is_shared_with_the_stream() {
        let (heard, observer) = listener();
        let bus = Bus::new(RUN, 0);
        let (_, subscription) = bus.subscribe_with(1 << 20, Arc::default(), empty);
        let (observers, warned) = (vec![observer], vec![false]);
        let (seen, ahead) = (empty(), None);
        let mut watch =
            Watch { run: RUN, subscription, seen, shared_at: 0, ahead, observers, warned };
        let hear = |watch: &mut Watch| {
            while let Poll::Ready(Some(Received::Event(event))) = watch.subscription.try_recv() {
                watch.pass_on(&event);
            }
        };
        let is_shared = |watch: &Watch, index| {
            let state = watch.subscription.state().unwrap();
            let [own, other] = [&watch.seen, &state].map(|state| state.node(node(index)).unwrap());
            std::ptr::eq(own, other)
        };
        let end = |index: u32| bus.emit(1, Some(node(index)), finished(Status::Computed));
        bus.emit(0, None, run_started(SHARE_EVERY + 100));
        (0..SHARE_EVERY - 1).for_each(end);
        hear(&mut watch);
        watch.share();
        assert!(!is_shared(&watch, 0), "there are not enough of them yet");
        end(SHARE_EVERY - 1);
        hear(&mut watch);
        let before = watch.seen.clone();
        watch.share();
        assert!(watch.seen == before);
        assert!(is_shared(&watch, 0) && is_shared(&watch, SHARE_EVERY - 1));
        // What comes after that is heard once, also if it is heard of by a state.
        end(SHARE_EVERY);
        bus.emit(2, None, run_finished(RunStatus::Completed));
        let state = watch.subscription.state().unwrap();
        watch.catch_up(state);
        let heard = heard.lock();
        let ends = heard.iter().filter(|event| matches!(event.kind, EventKind::StepFinished(_)));
        let ends: Vec<_> = ends.map(|event| event.node.unwrap()).collect();
        assert!(ends.iter().copied().eq((0..=SHARE_EVERY).map(node)));
    }

    #[test]
    fn a_slow_observer_misses_no_end_and_holds_nothing_up() {
        let (heard, observer) = listener();
        let gate = Arc::new(Barrier::new(2));
        let wait = Arc::clone(&gate);
        let slow = move |event: &Event| {
            if matches!(event.kind, EventKind::RunStarted(_)) {
                wait.wait();
            }
        };
        let (bus, pump) = (Bus::new(RUN, 0), Pump::new());
        pump.observe(&bus, vec![Arc::new(slow), observer], 16, empty);
        // The observer is stuck all through the run.
        run(&bus, 500);
        assert!(!pump.flush(RUN, Duration::ZERO));
        gate.wait();
        assert!(pump.flush(RUN, LONG));
        let heard = heard.lock();
        let ends = |event: &&Event| matches!(event.kind, EventKind::StepFinished(_));
        assert_eq!(heard.iter().filter(ends).count(), 500);
        assert!(heard.is_sorted_by(|a, b| a.seq < b.seq && a.t_us <= b.t_us));
        let last = &heard.last().unwrap().kind;
        assert!(matches!(last, EventKind::RunFinished(_)), "{last:?}");
    }

    #[test]
    fn an_observer_that_panics_hears_on_and_is_warned_of_once() {
        let (heard, observer) = listener();
        let nodes = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&nodes);
        let faulty = move |event: &Event| {
            count.fetch_add(event.node.map_or(0, |_| 1), Ordering::Relaxed);
            assert!(event.node.is_none(), "not a node");
        };
        let (bus, pump) = (Bus::new(RUN, 0), Pump::new());
        let gate = Arc::new(Barrier::new(2));
        let passed = Arc::clone(&gate);
        let signal = move |event: &Event| {
            if matches!(event.kind, EventKind::Warning(_)) {
                passed.wait();
            }
        };
        let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(faulty), observer, Arc::new(signal)];
        pump.observe(&bus, observers, 1000, empty);
        bus.emit(0, None, run_started(3));
        for index in 0..3 {
            bus.emit(0, Some(node(index)), finished(Status::Computed));
        }
        // The warning needs a run that has not ended.
        gate.wait();
        bus.emit(0, None, run_finished(RunStatus::Completed));
        assert!(pump.flush(RUN, LONG));
        assert_eq!(nodes.load(Ordering::Relaxed), 3);
        let heard = heard.lock();
        let warnings = heard.iter().filter(|event| event.kind.name() == "warning");
        assert_eq!(warnings.count(), 1);
        assert_eq!(heard.len(), 6, "the others heard everything");
    }

    #[test]
    fn a_run_nobody_is_told_about_is_flushed_at_once() {
        assert!(Pump::new().flush(RUN, LONG));
    }
}
