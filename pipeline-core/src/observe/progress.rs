//! A progress bar in the terminal.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

use super::Observer;
use crate::event::{Event, EventKind, NodeTable, RunFinished, StepProgress};
use crate::id::{NodeId, RunId};

/// A step that has run for longer gets a line of its own.
const LONG_US: u64 = 500_000;

/// How often a clock in the terminal moves.
const TICK: Duration = Duration::from_millis(100);

/// How many running steps the bar names.
const NAMED: usize = 3;

/// How many running steps have a line of their own: terminals are not high, and steps that run as
/// one may be hundreds.
const LINES: usize = 8;

/// Draws one bar per run, with the number of steps and what runs, and below it one line for each
/// step that has run for more than half a second, for eight at a time.
///
/// Draws on standard error, and nothing at all if that is not a terminal. A line appears with the
/// first event of the run after that half second; it shows how far the step has come, or, for one
/// that reports no progress, how long it has been running.
#[derive(Debug)]
pub struct Progress {
    lines: MultiProgress,
    /// Whether the bar turns and its clock runs between events.
    lively: bool,
    runs: Mutex<HashMap<RunId, Run>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Bars on standard error, if that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        Self { lively: true, ..Self::on(ProgressDrawTarget::stderr()) }
    }

    /// Bars on a target of the program's choice, drawn only when an event comes.
    #[must_use]
    pub fn on(target: ProgressDrawTarget) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        Self { lines, lively: false, runs: Mutex::default() }
    }
}

#[derive(Debug)]
struct Run {
    bar: ProgressBar,
    lively: bool,
    nodes: NodeTable,
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    node: NodeId,
    since_us: u64,
    line: Option<ProgressBar>,
}

impl Observer for Progress {
    fn on_event(&self, event: &Event) {
        if self.lines.is_hidden() {
            return;
        }
        let mut runs = self.runs.lock();
        match &event.kind {
            EventKind::RunStarted(start) => {
                let nodes = NodeTable::new(std::sync::Arc::clone(&start.nodes));
                let bar = ProgressBar::new(start.nodes.len() as u64).with_style(bar_style());
                let bar = self.lines.add(bar);
                if self.lively {
                    bar.enable_steady_tick(TICK);
                }
                let lively = self.lively;
                runs.insert(event.run, Run { bar, lively, nodes, running: Vec::new() });
            }
            EventKind::RunFinished(end) => {
                if let Some(run) = runs.remove(&event.run) {
                    run.finish(end);
                }
            }
            kind => {
                if let (Some(run), Some(node)) = (runs.get_mut(&event.run), event.node) {
                    run.note(&self.lines, event.t_us, node, kind);
                }
            }
        }
    }
}

impl Run {
    fn note(&mut self, lines: &MultiProgress, t_us: u64, node: NodeId, kind: &EventKind) {
        let place = self.running.iter().position(|running| running.node == node);
        let ends = matches!(kind, EventKind::StepFinished(_)).then_some(node);
        self.name_long(lines, t_us, ends);
        match (kind, place) {
            (EventKind::StepStarted { .. }, None) => {
                self.running.push(Running { node, since_us: t_us, line: None });
                self.name_running();
            }
            (EventKind::StepProgress(progress), Some(place)) => {
                if let Some(line) = &self.running[place].line {
                    let name = self.nodes.planned(node).map_or("", |info| &*info.name);
                    draw(line, name, progress);
                }
            }
            (EventKind::StepFinished(_), place) => {
                self.bar.inc(1);
                if let Some(place) = place {
                    if let Some(line) = self.running.swap_remove(place).line {
                        line.finish_and_clear();
                        lines.remove(&line);
                    }
                    self.name_running();
                }
            }
            _ => {}
        }
    }

    /// Gives a line to whatever has been running for long, unless it ends just now.
    fn name_long(&mut self, lines: &MultiProgress, t_us: u64, ends: Option<NodeId>) {
        let drawn = self.running.iter().filter(|running| running.line.is_some()).count();
        let mut left = LINES.saturating_sub(drawn);
        for running in &mut self.running {
            let took_us = t_us.saturating_sub(running.since_us);
            let is_new = running.line.is_none() && ends != Some(running.node);
            if left == 0 || !is_new || took_us <= LONG_US {
                continue;
            }
            left -= 1;
            let name = self.nodes.planned(running.node).map_or("", |info| &*info.name);
            let line = ProgressBar::new_spinner()
                .with_style(waiting_style())
                .with_elapsed(Duration::from_micros(took_us));
            let line = lines.insert_after(&self.bar, line);
            if self.lively {
                line.enable_steady_tick(TICK);
            }
            line.set_message(name.to_owned());
            running.line = Some(line);
        }
    }

    fn name_running(&self) {
        let mut names = String::new();
        for running in self.running.iter().take(NAMED) {
            let name = self.nodes.planned(running.node).map_or("", |info| &*info.name);
            let comma = if names.is_empty() { "" } else { ", " };
            names.push_str(comma);
            names.push_str(name);
        }
        let more = self.running.len().saturating_sub(NAMED);
        if more > 0 {
            // Writing to a string cannot fail.
            let _ = write!(names, " and {more} more");
        }
        self.bar.set_message(names);
    }

    fn finish(self, end: &RunFinished) {
        for line in self.running.into_iter().filter_map(|running| running.line) {
            line.finish_and_clear();
        }
        let counts = &end.totals.counts;
        let mut message = end.status.to_string();
        for (count, word) in [
            (counts.computed, "computed"),
            (counts.served(), "served"),
            (counts.failed, "failed"),
            (counts.skipped, "skipped"),
            (counts.cancelled, "cancelled"),
        ] {
            if count > 0 {
                let _ = write!(message, ", {count} {word}");
            }
        }
        self.bar.abandon_with_message(message);
    }
}

fn draw(line: &ProgressBar, name: &str, progress: &StepProgress) {
    if line.length().is_none() {
        line.set_style(line_style());
    }
    line.set_length(progress.total);
    line.set_position(progress.done);
    let mut message = name.to_owned();
    if !progress.unit.is_empty() {
        let _ = write!(message, " {}", progress.unit);
    }
    if let Some(eta_ms) = progress.eta_ms {
        let _ = write!(message, ", {}.{} s left", eta_ms / 1000, eta_ms / 100 % 10);
    }
    if let Some(said) = &progress.message {
        let _ = write!(message, ": {said}");
    }
    line.set_message(message);
}

fn bar_style() -> ProgressStyle {
    style("{spinner} {bar:30} {pos}/{len} steps {elapsed} {wide_msg}")
}

/// Of a step that has not said how far it is.
fn waiting_style() -> ProgressStyle {
    style("  {spinner} {elapsed} {wide_msg}")
}

fn line_style() -> ProgressStyle {
    style("  {bar:20} {pos}/{len} {wide_msg}")
}

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use indicatif::TermLike;

    use super::*;
    use crate::event::history::{finished, node, progress, run_finished, run_started};
    use crate::event::{RunStatus, Status};

    /// A terminal that keeps all text it was given.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            120
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tell(observer: &Progress, t_us: u64, node: Option<NodeId>, kind: EventKind) {
        observer.on_event(&Event { seq: 0, run: RunId(1), revision: 0, t_us, node, kind });
    }

    fn run(observer: &Progress) {
        let start = EventKind::StepStarted { attempt: 1 };
        tell(observer, 0, None, run_started(2));
        tell(observer, 0, Some(node(0)), start);
        let report = EventKind::StepProgress(progress(1, 8));
        tell(observer, 100_000, Some(node(0)), report);
        tell(observer, 100_000, Some(node(1)), finished(Status::Cached));
        let late = StepProgress { eta_ms: Some(1250), ..progress(4, 8) };
        tell(observer, 900_000, Some(node(0)), EventKind::StepProgress(late));
        tell(observer, 950_000, Some(node(0)), finished(Status::Computed));
        tell(observer, 950_000, None, run_finished(RunStatus::Completed));
    }

    #[test]
    fn of_many_long_steps_a_few_have_lines_and_others_follow_them() {
        let observer = Progress::on(ProgressDrawTarget::term_like(Box::new(Paper::default())));
        let drawn = || {
            let runs = observer.runs.lock();
            let lines = runs[&RunId(1)].running.iter().filter(|running| running.line.is_some());
            lines.map(|running| running.node).collect::<Vec<_>>()
        };
        tell(&observer, 0, None, run_started(20));
        for number in 0..20 {
            tell(&observer, 0, Some(node(number)), EventKind::StepStarted { attempt: 1 });
        }
        let report = || EventKind::StepProgress(progress(1, 8));
        tell(&observer, 600_000, Some(node(0)), report());
        assert_eq!(drawn().len(), LINES);
        let first = drawn()[0];
        tell(&observer, 700_000, Some(first), finished(Status::Computed));
        tell(&observer, 800_000, Some(node(19)), report());
        assert!(drawn().len() == LINES && !drawn().contains(&first));
    }

    #[test]
    fn a_long_step_has_a_line_and_the_run_ends_with_a_word() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), 255);
        let observer = Progress::on(target);
        run(&observer);
        let text = paper.0.lock().clone();
        assert!(text.contains("2/2 steps") && text.contains("completed"), "{text}");
        assert!(observer.runs.lock().is_empty());
    }

    #[test]
    fn a_long_step_that_reports_nothing_has_a_line_as_soon_as_anything_happens() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), 255);
        let observer = Progress::on(target);
        let start = || EventKind::StepStarted { attempt: 1 };
        let lines = || -> Vec<_> {
            let runs = observer.runs.lock();
            runs[&RunId(1)].running.iter().map(|running| running.line.is_some()).collect()
        };
        tell(&observer, 0, None, run_started(3));
        tell(&observer, 0, Some(node(0)), start());
        tell(&observer, LONG_US, Some(node(1)), start());
        assert_eq!(lines(), [false, false]);
        // Another node, and one that is long but ends with this very event.
        tell(&observer, 2 * LONG_US, Some(node(2)), finished(Status::Cached));
        assert_eq!(lines(), [true, false]);
        tell(&observer, 3 * LONG_US, Some(node(1)), finished(Status::Computed));
        assert_eq!(lines(), [true]);
        let text = paper.0.lock().clone();
        assert!(text.contains("0s node0") || text.contains("1s node0"), "{text}");
        // From its first report on it has a bar.
        let report = EventKind::StepProgress(progress(3, 8));
        tell(&observer, 4 * LONG_US, Some(node(0)), report);
        let line = observer.runs.lock()[&RunId(1)].running[0].line.clone().unwrap();
        assert_eq!((line.length(), line.position()), (Some(8), 3));
        tell(&observer, 4 * LONG_US, None, run_finished(RunStatus::Cancelled));
    }

    #[test]
    fn a_hidden_target_keeps_nothing() {
        let observer = Progress::on(ProgressDrawTarget::hidden());
        run(&observer);
        tell(&observer, 0, None, run_started(2));
        assert!(observer.runs.lock().is_empty());
    }
}
