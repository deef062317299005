//! Parameters as canonical bytes: one encoding per value, no two values with the same bytes.
//!
//! Stock formats are not safe as key form: JSON turns NaN, infinity and none into the same `null`,
//! compact binary formats leave out types and field names, and hash maps come in any order.
//! Here every value carries its type, every sequence its length and every struct its field names;
//! map entries are sorted by their encoded key; floats are exact bits with one NaN and no negative
//! zero.

use serde::Serialize;
use serde::ser;

use super::{Key, KeyHasher};
use crate::error::{Error, Result};

/// The digest of a step's parameters.
///
/// # Errors
/// [`Error::Failed`] if the parameters' own `Serialize` reports an error.
pub fn hash_params<T: Serialize + ?Sized>(params: &T) -> Result<Key> {
    let bytes = encode(params)?;
    let mut hasher = KeyHasher::result();
    hasher.bytes(b'p', &bytes);
    Ok(hasher.finish())
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut encoder = Encoder(Vec::with_capacity(64));
    value.serialize(&mut encoder).map_err(|Refused(message)| {
        Error::failed(format!("the parameters cannot be made canonical: {message}"))
    })?;
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
        self.tag(tag, &(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Opens a value made of parts; the parts are counted when it closes.
    fn open(&mut self, tag: u8, name: &str) -> Parts<'_> {
        self.text(tag, name);
        let count_at = self.0.len();
        self.0.extend_from_slice(&[0; 8]);
        Parts { encoder: self, count_at, count: 0, entries: Vec::new(), key: Vec::new() }
    }
}

/// A sequence, tuple, struct or map on its way into the encoder.
struct Parts<'a> {
    encoder: &'a mut Encoder,
    count_at: usize,
    count: u64,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    key: Vec<u8>,
}

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.count += 1;
        value.serialize(&mut *self.encoder)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        self.encoder.text(b'.', name);
        self.part(value)
    }

    fn close(self) {
        let Self { encoder, count_at, mut count, mut entries, .. } = self;
        entries.sort_unstable();
        for (key, value) in entries {
            encoder.0.extend_from_slice(&key);
            encoder.0.extend_from_slice(&value);
            count += 1;
        }
        encoder.0[count_at..count_at + 8].copy_from_slice(&count.to_le_bytes());
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
        self.tag(b'y', &(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value);
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
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
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
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.text(b'V', variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'[', ""))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'(', ""))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'T', name))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'w', variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'm', ""))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'{', name))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        Ok(self.open(b'W', variant))
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
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[track_caller]
    fn differ<A: Serialize, B: Serialize>(a: &A, b: &B) {
        assert_ne!(encode(a).unwrap(), encode(b).unwrap());
    }

    #[test]
    fn values_that_stock_formats_merge_stay_apart() {
        differ(&f64::NAN, &None::<f64>);
        differ(&f64::INFINITY, &f64::NAN);
        differ(&1u8, &1u64);
        differ(&1u8, &true);
        differ(&1.0f32, &1.0f64);
        differ(&9_007_199_254_740_993u64, &9_007_199_254_740_992u64);
        differ(&["ab", "c"], &["a", "bc"]);
        differ(&Some(0u8), &0u8);
        differ(&vec![1u8, 2], &(1u8, 2u8));
        differ(&HashMap::from([("a", 1)]), &HashMap::from([("b", 1)]));
    }

    #[test]
    fn structs_of_equal_numbers_differ_by_their_field_names() {
        #[derive(Serialize)]
        struct Blur {
            radius: u8,
        }
        #[derive(Serialize)]
        struct Shift {
            columns: u8,
        }
        differ(&Blur { radius: 1 }, &Shift { columns: 1 });
    }

    #[test]
    fn maps_have_one_order_and_floats_one_nan_and_one_zero() {
        let pairs: Vec<(String, u32)> = (0..50).map(|n| (format!("k{n}"), n)).collect();
        let hashed: HashMap<_, _> = pairs.iter().cloned().collect();
        let sorted: BTreeMap<_, _> = pairs.into_iter().collect();
        assert_eq!(encode(&hashed).unwrap(), encode(&sorted).unwrap());
        assert_eq!(encode(&-0.0f32).unwrap(), encode(&0.0f32).unwrap());
        let payload = f32::from_bits(0x7fc0_0001);
        assert_eq!(encode(&payload).unwrap(), encode(&f32::NAN).unwrap());
    }
}
