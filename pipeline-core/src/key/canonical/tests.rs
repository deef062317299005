//! One value, one encoding: no two values have the same bytes.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;

fn encode<T: Serialize + ?Sized>(value: &T) -> std::result::Result<Vec<u8>, Refused> {
    super::encode(value, Vec::new())
}

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

#[test]
fn a_number_begins_as_nothing_that_has_parts() {
    let number = encode(&0u64).unwrap();
    for parts in [encode(&(0u8, 0u8)), encode(&[0u8; 3]), encode(&vec![0u8])] {
        assert_ne!(number[0], parts.unwrap()[0]);
    }
}

#[test]
fn long_texts_have_long_lengths() {
    for len in [0usize, 1, 127, 128, 129, 16_383, 16_384, 100_000] {
        let bytes = encode(&"a".repeat(len)).unwrap();
        let digits = if len == 0 { 1 } else { len.ilog2() as usize / 7 + 1 };
        assert_eq!(bytes.len(), 1 + digits + len);
    }
    differ(&"a".repeat(128), &"a".repeat(129));
}

#[test]
fn parameters_may_make_keys_of_their_own_when_they_are_asked() {
    struct Inner(u8);
    impl Serialize for Inner {
        fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
            let key = hash_params(&self.0).map_err(ser::Error::custom)?;
            to.serialize_bytes(key.as_bytes())
        }
    }
    let twice = [(); 2].map(|()| hash_params(&(Inner(1), Inner(2))).unwrap());
    assert_eq!(twice[0], twice[1]);
    assert_ne!(twice[0], hash_params(&(Inner(1), Inner(3))).unwrap());
}

#[test]
fn equal_variants_of_two_enums_differ() {
    mod left {
        #[derive(serde::Serialize)]
        pub(super) enum Border {
            Mirror,
            Constant(u8),
            Pair(u8, u8),
            Ramp { low: u8 },
        }
    }
    mod right {
        #[derive(serde::Serialize)]
        pub(super) enum Fill {
            Mirror,
            Constant(u8),
            Pair(u8, u8),
            Ramp { low: u8 },
        }
    }
    differ(&left::Border::Mirror, &right::Fill::Mirror);
    differ(&left::Border::Constant(1), &right::Fill::Constant(1));
    differ(&left::Border::Pair(1, 2), &right::Fill::Pair(1, 2));
    differ(&left::Border::Ramp { low: 1 }, &right::Fill::Ramp { low: 1 });
}

/// A value of every kind that serde knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Tree {
    Bool(bool),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Signed(u8, i8),
    Unsigned(u8, u8),
    Single(u32),
    Double(u64),
    Nothing,
    Some(Box<Self>),
    Unit,
    UnitStruct(&'static str),
    Newtype(&'static str, Box<Self>),
    Seq(Vec<Self>),
    Tuple(Vec<Self>),
    TupleStruct(&'static str, Vec<Self>),
    Struct(&'static str, Vec<(&'static str, Self)>),
    /// Sorted by key, each key once.
    Map(BTreeMap<Self, Self>),
    UnitVariant(&'static str, &'static str),
    NewtypeVariant(&'static str, &'static str, Box<Self>),
    TupleVariant(&'static str, &'static str, Vec<Self>),
    StructVariant(&'static str, &'static str, Vec<(&'static str, Self)>),
}

impl Serialize for Tree {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::{
            SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
            SerializeTupleStruct, SerializeTupleVariant,
        };
        match self {
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Char(value) => to.serialize_char(*value),
            Self::Text(value) => to.serialize_str(value),
            Self::Bytes(value) => to.serialize_bytes(value),
            Self::Signed(width, value) => match width % 5 {
                0 => to.serialize_i8(*value),
                1 => to.serialize_i16((*value).into()),
                2 => to.serialize_i32((*value).into()),
                3 => to.serialize_i64((*value).into()),
                _ => to.serialize_i128((*value).into()),
            },
            Self::Unsigned(width, value) => match width % 5 {
                0 => to.serialize_u8(*value),
                1 => to.serialize_u16((*value).into()),
                2 => to.serialize_u32((*value).into()),
                3 => to.serialize_u64((*value).into()),
                _ => to.serialize_u128((*value).into()),
            },
            Self::Single(bits) => to.serialize_f32(f32::from_bits(*bits)),
            Self::Double(bits) => to.serialize_f64(f64::from_bits(*bits)),
            Self::Nothing => to.serialize_none(),
            Self::Some(value) => to.serialize_some(value),
            Self::Unit => to.serialize_unit(),
            Self::UnitStruct(name) => to.serialize_unit_struct(name),
            Self::Newtype(name, value) => to.serialize_newtype_struct(name, value),
            Self::Seq(values) => {
                let mut seq = to.serialize_seq(None)?;
                values.iter().try_for_each(|value| seq.serialize_element(value))?;
                seq.end()
            }
            Self::Tuple(values) => {
                let mut tuple = to.serialize_tuple(values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_element(value))?;
                tuple.end()
            }
            Self::TupleStruct(name, values) => {
                let mut tuple = to.serialize_tuple_struct(name, values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::Struct(name, fields) => {
                let mut parts = to.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(name, value)| parts.serialize_field(name, value))?;
                parts.end()
            }
            Self::Map(entries) => to.collect_map(entries),
            Self::UnitVariant(name, variant) => to.serialize_unit_variant(name, 0, variant),
            Self::NewtypeVariant(name, variant, value) => {
                to.serialize_newtype_variant(name, 0, variant, value)
            }
            Self::TupleVariant(name, variant, values) => {
                let mut tuple = to.serialize_tuple_variant(name, 0, variant, values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::StructVariant(name, variant, fields) => {
                let mut parts = to.serialize_struct_variant(name, 0, variant, fields.len())?;
                fields.iter().try_for_each(|(name, value)| parts.serialize_field(name, value))?;
                parts.end()
            }
        }
    }
}

fn any_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "a", "b", "ab"])
}

fn any_tree() -> impl Strategy<Value = Tree> {
    // NaNs and zeros are merged on purpose, so there is one of each.
    let single =
        |value: f32| Tree::Single(if value.is_nan() { 0 } else { (value + 0.0).to_bits() });
    let double =
        |value: f64| Tree::Double(if value.is_nan() { 0 } else { (value + 0.0).to_bits() });
    let leaf = prop_oneof![
        any::<bool>().prop_map(Tree::Bool),
        prop::char::range('a', 'c').prop_map(Tree::Char),
        "[ab]{0,2}".prop_map(Tree::Text),
        prop::collection::vec(0u8..3, 0..3).prop_map(Tree::Bytes),
        (0u8..5, -2i8..2).prop_map(|(width, value)| Tree::Signed(width, value)),
        (0u8..5, 0u8..3).prop_map(|(width, value)| Tree::Unsigned(width, value)),
        any::<f32>().prop_map(single),
        any::<f64>().prop_map(double),
        Just(Tree::Single(f32::NAN.to_bits())),
        Just(Tree::Double(f64::NAN.to_bits())),
        Just(Tree::Nothing),
        Just(Tree::Unit),
        any_name().prop_map(Tree::UnitStruct),
        (any_name(), any_name()).prop_map(|(name, variant)| Tree::UnitVariant(name, variant)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let many = || prop::collection::vec(inner.clone(), 0..3);
        let fields = || prop::collection::vec((any_name(), inner.clone()), 0..3);
        prop_oneof![
            boxed().prop_map(Tree::Some),
            (any_name(), boxed()).prop_map(|(name, value)| Tree::Newtype(name, value)),
            many().prop_map(Tree::Seq),
            many().prop_map(Tree::Tuple),
            (any_name(), many()).prop_map(|(name, values)| Tree::TupleStruct(name, values)),
            (any_name(), fields()).prop_map(|(name, fields)| Tree::Struct(name, fields)),
            prop::collection::btree_map(inner.clone(), inner.clone(), 0..3).prop_map(Tree::Map),
            (any_name(), any_name(), boxed())
                .prop_map(|(n, v, value)| Tree::NewtypeVariant(n, v, value)),
            (any_name(), any_name(), many())
                .prop_map(|(n, v, values)| Tree::TupleVariant(n, v, values)),
            (any_name(), any_name(), fields())
                .prop_map(|(n, v, fields)| Tree::StructVariant(n, v, fields)),
        ]
    })
}

proptest! {
    #![proptest_config(Config {
        rng_seed: RngSeed::Fixed(0xcafe),
        failure_persistence: None,
        ..Config::with_cases(1000)
    })]

    #[test]
    fn unequal_values_have_unequal_bytes(
        trees in prop::collection::vec(any_tree(), 64),
    ) {
        let mut seen: HashMap<Vec<u8>, Tree> = HashMap::new();
        for tree in trees {
            let other = seen.entry(encode(&tree).unwrap()).or_insert_with(|| tree.clone());
            prop_assert_eq!(&tree, &*other);
        }
    }

    #[test]
    fn no_bytes_begin_other_bytes(a in any_tree(), b in any_tree()) {
        // So that bytes that follow each other are read apart in one way only.
        let (x, y) = (encode(&a).unwrap(), encode(&b).unwrap());
        prop_assert!(a == b || !(x.starts_with(&y) || y.starts_with(&x)));
    }
}
