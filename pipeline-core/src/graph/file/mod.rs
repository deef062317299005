//! The pipeline file: a graph as text, in JSON and, by feature, YAML and TOML.
//!
//! Text becomes a [`tree::Tree`], whatever the format, and the tree becomes a graph; all faults of
//! a file are collected on the way. Back, a graph becomes one JSON value, which every format
//! writes.

mod faults;
mod format;
mod limits;
mod read;
mod schema;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod wires;
mod write;
#[cfg(feature = "yaml")]
mod yaml;

pub use format::FileFormat;
pub use limits::FileLimits;

/// The version that files are written in, and the only one that is read.
const VERSION: u64 = 1;

/// Most characters a node's name may have.
const LONGEST_NAME: usize = 200;

/// What is wrong with a node's name, if anything: what was found.
fn name_fault(name: &str) -> Option<String> {
    let found = if name.is_empty() {
        "an empty name"
    } else if name.contains('.') {
        "a name with a `.`"
    } else if name.contains(char::is_control) {
        "a name with a control character"
    } else if name.chars().nth(LONGEST_NAME).is_some() {
        return Some(format!("a name of more than {LONGEST_NAME} characters"));
    } else {
        return None;
    };
    Some(found.to_owned())
}

/// What is expected of a node's name.
fn good_name() -> String {
    format!("1 to {LONGEST_NAME} characters without `.` and control characters")
}
