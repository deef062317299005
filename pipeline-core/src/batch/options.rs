//! How a batch is to go.

use std::fmt::{Debug, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::event::BatchEvent;
use crate::error::{Error, Result};
use crate::exec::OnFailure;
use crate::step::CancelToken;

/// Who hears of a batch.
pub type Listener = dyn Fn(&BatchEvent) + Send + Sync;

/// How a batch is to go.
#[derive(Clone)]
pub struct BatchOptions {
    /// Items that are at work at the same time; as many as the executor has threads if `None`. More
    /// take more memory and leave fewer threads idle.
    pub workers: Option<usize>,
    /// Items of a batch; all are one batch if `None`. The next batch begins as soon as a worker is
    /// free. When all items of a batch have ended, [`BatchEvent::BatchFinished`] says so: the time
    /// to bring together what there is.
    pub batch_size: Option<usize>,
    /// The part of the items that is done here.
    pub shard: Shard,
    /// How often an item that failed is tried again, after all others.
    pub retries: u32,
    /// What happens to the items that have not begun when one has failed for good.
    pub on_failure: OnFailure,
    /// Where what was done is recorded: in `manifest` below this folder. Nothing is if `None`.
    pub folder: Option<PathBuf>,
    /// What the records are of. A folder with records of something else is refused.
    pub pipeline: String,
    /// Whether items are done again whatever is recorded of them.
    pub redo: bool,
    /// Whether every file is read again, however unchanged it seems.
    pub revalidate: bool,
    /// Bytes that results of all items may keep alive at once.
    pub budget: Option<u64>,
    /// Runs of higher priority get the threads first.
    pub priority: u8,
    /// After how many frames of a step its progress is told again.
    pub every: u64,
    /// Stops the batch: no item begins, and those at work stop as any run does.
    pub token: CancelToken,
    /// Who hears of it, on any thread and never on two at once. It holds items up.
    pub listener: Option<Arc<Listener>>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            workers: None,
            batch_size: None,
            shard: Shard::WHOLE,
            retries: 0,
            on_failure: OnFailure::Continue,
            folder: None,
            pipeline: String::new(),
            redo: false,
            revalidate: false,
            budget: None,
            priority: 50,
            every: 30,
            token: CancelToken::new(),
            listener: None,
        }
    }
}

impl Debug for BatchOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchOptions")
            .field("workers", &self.workers)
            .field("batch_size", &self.batch_size)
            .field("shard", &self.shard)
            .field("retries", &self.retries)
            .field("folder", &self.folder)
            .field("pipeline", &self.pipeline)
            .field("redo", &self.redo)
            .finish_non_exhaustive()
    }
}

/// A part of a batch, for machines that share it out: every `count`-th item, from `index` on.
///
/// ```
/// use pipeline_core::batch::Shard;
///
/// let shard: Shard = "1/3".parse()?;
/// let items: Vec<usize> = (0..7).filter(|&item| shard.has(item)).collect();
/// assert_eq!(items, [1, 4]);
/// assert!("3/3".parse::<Shard>().is_err());
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Part `index` of `count`, from 0 on.
    ///
    /// # Errors
    /// If there is no such part.
    pub fn new(index: usize, count: usize) -> Result<Self> {
        if index < count {
            return Ok(Self { index, count });
        }
        let found = format!("{index}/{count}");
        Err(Error::input("the shard", found, "`i/n` with i from 0 to n - 1, as in `0/2`"))
    }

    /// Whether the item at this place belongs to it.
    #[must_use]
    pub const fn has(&self, item: usize) -> bool {
        item % self.count == self.index
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('/');
        let numbers =
            parts.and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((index, count)) => Self::new(index, count),
            None => Err(Error::input("the shard", format!("`{text}`"), "`i/n`, as in `0/2`")),
        }
    }
}
