//! The inputs of a step as values that can be handed out again and again.

use crate::data::{Data, In, Value};
use crate::error::Result;

/// Inputs that a contract can hand to a step many times: every [`Step::Input`](crate::Step::Input)
/// is one. Implemented here and nowhere else.
pub trait Supply: sealed::Sealed {
    #[doc(hidden)]
    fn pieces(self) -> Vec<Vec<Piece>>;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: implemented here and nowhere else")]
    pub trait Sealed {}

    /// One input port: one value, perhaps one, or any number.
    #[expect(unnameable_types, reason = "sealed: implemented here and nowhere else")]
    pub trait SupplyPort {
        fn port(self) -> Vec<super::Piece>;
    }
}

use sealed::SupplyPort;

/// The value of one wire.
#[doc(hidden)]
#[derive(Debug, Clone)]
#[expect(unnameable_types, reason = "sealed: made here and nowhere else")]
pub struct Piece {
    pub(super) value: Value,
    copy: fn(&Value) -> Option<Result<Value>>,
}

impl Piece {
    fn of<T: Data>(input: In<T>) -> Self {
        Self { value: input.into(), copy: copy::<T> }
    }

    /// The same piece with another value of the same type.
    pub(super) fn with(&self, value: Value) -> Self {
        Self { value, copy: self.copy }
    }

    /// An equal value that shares nothing, if the type can be written as bytes and read back.
    pub(super) fn copy(&self) -> Option<Result<Value>> {
        (self.copy)(&self.value)
    }
}

fn copy<T: Data>(value: &Value) -> Option<Result<Value>> {
    let (codec, value) = T::codec().zip(value.downcast_ref::<T>())?;
    let mut bytes = Vec::new();
    if let Err(error) = (codec.encode)(value, &mut bytes) {
        return Some(Err(crate::error::Error::caused("the value cannot be encoded", error)));
    }
    Some((codec.decode)(&bytes.into()).map(Value::new))
}

impl<T: Data> SupplyPort for In<T> {
    fn port(self) -> Vec<Piece> {
        vec![Piece::of(self)]
    }
}

impl<T: Data> SupplyPort for Option<In<T>> {
    fn port(self) -> Vec<Piece> {
        self.into_iter().map(Piece::of).collect()
    }
}

impl<T: Data> SupplyPort for Vec<In<T>> {
    fn port(self) -> Vec<Piece> {
        self.into_iter().map(Piece::of).collect()
    }
}

impl sealed::Sealed for () {}

impl Supply for () {
    fn pieces(self) -> Vec<Vec<Piece>> {
        Vec::new()
    }
}

impl<I: SupplyPort> sealed::Sealed for I {}

impl<I: SupplyPort> Supply for I {
    fn pieces(self) -> Vec<Vec<Piece>> {
        vec![self.port()]
    }
}

macro_rules! tuples {
    ($(($($input:ident $place:tt),*))*) => {
        $(
            impl<$($input: SupplyPort),*> sealed::Sealed for ($($input,)*) {}

            impl<$($input: SupplyPort),*> Supply for ($($input,)*) {
                fn pieces(self) -> Vec<Vec<Piece>> {
                    vec![$(self.$place.port()),*]
                }
            }
        )*
    };
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
