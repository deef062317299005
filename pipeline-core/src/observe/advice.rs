//! What to change, made from what was measured.

use std::fmt;
use std::time::Duration;

use super::{Figures, Metrics, Observer, Summary};
use crate::event::{Edit, Event, EventKind, Suggestion, Warning};
use crate::id::RunId;

/// Turns figures into warnings that say what to change. The fields are the thresholds.
///
/// [`of`](Self::of) judges figures that a program has; [`observer`](Self::observer) makes an
/// observer that gathers them and gives its advice at the end of every run.
///
/// ```
/// use pipeline_core::event::Warning;
/// use pipeline_core::observe::Advice;
/// use pipeline_core::{Executor, Graph, Options, RunOptions};
///
/// let advice = Advice::default().observer(|run, advice: &[Warning]| {
///     for warning in advice {
///         println!("{run}: {}", warning.message);
///     }
/// });
/// let options = Options { observers: vec![std::sync::Arc::new(advice)], ..Options::default() };
/// let report = Executor::new(options)?.run(&Graph::new(), &RunOptions::default())?;
/// # report.ok()?;
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// A node is slow if it takes more than this share of all time in steps…
    pub slow_share: f64,
    /// … and at least this many microseconds per run.
    pub slow_us: u64,
    /// A hit rate below this is low…
    pub low_hit_rate: f64,
    /// … once there were this many runs.
    pub low_hit_rate_runs: u64,
    /// Memory is short if evictions pass this share of the bytes computed.
    pub evicted_share: f64,
    /// A node fails too often if more than this share of its attempts were retries.
    pub retry_share: f64,
}

impl Default for Advice {
    fn default() -> Self {
        Self {
            slow_share: 0.5,
            slow_us: 200_000,
            low_hit_rate: 0.2,
            low_hit_rate_runs: 3,
            evicted_share: 0.5,
            retry_share: 0.25,
        }
    }
}

impl Advice {
    /// The warnings that follow from the figures, the most important kinds first.
    #[must_use]
    pub fn of(&self, summary: &Summary) -> Vec<Warning> {
        let mut advice = Vec::new();
        advice.extend(self.memory_pressure(summary));
        advice.extend(throttled(summary));
        advice.extend(self.low_hit_rate(summary));
        for node in &summary.nodes {
            advice.extend(self.slow_step(summary, node));
            advice.extend(self.many_retries(node));
        }
        advice
    }

    /// An observer that hands its advice to `tell` at the end of every run: what follows from all
    /// it has heard so far, which is nothing where all is well.
    ///
    /// `tell` is called on the thread that is kept for observers.
    #[must_use]
    pub fn observer<F: Fn(RunId, &[Warning]) + Send + Sync>(self, tell: F) -> Adviser<F> {
        Adviser { advice: self, metrics: Metrics::new(), tell }
    }

    fn memory_pressure(&self, summary: &Summary) -> Option<Warning> {
        let share = ratio(summary.evicted_bytes, summary.total.bytes);
        let bytes = summary.peak_bytes.max(summary.evicted_bytes).saturating_mul(2);
        (share > self.evicted_share).then(|| Warning {
            code: "memory_pressure".into(),
            message: format!(
                "{} results of {} bytes were thrown out, {:.0} % of what was computed",
                summary.evicted,
                summary.evicted_bytes,
                100.0 * share
            ),
            suggestions: vec![Suggestion::edit(
                format!("raise the cache's budget to {bytes} bytes"),
                Edit::RaiseCacheBudget { bytes },
            )],
        })
    }

    fn low_hit_rate(&self, summary: &Summary) -> Option<Warning> {
        let rate = summary.total.hit_rate()?;
        // Where nothing ever came from a cache or left it, there may be none.
        let has_cache = rate > 0.0 || summary.evicted > 0;
        let low = has_cache && summary.runs >= self.low_hit_rate_runs && rate < self.low_hit_rate;
        low.then(|| Warning {
            code: "low_hit_rate".into(),
            message: format!("{:.0} % of results came from the cache", 100.0 * rate),
            suggestions: vec![
                Suggestion::text("raise the cache's budget if results are being thrown out"),
                Suggestion::text(
                    "look for a volatile step near the sources: nothing below it can be served \
                     unless its content stays the same",
                ),
            ],
        })
    }

    fn slow_step(&self, summary: &Summary, node: &Figures) -> Option<Warning> {
        let share = ratio(node.duration_us, summary.total.duration_us);
        let slow = share > self.slow_share
            && node.mean_us() >= self.slow_us
            && summary.total.counts.computed > node.counts.computed;
        slow.then(|| Warning {
            code: "slow_step".into(),
            message: format!(
                "`{}` takes {:.0} % of the time, {:.1?} on average",
                node.name,
                100.0 * share,
                Duration::from_micros(node.mean_us())
            ),
            suggestions: vec![Suggestion::edit(
                format!("switch `{}` off while editing other steps", node.name),
                Edit::Bypass { node: node.name.to_string() },
            )],
        })
    }

    fn many_retries(&self, node: &Figures) -> Option<Warning> {
        let counts = &node.counts;
        let attempts = node.retries + u64::from(counts.computed) + u64::from(counts.failed);
        (ratio(node.retries, attempts) > self.retry_share).then(|| Warning {
            code: "many_retries".into(),
            message: format!("`{}` had to be tried {} times more", node.name, node.retries),
            suggestions: vec![Suggestion::text(
                "look into why it fails, or wait longer between the attempts",
            )],
        })
    }
}

fn throttled(summary: &Summary) -> Option<Warning> {
    (summary.throttled > 0).then(|| Warning {
        code: "throttled".into(),
        message: format!(
            "steps did not fit into the limits {} times in {} runs",
            summary.throttled, summary.runs
        ),
        suggestions: vec![Suggestion::text(
            "raise the byte budget of the run to what the plan needs at the most, or work on \
             smaller images",
        )],
    })
}

/// Gives [`Advice`] at the end of every run. Made by [`Advice::observer`].
pub struct Adviser<F> {
    advice: Advice,
    metrics: Metrics,
    tell: F,
}

impl<F: Fn(RunId, &[Warning]) + Send + Sync> Observer for Adviser<F> {
    fn on_event(&self, event: &Event) {
        self.metrics.on_event(event);
        if matches!(event.kind, EventKind::RunFinished(_)) {
            (self.tell)(event.run, &self.advice.of(&self.metrics.summary()));
        }
    }
}

impl<F> fmt::Debug for Adviser<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adviser").field("advice", &self.advice).finish_non_exhaustive()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than two digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::tests::{computed, measured};
    use super::*;
    use crate::event::{Finished, Status};

    #[track_caller]
    fn check(summary: &Summary, expected: &[&str]) {
        let advice = Advice::default().of(summary);
        let codes: Vec<_> = advice.iter().map(|warning| &*warning.code).collect();
        assert_eq!(codes, expected);
        assert!(advice.iter().all(|warning| !warning.suggestions.is_empty()));
    }

    #[test]
    fn advice_follows_the_figures() {
        let quick = measured(&[vec![computed(10), computed(20)]]);
        check(&quick, &[]);
        check(&measured(&[vec![computed(900_000), computed(20)]]), &["slow_step"]);
        check(&measured(&[vec![computed(900_000)]]), &[]);

        let often = Finished { attempt: 3, ..computed(10) };
        check(&measured(&[vec![often, computed(20)]]), &["many_retries"]);

        let mut misses = vec![vec![computed(10); 9]; 3];
        check(&measured(&misses), &[]);
        misses[2][8] = Finished::new(Status::Cached);
        check(&measured(&misses), &["low_hit_rate"]);
        let hits = vec![vec![computed(10), Finished::new(Status::Cached)]; 3];
        check(&measured(&hits), &[]);

        let evicted = Summary { evicted: 2, evicted_bytes: 5_000_000, ..quick.clone() };
        check(&evicted, &["memory_pressure"]);
        check(&Summary { throttled: 1, ..quick }, &["throttled"]);
    }

    #[test]
    fn thresholds_can_be_moved() {
        let summary = measured(&[vec![computed(10), computed(5)]]);
        let strict = Advice { slow_us: 1, ..Advice::default() };
        assert_eq!(strict.of(&summary)[0].code, "slow_step");
    }
}
