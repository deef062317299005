//! How large a pipeline file may be, and reading one within these limits.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::format::FileFormat;
use super::read;
use crate::error::{Error, Fault, FaultCode, Result};
use crate::graph::Graph;
use crate::step::Registry;

/// How large a pipeline file may be. What is larger is refused before it takes memory.
///
/// ```
/// use pipeline_core::graph::{FileFormat, FileLimits};
/// use pipeline_core::{Error, Registry};
///
/// let limits = FileLimits { max_nodes: 100, ..FileLimits::default() };
/// let text = r#"{"version": 1, "nodes": {}}"#;
/// let graph = limits.parse(text, FileFormat::Json, &Registry::new())?;
/// assert!(graph.is_empty());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// Bytes of the file.
    pub max_bytes: u64,
    /// Nodes and inputs of the graph.
    pub max_nodes: usize,
    /// Lists and objects within each other; at most 100 are ever read.
    pub max_depth: usize,
    /// Numbers, texts, lists and objects in all, aliases of YAML counted as what they stand for.
    pub max_values: usize,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_nodes: 1_000_000, max_depth: 64, max_values: 10_000_000 }
    }
}

impl FileLimits {
    /// Reads a graph from text.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the text.
    pub fn parse(&self, text: &str, format: FileFormat, registry: &Registry) -> Result<Graph> {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if bytes > self.max_bytes {
            return Err(self.too_large(bytes));
        }
        // Some editors begin a file with a mark of its byte order.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let tree = format.tree(text, self).map_err(|fault| Error::Invalid(vec![fault]))?;
        read::graph(tree, registry, self).map_err(Error::Invalid)
    }

    /// Reads a graph from a file; its extension says the format: `json`, `yaml`, `yml` or `toml`.
    ///
    /// # Errors
    /// [`Error::Input`] for another extension, [`Error::File`] if the file cannot be read,
    /// [`Error::Invalid`] with all faults of its content.
    pub fn read(&self, path: impl AsRef<Path>, registry: &Registry) -> Result<Graph> {
        let path = path.as_ref();
        let format = FileFormat::of(path)?;
        let failed = |source: std::io::Error| Error::File {
            path: path.to_owned(),
            action: "read",
            source: source.into(),
        };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length > self.max_bytes {
            return Err(self.too_large(length));
        }
        // The length of a pipe or a device is not known, and a file may grow while it is read.
        let mut bytes = Vec::new();
        file.take(self.max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            let (path, found) = (format!("byte {place}"), "bytes that are not text");
            Error::Invalid(vec![Fault::new(FaultCode::Syntax, path, found, "UTF-8")])
        })?;
        self.parse(&text, format, registry)
    }

    fn too_large(&self, bytes: u64) -> Error {
        let found = if bytes > self.max_bytes.saturating_add(1) {
            format!("{bytes} bytes")
        } else {
            format!("more than {} bytes", self.max_bytes)
        };
        let expected = format!("at most {} bytes", self.max_bytes);
        Error::Invalid(vec![Fault::new(FaultCode::Limit, "file", found, expected)])
    }
}
