//! What runs cost and what the cache saved: per node, per step type and in total.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::Observer;
use crate::event::{Counts, Event, EventKind, Finished, NodeTable, PlannedNode, Status};
use crate::id::{NodeId, RunId};

/// Adds up what runs cost. [`summary`](Self::summary) gives the figures so far as data.
#[derive(Debug, Default)]
pub struct Metrics {
    inner: Mutex<Inner>,
}

impl Metrics {
    /// Metrics of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The figures so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let inner = self.inner.lock();
        let named = |tallies: &Tallies| {
            let mut figures: Vec<_> = tallies.values().map(|tally| tally.figures.clone()).collect();
            figures.sort_by(|a, b| {
                b.duration_us.cmp(&a.duration_us).then_with(|| a.name.cmp(&b.name))
            });
            figures
        };
        Summary { steps: named(&inner.steps), nodes: named(&inner.nodes), ..inner.summary.clone() }
    }

    /// Begins anew. Runs under way are counted from here on.
    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        let runs = std::mem::take(&mut inner.runs);
        *inner = Inner::default();
        for run in runs.values() {
            let running = run.running.iter().filter_map(|&node| run.nodes.planned(node));
            running.for_each(|info| inner.begin(info));
        }
        inner.runs = runs;
    }
}

#[derive(Debug, Default)]
struct Inner {
    runs: HashMap<RunId, Run>,
    steps: Tallies,
    nodes: Tallies,
    /// Without its lists, which are made when it is asked for.
    summary: Summary,
}

#[derive(Debug)]
struct Run {
    nodes: NodeTable,
    /// The nodes that have started and not ended.
    running: HashSet<NodeId>,
}

type Tallies = HashMap<Arc<str>, Tally>;

/// Figures and what they are made from.
#[derive(Debug)]
struct Tally {
    figures: Figures,
    /// How many run now.
    running: u32,
}

fn tally<'a>(tallies: &'a mut Tallies, name: &Arc<str>) -> &'a mut Tally {
    let new = || Tally { figures: Figures::of(name), running: 0 };
    tallies.entry(Arc::clone(name)).or_insert_with(new)
}

impl Observer for Metrics {
    fn on_event(&self, event: &Event) {
        self.inner.lock().note(event);
    }
}

impl Inner {
    fn note(&mut self, event: &Event) {
        let summary = &mut self.summary;
        match &event.kind {
            EventKind::RunStarted(start) => {
                summary.runs += 1;
                let nodes = NodeTable::new(Arc::clone(&start.nodes));
                self.runs.insert(event.run, Run { nodes, running: HashSet::new() });
            }
            EventKind::StepStarted { .. } => self.note_start(event.run, event.node),
            EventKind::StepFinished(end) => self.note_end(event.run, event.node, end),
            EventKind::Evicted { bytes, .. } => {
                summary.evicted += 1;
                summary.evicted_bytes = summary.evicted_bytes.saturating_add(*bytes);
            }
            EventKind::Throttled { .. } => summary.throttled += 1,
            EventKind::Warning(_) => summary.warnings += 1,
            EventKind::RunFinished(end) => {
                self.runs.remove(&event.run);
                let totals = &end.totals;
                summary.run_us = summary.run_us.saturating_add(totals.duration_us);
                summary.peak_bytes = summary.peak_bytes.max(totals.peak_bytes);
                let peak = &mut summary.total.peak_concurrency;
                *peak = totals.peak_concurrency.max(*peak);
            }
            EventKind::StepQueued | EventKind::StepProgress(_) | EventKind::PreviewReady(_) => {}
        }
    }

    fn note_start(&mut self, run: RunId, node: Option<NodeId>) {
        let Some((run, node)) = self.runs.get_mut(&run).zip(node) else { return };
        let info = run.nodes.planned(node).cloned();
        if let Some(info) = info.filter(|_| run.running.insert(node)) {
            self.begin(&info);
        }
    }

    fn begin(&mut self, info: &PlannedNode) {
        for tally in [tally(&mut self.steps, &info.step), tally(&mut self.nodes, &info.name)] {
            tally.running += 1;
            tally.figures.peak_concurrency = tally.figures.peak_concurrency.max(tally.running);
        }
    }

    fn note_end(&mut self, run: RunId, node: Option<NodeId>, end: &Finished) {
        let Some((run, node)) = self.runs.get_mut(&run).zip(node) else { return };
        let ran = run.running.remove(&node);
        let Some(info) = run.nodes.planned(node) else { return };
        for tally in [tally(&mut self.steps, &info.step), tally(&mut self.nodes, &info.name)] {
            tally.running -= u32::from(ran);
            tally.figures.add(end);
        }
        self.summary.total.add(end);
    }
}

/// What runs cost and what the cache saved. Printed as a table of the step types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// How many runs there were.
    pub runs: u64,
    /// Microseconds from start to end of all finished runs.
    pub run_us: u64,
    /// All nodes of all runs.
    pub total: Figures,
    /// Per step type, the most time first.
    pub steps: Vec<Figures>,
    /// Per node name, the most time first.
    pub nodes: Vec<Figures>,
    /// The most bytes that were live at once in a run.
    pub peak_bytes: u64,
    /// How many results were thrown out to make room.
    pub evicted: u64,
    /// Their size.
    pub evicted_bytes: u64,
    /// How often the executor was throttled or let go again.
    pub throttled: u64,
    /// How many warnings there were.
    pub warnings: u64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            runs: 0,
            run_us: 0,
            total: Figures::of(&"total".into()),
            steps: Vec::new(),
            nodes: Vec::new(),
            peak_bytes: 0,
            evicted: 0,
            evicted_bytes: 0,
            throttled: 0,
            warnings: 0,
        }
    }
}

/// The figures of one node, one step type, or all.
///
/// Times, bytes and pixels are those of computed results; the cache costs nothing here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The name of the node or of the step type.
    pub name: Arc<str>,
    /// How many ended in each way.
    pub counts: Counts,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Microseconds from start to end, added up.
    pub duration_us: u64,
    /// The shortest; 0 if nothing was computed.
    pub min_us: u64,
    /// The longest.
    pub max_us: u64,
    /// Microseconds that threads spent inside the step, waiting included, added up.
    pub thread_us: u64,
    /// Size of the results.
    pub bytes: u64,
    /// Size of the largest result of one node.
    pub max_bytes: u64,
    /// The most that ran at once, in all runs together. A node that waits for another attempt
    /// counts, and for the total it is the most of one run. Steps of a few microseconds are told in
    /// batches, so of those it may be less than the truth.
    pub peak_concurrency: u32,
    /// Pixels of the results.
    pub pixels: u64,
}

impl Figures {
    fn of(name: &Arc<str>) -> Self {
        Self {
            name: Arc::clone(name),
            counts: Counts::default(),
            retries: 0,
            duration_us: 0,
            min_us: 0,
            max_us: 0,
            thread_us: 0,
            bytes: 0,
            max_bytes: 0,
            peak_concurrency: 0,
            pixels: 0,
        }
    }

    fn add(&mut self, end: &Finished) {
        let first = self.counts.computed == 0;
        self.counts.add(end.status);
        self.retries += u64::from(end.attempt.saturating_sub(1));
        if end.status != Status::Computed {
            return;
        }
        self.min_us = if first { end.duration_us } else { self.min_us.min(end.duration_us) };
        self.max_us = self.max_us.max(end.duration_us);
        self.duration_us = self.duration_us.saturating_add(end.duration_us);
        self.thread_us = self.thread_us.saturating_add(end.thread_us);
        self.bytes = self.bytes.saturating_add(end.bytes);
        self.max_bytes = self.max_bytes.max(end.bytes);
        self.pixels = self.pixels.saturating_add(end.pixels);
    }

    /// Mean microseconds of a computed result; 0 if nothing was computed.
    #[must_use]
    pub fn mean_us(&self) -> u64 {
        self.duration_us.checked_div(self.counts.computed.into()).unwrap_or(0)
    }

    /// The share of results that did not have to be computed, from 0 to 1; `None` without results.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        self.counts.hit_rate()
    }

    /// Pixels per second of computing; `None` if nothing was computed.
    #[must_use]
    pub fn pixels_per_second(&self) -> Option<u64> {
        let pixels = u128::from(self.pixels) * 1_000_000;
        u64::try_from(pixels.checked_div(self.duration_us.into())?).ok()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        let width = width.max("total".len());
        writeln!(
            f,
            "{:width$} {:>8} {:>7} {:>6} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>8} {:>7}",
            "step",
            "computed",
            "served",
            "failed",
            "total",
            "min",
            "mean",
            "max",
            "MB",
            "max MB",
            "Mpx/s",
            "at once"
        )?;
        for figures in self.steps.iter().chain([&self.total]) {
            row(f, width, figures)?;
        }
        write!(
            f,
            "{} run{}, {}, at most {} MB at once, {} MB evicted",
            self.runs,
            if self.runs == 1 { "" } else { "s" },
            time(self.run_us),
            mega(self.peak_bytes),
            mega(self.evicted_bytes)
        )
    }
}

fn row(f: &mut fmt::Formatter<'_>, width: usize, figures: &Figures) -> fmt::Result {
    let counts = &figures.counts;
    writeln!(
        f,
        "{:width$} {:>8} {:>7} {:>6} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>8} {:>7}",
        figures.name,
        counts.computed,
        counts.served(),
        counts.failed,
        time(figures.duration_us),
        time(figures.min_us),
        time(figures.mean_us()),
        time(figures.max_us),
        mega(figures.bytes),
        mega(figures.max_bytes),
        figures.pixels_per_second().map_or_else(|| "-".to_owned(), mega),
        figures.peak_concurrency
    )
}

/// A time in the unit in which it has at most three digits before the point.
fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        _ => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
    }
}

/// Millions with one digit after the point.
fn mega(count: u64) -> String {
    format!("{}.{}", count / 1_000_000, count / 100_000 % 10)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::history::{finished, node, run_started};
    use crate::event::{RunFinished, RunStatus, Totals};

    /// The metrics of some runs, given the ends of their nodes.
    pub(in crate::observe) fn measured(runs: &[Vec<Finished>]) -> Summary {
        let metrics = Metrics::new();
        for (ends, run) in runs.iter().zip(1..) {
            let tell = |node, kind| {
                let run = RunId(run);
                metrics.on_event(&Event { seq: 0, run, revision: 0, t_us: 0, node, kind });
            };
            tell(None, run_started(u32::try_from(ends.len()).unwrap()));
            for (end, index) in ends.iter().zip(0..) {
                tell(Some(node(index)), EventKind::StepFinished(end.clone()));
            }
            let totals = Totals {
                duration_us: ends.iter().map(|end| end.duration_us).sum(),
                peak_bytes: 10_000_000 * run,
                peak_concurrency: 2,
                ..Totals::default()
            };
            let end = RunFinished { status: RunStatus::Completed, totals };
            tell(None, EventKind::RunFinished(Box::new(end)));
        }
        metrics.summary()
    }

    pub(in crate::observe) fn computed(duration_us: u64) -> Finished {
        let (bytes, pixels) = (1_000_000, 2_000_000);
        Finished { duration_us, bytes, pixels, attempt: 1, ..Finished::new(Status::Computed) }
    }

    #[test]
    fn figures_add_up_per_node_per_step_and_in_total() {
        let summary = measured(&[
            vec![computed(3_000), computed(1_000)],
            vec![Finished::new(Status::Cached), computed(2_000)],
        ]);
        let total = &summary.total;
        assert_eq!((total.min_us, total.mean_us(), total.max_us), (1_000, 2_000, 3_000));
        assert_eq!(total.hit_rate(), Some(0.25));
        assert_eq!(total.pixels_per_second(), Some(1_000_000_000));
        assert_eq!(summary.steps.len(), 1, "all nodes are of one step type");
        let names: Vec<_> = summary.nodes.iter().map(|node| &*node.name).collect();
        assert_eq!(names, ["node0", "node1"]);
        assert_eq!((summary.runs, summary.run_us, summary.peak_bytes), (2, 6_000, 20_000_000));
    }

    #[test]
    fn a_summary_prints_as_a_table_and_survives_json() {
        let summary = measured(&[vec![computed(1_234_000), Finished::new(Status::Failed)]]);
        let table = summary.to_string();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert!(lines[1].starts_with("gain "), "{table}");
        assert!(lines[2].contains("1.2 s") && lines[2].contains("1.6"), "{table}");
        assert!(lines[..3].iter().all(|line| line.len() == lines[0].len()), "{table}");
        let json = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
    }

    #[test]
    fn what_runs_at_once_is_counted_per_step_and_in_total() {
        let metrics = Metrics::new();
        let tell = |run, node, kind| {
            let run = RunId(run);
            metrics.on_event(&Event { seq: 0, run, revision: 0, t_us: 0, node, kind });
        };
        let start = |attempt| EventKind::StepStarted { attempt };
        for run in [1, 2] {
            tell(run, None, run_started(2));
            tell(run, Some(node(0)), start(1));
        }
        tell(1, Some(node(0)), start(2));
        tell(1, Some(node(0)), EventKind::StepFinished(computed(5)));
        tell(1, Some(node(1)), start(1));
        tell(1, Some(node(1)), EventKind::StepFinished(Finished { bytes: 7, ..computed(5) }));
        let summary = metrics.summary();
        let most = |figures: &[Figures]| -> Vec<_> {
            figures.iter().map(|of| (of.peak_concurrency, of.max_bytes)).collect()
        };
        assert_eq!(most(&summary.steps), [(2, 1_000_000)], "both runs have a gain at work");
        assert_eq!(most(&summary.nodes), [(2, 1_000_000), (1, 7)]);
        // One is still running when the metrics begin anew.
        metrics.reset();
        tell(2, Some(node(1)), start(1));
        assert_eq!(most(&metrics.summary().steps), [(2, 0)]);
        tell(2, Some(node(0)), finished(Status::Failed));
        tell(2, Some(node(1)), finished(Status::Cancelled));
        let totals = Totals { peak_concurrency: 3, ..Totals::default() };
        let end = RunFinished { status: RunStatus::Failed, totals };
        tell(2, None, EventKind::RunFinished(Box::new(end)));
        assert_eq!(metrics.summary().total.peak_concurrency, 3);
    }

    #[test]
    fn what_the_program_hands_in_is_no_hit() {
        let summary = measured(&[vec![Finished::new(Status::Given), computed(5)]]);
        assert_eq!((summary.total.hit_rate(), summary.total.counts.given), (Some(0.0), 1));
    }

    #[test]
    fn what_was_never_computed_has_no_rates() {
        let summary = measured(&[vec![Finished::new(Status::Skipped)]]);
        assert_eq!((summary.total.hit_rate(), summary.total.pixels_per_second()), (None, None));
        assert_eq!(summary.total.mean_us(), 0);
    }
}
