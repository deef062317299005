//! Step types by name, for pipeline files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Step;
use super::erased::StepType;
use crate::error::{Error, Result, nearest};

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
    /// [`Error::Input`] if a step of this name is there already.
    pub fn register<S: Step>(&mut self) -> Result<()> {
        if self.types.contains_key(S::NAME) {
            return Err(Error::input(
                "the step name",
                format_args!("`{}`, which is taken", S::NAME),
                "a name of its own",
            ));
        }
        self.types.insert(S::NAME, Arc::new(StepType::of::<S>()));
        Ok(())
    }

    /// The step type of this name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest known name.
    pub fn find(&self, name: &str) -> Result<&Arc<StepType>> {
        self.types.get(name).ok_or_else(|| Error::Unknown {
            what: "step",
            name: name.to_owned(),
            nearest: nearest(name, self.types.keys().copied()),
        })
    }

    /// All step types, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StepType>> {
        self.types.values()
    }
}
