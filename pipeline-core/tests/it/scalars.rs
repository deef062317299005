//! Small steps on small data, shared by the tests.

use pipeline_core::{Context, Data, In, Registry, Result, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scalar(pub(crate) f64);

impl Data for Scalar {
    const NAME: &'static str = "scalar";

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note(pub(crate) String);

impl Data for Note {
    const NAME: &'static str = "note";

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.0.len()
    }
}

/// Gives a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Number {
    /// The number.
    pub(crate) value: f64,
}

impl Step for Number {
    const NAME: &'static str = "number";
    type Input = ();
    type Output = Scalar;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Scalar> {
        Ok(Scalar(self.value))
    }
}

/// Adds any number of numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Add {}

impl Step for Add {
    const NAME: &'static str = "add";
    const INPUTS: &'static [&'static str] = &["terms"];
    type Input = Vec<In<Scalar>>;
    type Output = Scalar;

    fn run(&self, terms: Vec<In<Scalar>>, _: &Context<'_>) -> Result<Scalar> {
        Ok(Scalar(terms.iter().map(|term| term.0).sum()))
    }
}

/// What to do beyond a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Beyond {
    /// Lets the number pass.
    #[default]
    Keep,
    /// Takes the limit instead.
    Clamp,
    /// Takes this number instead.
    Replace(f32),
}

/// Multiplies a number.
///
/// And limits it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scale {
    /// The factor.
    #[schemars(range(min = 0.1, max = 100.0), extend("x-unit" = "ratio"))]
    pub(crate) factor: f32,
    /// The largest result.
    pub(crate) limit: Option<f32>,
    /// What to do beyond the limit.
    pub(crate) beyond: Beyond,
}

impl Default for Scale {
    fn default() -> Self {
        Self { factor: 1.0, limit: None, beyond: Beyond::Keep }
    }
}

impl Step for Scale {
    const NAME: &'static str = "scale";
    type Input = In<Scalar>;
    type Output = Scalar;

    fn run(&self, number: In<Scalar>, _: &Context<'_>) -> Result<Scalar> {
        let scaled = number.0 * f64::from(self.factor);
        let limit = self.limit.map_or(f64::INFINITY, f64::from);
        Ok(Scalar(match self.beyond {
            Beyond::Clamp => scaled.min(limit),
            Beyond::Replace(with) if scaled > limit => f64::from(with),
            Beyond::Keep | Beyond::Replace(_) => scaled,
        }))
    }
}

/// Splits a number into its whole part and its fraction.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Split {}

impl Step for Split {
    const NAME: &'static str = "split";
    const OUTPUTS: &'static [&'static str] = &["whole", "fraction"];
    type Input = In<Scalar>;
    type Output = (Scalar, Scalar);

    fn run(&self, number: In<Scalar>, _: &Context<'_>) -> Result<(Scalar, Scalar)> {
        Ok((Scalar(number.0.trunc()), Scalar(number.0.fract())))
    }
}

/// Passes a number on, or another one if there is one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pick {}

impl Step for Pick {
    const NAME: &'static str = "pick";
    const INPUTS: &'static [&'static str] = &["first", "other"];
    type Input = (In<Scalar>, Option<In<Scalar>>);
    type Output = Scalar;

    fn run(
        &self,
        (first, other): (In<Scalar>, Option<In<Scalar>>),
        _: &Context<'_>,
    ) -> Result<Scalar> {
        Ok(other.map_or(*first, |other| *other))
    }
}

/// Writes a number out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tell {
    /// What to write before it.
    #[schemars(length(min = 1, max = 40))]
    pub(crate) words: String,
}

impl Step for Tell {
    const NAME: &'static str = "tell";
    type Input = In<Scalar>;
    type Output = Note;

    fn run(&self, number: In<Scalar>, _: &Context<'_>) -> Result<Note> {
        Ok(Note(format!("{} {}", self.words, number.0)))
    }
}

/// A registry of all of these.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register::<Number>().unwrap();
    registry.register::<Add>().unwrap();
    registry.register::<Scale>().unwrap();
    registry.register::<Split>().unwrap();
    registry.register::<Pick>().unwrap();
    registry.register::<Tell>().unwrap();
    registry
}
