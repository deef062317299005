//! What to change, made from what was measured.

use std::time::Duration;

use super::{Figures, Report};
use crate::event::{Edit, Suggestion, Warning};

/// Turns figures into warnings that say what to change. The fields are the thresholds.
///
/// ```
/// use pipeline_core::observe::{Advice, Metrics};
///
/// let metrics = Metrics::new();
/// // … give it to an executor, run, then:
/// let advice = Advice::default().of(&metrics.report());
/// assert!(advice.is_empty());
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
    /// Throttled more often than this per run is often.
    pub throttled_per_run: u64,
    /// A step that takes at least `slow_us` should use at least this many cores.
    pub cores: f64,
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
            throttled_per_run: 2,
            cores: 0.5,
        }
    }
}

impl Advice {
    /// The warnings that follow from the figures, the most important kinds first.
    #[must_use]
    pub fn of(&self, report: &Report) -> Vec<Warning> {
        let mut advice = Vec::new();
        advice.extend(self.memory_pressure(report));
        advice.extend(self.throttled(report));
        advice.extend(self.low_hit_rate(report));
        for node in &report.nodes {
            advice.extend(self.slow_step(report, node));
            advice.extend(self.waiting_step(node));
            advice.extend(self.many_retries(node));
        }
        advice
    }

    fn memory_pressure(&self, report: &Report) -> Option<Warning> {
        let share = ratio(report.evicted_bytes, report.total.bytes);
        let bytes = report.peak_bytes.max(report.evicted_bytes).saturating_mul(2);
        (share > self.evicted_share).then(|| Warning {
            code: "memory_pressure".into(),
            message: format!(
                "{} results of {} bytes were thrown out, {:.0} % of what was computed",
                report.evicted,
                report.evicted_bytes,
                100.0 * share
            ),
            suggestions: vec![
                Suggestion::edit(
                    format!("raise the cache's budget to {bytes} bytes"),
                    Edit::RaiseBudget { bytes },
                ),
                Suggestion::text("add a disk tier to the cache"),
            ],
        })
    }

    fn throttled(&self, report: &Report) -> Option<Warning> {
        let often = report.throttled > self.throttled_per_run.saturating_mul(report.runs.max(1));
        often.then(|| Warning {
            code: "throttled".into(),
            message: format!("throttled {} times in {} runs", report.throttled, report.runs),
            suggestions: vec![
                Suggestion::text("lower the byte budget, so that less is started at once"),
                Suggestion::edit("compute at half the size", Edit::ReduceScale { divisor: 2 }),
            ],
        })
    }

    fn low_hit_rate(&self, report: &Report) -> Option<Warning> {
        let rate = report.total.hit_rate()?;
        let low = report.runs >= self.low_hit_rate_runs && rate < self.low_hit_rate;
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

    fn slow_step(&self, report: &Report, node: &Figures) -> Option<Warning> {
        let share = ratio(node.duration_us, report.total.duration_us);
        let slow = share > self.slow_share
            && node.mean_us() >= self.slow_us
            && report.total.counts.computed > node.counts.computed;
        slow.then(|| Warning {
            code: "slow_step".into(),
            message: format!(
                "`{}` takes {:.0} % of the time, {:.1?} on average",
                node.name,
                100.0 * share,
                Duration::from_micros(node.mean_us())
            ),
            suggestions: vec![
                Suggestion::edit(
                    "work at half the size while editing",
                    Edit::ReduceScale { divisor: 2 },
                ),
                Suggestion::edit(
                    format!("switch `{}` off while editing other steps", node.name),
                    Edit::Bypass { node: node.name.to_string() },
                ),
            ],
        })
    }

    fn waiting_step(&self, node: &Figures) -> Option<Warning> {
        let cores = ratio(node.cpu_us, node.duration_us);
        let waits = node.mean_us() >= self.slow_us && node.cpu_us > 0 && cores < self.cores;
        waits.then(|| Warning {
            code: "waiting_step".into(),
            message: format!(
                "`{}` computes for only {:.0} % of its time",
                node.name,
                100.0 * cores
            ),
            suggestions: vec![Suggestion::text(
                "declare the step as blocking, so that it does not keep a worker from computing",
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
    fn check(report: &Report, expected: &[&str]) {
        let advice = Advice::default().of(report);
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

        let waits = Finished { cpu_us: 1_000, ..computed(900_000) };
        check(&measured(&[vec![waits, computed(20)]]), &["slow_step", "waiting_step"]);

        let misses = vec![vec![computed(10); 9]; 3];
        check(&measured(&misses), &["low_hit_rate"]);
        let hits = vec![vec![computed(10), Finished::new(Status::Cached)]; 3];
        check(&measured(&hits), &[]);

        let evicted = Report { evicted: 2, evicted_bytes: 5_000_000, ..quick.clone() };
        check(&evicted, &["memory_pressure"]);
        check(&Report { throttled: 3, ..quick }, &["throttled"]);
    }

    #[test]
    fn thresholds_can_be_moved() {
        let report = measured(&[vec![computed(10), computed(5)]]);
        let strict = Advice { slow_us: 1, ..Advice::default() };
        assert_eq!(strict.of(&report)[0].code, "slow_step");
    }
}
