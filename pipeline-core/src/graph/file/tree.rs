//! What a pipeline file says, before anyone knows whether it makes sense.
//!
//! Unlike a JSON value, a tree keeps repeated fields, so that two nodes of one name are a fault and
//! not silently one node, and numbers that JSON cannot hold. It is built within limits: a file that
//! is nested too deep or says too much is refused at that place.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value as Json};

use super::limits::FileLimits;
use crate::step::{found, list_of};

/// A value of a file.
#[derive(Debug)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    /// A number that JSON cannot hold, as text: not finite, or wider than 64 bits.
    Unheld(String),
    Text(String),
    List(Vec<Self>),
    /// The fields in order, repeated ones included.
    Object(Vec<(String, Self)>),
}

impl Tree {
    /// The value as a fault shows it.
    pub(super) fn found(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Unheld(text) => text.clone(),
            Self::Text(text) => found(&Json::String(text.clone())),
            Self::List(values) => list_of(values.len()),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// Counts what is read from one file.
pub(super) struct Meter {
    max_depth: usize,
    values: Cell<usize>,
    hit: Cell<Option<&'static str>>,
}

/// The deepest nesting that is read, whatever the limits; every level takes some stack.
const DEEPEST: usize = 100;

/// What is found where a file is nested too deep.
pub(super) const DEEPER: &str = "deeper nesting";

/// What is found where a file says too much.
pub(super) const MORE: &str = "more values";

impl Meter {
    pub(super) fn new(limits: &FileLimits) -> Self {
        Self {
            max_depth: limits.max_depth.min(DEEPEST),
            values: Cell::new(limits.max_values),
            hit: Cell::new(None),
        }
    }

    /// Which limit ended the reading, if one did: what was found.
    pub(super) fn hit(&self) -> Option<&'static str> {
        self.hit.get()
    }

    pub(super) fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// Reads the whole file.
    pub(super) fn root(&self) -> Seed<'_> {
        Seed { meter: self, depth: 0 }
    }

    fn refuse<E: serde::de::Error>(&self, what: &'static str) -> E {
        self.hit.set(Some(what));
        E::custom(what)
    }
}

/// Reads one value at some depth.
pub(super) struct Seed<'a> {
    meter: &'a Meter,
    depth: usize,
}

impl Seed<'_> {
    const fn again(&self) -> Self {
        Self { meter: self.meter, depth: self.depth }
    }

    fn inside<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= self.meter.max_depth {
            return Err(self.meter.refuse(DEEPER));
        }
        Ok(Self { meter: self.meter, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        let left = self.meter.values.get();
        if left == 0 {
            return Err(self.meter.refuse(MORE));
        }
        self.meter.values.set(left - 1);
        deserializer.deserialize_any(self)
    }
}

/// The name under which the TOML reader hands out a date.
const TOML_DATE: &str = "$__toml_private_datetime";

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
        Ok(Number::from_i128(value).map_or_else(|| Tree::Unheld(value.to_string()), Tree::Number))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Tree, E> {
        Ok(Number::from_u128(value).map_or_else(|| Tree::Unheld(value.to_string()), Tree::Number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(value).map_or_else(|| Tree::Unheld(value.to_string()), Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside.again())? {
            values.push(value);
        }
        Ok(Tree::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let inside = self.inside()?;
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == TOML_DATE && fields.is_empty() {
                return map.next_value().map(Tree::Text);
            }
            let value = map.next_value_seed(inside.again())?;
            fields.push((name, value));
        }
        Ok(Tree::Object(fields))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Tree, E> {
        Err(E::custom("binary data"))
    }
}
