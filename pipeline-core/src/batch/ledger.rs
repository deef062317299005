//! The record of an item while it is worked on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::event::ItemStatus;
use super::manifest::{Manifest, Output, Record};
use super::resume::{Kept, look_at};
use crate::error::Result;
use crate::event::Status;
use crate::exec::{Report, StepReport};
use crate::id::NodeId;
use crate::plan::{FileDigests, Outline};
use crate::step::Wire;

/// What is known of an item and its files, and what of that is recorded. A clerk takes note of each
/// file while the item is worked on, and at the end all that is left is noted.
pub(super) struct Ledger {
    item: String,
    outline: Outline,
    /// The files and targets that end with a node, by their places in the outline.
    of_node: HashMap<NodeId, Ends>,
    manifest: Arc<Manifest>,
    digests: Arc<FileDigests>,
    entry: Mutex<Entry>,
}

#[derive(Debug, Default)]
struct Ends {
    writes: Vec<usize>,
    targets: Vec<usize>,
}

struct Entry {
    kept: Kept,
    /// Which files were looked at after this run wrote them.
    is_noted: Vec<bool>,
    recorded: Option<Record>,
    /// Whether more is known than is recorded.
    is_behind: bool,
    /// When the record may be written again, so that writing it is a small part of the work.
    due: Instant,
    is_closed: bool,
}

/// Between two records there is this many times what the first one took, up to the longest pause.
const PAUSE: u32 = 20;
const LONGEST: Duration = Duration::from_secs(10);

impl Ledger {
    pub(super) fn open(
        item: &str,
        recorded: Option<Record>,
        kept: Kept,
        outline: Outline,
        (manifest, digests): (&Arc<Manifest>, Arc<FileDigests>),
    ) -> Arc<Self> {
        let is_noted = vec![false; outline.writes.len()];
        let entry = Entry {
            kept,
            is_noted,
            recorded,
            is_behind: false,
            due: Instant::now(),
            is_closed: false,
        };
        let mut of_node: HashMap<NodeId, Ends> = HashMap::new();
        for (at, write) in outline.writes.iter().enumerate() {
            of_node.entry(write.node).or_default().writes.push(at);
        }
        for (at, target) in outline.targets.iter().enumerate() {
            of_node.entry(target.wire.node).or_default().targets.push(at);
        }
        let (item, manifest) = (item.to_owned(), Arc::clone(manifest));
        Arc::new(Self { item, outline, of_node, manifest, digests, entry: Mutex::new(entry) })
    }

    /// What has to be made.
    pub(super) fn stale(&self) -> Vec<Wire> {
        self.entry.lock().kept.stale(&self.outline).map(|target| target.wire).collect()
    }

    /// Records that the item is not done, if that was recorded: some of it is about to be made
    /// anew.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub(super) fn begin(&self) -> Result<()> {
        let entry = &mut *self.entry.lock();
        let is_done = |record: &Record| record.status == ItemStatus::Done;
        if entry.recorded.as_ref().is_some_and(is_done) {
            self.put(entry, ItemStatus::Cancelled, None)?;
        }
        Ok(())
    }

    /// Takes note of what a run has done that it was not told of yet, and then of nothing more.
    ///
    /// # Errors
    /// If a file cannot be read that a step said it wrote.
    pub(super) fn note(&self, report: &Report) -> Result<()> {
        let entry = &mut *self.entry.lock();
        entry.is_closed = true;
        let status = |step: StepReport<'_>| (step.id, step.record.status);
        let ended: HashMap<NodeId, Status> = report.steps().map(status).collect();
        let mut result = Ok(());
        for (node, ends) in &self.of_node {
            if let Some(&status) = ended.get(node) {
                result = result.and(self.note_ends(entry, ends, status));
            }
        }
        result
    }

    /// Records how the item ended, and returns the files that are there.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub(super) fn close(&self, status: ItemStatus, message: Option<String>) -> Result<Vec<Output>> {
        let entry = &mut *self.entry.lock();
        entry.is_closed = true;
        self.put(entry, status, message)?;
        Ok(entry.kept.outputs.iter().flatten().cloned().collect())
    }

    fn note_ends(&self, entry: &mut Entry, ends: &Ends, status: Status) -> Result<()> {
        let mut result = Ok(());
        if status == Status::Computed {
            for &at in &ends.writes {
                if entry.is_noted[at] {
                    continue;
                }
                let found = look_at(&self.outline.writes[at], &self.manifest, &self.digests);
                (entry.is_noted[at], entry.is_behind) = (found.is_ok(), true);
                entry.kept.outputs[at] = match found {
                    Ok(output) => Some(output),
                    Err(error) => {
                        result = Err(error);
                        None
                    }
                };
            }
        }
        if status.is_ok() {
            for &at in &ends.targets {
                let fingerprint = self.outline.targets[at].fingerprint;
                entry.is_behind |= entry.kept.targets[at] != fingerprint;
                entry.kept.targets[at] = fingerprint;
            }
        }
        result
    }

    fn put(&self, entry: &mut Entry, status: ItemStatus, message: Option<String>) -> Result<()> {
        let record = Record {
            item: self.item.clone(),
            status,
            message,
            targets: entry.kept.targets.clone(),
            outputs: entry.kept.outputs.iter().flatten().cloned().collect(),
        };
        if entry.recorded.as_ref() == Some(&record) {
            entry.is_behind = false;
            return Ok(());
        }
        let began = Instant::now();
        let put = self.manifest.put(&record);
        let pause = match &put {
            Ok(()) => began.elapsed().saturating_mul(PAUSE).min(LONGEST),
            Err(_) => LONGEST,
        };
        entry.due = Instant::now() + pause;
        put?;
        (entry.recorded, entry.is_behind) = (Some(record), false);
        Ok(())
    }

    /// Takes note of the end of a node that a file or a target ends with.
    pub(super) fn hear(&self, node: NodeId, status: Status) {
        // Who has it notes all that there is, and holds up nobody else's records meanwhile.
        let Some(entry) = &mut self.entry.try_lock() else { return };
        if let Some(ends) = self.of_node.get(&node).filter(|_| !entry.is_closed) {
            // What cannot be looked at now is looked at once more when all has ended.
            let _ = self.note_ends(entry, ends, status);
        }
    }

    /// Records what is known, if that is due; says when to ask again, if there is more to record.
    pub(super) fn catch_up(&self) -> Option<Instant> {
        let entry = &mut *self.entry.try_lock()?;
        let is_behind = |entry: &Entry| entry.is_behind && !entry.is_closed;
        if is_behind(entry) && entry.due <= Instant::now() {
            // Who cannot record it now tries again, and at the end tells why.
            let _ = self.put(entry, ItemStatus::Cancelled, None);
        }
        is_behind(entry).then_some(entry.due)
    }

    /// Whether a file or a target ends with a node.
    pub(super) fn is_of(&self, node: NodeId) -> bool {
        self.of_node.contains_key(&node)
    }
}
