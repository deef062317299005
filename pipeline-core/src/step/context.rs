//! What a running step is given besides its inputs.

use std::any::Any;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::rows::Crew;
use super::scratch::Scratch;
use super::services::Services;
use crate::error::{CancelReason, Error, Result};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How far a step has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) unit: &'static str,
    pub(crate) message: Option<String>,
}

/// What runs a step, as far as the step can tell.
pub(crate) trait Host: Sync {
    /// Why the step must stop, if it must.
    fn interrupted(&self, node: u32) -> Option<CancelReason>;

    /// Takes note of progress; called as often as the step likes.
    fn progress(&self, node: u32, progress: Progress);

    /// The number that the random numbers of a step start from, if it said that it needs one.
    fn seed(&self, _node: u32) -> Option<u64> {
        Some(0)
    }
}

/// Nobody: never stops, never listens.
struct Nobody;

impl Host for Nobody {
    fn interrupted(&self, _: u32) -> Option<CancelReason> {
        None
    }

    fn progress(&self, _: u32, _: Progress) {}
}

/// What a running step may use: cancellation, progress, parallel rows, scratch memory, its seed and
/// the program's services.
///
/// A step that takes longer than a tenth of a second should open its loops with
/// [`rows`](Self::rows) or call [`check`](Self::check) now and then; both make it stop soon after a
/// cancel.
///
/// [`Context::default`] serves a step that is called by hand, outside any executor.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) node: u32,
    pub(crate) crew: Option<&'a Crew>,
    /// Whether this thread leaves row loops to the crew.
    pub(crate) lends: bool,
    pub(crate) services: Option<&'a Services>,
    pub(crate) attempt: u32,
    pub(crate) deadline: Option<Instant>,
    /// Nanoseconds that other threads spent on this step.
    pub(crate) helped: Option<&'a AtomicU64>,
    /// Whether another one tells how far this step has come.
    pub(crate) is_told: bool,
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self {
            host: &Nobody,
            node: 0,
            crew: None,
            lends: false,
            services: None,
            attempt: 1,
            deadline: None,
            helped: None,
            is_told: false,
        }
    }
}

impl<'a> Context<'a> {
    /// A context for calling a step by hand with services.
    #[must_use]
    pub fn with_services(services: &'a Services) -> Self {
        Self { services: Some(services), ..Self::default() }
    }

    /// An error once the step should stop. Costs a few nanoseconds.
    ///
    /// # Errors
    /// [`Error::Cancelled`] with the reason.
    pub fn check(&self) -> Result<()> {
        self.host.interrupted(self.node).map_or(Ok(()), |reason| Err(Error::Cancelled(reason)))
    }

    /// Whether the step should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.host.interrupted(self.node).is_some()
    }

    /// Reports that `done` of `total` units of work are finished. Costs a few nanoseconds when
    /// nobody listens; listeners hear at most 20 reports a second. Several threads may report: less
    /// is not told after more of the same total. A count that begins anew says so with 0.
    pub fn progress(&self, done: u64, total: u64, unit: &'static str) {
        self.tell(Progress { done, total, unit, message: None });
    }

    /// Reports progress in words.
    pub fn message(&self, done: u64, total: u64, unit: &'static str, message: impl Into<String>) {
        let message = Some(message.into());
        self.tell(Progress { done, total, unit, message });
    }

    /// Runs `body` over the rows `0..n` in chunks of `grain`, in parallel where workers are idle.
    ///
    /// The way for a step to use more than one core. Every chunk is a point of cancellation and of
    /// progress, so a chunk should be about a tenth of a millisecond of work. Chunks run in any
    /// order and on any thread; `body` must give the same result whatever the order.
    ///
    /// # Errors
    /// The first error that a chunk returned, or [`Error::Cancelled`]. Chunks that had started are
    /// finished by then, further ones have not started.
    ///
    /// # Panics
    /// If a chunk panicked; the executor turns that into an error of the step.
    pub fn rows(
        &self,
        n: usize,
        grain: usize,
        body: impl Fn(Range<usize>) -> Result<()> + Sync,
    ) -> Result<()> {
        self.rows_of(0..n, n, grain, body)
    }

    /// Runs `body` by [`rows`](Self::rows) over a part of `total` rows: the way for whoever has
    /// them one part after the other, as a [`Sink`](super::Sink) does. Progress is told of all of
    /// them.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    ///
    /// # Panics
    /// As [`rows`](Self::rows).
    pub fn rows_of(
        &self,
        part: Range<usize>,
        total: usize,
        grain: usize,
        body: impl Fn(Range<usize>) -> Result<()> + Sync,
    ) -> Result<()> {
        let (before, n) = (part.start, part.len());
        let done = AtomicUsize::new(0);
        let chunk = |range: Range<usize>| {
            self.check()?;
            let rows = range.len();
            body(before + range.start..before + range.end)?;
            let done = done.fetch_add(rows, Ordering::Relaxed) + rows;
            // Not the end: it is the owner's to tell, when nobody can report less any more.
            if done < n {
                self.progress((before + done) as u64, total as u64, "rows");
            }
            Ok(())
        };
        let grain = grain.max(1);
        if n > 0 {
            self.progress(before as u64, total as u64, "rows");
        }
        match self.crew {
            Some(crew) if n > grain || n > 0 && self.lends => {
                let helped = crew.run(n, grain, self.lends, &chunk)?;
                if let Some(total) = self.helped {
                    let nanos = u64::try_from(helped.as_nanos()).unwrap_or(u64::MAX);
                    total.fetch_add(nanos, Ordering::Relaxed);
                }
            }
            _ => (0..n).step_by(grain).try_for_each(|start| chunk(start..n.min(start + grain)))?,
        }
        if n > 0 {
            self.progress((before + n) as u64, total as u64, "rows");
        }
        Ok(())
    }

    /// Fills `rows` by [`rows`](Self::rows): `body` gets the number of the first row of a chunk and
    /// the chunk's samples.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    ///
    /// # Panics
    /// If `rows` is not a whole number of rows of `row_len`, and as [`rows`](Self::rows).
    pub fn fill_rows<T: Send>(
        &self,
        rows: &mut [T],
        row_len: usize,
        grain: usize,
        body: impl Fn(usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        assert!(row_len > 0 && rows.len().is_multiple_of(row_len), "whole rows of {row_len}");
        let total = rows.len() / row_len;
        self.fill_band(rows, row_len, 0, total, grain, body)
    }

    /// Fills `rows`, which are those from `first` of an image of `total` rows.
    pub(crate) fn fill_band<T: Send>(
        &self,
        rows: &mut [T],
        row_len: usize,
        first: usize,
        total: usize,
        grain: usize,
        body: impl Fn(usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        let (n, grain) = (rows.len() / row_len, grain.max(1));
        // Each chunk is locked once, by the one thread that runs it.
        let chunks: Vec<_> =
            rows.chunks_mut(grain * row_len).map(parking_lot::Mutex::new).collect();
        self.rows_of(first..first + n, total, grain, |range| {
            body(range.start, &mut chunks[(range.start - first) / grain].lock())
        })
    }

    fn tell(&self, progress: Progress) {
        if !self.is_told {
            self.host.progress(self.node, progress);
        }
    }

    /// The context of a step at another place that runs aside of this one: no thread helps it.
    pub(crate) fn apart(&self, node: u32) -> Self {
        Self { node, crew: None, helped: None, ..*self }
    }

    /// The context of a step at another place that runs after this one or beside it: it works on
    /// its own row loops, and idle workers help it.
    pub(crate) fn beside(&self, node: u32) -> Self {
        Self { node, lends: false, ..*self }
    }

    /// The same context, but what the step reports of its progress is not told.
    pub(crate) fn untold(self) -> Self {
        Self { is_told: true, ..self }
    }

    /// This thread's working memory.
    pub fn scratch<R>(&self, f: impl FnOnce(&mut Scratch) -> R) -> R {
        Scratch::with(f)
    }

    /// The number to seed random numbers with: the same for the same parameters and inputs.
    ///
    /// # Errors
    /// [`Error::Failed`] if the step's [`Spec`](super::Spec) does not say that it is seeded: what a
    /// seed depends on may have to be read for it.
    pub fn seed(&self) -> Result<u64> {
        let lack = || Error::failed("the step asks for a seed, which its spec does not declare");
        self.host.seed(self.node).ok_or_else(lack)
    }

    /// Which attempt this is, counted from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The time left until the step's deadline, if it has one.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The service of type `T` that the program registered.
    ///
    /// # Errors
    /// [`Error::Input`] if it registered none.
    pub fn service<T: Any + Send + Sync>(&self) -> Result<&'a T> {
        match self.services {
            Some(services) => services.find(),
            None => Err(Services::lack::<T>()),
        }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("node", &self.node)
            .field("attempt", &self.attempt)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    /// Keeps what is reported.
    #[derive(Default)]
    struct Ear(Mutex<Vec<(u64, u64)>>);

    impl Host for Ear {
        fn interrupted(&self, _: u32) -> Option<CancelReason> {
            None
        }

        fn progress(&self, _: u32, progress: Progress) {
            self.0.lock().push((progress.done, progress.total));
        }
    }

    #[test]
    fn the_first_report_of_a_row_loop_is_0_and_the_last_one_that_it_is_done() {
        let crew = Crew::new(|_| (), || false);
        for (n, grain) in [(0, 1), (1, 1), (7, 3), (100, 1), (100, 1000)] {
            let (alone, shared) = (Ear::default(), Ear::default());
            let body = |_: Range<usize>| Ok(());
            Context { host: &alone, ..Context::default() }.rows(n, grain, body).unwrap();
            let ctx = Context { host: &shared, crew: Some(&crew), ..Context::default() };
            std::thread::scope(|scope| {
                scope.spawn(|| crew.help());
                ctx.rows(n, grain, body).unwrap();
            });
            for ear in [alone, shared] {
                let reports = ear.0.into_inner();
                let total = n as u64;
                assert_eq!(reports.first().copied(), (n > 0).then_some((0, total)));
                assert_eq!(reports.last().copied(), (n > 0).then_some((total, total)));
                let ends = reports.iter().filter(|(done, _)| *done == total);
                assert_eq!(ends.count(), usize::from(n > 0));
            }
        }
    }

    #[test]
    fn rows_are_filled_by_hand_too() {
        let mut rows = vec![0usize; 12];
        Context::default()
            .fill_rows(&mut rows, 3, 2, |first, rows| {
                for (row, cells) in rows.chunks_mut(3).enumerate() {
                    cells.fill(first + row);
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(rows, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    }
}
