//! Finds the numbers of a value that no file can hold, because they are not finite.
//!
//! JSON writes them as null, which is a value of its own where a parameter may be left out, so the
//! check of the written form cannot tell.

use std::fmt::Error as Refused;

use serde::Serialize;
use serde::ser::{self, Serializer};
use serde_json::Value as Json;

use super::schema::push_field;
use crate::error::{Fault, FaultCode};

/// A fault for every number in `params` that is not finite; `path` is where `params` stand.
pub(super) fn not_finite<T: Serialize>(params: &T, path: &str) -> Vec<Fault> {
    let mut walker = Walker { path: path.to_owned(), faults: Vec::new() };
    match params.serialize(&mut walker) {
        Ok(()) => walker.faults,
        // What cannot be written at all is told by whoever writes it.
        Err(Refused) => Vec::new(),
    }
}

struct Walker {
    path: String,
    faults: Vec<Fault>,
}

impl Walker {
    fn number(&mut self, value: f64) {
        if !value.is_finite() {
            let (path, found) = (&*self.path, value.to_string());
            self.faults.push(Fault::new(FaultCode::Range, path, found, "a finite number"));
        }
    }

    fn parts(&mut self) -> Parts<'_> {
        Parts { end: self.path.len(), inside: self.path.len(), next: 0, walker: self }
    }

    fn variant(&mut self, name: &str) -> Parts<'_> {
        let end = self.path.len();
        push_field(&mut self.path, name);
        Parts { end, ..self.parts() }
    }
}

/// A list, an object or the content of a variant.
struct Parts<'a> {
    /// The path without a variant's name.
    end: usize,
    /// The path without an item.
    inside: usize,
    next: usize,
    walker: &'a mut Walker,
}

impl Parts<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.walker)?;
        self.walker.path.truncate(self.inside);
        Ok(())
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.walker.path.push_str(&format!("[{}]", self.next));
        self.next += 1;
        self.value(value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        push_field(&mut self.walker.path, name);
        self.value(value)
    }

    fn close(self) {
        self.walker.path.truncate(self.end);
    }
}

macro_rules! nothing {
    ($($method:ident($($type:ty),*);)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<(), Refused> {
            Ok(())
        })*
    };
}

impl<'a> Serializer for &'a mut Walker {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    nothing! {
        serialize_bool(bool); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]);
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_i128(i128); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32);
        serialize_u64(u64); serialize_u128(u128); serialize_none(); serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        self.number(value.into());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        self.number(value);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        let mut parts = self.variant(variant);
        parts.value(value)?;
        parts.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        Ok(self.parts())
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.parts())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.parts())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        Ok(self.variant(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        Ok(self.parts())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.parts())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        Ok(self.variant(variant))
    }
}

macro_rules! parts {
    ($($trait:ident $method:ident($($name:ident)?) by $part:ident;)*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Refused> {
                self.$part($($name,)? value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element() by item;
    SerializeTuple serialize_element() by item;
    SerializeTupleStruct serialize_field() by item;
    SerializeTupleVariant serialize_field() by item;
    SerializeStruct serialize_field(name) by field;
    SerializeStructVariant serialize_field(name) by field;
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        match serde_json::to_value(key).map_err(|_| Refused)? {
            Json::String(name) => push_field(&mut self.walker.path, &name),
            other => push_field(&mut self.walker.path, &other.to_string()),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.value(value)
    }

    fn end(self) -> Result<(), Refused> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Form {
        One(f32),
        Two(u8, f64),
        Named { low: f64 },
    }

    #[derive(Serialize)]
    struct Wrapped(f64);

    #[derive(Serialize)]
    struct Inner {
        low: f32,
    }

    #[derive(Serialize)]
    struct All {
        fine: f32,
        plain: f64,
        maybe: Option<f32>,
        list: Vec<Option<f64>>,
        pair: (u8, Wrapped),
        forms: Vec<Form>,
        #[serde(flatten)]
        inner: Inner,
        map: BTreeMap<u8, f32>,
    }

    #[test]
    fn every_number_that_is_not_finite_is_told_where_it_stands() {
        let all = All {
            fine: 1.5,
            plain: f64::NAN,
            maybe: Some(f32::INFINITY),
            list: vec![Some(1.0), None, Some(f64::NEG_INFINITY)],
            pair: (1, Wrapped(f64::NAN)),
            forms: vec![
                Form::One(f32::NAN),
                Form::Two(1, f64::NAN),
                Form::Named { low: f64::NAN },
                Form::One(2.0),
            ],
            inner: Inner { low: f32::NAN },
            map: BTreeMap::from([(7, f32::NAN)]),
        };
        let found: Vec<String> =
            not_finite(&all, "params").iter().map(ToString::to_string).collect();
        let expected = [
            ("plain", "NaN"),
            ("maybe", "inf"),
            ("list[2]", "-inf"),
            ("pair[1]", "NaN"),
            ("forms[0].One", "NaN"),
            ("forms[1].Two[1]", "NaN"),
            ("forms[2].Named.low", "NaN"),
            ("low", "NaN"),
            ("map.7", "NaN"),
        ];
        let expected: Vec<String> = expected
            .iter()
            .map(|(path, found)| format!("params.{path}: found {found}, expected a finite number"))
            .collect();
        assert_eq!(found, expected);
    }
}
