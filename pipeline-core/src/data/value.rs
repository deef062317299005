//! The seam for what flows on an edge, and the type-erased value the engine moves.

use std::any::{Any, TypeId};
use std::io::Write;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::buffer::Allocation;
use super::codec::Codec;
use super::image::Image;
use super::layout::Layout;
use super::mask::{Labels, Mask};
use super::view::{Raster, View};
use crate::error::Result;
use crate::key::Key;

/// A type that can flow on an edge.
///
/// Values are immutable once a step has returned them: the engine shares them between consumers,
/// runs and the cache. A type with interior mutability would break that and must not be `Data`.
///
/// # Contract
///
/// The engine asks a value on the thread that made it and on any other that holds it, and drops it
/// on any of them.
///
/// - `size_bytes` and `allocation` may be called as often as somebody wants to know: by the
///   executor for the memory budget, by a cache for its own. So they are cheap, and constant for a
///   value.
/// - The codec is called where bytes are needed, for a digest or a store; it may take as long as
///   the bytes take.
/// - A panic of `size_bytes` right after the step is the step's error; a digest that panics counts
///   as none; a panic in `drop` is caught where the executor lets go of the value. Whatever else
///   holds it, such as a cache, meets the panic itself.
///
/// ```
/// use pipeline_core::Data;
///
/// #[derive(Debug)]
/// struct Palette(Vec<[u8; 3]>);
///
/// impl Data for Palette {
///     const NAME: &'static str = "palette";
///
///     fn size_bytes(&self) -> usize {
///         size_of::<Self>() + self.0.len() * 3
///     }
/// }
/// ```
pub trait Data: std::fmt::Debug + Send + Sync + Sized + 'static {
    /// The name of the type in files, errors and events. Unique within a registry.
    const NAME: &'static str;

    /// Bytes this value keeps alive, shared buffers included.
    fn size_bytes(&self) -> usize;

    /// The buffer that holds nearly all of those bytes, if other values may share it.
    fn allocation(&self) -> Option<Allocation> {
        None
    }

    /// How to turn a value into bytes and back. Without one a value lives only in memory and
    /// has no content digest.
    #[must_use]
    fn codec() -> Option<Codec<Self>> {
        None
    }
}

impl Data for () {
    const NAME: &'static str = "nothing";

    fn size_bytes(&self) -> usize {
        0
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(1, |(), _| Ok(()), |_| Ok(())))
    }
}

/// The type of the data on a port.
#[derive(Clone, Copy)]
pub struct DataType {
    /// The type's name.
    pub name: &'static str,
    id: TypeId,
}

impl DataType {
    /// The type `T`.
    #[must_use]
    pub fn of<T: Data>() -> Self {
        Self { name: T::NAME, id: TypeId::of::<T>() }
    }
}

impl PartialEq for DataType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for DataType {}

impl std::fmt::Debug for DataType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A shared, immutable value of any [`Data`] type. Cloning shares.
#[derive(Clone, Debug)]
pub struct Value(Inner);

#[derive(Clone, Debug)]
enum Inner {
    /// The value of the type `()`, which needs no allocation.
    Unit,
    Shared(Arc<dyn Erased>),
}

/// More bytes than any process has.
const ADDRESSABLE: u64 = 1 << 47;

/// What the engine needs to know of a value whose type it does not.
trait Erased: Any + std::fmt::Debug + Send + Sync {
    fn data_type(&self) -> DataType;
    fn size_bytes(&self) -> usize;
    fn allocation(&self) -> Option<Allocation>;
    fn digest(&self) -> Option<Result<Key>>;
    fn encode(&self, out: &mut dyn Write) -> Option<std::io::Result<()>>;
}

impl<T: Data> Erased for T {
    fn data_type(&self) -> DataType {
        DataType::of::<T>()
    }

    fn size_bytes(&self) -> usize {
        Data::size_bytes(self)
    }

    fn allocation(&self) -> Option<Allocation> {
        Data::allocation(self)
    }

    fn digest(&self) -> Option<Result<Key>> {
        T::codec().map(|codec| codec.digest(self))
    }

    fn encode(&self, out: &mut dyn Write) -> Option<std::io::Result<()>> {
        T::codec().map(|codec| (codec.encode)(self, out))
    }
}

impl Value {
    /// Wraps a value.
    #[must_use]
    pub fn new<T: Data>(value: T) -> Self {
        if TypeId::of::<T>() == TypeId::of::<()>() {
            return Self(Inner::Unit);
        }
        Self(Inner::Shared(Arc::new(value)))
    }

    /// Wraps a value that is already shared.
    #[must_use]
    pub fn from_arc<T: Data>(value: Arc<T>) -> Self {
        Self(Inner::Shared(value))
    }

    /// The type of the value.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match &self.0 {
            Inner::Unit => DataType::of::<()>(),
            Inner::Shared(value) => value.data_type(),
        }
    }

    /// The value, if it is of type `T`.
    #[must_use]
    pub fn downcast_ref<T: Data>(&self) -> Option<&T> {
        match &self.0 {
            Inner::Unit => (&() as &dyn Any).downcast_ref(),
            Inner::Shared(value) => (&**value as &dyn Any).downcast_ref(),
        }
    }

    /// A handle on the value, if it is of type `T`; the value itself otherwise.
    ///
    /// # Errors
    /// This value, unchanged, if it is of another type.
    #[inline]
    pub fn downcast<T: Data>(self) -> Result<In<T>, Self> {
        match self.0 {
            Inner::Unit => (&() as &dyn Any)
                .downcast_ref()
                .map(|unit| In(Handle::Unit(unit)))
                .ok_or(Self(Inner::Unit)),
            Inner::Shared(value) if (*value).type_id() == TypeId::of::<T>() => {
                let any: Arc<dyn Any + Send + Sync> = value;
                // The type was compared, so the second branch is never taken.
                any.downcast().map(|same| In(Handle::Shared(same))).or(Err(Self(Inner::Unit)))
            }
            shared @ Inner::Shared(_) => Err(Self(shared)),
        }
    }

    /// All of an image, a mask or labels, for reading; `None` for anything else.
    pub(crate) fn view(&self) -> Option<View<'_>> {
        let image = self.downcast_ref::<Image>().map(Image::view);
        let image = image.or_else(|| self.downcast_ref::<Mask>().map(Mask::view));
        image.or_else(|| self.downcast_ref::<Labels>().map(Labels::view))
    }

    /// What an image, a mask or labels look like; `None` for anything else.
    pub(crate) fn layout(&self) -> Option<Layout> {
        self.view().map(|view| view.image())
    }

    /// The number of pixels of an image, a mask or labels; 0 for anything else.
    pub(crate) fn pixels(&self) -> u64 {
        self.layout().map_or(0, |layout| u64::from(layout.width) * u64::from(layout.height))
    }

    /// Whether this is the value of the type `()`.
    pub(crate) const fn is_unit(&self) -> bool {
        matches!(self.0, Inner::Unit)
    }

    /// Bytes the value keeps alive.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match &self.0 {
            Inner::Unit => 0,
            Inner::Shared(value) => value.size_bytes(),
        }
    }

    /// Bytes the value keeps alive, as they are added up: no type is taken at its word beyond what
    /// a machine can address, so that the sums of a run do not overflow.
    pub(crate) fn counted_bytes(&self) -> u64 {
        (self.size_bytes() as u64).min(ADDRESSABLE)
    }

    /// The buffer that holds nearly all of those bytes, if other values may share it.
    #[must_use]
    pub fn allocation(&self) -> Option<Allocation> {
        match &self.0 {
            Inner::Unit => None,
            Inner::Shared(value) => value.allocation(),
        }
    }

    /// The digest of the content, if the type has a codec. Reads every byte of the value.
    ///
    /// # Errors
    /// Whatever the type's codec reports.
    #[must_use]
    pub fn digest(&self) -> Option<Result<Key>> {
        match &self.0 {
            Inner::Unit => <() as Data>::codec().map(|codec| codec.digest(&())),
            Inner::Shared(value) => value.digest(),
        }
    }

    /// Writes the value as bytes, if its type has a codec.
    ///
    /// # Errors
    /// Whatever the type's codec reports.
    #[must_use]
    pub fn encode(&self, out: &mut dyn Write) -> Option<std::io::Result<()>> {
        match &self.0 {
            Inner::Unit => <() as Data>::codec().map(|codec| (codec.encode)(&(), out)),
            Inner::Shared(value) => value.encode(out),
        }
    }

    /// The digest of the content, if the type has a codec and it neither fails nor panics.
    pub(crate) fn try_digest(&self) -> Option<Key> {
        catch_unwind(AssertUnwindSafe(|| self.digest())).ok().flatten().and_then(Result::ok)
    }
}

/// An input of a step: a shared value that reads like a reference.
///
/// [`into_owned`](Self::into_owned) takes the value itself without a copy when nobody else holds
/// it: not the cache, not another consumer, not the caller.
pub struct In<T: 'static>(Handle<T>);

enum Handle<T: 'static> {
    Unit(&'static T),
    Shared(Arc<T>),
}

impl<T: Data> In<T> {
    /// Wraps a value of one's own, for calling a step by hand.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Handle::Shared(Arc::new(value)))
    }

    /// The value itself: moved when this is the only handle, cloned otherwise.
    #[must_use]
    pub fn into_owned(self) -> T
    where
        T: Clone,
    {
        match self.0 {
            Handle::Unit(unit) => unit.clone(),
            Handle::Shared(value) => Arc::unwrap_or_clone(value),
        }
    }
}

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        match &self.0 {
            Handle::Unit(unit) => Self(Handle::Unit(unit)),
            Handle::Shared(value) => Self(Handle::Shared(Arc::clone(value))),
        }
    }
}

impl<T: Data> From<In<T>> for Value {
    fn from(input: In<T>) -> Self {
        match input.0 {
            Handle::Unit(_) => Self(Inner::Unit),
            Handle::Shared(value) => Self::from_arc(value),
        }
    }
}

impl<T> Deref for In<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Handle::Unit(unit) => unit,
            Handle::Shared(value) => value,
        }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for In<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_handle_owns_the_value() {
        let image = Image::from_samples(1, 1, 1, vec![7u8]).unwrap();
        let address = image.bytes().as_ptr();
        let input = Value::new(image).downcast::<Image>().unwrap();
        assert_eq!(input.into_owned().bytes().as_ptr(), address);
    }

    #[test]
    fn a_value_keeps_its_type() {
        let value = Value::new(());
        assert!(value.downcast_ref::<Image>().is_none());
        assert!(value.clone().downcast::<Image>().is_err());
        assert!(value.downcast::<()>().is_ok());
    }

    #[test]
    fn images_masks_and_labels_have_pixels() {
        let image = Image::from_samples(2, 3, 3, vec![0u8; 18]).unwrap();
        let mask = Mask::from_bytes(4, 1, vec![0; 4]).unwrap();
        assert_eq!(Value::new(image).pixels(), 6);
        assert_eq!(Value::new(mask).pixels(), 4);
        assert_eq!(Value::new(Labels::new(2, 2, vec![0; 4]).unwrap()).pixels(), 4);
        assert_eq!(Value::new(()).pixels(), 0);
    }
}
