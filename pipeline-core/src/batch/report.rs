//! What came of a batch.

use std::fmt::{Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use super::event::ItemStatus;
use super::manifest::Output;
use crate::error::{Error, Result};
use crate::event::Counts;

/// What came of a batch: how each item of the shard ended.
#[derive(Debug, Clone)]
pub struct BatchReport {
    /// The items, in the order in which they were given.
    pub items: Vec<ItemReport>,
    /// From the start to the end.
    pub duration: Duration,
}

/// How one item ended.
#[derive(Debug, Clone)]
pub struct ItemReport {
    /// The item.
    pub name: Arc<str>,
    /// How it ended.
    pub status: ItemStatus,
    /// The files that are there, if it is done.
    pub outputs: Vec<Output>,
    /// How many nodes of its last run ended in each way; none if it did not run.
    pub counts: Counts,
    /// What failed.
    pub error: Option<Arc<Error>>,
    /// How often it was tried.
    pub attempts: u32,
    /// What all attempts took.
    pub duration: Duration,
}

impl ItemReport {
    pub(super) fn open(name: &Arc<str>) -> Self {
        Self {
            name: Arc::clone(name),
            status: ItemStatus::Cancelled,
            outputs: Vec::new(),
            counts: Counts::default(),
            error: None,
            attempts: 0,
            duration: Duration::ZERO,
        }
    }

    /// What failed and why, or who has it, in one line.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self.status {
            ItemStatus::Elsewhere => Some("another process works on it".to_owned()),
            _ => self.error.as_deref().map(line),
        }
    }
}

/// An error and what is behind it, in one line.
pub(super) fn line(error: &Error) -> String {
    let mut line = error.to_string();
    for cause in error.causes() {
        // An error that quotes its cause need not be followed by it.
        if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

impl BatchReport {
    /// How many items ended in this way.
    #[must_use]
    pub fn count(&self, status: ItemStatus) -> usize {
        self.items.iter().filter(|item| item.status == status).count()
    }

    /// Nothing if every item is done.
    ///
    /// # Errors
    /// What became of the first item that is not.
    pub fn ok(&self) -> Result<()> {
        let Some(item) = self.items.iter().find(|item| !item.status.is_ok()) else { return Ok(()) };
        let name = &item.name;
        let why = item.message().unwrap_or_else(|| item.status.name().to_owned());
        Err(Error::failed(format!("`{name}`: {why}")))
    }
}

/// A line with the counts, and one for each item that is not done.
impl Display for BatchReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let all = [
            ItemStatus::Done,
            ItemStatus::Unchanged,
            ItemStatus::Failed,
            ItemStatus::Cancelled,
            ItemStatus::Elsewhere,
        ];
        let counts = all.map(|status| (self.count(status), status.name()));
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        let told = if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") };
        write!(f, "{told} in {:.1} s", self.duration.as_secs_f64())?;
        for item in self.items.iter().filter(|item| !item.status.is_ok()) {
            let message = item.message().unwrap_or_default();
            write!(f, "\n{}  {}  {message}", item.name, item.status.name())?;
        }
        Ok(())
    }
}
