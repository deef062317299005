//! Many items through one executor: fields of view, files, anything that has a name.
//!
//! ```text
//!   items ──▶ queue ──▶ workers ──▶ graph and values of the item ──▶ run ──▶ record
//!               ▲                              │ recorded, and whole?         │
//!               └── tried again ◀── failed     └──────▶ unchanged             └──▶ report, events
//! ```
//!
//! A batch is a thin client of the executor: each item is a run, so its steps share threads, cache
//! and events with every other run. What it adds is that items are apart: each fails, is tried
//! again, is stopped and is told of by itself.
//!
//! With a folder, what was done is recorded there, a file per item that appears whole or not at
//! all: the name of everything that was done, and the digest of each file that was written. A
//! second start does what is missing, damaged, or would be otherwise now. Files are those that
//! steps declare with [`Spec::writes`](crate::Spec::writes); each is recorded soon after it is
//! there, so that an item that is killed goes on with those that it had. The folder may be moved.
//!
//! Several processes may work on one folder, each on a shard or all on everything: an item is
//! locked while it is worked on.

mod clerk;
mod event;
mod item;
mod ledger;
mod manifest;
mod options;
mod report;
mod resume;
mod steps;
mod teller;
mod work;

pub use event::{BatchEvent, ItemStatus, Progress};
pub use item::{Item, Job};
pub use manifest::{Output, Record, records, with_records};
pub use options::{BatchOptions, Listener, Shard};
pub use report::{BatchReport, ItemReport};
