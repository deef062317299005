//! The contract of [`Observer`].

use super::guard::no_panic;
use super::history::{History, catch_up, histories};
use crate::event::Event;
use crate::observe::Observer;

/// Puts observers through everything that an executor may tell them; `make` makes a new one.
///
/// Every history is legal, so an observer that is right for these is right for any executor:
///
/// - a full run with every kind of event, and one with failures, cancels, retries and skips,
/// - a run without nodes, one of ten thousand, one that was cancelled before its first step,
/// - odd names, times and numbers: no text, control characters, progress past its total,
/// - what is told instead when the observer was too slow, from any point of a run to any other,
/// - several runs one after the other and at the same time, from different threads.
///
/// # Panics
/// If the observer does, with the event on which it did.
///
/// ```
/// use pipeline_core::observe::Metrics;
/// use pipeline_core::testkit::{Recorder, observer};
///
/// observer::check(Recorder::new);
/// observer::check(Metrics::default);
/// ```
pub fn check<O: Observer>(make: impl Fn() -> O) {
    let histories = histories();
    for History { name, events } in &histories {
        tell(&make(), name, events);
    }
    for History { name, events } in histories.iter().filter(|history| history.events.len() < 100) {
        for from in 0..events.len() {
            for to in [from + 1, from + 2, from.midpoint(events.len()), events.len()] {
                let lagged = catch_up(events, from, to.min(events.len()));
                tell(&make(), &format!("{name}, after a lag"), &lagged);
            }
        }
    }

    let observer = make();
    for History { name, events } in &histories {
        tell(&observer, &format!("{name}, after other runs"), events);
    }
    let observer = make();
    let longest = histories.iter().map(|history| history.events.len()).max().unwrap_or(0);
    for at in 0..longest {
        for History { name, events } in &histories {
            let event = events.get(at..=at).unwrap_or_default();
            tell(&observer, &format!("{name}, among other runs"), event);
        }
    }
    // One thread tells everything, but not always the same one: every executor has its own.
    let observer = make();
    std::thread::scope(|scope| {
        for History { name, events } in &histories {
            let observer = &observer;
            let told = scope.spawn(move || tell(observer, name, events)).join();
            no_panic("told by another thread", || {
                told.unwrap_or_else(|payload| std::panic::resume_unwind(payload));
            });
        }
    });
}

fn tell(observer: &impl Observer, history: &str, events: &[Event]) {
    for event in events {
        let during = format_args!("{history}: event {} `{}`", event.seq, event.kind.name());
        no_panic(during, || observer.on_event(event));
    }
}
