//! Steps whose type the engine does not know.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value as Json;

use super::Step;
use super::context::Context;
use super::defaults::round_defaults;
use super::finite::not_finite;
use super::inputs::{Inputs, Port, Reader};
use super::outputs::Outputs;
use super::spec::Spec;
use super::stream::Stream;
use super::tile::Tile;
use crate::data::{Layout, Value};
use crate::error::{Error, Fault, Result};
use crate::key::{Key, KeyHasher, hash_params};

/// A step of any type. Implemented for every [`Step`], and for nothing else.
pub trait AnyStep: std::fmt::Debug + Send + Sync + Any {
    /// The step's name.
    fn name(&self) -> &'static str;

    /// The parameters as a file shows them.
    fn params(&self) -> Json;

    /// What the step declares beside its parameters.
    fn spec(&self) -> Spec;

    /// The tile-wise form, if there is one.
    fn tile(&self) -> Option<&dyn Tile>;

    /// The row-wise form, if there is one.
    fn stream(&self) -> Option<Stream<'_>>;

    /// The digest of name, version and parameters.
    #[doc(hidden)]
    fn digest(&self) -> Result<Key>;

    /// A fault for every parameter that is a number but not finite; `path` is where they stand.
    #[doc(hidden)]
    fn not_finite(&self, path: &str) -> Vec<Fault>;

    /// Reads the inputs, runs the step and hands out its results, port by port.
    #[doc(hidden)]
    fn call(
        &self,
        inputs: &mut Reader<'_>,
        ctx: &Context<'_>,
        put: &mut dyn FnMut(Value),
    ) -> Result<()>;
}

impl<S: Step> AnyStep for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn params(&self) -> Json {
        // By way of text, because that is where `0.1f32` is `0.1`; converted directly it would be
        // 0.10000000149011612, in files as well as against the limits of a range.
        serde_json::to_string(self)
            .and_then(|text| serde_json::from_str(&text))
            .or_else(|_| serde_json::to_value(self))
            .unwrap_or(Json::Null)
    }

    fn spec(&self) -> Spec {
        Step::spec(self)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Step::tile(self)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Step::stream(self)
    }

    fn digest(&self) -> Result<Key> {
        let params = hash_params(self)?;
        let mut hasher = KeyHasher::result();
        hasher.text(S::NAME).number(S::VERSION.into()).key(&params);
        Ok(hasher.finish())
    }

    fn not_finite(&self, path: &str) -> Vec<Fault> {
        not_finite(self, path)
    }

    fn call(
        &self,
        inputs: &mut Reader<'_>,
        ctx: &Context<'_>,
        put: &mut dyn FnMut(Value),
    ) -> Result<()> {
        let input = S::Input::read(inputs)?;
        self.run(input, ctx)?.emit(put);
        Ok(())
    }
}

/// How a step can run together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// Not at all.
    #[default]
    Whole,
    /// Tile by tile.
    Tiled,
    /// It gives its image row by row.
    Source,
    /// It takes its image row by row.
    Sink,
}

impl Form {
    pub(crate) fn of(step: &dyn AnyStep) -> Self {
        match step.stream() {
            _ if step.tile().is_some() => Self::Tiled,
            None => Self::Whole,
            Some(Stream::Source(_)) => Self::Source,
            Some(Stream::Sink(_)) => Self::Sink,
        }
    }
}

/// The layout that a step says its result will have, for inputs of these layouts, if it says so
/// without a panic. A source may look into its file for it.
pub(crate) fn layout_of(step: &dyn AnyStep, inputs: &[Layout]) -> Option<Layout> {
    let layout = || match (step.tile(), step.stream()) {
        (Some(tile), _) => tile.layout(inputs).ok(),
        (None, Some(Stream::Source(source))) => {
            Some(source.open(&Context::default()).ok()?.layout())
        }
        (None, _) => None,
    };
    catch_unwind(AssertUnwindSafe(layout)).ok()?
}

/// What is known of a step type without an instance: name, ports, parameters.
#[derive(Clone)]
pub struct StepType {
    /// The name in pipeline files.
    pub name: &'static str,
    /// The version that enters the key.
    pub version: u32,
    /// The inputs, in order.
    pub inputs: Vec<Port>,
    /// The outputs, in order.
    pub outputs: Vec<Port>,
    /// The JSON Schema of the parameters, with help texts, ranges and units.
    pub schema: Json,
    build: fn(&Json) -> std::result::Result<Arc<dyn AnyStep>, serde_json::Error>,
}

impl StepType {
    /// The description of the step type `S`.
    #[must_use]
    pub fn of<S: Step>() -> Self {
        let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<S>().to_value();
        round_defaults(&mut schema);
        Self {
            name: S::NAME,
            version: S::VERSION,
            inputs: S::Input::ports(S::INPUTS),
            outputs: S::Output::ports(S::OUTPUTS),
            schema,
            build: |params| {
                let step: S = serde::Deserialize::deserialize(params)?;
                Ok(Arc::new(step))
            },
        }
    }

    /// A step with these parameters; those left out have their defaults.
    ///
    /// # Errors
    /// [`Error::Failed`] if the parameters are not the step's. Their ranges are checked when a
    /// graph is planned.
    pub fn build(&self, params: &Json) -> Result<Arc<dyn AnyStep>> {
        (self.build)(params).map_err(|error| {
            Error::caused(format!("the parameters of `{}` cannot be read", self.name), error)
        })
    }

    /// Whether the step has any parameter.
    #[must_use]
    pub fn has_parameters(&self) -> bool {
        self.schema.get("properties").and_then(Json::as_object).is_some_and(|p| !p.is_empty())
            || self.schema.get("type").and_then(Json::as_str) != Some("object")
    }

    /// The first paragraph of the step's documentation.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.docs().split("\n\n").next().unwrap_or_default()
    }

    /// The step's documentation.
    #[must_use]
    pub fn docs(&self) -> &str {
        self.schema.get("description").and_then(Json::as_str).unwrap_or_default()
    }

    /// The step type as data, for tables and editors: an object with `name`, `version`, `summary`,
    /// `docs`, `inputs`, `outputs` and, as a JSON Schema, `params`.
    #[must_use]
    pub fn describe(&self) -> Json {
        serde_json::json!({
            "name": self.name,
            "version": self.version,
            "summary": self.summary(),
            "docs": self.docs(),
            "inputs": self.inputs.iter().map(Port::describe).collect::<Vec<_>>(),
            "outputs": self.outputs.iter().map(Port::describe).collect::<Vec<_>>(),
            "params": self.schema,
        })
    }
}

impl std::fmt::Debug for StepType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepType")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}
