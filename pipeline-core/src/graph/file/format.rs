//! The text formats of a pipeline file: JSON always, YAML and TOML by feature.

use std::path::Path;

use serde::de::DeserializeSeed;

use super::limits::FileLimits;
use super::tree::{Meter, Tree};
use super::write;
use crate::error::{Error, Fault, FaultCode, Result};
use crate::graph::Graph;
use crate::step::Registry;

/// The format of a pipeline file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// JSON.
    Json,
    /// YAML.
    #[cfg(feature = "yaml")]
    Yaml,
    /// TOML.
    #[cfg(feature = "toml")]
    Toml,
}

/// The extensions of the formats.
const EXTENSIONS: &[(&str, FileFormat)] = &[
    ("json", FileFormat::Json),
    #[cfg(feature = "yaml")]
    ("yaml", FileFormat::Yaml),
    #[cfg(feature = "yaml")]
    ("yml", FileFormat::Yaml),
    #[cfg(feature = "toml")]
    ("toml", FileFormat::Toml),
];

impl FileFormat {
    /// The format that a file's extension names.
    ///
    /// # Errors
    /// [`Error::Input`] for an extension of no format, or of one that is not compiled in.
    pub fn of(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let extension = path.extension().map(|text| text.to_string_lossy().to_lowercase());
        let extension = extension.unwrap_or_default();
        EXTENSIONS
            .iter()
            .find(|(name, _)| *name == extension)
            .map(|(_, format)| *format)
            .ok_or_else(|| {
                let known: Vec<String> =
                    EXTENSIONS.iter().map(|(name, _)| format!("`{name}`")).collect();
                let what = format!("the extension of {}", path.display());
                Error::input(what, format_args!("`{extension}`"), known.join(" or "))
            })
    }

    pub(super) fn tree(self, text: &str, limits: &FileLimits) -> Result<Tree, Fault> {
        let meter = Meter::new(limits);
        let tree = match self {
            Self::Json => json(text, &meter),
            #[cfg(feature = "yaml")]
            Self::Yaml => super::yaml::tree(text, &meter, limits),
            #[cfg(feature = "toml")]
            Self::Toml => super::toml::tree(text, &meter, limits),
        };
        tree.map_err(|fault| match meter.hit() {
            Some(found) => limit(fault.path, found, &meter, limits),
            None => fault,
        })
    }
}

pub(super) fn limit(path: String, found: &str, meter: &Meter, limits: &FileLimits) -> Fault {
    let expected = format!(
        "at most {} levels of lists and objects and {} values",
        meter.max_depth(),
        limits.max_values
    );
    Fault::new(FaultCode::Limit, path, found, expected)
}

pub(super) fn place(line: impl std::fmt::Display, column: impl std::fmt::Display) -> String {
    format!("line {line}, column {column}")
}

pub(super) fn syntax(path: String, found: impl Into<String>, expected: &str) -> Fault {
    Fault::new(FaultCode::Syntax, path, found, expected)
}

fn json(text: &str, meter: &Meter) -> Result<Tree, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let tree = meter.root().deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree));
    tree.map_err(|error| {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        let path = place(error.line(), error.column());
        match message.strip_prefix("expected ") {
            // The text there says more than that it was not expected.
            Some(expected) => syntax(path, at(text, error.line(), error.column()), expected),
            None => syntax(path, message, "well-formed JSON"),
        }
    })
}

/// The character at a place of the text, counted as the JSON reader does: lines from 1, columns in
/// bytes from 1.
fn at(text: &str, line: usize, column: usize) -> String {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let start = (0..=column.saturating_sub(1).min(line.len()))
        .rev()
        .find(|&start| line.is_char_boundary(start))
        .unwrap_or_default();
    match line[start..].chars().next() {
        Some(character) => format!("{character:?}"),
        None => "the end of the line".to_owned(),
    }
}

/// Pipeline files.
impl Graph {
    /// Reads a graph from JSON, within the default limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the text.
    pub fn from_json(text: &str, registry: &Registry) -> Result<Self> {
        FileLimits::default().parse(text, FileFormat::Json, registry)
    }

    /// Reads a graph from a file, within the default limits; its extension says the format:
    /// `json`, `yaml`, `yml` or `toml`.
    ///
    /// # Errors
    /// As [`FileLimits::read`].
    pub fn read(path: impl AsRef<Path>, registry: &Registry) -> Result<Self> {
        FileLimits::default().read(path, registry)
    }

    /// Writes the graph as JSON, with all parameters in full.
    ///
    /// # Errors
    /// [`Error::Invalid`] if something cannot stand in a file: two nodes of one name, a name with a
    /// `.`, a number that is not finite, a wire or a target of a node that is not there.
    pub fn to_json(&self) -> Result<String> {
        let document = write::document(self).map_err(Error::Invalid)?;
        let mut text = serde_json::to_string_pretty(&document).map_err(failed)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads a graph from YAML, within the default limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the text.
    #[cfg(feature = "yaml")]
    pub fn from_yaml(text: &str, registry: &Registry) -> Result<Self> {
        FileLimits::default().parse(text, FileFormat::Yaml, registry)
    }

    /// Writes the graph as YAML, with all parameters in full.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json).
    #[cfg(feature = "yaml")]
    pub fn to_yaml(&self) -> Result<String> {
        let document = write::document(self).map_err(Error::Invalid)?;
        serde_saphyr::to_string(&document).map_err(failed)
    }

    /// Reads a graph from TOML, within the default limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the text.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str, registry: &Registry) -> Result<Self> {
        FileLimits::default().parse(text, FileFormat::Toml, registry)
    }

    /// Writes the graph as TOML, with all parameters in full but those that are null, which TOML
    /// cannot say.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json), and if leaving out a null would change the graph.
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String> {
        let mut document = write::document(self).map_err(Error::Invalid)?;
        write::without_nulls(self, &mut document).map_err(Error::Invalid)?;
        toml::to_string_pretty(&document).map_err(failed)
    }
}

fn failed(error: impl Into<crate::error::Cause>) -> Error {
    Error::caused("the graph cannot be written as text", error)
}
