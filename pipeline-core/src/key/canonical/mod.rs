//! Parameters as canonical bytes: one encoding per value, no two values with the same bytes.
//! Two kinds of number are one value here on purpose: a NaN is a NaN whatever its payload, and zero
//! is zero whatever its sign.
//!
//! Stock formats are not safe as key form: JSON turns NaN, infinity and none into the same `null`,
//! compact binary formats leave out types and field names, and hash maps come in any order.
//! Here every value carries its type, every text its length, every struct and enum its name and
//! that of the field or variant; what consists of others ends with a mark that no value begins
//! with, and map entries are sorted by their encoded key.

use std::cell::Cell;

use serde::Serialize;
use serde::ser;

use super::{Key, KeyHasher};
use crate::error::{Error, Result};

/// The digest of a step's parameters.
///
/// # Errors
/// [`Error::Failed`] if the parameters' own `Serialize` reports an error.
pub fn hash_params<T: Serialize + ?Sized>(params: &T) -> Result<Key> {
    // Whatever the parameters do when they are asked, their thread's bytes are not here meanwhile.
    let bytes = encode(params, SPARE.take());
    let key = bytes.as_ref().map(|bytes| KeyHasher::result().bytes(b'p', bytes).finish());
    let key = key.map_err(|Refused(message)| {
        Error::failed(format!("the parameters cannot be made canonical: {message}"))
    })?;
    SPARE.set(bytes.ok().filter(|bytes| bytes.capacity() <= KEPT).unwrap_or_default());
    Ok(key)
}

/// Bytes that a thread keeps for the next parameters, at most.
const KEPT: usize = 64 << 10;

thread_local! {
    /// Room for the bytes of parameters.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The bytes of a value, in memory that was used before.
fn encode<T: Serialize + ?Sized>(value: &T, mut room: Vec<u8>) -> Result<Vec<u8>, Refused> {
    room.clear();
    let mut encoder = Encoder(room);
    value.serialize(&mut encoder)?;
    Ok(encoder.0)
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl ser::Error for Refused {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct Encoder(Vec<u8>);

impl Encoder {
    fn tag(&mut self, tag: u8, payload: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(payload);
    }

    fn text(&mut self, tag: u8, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// Bytes behind their number, of which each byte has seven bits, the lowest first, and the last
    /// one is below 128.
    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        let mut left = bytes.len();
        while left >= 0x80 {
            self.0.push(left.to_le_bytes()[0] | 0x80);
            left >>= 7;
        }
        self.0.push(left.to_le_bytes()[0]);
        self.0.extend_from_slice(bytes);
    }

    /// Opens a value made of parts, which [`END`] closes.
    fn open(&mut self, tag: u8) -> Parts<'_> {
        self.0.push(tag);
        Parts { encoder: self, entries: Vec::new(), key: Vec::new() }
    }

    /// The same, with a name.
    fn open_named(&mut self, tag: u8, name: &str) -> Parts<'_> {
        self.text(tag, name);
        Parts { encoder: self, entries: Vec::new(), key: Vec::new() }
    }
}

/// Closes a value made of parts. No value begins with it, and no field.
const END: u8 = b']';

/// A sequence, tuple, struct or map on its way into the encoder.
struct Parts<'a> {
    encoder: &'a mut Encoder,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    key: Vec<u8>,
}

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.encoder)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        self.encoder.text(b'.', name);
        self.part(value)
    }

    fn close(self) {
        let Self { encoder, mut entries, .. } = self;
        entries.sort_unstable();
        for (key, value) in entries {
            encoder.0.extend_from_slice(&key);
            encoder.0.extend_from_slice(&value);
        }
        encoder.0.push(END);
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty, $tag:expr;)*) => {
        $(fn $method(self, value: $type) -> Result<(), Refused> {
            self.tag($tag, &value.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'a> ser::Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    numbers! {
        serialize_i8 i8, 0x11; serialize_i16 i16, 0x12; serialize_i32 i32, 0x14;
        serialize_i64 i64, 0x18; serialize_i128 i128, 0x1f;
        serialize_u8 u8, 0x21; serialize_u16 u16, 0x22; serialize_u32 u32, 0x24;
        serialize_u64 u64, 0x28; serialize_u128 u128, 0x2f;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.tag(b'b', &[u8::from(value)]);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        let value = if value.is_nan() { f32::NAN } else { value + 0.0 };
        self.tag(0x34, &value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
        self.tag(0x38, &value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.tag(b'c', &u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.text(b's', value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        self.bytes(b'y', value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.0.push(b'-');
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.0.push(b'+');
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.0.push(b'u');
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Refused> {
        self.text(b'U', name);
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        self.text(b'e', name);
        self.text(b'v', variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.text(b'N', name);
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.text(b'e', name);
        self.text(b'V', variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'['))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b't'))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.open_named(b'T', name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        self.text(b'e', name);
        Ok(self.open_named(b'w', variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'm'))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.open_named(b'{', name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        self.text(b'e', name);
        Ok(self.open_named(b'W', variant))
    }
}

macro_rules! parts {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.part(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
            }
        })*
    };
    (named $($trait:ident)*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}
parts!(named SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        let mut encoder = Encoder(Vec::new());
        key.serialize(&mut encoder)?;
        self.key = encoder.0;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let mut encoder = Encoder(Vec::new());
        value.serialize(&mut encoder)?;
        self.entries.push((std::mem::take(&mut self.key), encoder.0));
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
