//! What comes out of a step: one value, or a tuple with one output port each.

use super::inputs::{Arity, Node, Port};
use crate::data::{Data, DataType, Value};
use crate::id::NodeId;

/// All outputs of a step: one [`Data`] type, or a tuple of two to four of them. Implemented here
/// and nowhere else.
pub trait Outputs: Sized {
    /// The handles that Rust code gets: `Node<A>`, or a tuple of them.
    type Nodes;

    #[doc(hidden)]
    fn ports(names: &[&'static str]) -> Vec<Port>;
    #[doc(hidden)]
    fn nodes(node: NodeId) -> Self::Nodes;
    #[doc(hidden)]
    fn emit(self, put: &mut dyn FnMut(Value));
}

fn port<T: Data>(names: &[&'static str], place: usize, fallback: &'static str) -> Port {
    let name = names.get(place).copied().unwrap_or(fallback);
    Port { name, data: DataType::of::<T>(), arity: Arity::One }
}

impl<T: Data> Outputs for T {
    type Nodes = Node<T>;

    fn ports(names: &[&'static str]) -> Vec<Port> {
        vec![port::<T>(names, 0, "out")]
    }

    fn nodes(node: NodeId) -> Node<T> {
        Node::new(node, 0)
    }

    fn emit(self, put: &mut dyn FnMut(Value)) {
        put(Value::new(self));
    }
}

macro_rules! tuples {
    ($(($($output:ident $place:tt $name:literal),*))*) => {
        $(impl<$($output: Data),*> Outputs for ($($output,)*) {
            type Nodes = ($(Node<$output>,)*);

            fn ports(names: &[&'static str]) -> Vec<Port> {
                vec![$(port::<$output>(names, $place, $name)),*]
            }

            fn nodes(node: NodeId) -> Self::Nodes {
                ($(Node::<$output>::new(node, $place),)*)
            }

            fn emit(self, put: &mut dyn FnMut(Value)) {
                $(put(Value::new(self.$place));)*
            }
        })*
    };
}

tuples! {
    (A 0 "a", B 1 "b")
    (A 0 "a", B 1 "b", C 2 "c")
    (A 0 "a", B 1 "b", C 2 "c", D 3 "d")
}
