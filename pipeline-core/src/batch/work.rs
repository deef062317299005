//! The workers of a batch.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::clerk::{Ear, LastWord, Note, keep_records};
use super::event::{BatchEvent, ItemStatus};
use super::item::{Item, Job};
use super::ledger::Ledger;
use super::manifest::{Manifest, Output, Record, check_names};
use super::options::BatchOptions;
use super::report::{BatchReport, ItemReport, line};
use super::resume::Kept;
use super::steps::Steps;
use super::teller::{Ended, Teller};
use crate::error::{Error, Result};
use crate::event::RunStatus;
use crate::exec::{Executor, OnFailure, Report, RunOptions};
use crate::observe::Observer;
use crate::plan::{Outline, Targets, Write};

impl Executor {
    /// Runs the graph of each item, several items at the same time.
    ///
    /// One item that fails does not stop the others, unless that is asked for. Items whose records
    /// say that they are done are passed over, if their files are whole and the same would be done
    /// now; to find that out, files that they read and wrote are only looked at while they seem
    /// unchanged.
    ///
    /// # Errors
    /// [`Error::Input`] if two items have one name, or one that cannot be that of a file, or if the
    /// records of the folder are of something else; [`Error::File`] if the folder cannot be written
    /// to. What is wrong with an item is in the report.
    pub fn batch(&self, items: &[Item<'_>], options: &BatchOptions) -> Result<BatchReport> {
        check_names(items.iter().map(|item| &item.name))?;
        let manifest = match &options.folder {
            Some(folder) => Some(Manifest::open(folder, &options.pipeline)?),
            None => None,
        };
        if options.revalidate {
            self.revalidate();
        }
        let (clerk, notes) = channel();
        Ok(Batch::new(self, items, options, manifest, clerk).run(notes))
    }
}

/// How long another process may have an item when it is asked for a second time: beyond that it
/// works on it.
const LOOK: Duration = Duration::from_millis(250);

/// A batch at work.
struct Batch<'a> {
    executor: &'a Executor,
    options: &'a BatchOptions,
    manifest: Option<Arc<Manifest>>,
    items: Vec<&'a Item<'a>>,
    workers: usize,
    teller: Arc<Teller>,
    queue: Mutex<Queue>,
    reports: Mutex<Vec<ItemReport>>,
    /// Which item writes a file.
    writers: Mutex<HashMap<PathBuf, usize>>,
    clerk: Sender<Note>,
}

struct Queue {
    waiting: VecDeque<usize>,
    /// Items that are to be tried again once all have been tried, for the time that they failed.
    again: VecDeque<usize>,
    /// Items that another process had.
    elsewhere: VecDeque<usize>,
    /// All that another process had once.
    asked: HashSet<usize>,
    is_stopped: bool,
}

/// What came of one attempt.
enum Attempt {
    Unchanged(Vec<Output>),
    Done(Vec<Output>),
    Stopped,
    Elsewhere,
}

impl<'a> Batch<'a> {
    fn new(
        executor: &'a Executor,
        items: &'a [Item<'a>],
        options: &'a BatchOptions,
        manifest: Option<Manifest>,
        clerk: Sender<Note>,
    ) -> Self {
        let mine = items.iter().enumerate().filter(|&(at, _)| options.shard.has(at));
        let items: Vec<&Item<'_>> = mine.map(|(_, item)| item).collect();
        let size = options.batch_size.unwrap_or(usize::MAX).max(1);
        let batches = items.chunks(size).map(<[_]>::len).collect();
        let workers = options.workers.unwrap_or_else(|| executor.threads());
        Self {
            executor,
            options,
            manifest: manifest.map(Arc::new),
            workers: workers.clamp(1, items.len().max(1)),
            teller: Arc::new(Teller::new(options, batches)),
            queue: Mutex::new(Queue {
                waiting: (0..items.len()).collect(),
                again: VecDeque::new(),
                elsewhere: VecDeque::new(),
                asked: HashSet::new(),
                is_stopped: false,
            }),
            reports: Mutex::new(items.iter().map(|item| ItemReport::open(&item.name)).collect()),
            writers: Mutex::default(),
            items,
            clerk,
        }
    }

    fn run(self, notes: Receiver<Note>) -> BatchReport {
        let began = Instant::now();
        let batches = self.items.len().div_ceil(self.batch_size());
        let (items, workers) = (self.items.len(), self.workers);
        self.teller.tell(&BatchEvent::Started { items, batches, workers });
        thread::scope(|outer| {
            let batch = &self;
            let _last = LastWord(&batch.clerk);
            if batch.manifest.is_some() {
                let clerk = Builder::new().name("batch-records".to_owned());
                // Without one, files are recorded at the end of each item.
                let _ = clerk.spawn_scoped(outer, move || keep_records(&notes));
            }
            // The clerk goes when the last of the workers has.
            thread::scope(|scope| {
                for worker in 1..workers {
                    let named = Builder::new().name(format!("batch-{worker}"));
                    if named.spawn_scoped(scope, move || batch.work(worker)).is_err() {
                        // Those that there are do all the same.
                        break;
                    }
                }
                batch.work(0);
            });
        });
        let items = self.reports.into_inner();
        let done = items.iter().filter(|item| item.status.is_ok()).count();
        self.teller.tell(&BatchEvent::Finished { done, open: items.len() - done });
        BatchReport { items, duration: began.elapsed() }
    }

    fn batch_size(&self) -> usize {
        self.options.batch_size.unwrap_or(usize::MAX).max(1)
    }

    fn work(&self, worker: usize) {
        while let Some(at) = self.next() {
            self.attempt(at, worker);
        }
    }

    /// The next item: those that were not tried come first, then those that failed, and last those
    /// that another process had when their turn came.
    fn next(&self) -> Option<usize> {
        let queue = &mut *self.queue.lock();
        if queue.is_stopped || self.options.token.is_cancelled() {
            return None;
        }
        let first = queue.waiting.pop_front().or_else(|| queue.again.pop_front());
        first.or_else(|| queue.elsewhere.pop_front())
    }

    /// Tries an item once, and notes and tells what came of it.
    fn attempt(&self, at: usize, worker: usize) {
        let (fov, batch) = (&self.items[at].name, at / self.batch_size());
        let attempt = self.reports.lock()[at].attempts + 1;
        let fov_of_event = Arc::clone(fov);
        self.teller.tell(&BatchEvent::ItemStarted { fov: fov_of_event, batch, worker, attempt });
        let began = Instant::now();
        let result = self.try_item(at, worker);
        let is_stopped = self.options.token.is_cancelled();
        let again = match &result {
            Ok(Attempt::Elsewhere) => self.queue.lock().asked.insert(at),
            Ok(_) | Err(Error::Invalid(_)) => false,
            Err(_) => attempt <= self.options.retries && !is_stopped,
        };
        let duration = began.elapsed();
        let (status, message) = {
            let report = &mut self.reports.lock()[at];
            // What another process did is no attempt of this one.
            if !matches!(result, Ok(Attempt::Elsewhere)) {
                report.attempts = attempt;
            }
            report.duration += duration;
            report.error = None;
            (report.status, report.outputs) = match result {
                Ok(Attempt::Done(outputs)) => (ItemStatus::Done, outputs),
                Ok(Attempt::Unchanged(outputs)) => (ItemStatus::Unchanged, outputs),
                Ok(Attempt::Elsewhere) => (ItemStatus::Elsewhere, Vec::new()),
                Ok(Attempt::Stopped) => (ItemStatus::Cancelled, Vec::new()),
                Err(error) => {
                    report.error = Some(Arc::new(error));
                    (ItemStatus::Failed, Vec::new())
                }
            };
            (report.status, report.message())
        };
        {
            let queue = &mut *self.queue.lock();
            match status {
                ItemStatus::Elsewhere if again => queue.elsewhere.push_back(at),
                _ if again => queue.again.push_back(at),
                ItemStatus::Failed => {
                    queue.is_stopped |= self.options.on_failure == OnFailure::Stop;
                }
                _ => {}
            }
        }
        self.teller.tell_end(Ended { fov, batch, worker, status, message, again, duration });
    }

    fn try_item(&self, at: usize, worker: usize) -> Result<Attempt> {
        let Some(manifest) = &self.manifest else {
            let (job, options, _) = self.prepare(at, worker)?;
            let report = self.run_job(at, job, &options)?;
            if self.is_stopped(&report) {
                return Ok(Attempt::Stopped);
            }
            return report.ok().map(|()| Attempt::Done(Vec::new()));
        };
        let name = &self.items[at].name;
        // Who only looks whether an item is done has it for a moment.
        let is_again = self.queue.lock().asked.contains(&at);
        let patience = if is_again { LOOK } else { Duration::ZERO };
        let Some(_lock) = manifest.lock(name, patience)? else { return Ok(Attempt::Elsewhere) };
        let known = manifest.find(name);
        let (job, options, outline) = match self.prepare(at, worker) {
            Ok(prepared) => prepared,
            Err(error) => {
                if let Some(known) = known {
                    let (status, message) = (ItemStatus::Failed, Some(line(&error)));
                    // What failed is what is told, also if that cannot be recorded.
                    let _ = manifest.put(&Record { status, message, ..known });
                }
                return Err(error);
            }
        };
        if self.options.token.is_cancelled() {
            return Ok(Attempt::Stopped);
        }
        let (digests, trusts) = (self.executor.digests(), !self.options.revalidate);
        let trusted = known.as_ref().filter(|_| !self.options.redo);
        let kept = Kept::of(trusted, &outline, manifest, &digests, trusts);
        let ledger = Ledger::open(name, known, kept, outline, (manifest, digests));
        let stale = ledger.stale();
        if stale.is_empty() {
            return ledger.close(ItemStatus::Done, None).map(Attempt::Unchanged);
        }
        ledger.begin()?;
        let mut options = RunOptions { targets: Targets(stale), ..options };
        let ear = Ear { ledger: Arc::clone(&ledger), clerk: self.clerk.clone() };
        options.observers.push(Arc::new(ear));
        let failed = |error: Error| {
            // What failed first is what is told, also if that cannot be recorded.
            let _ = ledger.close(ItemStatus::Failed, Some(line(&error)));
            error
        };
        let report = self.run_job(at, job, &options).map_err(failed)?;
        let noted = ledger.note(&report);
        // What was done before a failure or a stop need not be done again.
        if self.is_stopped(&report) {
            ledger.close(ItemStatus::Cancelled, None)?;
            return Ok(Attempt::Stopped);
        }
        report.ok().and(noted).map_err(failed)?;
        ledger.close(ItemStatus::Done, None).map(Attempt::Done)
    }

    /// What is to be run for an item, how, and what that would write.
    fn prepare(&self, at: usize, worker: usize) -> Result<(Job, RunOptions, Outline)> {
        let job = catch_unwind(AssertUnwindSafe(|| (self.items[at].job)()));
        let panicked = || Error::Panicked("what makes the job of the item".to_owned());
        let job = job.unwrap_or_else(|_| Err(panicked()))?;
        let options = self.run_options(&job, at, worker);
        let folder = self.options.folder.as_deref();
        let outline = self.executor.outline(&job.graph, &options, folder)?;
        if !self.options.token.is_cancelled() {
            self.claim(at, &outline)?;
        }
        Ok((job, options, outline))
    }

    fn run_options(&self, job: &Job, at: usize, worker: usize) -> RunOptions {
        let observers: Vec<Arc<dyn Observer>> = if self.teller.is_heard() {
            vec![Arc::new(Steps {
                fov: Arc::clone(&self.items[at].name),
                worker,
                every: self.options.every,
                teller: Arc::clone(&self.teller),
                counts: Mutex::default(),
            })]
        } else {
            Vec::new()
        };
        RunOptions {
            targets: job.targets.clone(),
            bindings: job.bindings.clone(),
            on_failure: OnFailure::Stop,
            priority: self.options.priority,
            budget: self.options.budget.map(|budget| budget / self.workers as u64),
            token: self.options.token.clone(),
            observers,
            ..RunOptions::default()
        }
    }

    /// Two items must not write one file.
    fn claim(&self, at: usize, outline: &Outline) -> Result<()> {
        let writers = &mut *self.writers.lock();
        for Write { path, .. } in &outline.writes {
            let owner = *writers.entry(path.clone()).or_insert(at);
            if owner != at {
                let found =
                    format!("{}, which `{}` writes too", path.display(), self.items[owner].name);
                return Err(Error::input("a file to write", found, "a file of its own"));
            }
        }
        Ok(())
    }

    fn run_job(&self, at: usize, job: Job, options: &RunOptions) -> Result<Arc<Report>> {
        let report = self.executor.run_once(job.graph, options)?;
        self.reports.lock()[at].counts = report.totals().counts;
        Ok(report)
    }

    fn is_stopped(&self, report: &Report) -> bool {
        report.status() == RunStatus::Cancelled && self.options.token.is_cancelled()
    }
}
