//! Whether a result is what its key says.
//!
//! A key is made before the run, from what files were then. If a file has changed by the time that
//! its step has read it, the result is another one than the key names: the run goes on with it, but
//! nothing that was made from it is kept under a key that others may look for.
//!
//! And a program may ask for a share of hits to be computed all the same: then the cache and the
//! step are held to their word. Where they differ it is not known which of them is right, so
//! nothing is kept of what is made from the new result either.

use std::path::Path;

use super::run::RunCore;
use super::task::Values;
use crate::cache::Hit;
use crate::data::Value;
use crate::event::{EventKind, Suggestion, Warning};
use crate::plan::{Stop, extended};
use crate::sync::atomic::Ordering;

impl RunCore {
    /// Takes note if the results of a place are not, or may not be, what its key says. Then nothing
    /// is kept of them, nor of what is made from them.
    pub(super) fn note_doubt(&self, place: u32, values: &Values) -> bool {
        let sources = self.plan.program.group(place).map_or(&[][..], |group| &group.sources);
        let has_changed = || sources.iter().any(|&source| self.has_changed(source));
        let is_doubtful = self.reads_doubtful(place) || self.has_changed(place) || has_changed();
        // What is doubtful anyway says nothing about the step or the cache.
        let expected = self.take_expected(place);
        let is_doubtful =
            is_doubtful || expected.is_some_and(|old| self.is_mismatch(place, &old, values));
        if is_doubtful {
            self.doubt(place);
        }
        is_doubtful
    }

    /// Passes doubt on from the inputs of a place that passes them on.
    pub(super) fn pass_doubt(&self, place: u32) {
        if self.reads_doubtful(place) {
            self.doubt(place);
        }
    }

    fn doubt(&self, place: u32) {
        self.doubtful.lock().insert(place);
        self.has_doubts.store(true, Ordering::Release);
    }

    /// Whether a place reads from one whose results are doubtful.
    fn reads_doubtful(&self, place: u32) -> bool {
        if !self.has_doubts.load(Ordering::Acquire) {
            return false;
        }
        let (shape, doubtful) = (&self.plan.program.shape, self.doubtful.lock());
        shape.inputs(place).iter().any(|&slot| doubtful.contains(&shape.producer(slot)))
    }

    /// Whether a file that a place has read is not what it was when the run was planned.
    fn has_changed(&self, place: u32) -> bool {
        let Some(&planned) = self.plan.sources.get(&place) else { return false };
        let info = &self.plan.infos[place as usize];
        let counts = self.plan.program.shape.port_counts(place);
        // The result is there; whether it may be kept is worth an answer also in a run that stops.
        let digest = |path: &Path| self.engine.digests.digest(path, None, &Stop::default());
        let now = extended(counts, info, digest, &self.engine.services);
        if now == Some(planned) {
            return false;
        }
        self.warn(place, |name| Warning {
            code: "source_changed".into(),
            message: format!(
                "a file that `{name}` reads changed while the run was going on; nothing made from \
                 it is kept"
            ),
            suggestions: vec![Suggestion::text("run again once the file is complete")],
        });
        true
    }

    /// Keeps hits that are computed all the same, for the comparison.
    pub(super) fn keep_for_check(&self, place: u32, hits: &[Hit]) {
        let values = hits.iter().map(|hit| hit.value.clone()).collect();
        self.expected.lock().insert(place, values);
    }

    fn take_expected(&self, place: u32) -> Option<Vec<Value>> {
        if self.plan.recheck.share <= 0.0 {
            return None;
        }
        self.expected.lock().remove(&place)
    }

    /// Whether results differ from those that the cache had for the same key.
    fn is_mismatch(&self, place: u32, expected: &[Value], values: &Values) -> bool {
        let differs = expected.iter().zip(values.iter()).any(|(old, new)| {
            matches!((old.try_digest(), new.try_digest()), (Some(old), Some(new)) if old != new)
        });
        if differs {
            self.warn(place, |name| Warning {
                code: "cache_mismatch".into(),
                message: format!("`{name}` gave another result than the cache has for its key"),
                suggestions: vec![
                    Suggestion::text("declare the step volatile if its result may differ"),
                    Suggestion::text("raise the step's version if its result has changed"),
                ],
            });
        }
        differs
    }

    fn warn(&self, place: u32, warning: impl FnOnce(&str) -> Warning) {
        if self.bus.is_active() {
            let warning = warning(self.plan.infos[place as usize].name());
            let kind = EventKind::Warning(Box::new(warning));
            self.bus.emit(self.now() / 1000, Some(self.node(place)), kind);
        }
    }
}
