//! The row loop: one step's work in chunks that idle workers may join.
//!
//! The thread that opens a loop runs chunks itself until none is left; workers with nothing to do
//! may take chunks too. At the end the owner waits only for chunks that are in flight at that
//! moment, never for anything else. So no foreign step runs on its stack, and a short loop is not
//! delayed by a long one beside it, both of which happen when a shared pool waits in a join.
//!
//! # Why there is `unsafe` here
//!
//! The chunks borrow from the owner's stack, and helpers are threads that outlive the loop. Safe
//! Rust has no way to lend a borrow to a thread that is already running. The protocol that makes it
//! sound is small: a helper must [`enter`](Loop::enter) before it touches the body, the owner
//! [`close`](Loop::close)s the loop before it returns or unwinds, and `close` returns only when no
//! helper is inside and none can enter any more.

#![expect(unsafe_code, reason = "lends a borrowed closure to running threads; see the module docs")]

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex};

type Body<'a> = dyn Fn(Range<usize>) -> Result<()> + Sync + 'a;

/// The loops that are open on one executor, and how to call for help.
pub(crate) struct Crew {
    open: Mutex<Vec<Arc<Loop>>>,
    count: AtomicUsize,
    call: Box<dyn Fn(usize) + Send + Sync>,
    /// Whether a step waits for a worker: that goes before helping.
    is_wanted: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Crew {
    /// A crew whose idle members come when `call` is given the number of helpers wanted, and go
    /// when `is_wanted` says that a step waits for them.
    pub(crate) fn new(
        call: impl Fn(usize) + Send + Sync + 'static,
        is_wanted: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Mutex::new(Vec::new()),
            count: AtomicUsize::new(0),
            call: Box::new(call),
            is_wanted: Box::new(is_wanted),
        }
    }

    /// Runs `body` over `0..n` in chunks of `grain`, alone or with helpers.
    ///
    /// An owner that `lends` the loop is a thread that may wait. It leaves the chunks to workers,
    /// which are as many as are to compute, and takes one only when none has come for a while: they
    /// may all be waiting for it.
    ///
    /// Returns the time that helpers spent on it. The first error or panic of a chunk stops the
    /// loop; it reaches the caller after every helper has left.
    pub(crate) fn run(
        &self,
        n: usize,
        grain: usize,
        lends: bool,
        body: &Body<'_>,
    ) -> Result<Duration> {
        let shared = Arc::new(Loop::new(n, grain, body));
        self.open.lock().push(Arc::clone(&shared));
        self.count.fetch_add(1, Ordering::Release);
        (self.call)(n.div_ceil(grain.max(1)) - usize::from(!lends));

        if lends {
            shared.lend(body);
        } else {
            shared.work(body, &|| false);
        }
        {
            let mut open = self.open.lock();
            if let Some(place) = open.iter().position(|other| Arc::ptr_eq(other, &shared)) {
                open.swap_remove(place);
            }
        }
        self.count.fetch_sub(1, Ordering::Release);
        shared.close();

        if let Some(payload) = shared.panic.lock().take() {
            resume_unwind(payload);
        }
        let error = shared.error.lock().take();
        error.map_or_else(|| Ok(Duration::from_nanos(shared.helped.load(Ordering::Acquire))), Err)
    }

    /// Works on open loops until none has a chunk left or a step waits for a worker. Returns
    /// whether there was any.
    pub(crate) fn help(&self) -> bool {
        let mut helped = false;
        while self.count.load(Ordering::Acquire) > 0 && !(self.is_wanted)() {
            let next = self.open.lock().iter().find(|shared| shared.has_chunks()).map(Arc::clone);
            match next {
                Some(shared) => helped |= shared.help(&self.is_wanted),
                None => break,
            }
        }
        helped
    }

    /// Whether a loop has a chunk left.
    pub(crate) fn wants_help(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
            && self.open.lock().iter().any(|shared| shared.has_chunks())
    }
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew").field("open", &self.count).finish_non_exhaustive()
    }
}

/// How long an owner that lends its loop waits for a helper before it takes a chunk.
const PATIENCE: Duration = Duration::from_millis(100);

/// One open loop.
struct Loop {
    body: BodyPtr,
    n: usize,
    grain: usize,
    next: AtomicUsize,
    door: Mutex<Door>,
    left: Condvar,
    helped: AtomicU64,
    error: Mutex<Option<Error>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Default)]
struct Door {
    inside: usize,
    closed: bool,
}

/// The body with its lifetime erased. Only read between `enter` and `leave`.
struct BodyPtr(*const Body<'static>);

// SAFETY: the pointee is `Sync`, so calling it from any thread is allowed while it lives; that it
// lives is what the door guarantees.
unsafe impl Send for BodyPtr {}
// SAFETY: as above; the pointer itself is never written after construction.
unsafe impl Sync for BodyPtr {}

impl Loop {
    fn new(n: usize, grain: usize, body: &Body<'_>) -> Self {
        let body: *const Body<'_> = body;
        // SAFETY: only the lifetime changes, not the pointer or its vtable. The pointer is
        // dereferenced in `help` alone, between `enter` and `leave`; `Crew::run` closes the door
        // before the borrow ends, and `close` waits until nobody is inside.
        let body: *const Body<'static> = unsafe { std::mem::transmute(body) };
        Self {
            body: BodyPtr(body),
            n,
            grain: grain.max(1),
            next: AtomicUsize::new(0),
            door: Mutex::new(Door::default()),
            left: Condvar::new(),
            helped: AtomicU64::new(0),
            error: Mutex::new(None),
            panic: Mutex::new(None),
        }
    }

    fn has_chunks(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.n
    }

    fn enter(&self) -> bool {
        let mut door = self.door.lock();
        if door.closed {
            return false;
        }
        door.inside += 1;
        true
    }

    fn leave(&self) {
        let mut door = self.door.lock();
        door.inside -= 1;
        if door.inside == 0 {
            self.left.notify_one();
        }
    }

    fn close(&self) {
        let mut door = self.door.lock();
        door.closed = true;
        while door.inside > 0 {
            self.left.wait(&mut door);
        }
    }

    /// Waits until helpers have done all chunks, and takes some where none comes: one at first, and
    /// the next ones ever sooner.
    fn lend(&self, body: &Body<'_>) {
        let mut patience = PATIENCE;
        let mut door = self.door.lock();
        while door.inside > 0 || self.has_chunks() {
            let is_late = self.left.wait_for(&mut door, patience).timed_out();
            if is_late && door.inside == 0 {
                drop(door);
                patience /= 2;
                let is_first = Cell::new(true);
                self.work(body, &|| !is_first.replace(false));
                door = self.door.lock();
            }
        }
    }

    fn help(&self, is_wanted: &dyn Fn() -> bool) -> bool {
        if !self.has_chunks() || !self.enter() {
            return false;
        }
        let start = Instant::now();
        // SAFETY: this thread is inside and the door was open, so the owner has not returned from
        // `close` and the borrow behind the pointer is alive until `leave` below. `work` catches
        // panics, so `leave` is always reached.
        self.work(unsafe { &*self.body.0 }, is_wanted);
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.helped.fetch_add(nanos, Ordering::Release);
        self.leave();
        true
    }

    /// Runs chunks until none is left, or this thread is wanted elsewhere. Never unwinds.
    fn work(&self, body: &Body<'_>, is_wanted: &dyn Fn() -> bool) {
        while !is_wanted() {
            let start = self.next.fetch_add(self.grain, Ordering::Relaxed);
            if start >= self.n {
                // Keeps the counter from wrapping however many helpers look in.
                self.next.store(self.n, Ordering::Relaxed);
                return;
            }
            let chunk = start..self.n.min(start.saturating_add(self.grain));
            match catch_unwind(AssertUnwindSafe(|| body(chunk))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.next.store(self.n, Ordering::Relaxed);
                    self.error.lock().get_or_insert(error);
                }
                Err(payload) => {
                    self.next.store(self.n, Ordering::Relaxed);
                    self.panic.lock().get_or_insert(payload);
                }
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn with_helpers<R>(helpers: usize, f: impl FnOnce(&Crew) -> R) -> R {
        let crew = Crew::new(|_| (), || false);
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|| {
                    while !done.load(Ordering::Acquire) {
                        crew.help();
                        std::thread::yield_now();
                    }
                });
            }
            let result = catch_unwind(AssertUnwindSafe(|| f(&crew)));
            done.store(true, Ordering::Release);
            result.unwrap_or_else(|payload| resume_unwind(payload))
        })
    }

    #[test]
    fn every_index_runs_once() {
        for grain in [1, 7, 1000] {
            with_helpers(3, |crew| {
                for _ in 0..50 {
                    let seen: Vec<_> = (0..100).map(|_| AtomicUsize::new(0)).collect();
                    crew.run(100, grain, false, &|range| {
                        for index in range {
                            seen[index].fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(())
                    })
                    .unwrap();
                    assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            });
        }
    }

    #[test]
    fn an_owner_that_lends_the_loop_leaves_it_to_helpers() {
        with_helpers(2, |crew| {
            for _ in 0..50 {
                let owner = std::thread::current().id();
                let (seen, own) = (AtomicUsize::new(0), AtomicUsize::new(0));
                crew.run(40, 1, true, &|range| {
                    seen.fetch_add(range.len(), Ordering::Relaxed);
                    let is_own = std::thread::current().id() == owner;
                    own.fetch_add(usize::from(is_own), Ordering::Relaxed);
                    Ok(())
                })
                .unwrap();
                assert_eq!(seen.into_inner(), 40);
                assert!(own.into_inner() < 40, "helpers were there");
            }
        });
        // And where there are none, it does the work.
        let crew = Crew::new(|_| (), || false);
        let seen = AtomicUsize::new(0);
        crew.run(5, 1, true, &|_| {
            seen.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen.into_inner(), 5);
    }

    #[test]
    fn the_first_error_stops_the_loop() {
        let ran = AtomicUsize::new(0);
        let crew = Crew::new(|_| (), || false);
        let result = crew.run(100, 1, false, &|range| {
            ran.fetch_add(1, Ordering::Relaxed);
            if range.start == 3 { Err(Error::failed("no")) } else { Ok(()) }
        });
        assert_eq!(result.unwrap_err().to_string(), "no");
        assert_eq!(ran.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_panic_reaches_the_owner_after_the_helpers_left() {
        let inside = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            with_helpers(2, |crew| {
                crew.run(1000, 1, false, &|range| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    assert!(range.start != 500, "chunk 500");
                    inside.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
            })
        }));
        assert!(caught.is_err());
        // Only the chunk that panicked did not count itself out.
        assert_eq!(inside.load(Ordering::SeqCst), 1);
    }
}

#[cfg(all(test, shuttle))]
mod model {
    //! The door of a loop under the model checker. The models were seen to fail with a `close` that
    //! does not wait, and with chunks handed out by a load and a store. A helper that counts itself
    //! in outside of the lock goes unnoticed: by then no chunk is left that it could call the body
    //! for.

    use shuttle::scheduler::RandomScheduler;
    use shuttle::{Config, Runner, thread};

    use super::*;

    fn check(body: impl Fn() + Send + Sync + 'static) {
        Runner::new(RandomScheduler::new_from_seed(7, 5_000), Config::default()).run(body);
    }

    /// A crew with two helpers that come once.
    fn with_helpers<R>(f: impl FnOnce(&Crew) -> R) -> R {
        let crew = Arc::new(Crew::new(|_| (), || false));
        let helpers = [(); 2].map(|()| {
            let crew = Arc::clone(&crew);
            thread::spawn(move || {
                thread::yield_now();
                crew.help();
            })
        });
        let result = f(&crew);
        helpers.into_iter().for_each(|helper| helper.join().unwrap());
        result
    }

    #[test]
    fn every_index_runs_once_and_nobody_is_inside_afterwards() {
        check(|| {
            with_helpers(|crew| {
                let seen: Vec<_> = (0..4).map(|_| AtomicUsize::new(0)).collect();
                // What the body borrows is marked as gone the moment that the loop returns.
                let (inside, gone) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
                let mark = Arc::clone(&gone);
                crew.run(4, 1, false, &|range| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    assert_eq!(mark.load(Ordering::SeqCst), 0, "the owner has returned");
                    seen[range.start].fetch_add(1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
                .unwrap();
                gone.store(1, Ordering::SeqCst);
                assert_eq!(inside.load(Ordering::SeqCst), 0, "a helper is still inside");
                assert!(seen.iter().all(|count| count.load(Ordering::SeqCst) == 1));
            });
        });
    }

    #[test]
    fn an_error_reaches_the_owner_after_the_helpers_left() {
        check(|| {
            with_helpers(|crew| {
                let inside = AtomicUsize::new(0);
                let result = crew.run(4, 1, false, &|range| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    if range.start == 2 { Err(Error::failed("no")) } else { Ok(()) }
                });
                assert_eq!(inside.load(Ordering::SeqCst), 0, "a helper is still inside");
                assert_eq!(result.unwrap_err().to_string(), "no");
            });
        });
    }

    #[test]
    fn a_panic_reaches_the_owner_after_the_helpers_left() {
        check(|| {
            with_helpers(|crew| {
                let inside = AtomicUsize::new(0);
                let result = catch_unwind(AssertUnwindSafe(|| {
                    crew.run(3, 1, false, &|range| {
                        inside.fetch_add(1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        if range.start == 1 {
                            resume_unwind(Box::new("chunk 1"));
                        }
                        Ok(())
                    })
                }));
                assert_eq!(inside.load(Ordering::SeqCst), 0, "a helper is still inside");
                assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"chunk 1"));
            });
        });
    }
}
