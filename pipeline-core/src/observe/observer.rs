//! The seam through which programs listen to runs.

use std::sync::Arc;

use crate::event::Event;

/// Who listens to runs: a progress bar, a log, figures. The seam through which programs hear what
/// the executor does.
///
/// # Contract
///
/// An observer given to an executor hears every run of it, and of each run, in the order of
/// [`Event::seq`]:
///
/// - first one `run_started`, last one `run_finished`, and between them exactly one
///   `step_finished` for every node of the plan. Nothing comes after `run_finished`.
/// - If it was too slow and events were lost, it hears in their place the fewest events that lead
///   to the present state. So it needs no case for having been slow: it may miss progress, previews
///   and the intermediate states of a node, but no end of a node and no end of a run.
///
/// It is called on one thread of the executor's that is kept for observers, for one event at a
/// time. Events of several runs may alternate. It may block: runs are never held up by it, only the
/// other observers of the same executor are. A blocking run waits a moment at its end until the
/// observers have heard it, but never for one that is stuck.
///
/// A panic is caught. The observer hears the further events all the same, and the first of its
/// panics in a run becomes a warning of that run.
///
/// Closures are observers.
///
/// # Example
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use pipeline_core::event::{Event, EventKind, Status};
/// use pipeline_core::observe::Observer;
///
/// /// Counts the steps that failed.
/// #[derive(Debug, Default)]
/// struct Failures(AtomicU64);
///
/// impl Observer for Failures {
///     fn on_event(&self, event: &Event) {
///         if let EventKind::StepFinished(end) = &event.kind
///             && end.status == Status::Failed
///         {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: Send + Sync {
    /// Hears one event.
    fn on_event(&self, event: &Event);
}

#[deny(clippy::missing_trait_methods)]
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn on_event(&self, event: &Event) {
        (**self).on_event(event);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn on_event(&self, event: &Event) {
        self(event);
    }
}
