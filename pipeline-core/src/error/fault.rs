//! One problem of a graph or a pipeline file, as data, and the name that was probably meant.

use serde::{Deserialize, Serialize};

/// One fault of a graph or a pipeline file, as data.
///
/// Printed as ``nodes.blur.params.sigma: found -1.5, expected more than 0 px``.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of fault.
    pub code: FaultCode,
    /// Where it is, as a person sees it in the file: `nodes.blur.params.sigma`.
    pub path: String,
    /// What was found there.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// The known name nearest to an unknown one, or the number in range nearest to one outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// The kinds of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultCode {
    /// The file is not readable as what it claims to be.
    Syntax,
    /// The file's version is not one this program reads.
    Version,
    /// A file or a graph has more nodes, or is nested deeper, than is allowed.
    Limit,
    /// Two nodes have the same name, or a name is empty or has a forbidden character.
    Name,
    /// No step of this name is registered.
    UnknownStep,
    /// A wire, target or field names a node that does not exist.
    UnknownNode,
    /// A step has no port of this name.
    UnknownPort,
    /// A step has no parameter of this name, or the file no field of this name.
    UnknownField,
    /// A value has the wrong type.
    Type,
    /// A value is outside its range, or not a finite number.
    Range,
    /// A wire joins ports that carry different data.
    Wire,
    /// A required input has no wire, or a required field or parameter is not given.
    Missing,
    /// The wires form a cycle; the path is what was found.
    Cycle,
    /// A step asks for more of a resource than there is.
    Resource,
}

impl Fault {
    /// The value to put in place of a number outside of its range.
    pub(crate) fn clamped(&self) -> Option<serde_json::Number> {
        let number = |text: &String| serde_json::from_str(text).ok();
        let _: serde_json::Number = number(&self.found)?;
        self.nearest.as_ref().filter(|_| self.code == FaultCode::Range).and_then(number)
    }

    /// A fault at a path: what was found there, and what was expected.
    #[must_use]
    pub fn new(
        code: FaultCode,
        path: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (path, found, expected) = (path.into(), found.into(), expected.into());
        Self { code, path, found, expected, nearest: None }
    }

    /// Names the known name that was probably meant.
    #[must_use]
    pub fn near(mut self, nearest: Option<String>) -> Self {
        self.nearest = nearest;
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: found {}, expected {}", self.path, self.found, self.expected)?;
        // What is expected of a number says more than the nearest one, and where one name only is
        // expected, it is there already.
        let says_more =
            |name: &&str| self.clamped().is_none() && self.expected != format!("`{name}`");
        let name = self.nearest.as_deref().filter(says_more);
        f.write_str(&nearest_suffix(name))
    }
}

pub(super) fn nearest_suffix(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Names longer than this are compared with none.
const LONGEST_COMPARED: usize = 200;

/// The known name nearest to `name`, if one is near enough to be a slip of the hand.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let length = name.chars().count();
    // One letter of three, and two of five: `ph` is as good a sound as `f`.
    let limit = |candidate: &str| {
        let is_longer = length.max(candidate.chars().count()) >= 5;
        (length / 3).max(if is_longer { 2 } else { 1 })
    };
    // Nobody slips on a name this long, and comparing it would take long.
    let known = known.into_iter().take_while(|_| length <= LONGEST_COMPARED);
    known
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit(candidate))
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_all_that_was_expected_is_told_once() {
        let fault = |expected| {
            let fault = Fault::new(FaultCode::UnknownPort, "nodes.a.inputs.on", "`on`", expected);
            fault.near(Some("in".into())).to_string()
        };
        assert_eq!(fault("`in`"), "nodes.a.inputs.on: found `on`, expected `in`");
        assert_eq!(
            fault("one of `in`, `mask`"),
            "nodes.a.inputs.on: found `on`, expected one of `in`, `mask`; did you mean `in`?"
        );
    }

    #[test]
    fn nearest_finds_slips_and_ignores_strangers() {
        let known = ["gaussian_blur", "gain", "gamma"];
        assert_eq!(nearest("gausian_blur", known).as_deref(), Some("gaussian_blur"));
        assert_eq!(nearest("gian", known).as_deref(), Some("gain"));
        assert_eq!(nearest("foto", ["photo", "fov"]).as_deref(), Some("photo"));
        assert_eq!(nearest("in", ["out", "mask"]), None);
        assert_eq!(nearest("blur", ["gain", "flip", "blend"]), None);
        assert_eq!(nearest("watershed", known), None);
    }
}
