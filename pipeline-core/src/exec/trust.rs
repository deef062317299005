//! Whether a result is what its key says.
//!
//! A key is made before the run, from what files were then. If a file has changed by the time that
//! its step has read it, the result is another one than the key names: the run goes on with it, but
//! nothing that was made from it is kept under a key that others may look for.
//!
//! And a program may ask for a share of hits to be computed all the same: then the cache and the
//! step are held to their word.

use super::run::RunCore;
use super::task::Values;
use crate::cache::Hit;
use crate::data::Value;
use crate::event::{EventKind, Suggestion, Warning};
use crate::key::Key;
use crate::plan::extended;
use crate::sync::atomic::Ordering;

impl RunCore {
    /// Whether the results of a place are not what its key says; takes note of it for those below.
    pub(super) fn is_doubtful(&self, place: u32) -> bool {
        let is_doubtful = self.has_changed(place) || self.reads_doubtful(place);
        if is_doubtful {
            self.doubtful.lock().insert(place);
            self.has_doubts.store(true, Ordering::Release);
        }
        is_doubtful
    }

    /// Whether a place reads from one whose results are not what their key says.
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
        let now = extended(counts, info, &self.engine.sources, &self.engine.services);
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

    /// Whether a hit is to be computed all the same. Keeps it for the comparison.
    pub(super) fn is_checked(&self, place: u32, key: &Key, hits: &[Hit]) -> bool {
        if !self.plan.recheck.picks(key) {
            return false;
        }
        let values = hits.iter().map(|hit| hit.value.clone()).collect();
        self.expected.lock().insert(place, values);
        true
    }

    /// Compares results with those that the cache had for the same key, if that is asked for.
    pub(super) fn compare(&self, place: u32, values: &Values) {
        if self.plan.recheck.share <= 0.0 {
            return;
        }
        let Some(expected) = self.expected.lock().remove(&place) else { return };
        let digest = |value: &Value| value.digest().and_then(Result::ok);
        let differs = expected.iter().zip(values.iter()).any(
            |(old, new)| matches!((digest(old), digest(new)), (Some(old), Some(new)) if old != new),
        );
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
    }

    fn warn(&self, place: u32, warning: impl FnOnce(&str) -> Warning) {
        if self.bus.is_active() {
            let warning = warning(self.plan.infos[place as usize].name());
            let kind = EventKind::Warning(Box::new(warning));
            self.bus.emit(self.now() / 1000, Some(self.node(place)), kind);
        }
    }
}
