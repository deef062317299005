//! Step types by name, for pipeline files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Step;
use super::defaults::refused_defaults;
use super::erased::StepType;
use crate::data::DataType;
use crate::error::{Error, Result};

/// The step types that pipeline files may name. Filled explicitly; there is no global list.
///
/// ```
/// # use pipeline_core::{Registry, Step, Context, Result};
/// # #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// # struct Tick {}
/// # impl Step for Tick {
/// #     const NAME: &'static str = "tick";
/// #     type Input = ();
/// #     type Output = ();
/// #     fn run(&self, (): (), _: &Context<'_>) -> Result<()> { Ok(()) }
/// # }
/// let mut registry = Registry::new();
/// registry.register::<Tick>()?;
/// assert!(registry.register::<Tick>().is_err());
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, Arc<StepType>>,
    /// What flows on the ports of these steps.
    data: BTreeMap<&'static str, DataType>,
}

impl Registry {
    /// A registry without steps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step type.
    ///
    /// # Errors
    /// [`Error::Input`] if a step of this name is there already, or if one of its ports carries
    /// data whose name another type of data has; [`Error::Invalid`] if the default of a parameter
    /// is none that the parameter takes.
    pub fn register<S: Step>(&mut self) -> Result<()> {
        if self.types.contains_key(S::NAME) {
            return Err(Error::input(
                "the step name",
                format_args!("`{}`, which is taken", S::NAME),
                "a name of its own",
            ));
        }
        let kind = StepType::of::<S>();
        let faults = refused_defaults(&kind.schema, &format!("steps.{}.params", S::NAME));
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let mut data = self.data.clone();
        for port in kind.inputs.iter().chain(&kind.outputs) {
            if *data.entry(port.data.name).or_insert(port.data) != port.data {
                return Err(Error::input(
                    format!("the name of the data on port `{}` of `{}`", port.name, S::NAME),
                    format_args!("`{}`, which is taken", port.data.name),
                    "a name of its own",
                ));
            }
        }
        self.data = data;
        self.types.insert(S::NAME, Arc::new(kind));
        Ok(())
    }

    /// The step type of this name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest known name.
    pub fn find(&self, name: &str) -> Result<&Arc<StepType>> {
        self.types.get(name).ok_or_else(|| Error::unknown("step", name, self.types.keys().copied()))
    }

    /// All step types, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StepType>> {
        self.types.values()
    }

    /// The type of data of this name, among those on the ports of the registered steps.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest known name.
    pub fn data_type(&self, name: &str) -> Result<DataType> {
        self.data
            .get(name)
            .copied()
            .ok_or_else(|| Error::unknown("data type", name, self.data.keys().copied()))
    }

    /// All types of data on the ports of the registered steps, by name.
    pub fn data_types(&self) -> impl Iterator<Item = DataType> {
        self.data.values().copied()
    }

    /// All step types as data, for tables and editors: a list of objects with `name`, `version`,
    /// `summary`, `docs`, `inputs`, `outputs` and, as a JSON Schema, `params`.
    #[must_use]
    pub fn describe(&self) -> serde_json::Value {
        self.types.values().map(|kind| kind.describe()).collect()
    }
}
