//! What one event costs the thread that emits it, and whoever listens.

use pipeline_core::event::{EventKind, Finished, PlannedNode, RunStarted, Snapshot, Status};
use pipeline_core::observe::{Bus, Subscription};
use pipeline_core::{NodeId, RunId};

use crate::clock::wall_of;
use crate::figure::{Figure, Samples, nanos};

/// Nodes of the run; each starts and ends once.
pub const NODES: u32 = 1000;

/// Events of the run.
pub const EVENTS: u32 = 2 * NODES;

/// A run's stream that nobody listens to.
#[must_use]
pub fn silent() -> Bus {
    Bus::new(RunId(1), 0)
}

/// A run's stream with a listener that has room for all of it.
#[must_use]
pub fn heard() -> (Bus, Subscription) {
    let node = |number| PlannedNode {
        id: NodeId::from_index(number),
        name: format!("s{number}").into(),
        step: "relay".into(),
    };
    let started = RunStarted {
        nodes: (0..NODES).map(node).collect(),
        targets: [].into(),
        cached: 0,
        estimate_us: None,
    };
    let bus = silent();
    let (_, subscription) = bus.subscribe(2 * EVENTS as usize, || {
        let mut state = Snapshot::new(RunId(1), 0);
        state.note(0, None, &EventKind::RunStarted(started));
        state
    });
    (bus, subscription)
}

/// Emits the start and the end of every node.
pub fn emit(bus: &Bus) {
    for number in 0..NODES {
        let node = Some(NodeId::from_index(number));
        if bus.is_active() {
            bus.emit(1, node, EventKind::StepStarted { attempt: 1 });
        }
        if bus.is_active() {
            let finished = Finished { attempt: 1, ..Finished::new(Status::Computed) };
            bus.emit(2, node, EventKind::StepFinished(finished));
        }
    }
}

/// Takes everything that is there. Returns how much that was.
pub fn hear(subscription: &mut Subscription) -> u32 {
    let mut count = 0;
    while subscription.try_recv().is_ready() {
        count += 1;
    }
    count
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    const ROUNDS: usize = 501;
    let each = |samples: Samples| nanos(samples.median()) / f64::from(EVENTS);
    let bus = silent();
    let none = Samples::take(ROUNDS, || wall_of(|| emit(&bus)));
    let emitted = Samples::take(ROUNDS, || {
        let (bus, _subscription) = heard();
        wall_of(|| emit(&bus))
    });
    let both = Samples::take(ROUNDS, || {
        let (bus, mut subscription) = heard();
        wall_of(|| {
            emit(&bus);
            assert_eq!(hear(&mut subscription), EVENTS, "no event is lost");
        })
    });
    vec![
        Figure::new("events/none", each(none), "ns/event").reach(5.0),
        Figure::new("events/one_subscriber", each(both), "ns/event").reach(100.0),
        Figure::new("events/one_subscriber/emit", each(emitted), "ns/event"),
    ]
}
