//! A step is told to stop at each of its polls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use parking_lot::Mutex;

use super::subject::{Subject, assert_same};
use crate::data::Value;
use crate::error::{CancelReason, Error};
use crate::step::{Context, Crew, Host, Lane, Progress};

/// Polls that a thread may still make after it was told to stop: one to see it, one to make the
/// error, and some for a step that cleans up.
const LATE: usize = 4;

/// Threads that help in the parallel case.
const HELPERS: usize = 2;

/// Tells a step to stop from its poll number `after` on.
struct Stopper<'a> {
    name: &'a str,
    after: usize,
    polls: AtomicUsize,
}

impl<'a> Stopper<'a> {
    fn new(name: &'a str, after: usize) -> Self {
        Self { name, after, polls: AtomicUsize::new(0) }
    }

    fn late(&self) -> usize {
        self.polls.load(Ordering::SeqCst).saturating_sub(self.after)
    }
}

impl Host for Stopper<'_> {
    fn interrupted(&self, _: u32) -> Option<CancelReason> {
        let poll = self.polls.fetch_add(1, Ordering::SeqCst);
        (poll >= self.after).then_some(CancelReason::User)
    }

    fn progress(&self, _: u32, progress: Progress) {
        let Progress { done, total, unit, .. } = progress;
        let fits = total == 0 || done <= total;
        assert!(fits, "step `{}` reports {done} of {total} {unit} done", self.name);
    }
}

/// Cancels the step at its polls, alone and with helpers; `expected` is what it returns otherwise.
pub(super) fn check(subject: &Subject<'_>, expected: &[Value], most: usize) {
    let name = subject.kind.name;
    let whole = Stopper::new(name, usize::MAX);
    let ctx = Context { host: &whole, ..subject.ctx() };
    if let Err(error) = subject.call("counting its polls", subject.values(), &ctx) {
        panic!("step `{name}`, run once more: {error}");
    }
    let total = whole.polls.load(Ordering::SeqCst);
    for after in spread(total, most) {
        let stopper = Stopper::new(name, after);
        let ctx = Context { host: &stopper, ..subject.ctx() };
        judge(subject, expected, &stopper, &ctx, 1);
    }
    let spread: Vec<_> = spread(total, 8).into_iter().collect();
    with_helpers(subject, |crew| {
        for after in spread {
            let stopper = Stopper::new(name, after);
            let ctx = Context { host: &stopper, crew: Some(crew), ..subject.ctx() };
            judge(subject, expected, &stopper, &ctx, 1 + HELPERS);
        }
    });
}

/// At most `most` numbers from 0 to `total`, first and last among them.
fn spread(total: usize, most: usize) -> BTreeSet<usize> {
    let most = most.max(2).min(total + 1);
    (0..most).map(|at| at * total / (most - 1).max(1)).collect()
}

fn judge(
    subject: &Subject<'_>,
    expected: &[Value],
    stopper: &Stopper<'_>,
    ctx: &Context<'_>,
    threads: usize,
) {
    let (name, after) = (subject.kind.name, stopper.after);
    let during = format!("cancelled after {after} polls");
    match subject.call(&during, subject.values(), ctx) {
        Ok(outputs) if subject.is_steady() => assert_same(name, &during, &outputs, expected),
        Ok(_) => {}
        Err(Error::Cancelled(CancelReason::User)) => {
            assert!(stopper.late() > 0, "step `{name}` says it was cancelled, but it was not");
        }
        Err(error) => panic!(
            "step `{name}`, {during}: failed with `{error}`, expected the error of the cancel or \
             the whole result"
        ),
    }
    let late = stopper.late();
    assert!(
        late <= LATE * threads,
        "step `{name}`, {during}: polled {late} times more, so it went on after the cancel"
    );
}

/// Lends a crew whose members are threads of this check.
fn with_helpers(subject: &Subject<'_>, f: impl FnOnce(&Crew)) {
    let (calls, called) = mpsc::channel::<bool>();
    let (ends, opened) = (calls.clone(), Arc::new(AtomicBool::new(false)));
    let noted = Arc::clone(&opened);
    let call = move |wanted: usize| {
        noted.store(true, Ordering::Relaxed);
        for _ in 0..wanted.min(HELPERS) {
            // The helpers may have gone home; the owner runs every chunk that is left.
            let _ = calls.send(true);
        }
    };
    let crew = Crew::new(call, || false);
    let called = Mutex::new(called);
    std::thread::scope(|scope| {
        for _ in 0..HELPERS {
            scope.spawn(|| {
                loop {
                    let call = called.lock().recv();
                    if call != Ok(true) {
                        break;
                    }
                    crew.help();
                }
            });
        }
        // The helpers must go home even if the step breaks its contract.
        let _end = End(ends);
        f(&crew);
    });
    let waits = subject.step.spec().lane == Lane::Blocking;
    assert!(
        !(waits && opened.load(Ordering::Relaxed)),
        "step `{}` runs on the threads for waiting but opens a row loop",
        subject.kind.name
    );
}

struct End(mpsc::Sender<bool>);

impl Drop for End {
    fn drop(&mut self) {
        for _ in 0..HELPERS {
            let _ = self.0.send(false);
        }
    }
}
