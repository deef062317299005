//! What goes into a step, and how the compiler checks the wires.

use std::marker::PhantomData;

use serde::Serialize;

use crate::data::{Data, DataType, In, Value};
use crate::error::{Error, Result};
use crate::id::NodeId;

/// A handle on one output port of a node that carries a `T`.
///
/// Wiring a node to an input of another type does not compile.
pub struct Node<T> {
    wire: Wire,
    _data: PhantomData<fn() -> T>,
}

/// An output port of a node: where a wire comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wire {
    pub(crate) node: NodeId,
    pub(crate) port: u16,
}

impl<T> Node<T> {
    pub(crate) const fn new(node: NodeId, port: u16) -> Self {
        Self { wire: Wire { node, port }, _data: PhantomData }
    }

    pub(crate) const fn wire(&self) -> Wire {
        self.wire
    }

    /// The node of this port.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.wire.node
    }

    /// The place of this port among the node's outputs.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.wire.port
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Node<T> {}

impl<T> std::fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({}.{})", self.wire.node.index(), self.wire.port)
    }
}

/// One input or output of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The name, as a pipeline file gives it.
    pub name: &'static str,
    /// What flows there.
    pub data: DataType,
    /// How many wires it takes.
    pub arity: Arity,
}

impl Port {
    /// The port of this name, and its place.
    pub(crate) fn find(ports: &[Self], name: &str) -> Option<(u16, Self)> {
        (0..).zip(ports).find(|(_, port)| port.name == name).map(|(place, port)| (place, *port))
    }

    /// The port as data: an object with `name`, `type` and `arity`.
    pub(crate) fn describe(&self) -> serde_json::Value {
        serde_json::json!({ "name": self.name, "type": self.data.name, "arity": self.arity })
    }
}

/// How many wires an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arity {
    /// Exactly one: `In<T>`. Also every output.
    One,
    /// None or one: `Option<In<T>>`.
    Optional,
    /// Any number, in order: `Vec<In<T>>`.
    Many,
}

/// One input: `In<T>`, `Option<In<T>>` or `Vec<In<T>>`. Implemented here and nowhere else.
pub trait Input: Sized + sealed::Sealed {
    /// What Rust code wires to it.
    type Wire;

    #[doc(hidden)]
    const ARITY: Arity;
    #[doc(hidden)]
    fn data() -> DataType;
    #[doc(hidden)]
    fn list(wire: &Self::Wire, add: &mut dyn FnMut(u16, NodeId, u16), port: u16);
    #[doc(hidden)]
    fn read(reader: &mut Reader<'_>) -> Result<Self>;
}

/// All inputs of a step: `()`, `In<A>`, `Option<In<A>>`, `Vec<In<A>>`, or a tuple of up to six of
/// these. Implemented here and nowhere else.
pub trait Inputs: Sized + sealed::Sealed {
    /// What Rust code wires to them: `()`, `Node<A>`, `Option<Node<A>>`, `Vec<Node<A>>`, or a
    /// tuple.
    type Wires;

    #[doc(hidden)]
    fn ports(names: &[&'static str]) -> Vec<Port>;
    #[doc(hidden)]
    fn list(wires: &Self::Wires, add: &mut dyn FnMut(u16, NodeId, u16));
    #[doc(hidden)]
    fn read(reader: &mut Reader<'_>) -> Result<Self>;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: implemented here and nowhere else")]
    pub trait Sealed {}
}

/// Hands a step its input values, port by port.
#[doc(hidden)]
pub struct Reader<'a> {
    /// The value of the wire at this place among all wires of the node.
    take: &'a mut dyn FnMut(usize) -> Option<Value>,
    /// Wires per port; empty when every port has exactly one.
    counts: &'a [u32],
    port: usize,
    wire: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(take: &'a mut dyn FnMut(usize) -> Option<Value>, counts: &'a [u32]) -> Self {
        Self { take, counts, port: 0, wire: 0 }
    }

    #[inline]
    fn next_count(&mut self) -> u32 {
        let count = self.counts.get(self.port).copied().unwrap_or(1);
        self.port += 1;
        count
    }

    // Inlined, so that what was read stays in registers on its way into the step.
    #[inline]
    fn next<T: Data>(&mut self) -> Result<In<T>> {
        let place = self.wire;
        self.wire += 1;
        let value = (self.take)(place)
            .ok_or_else(|| Error::input(format!("input {place}"), "missing", T::NAME))?;
        value.downcast().map_err(|other| {
            Error::input(format!("input {place}"), other.data_type().name, T::NAME)
        })
    }
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("port", &self.port).finish_non_exhaustive()
    }
}

impl<T: Data> sealed::Sealed for In<T> {}

impl<T: Data> Input for In<T> {
    type Wire = Node<T>;

    const ARITY: Arity = Arity::One;

    fn data() -> DataType {
        DataType::of::<T>()
    }

    fn list(node: &Node<T>, add: &mut dyn FnMut(u16, NodeId, u16), port: u16) {
        add(port, node.wire.node, node.wire.port);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.next_count();
        reader.next()
    }
}

impl<T: Data> sealed::Sealed for Option<In<T>> {}

impl<T: Data> Input for Option<In<T>> {
    type Wire = Option<Node<T>>;

    const ARITY: Arity = Arity::Optional;

    fn data() -> DataType {
        DataType::of::<T>()
    }

    fn list(wire: &Option<Node<T>>, add: &mut dyn FnMut(u16, NodeId, u16), port: u16) {
        if let Some(node) = wire {
            add(port, node.wire.node, node.wire.port);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match reader.next_count() {
            0 => Ok(None),
            _ => reader.next().map(Some),
        }
    }
}

impl<T: Data> sealed::Sealed for Vec<In<T>> {}

impl<T: Data> Input for Vec<In<T>> {
    type Wire = Vec<Node<T>>;

    const ARITY: Arity = Arity::Many;

    fn data() -> DataType {
        DataType::of::<T>()
    }

    fn list(wires: &Vec<Node<T>>, add: &mut dyn FnMut(u16, NodeId, u16), port: u16) {
        for node in wires {
            add(port, node.wire.node, node.wire.port);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        (0..reader.next_count()).map(|_| reader.next()).collect()
    }
}

impl sealed::Sealed for () {}

impl Inputs for () {
    type Wires = ();

    fn ports(_: &[&'static str]) -> Vec<Port> {
        Vec::new()
    }

    fn list((): &(), _: &mut dyn FnMut(u16, NodeId, u16)) {}

    fn read(_: &mut Reader<'_>) -> Result<Self> {
        Ok(())
    }
}

fn port<I: Input>(names: &[&'static str], place: usize, fallback: &'static str) -> Port {
    let name = names.get(place).copied().unwrap_or(fallback);
    Port { name, data: I::data(), arity: I::ARITY }
}

impl<I: Input> Inputs for I {
    type Wires = I::Wire;

    fn ports(names: &[&'static str]) -> Vec<Port> {
        vec![port::<I>(names, 0, "in")]
    }

    fn list(wires: &I::Wire, add: &mut dyn FnMut(u16, NodeId, u16)) {
        I::list(wires, add, 0);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        I::read(reader)
    }
}

macro_rules! tuples {
    ($(($($input:ident $place:tt $name:literal),*))*) => {
        $(
            impl<$($input: Input),*> sealed::Sealed for ($($input,)*) {}

            impl<$($input: Input),*> Inputs for ($($input,)*) {
                type Wires = ($($input::Wire,)*);

                fn ports(names: &[&'static str]) -> Vec<Port> {
                    vec![$(port::<$input>(names, $place, $name)),*]
                }

                fn list(wires: &Self::Wires, add: &mut dyn FnMut(u16, NodeId, u16)) {
                    $($input::list(&wires.$place, add, $place);)*
                }

                #[inline]
                fn read(reader: &mut Reader<'_>) -> Result<Self> {
                    Ok(($($input::read(reader)?,)*))
                }
            }
        )*
    };
}

tuples! {
    (A 0 "a", B 1 "b")
    (A 0 "a", B 1 "b", C 2 "c")
    (A 0 "a", B 1 "b", C 2 "c", D 3 "d")
    (A 0 "a", B 1 "b", C 2 "c", D 3 "d", E 4 "e")
    (A 0 "a", B 1 "b", C 2 "c", D 3 "d", E 4 "e", F 5 "f")
}
