//! Where samples live: a shared buffer that is written only while it has one owner.

use std::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::{Pod, Zeroable, cast_slice};

use super::layout::Layout;
use super::sample::{Sample, SampleType};
use super::{pages, spare};
use crate::error::{Error, Result};

/// `len` zeros, or an error where memory is short: the way to every buffer whose length comes from
/// data. `what` names it in the error.
///
/// The pages of a large one are not touched before they are written to.
///
/// # Errors
/// [`Error::TooLarge`] above [`Layout::MAX_BYTES`], and if there is no memory for it.
pub fn zeros<T: Zeroable>(len: usize, what: impl FnOnce() -> String) -> Result<Vec<T>> {
    let needed = (len as u64).saturating_mul(size_of::<T>() as u64);
    if needed <= Layout::MAX_BYTES
        && let Ok(mut zeros) = bytemuck::allocation::try_zeroed_vec(len)
    {
        pages::prefer_large(&mut zeros);
        return Ok(zeros);
    }
    // What the system had left is not known; the limit is what may be asked of it.
    Err(Error::TooLarge { what: what(), needed, allowed: Layout::MAX_BYTES })
}

/// `len` numbers that the caller overwrites, all of them: what they hold is left over from earlier
/// use, so that large ones need no new memory.
///
/// # Errors
/// As [`zeros`].
pub fn leftovers<T: Pod + Send>(len: usize, what: impl FnOnce() -> String) -> Result<Vec<T>> {
    spare::reuse(len).map_or_else(|| zeros(len, what), Ok)
}

/// As [`zeros`], in memory that was used before where there is some.
pub(super) fn blank<T: Sample>(len: usize, what: impl FnOnce() -> String) -> Result<Vec<T>> {
    match spare::reuse(len) {
        Some(mut samples) => {
            samples.fill(T::default());
            Ok(samples)
        }
        None => zeros(len, what),
    }
}

/// A shared, immutable run of samples: the whole of a vector, or a window of something larger.
///
/// Cloning shares; nothing is copied. [`Samples::make_mut`] gives the only owner its samples in
/// place and copies for anyone else.
pub struct Samples<T: Pod + Send> {
    owner: Owner<T>,
    range: Range<usize>,
}

enum Owner<T: Pod + Send> {
    Vec(Arc<Own<T>>),
    Foreign(Arc<dyn AsRef<[T]> + Send + Sync>),
}

/// A vector whose memory may be used again.
#[derive(Clone)]
struct Own<T: Pod + Send>(Vec<T>);

impl<T: Pod + Send> Drop for Own<T> {
    fn drop(&mut self) {
        spare::keep(std::mem::take(&mut self.0));
    }
}

impl<T: Pod + Send> Clone for Samples<T> {
    fn clone(&self) -> Self {
        let owner = match &self.owner {
            Owner::Vec(vec) => Owner::Vec(Arc::clone(vec)),
            Owner::Foreign(owner) => Owner::Foreign(Arc::clone(owner)),
        };
        Self { owner, range: self.range.clone() }
    }
}

impl<T: Pod + Send> std::fmt::Debug for Samples<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Samples({})", self.range.len())
    }
}

impl<T: Pod + Send> From<Vec<T>> for Samples<T> {
    fn from(vec: Vec<T>) -> Self {
        Self { range: 0..vec.len(), owner: Owner::Vec(Arc::new(Own(vec))) }
    }
}

impl<T: Pod + Send> Deref for Samples<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.owner {
            Owner::Vec(vec) => &vec.0[self.range.clone()],
            Owner::Foreign(owner) => &(**owner).as_ref()[self.range.clone()],
        }
    }
}

impl<T: Pod + Send> Samples<T> {
    /// Shares samples that something else owns, for example a memory-mapped file.
    ///
    /// The owner must give the same slice at every call.
    #[must_use]
    pub fn foreign(owner: Arc<dyn AsRef<[T]> + Send + Sync>) -> Self {
        let range = 0..(*owner).as_ref().len();
        Self { owner: Owner::Foreign(owner), range }
    }

    /// A window of these samples; the buffer is shared.
    ///
    /// # Panics
    /// If `range` does not lie within the samples.
    #[must_use]
    pub fn window(&self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.range.len(),
            "window {range:?} of {} samples",
            self.range.len()
        );
        let start = self.range.start + range.start;
        let mut window = self.clone();
        window.range = start..start + range.len();
        window
    }

    /// The samples for writing: in place for the only owner, a copy otherwise.
    pub fn make_mut(&mut self) -> &mut [T] {
        if !self.is_unique() {
            *self = Self::from(self.to_vec());
        }
        let range = self.range.clone();
        match &mut self.owner {
            // Alone by now, so this never copies.
            Owner::Vec(vec) => &mut Arc::make_mut(vec).0[range],
            Owner::Foreign(_) => &mut [],
        }
    }

    /// The samples as a vector: moved for the only owner of a whole vector, copied otherwise.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        match self.owner {
            Owner::Vec(mut vec) if self.range == (0..vec.0.len()) => match Arc::get_mut(&mut vec) {
                Some(own) => std::mem::take(&mut own.0),
                None => vec.0.clone(),
            },
            Owner::Vec(vec) => vec.0[self.range].to_vec(),
            Owner::Foreign(owner) => (*owner).as_ref()[self.range].to_vec(),
        }
    }

    /// Whether writing would happen in place.
    #[must_use]
    pub fn is_unique(&mut self) -> bool {
        match &mut self.owner {
            Owner::Vec(vec) => Arc::get_mut(vec).is_some(),
            Owner::Foreign(_) => false,
        }
    }

    /// Whether something else owns them.
    pub(super) const fn is_foreign(&self) -> bool {
        matches!(self.owner, Owner::Foreign(_))
    }

    pub(super) fn allocation(&self) -> Allocation {
        match &self.owner {
            Owner::Vec(vec) => {
                Allocation { id: Arc::as_ptr(vec).addr(), bytes: size_of_val(vec.0.as_slice()) }
            }
            Owner::Foreign(owner) => {
                Allocation { id: Arc::as_ptr(owner).addr(), bytes: size_of_val((**owner).as_ref()) }
            }
        }
    }
}

/// A buffer that several values may share, so that a cache counts its bytes once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Allocation {
    /// Equal for values that share the buffer, different for all others alive.
    pub id: usize,
    /// Bytes of the whole buffer.
    pub bytes: usize,
}

/// Samples of any type.
#[derive(Debug, Clone)]
pub enum Buffer {
    /// 8-bit samples.
    U8(Samples<u8>),
    /// 16-bit samples.
    U16(Samples<u16>),
    /// Float samples.
    F32(Samples<f32>),
    /// The numbers of objects.
    U32(Samples<u32>),
}

impl Buffer {
    /// The type of the samples.
    #[must_use]
    pub const fn sample_type(&self) -> SampleType {
        match self {
            Self::U8(_) => SampleType::U8,
            Self::U16(_) => SampleType::U16,
            Self::F32(_) => SampleType::F32,
            Self::U32(_) => SampleType::U32,
        }
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes().len() / self.sample_type().size()
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples, if they are of type `T`.
    #[must_use]
    pub fn samples<T: Sample>(&self) -> Option<&[T]> {
        T::peek(self).map(|samples| &**samples)
    }

    /// The samples as bytes in this machine's byte order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::U8(samples) => samples,
            Self::U16(samples) => cast_slice(samples),
            Self::F32(samples) => cast_slice(samples),
            Self::U32(samples) => cast_slice(samples),
        }
    }

    /// Whether writing would happen in place.
    #[must_use]
    pub fn is_unique(&mut self) -> bool {
        match self {
            Self::U8(samples) => samples.is_unique(),
            Self::U16(samples) => samples.is_unique(),
            Self::F32(samples) => samples.is_unique(),
            Self::U32(samples) => samples.is_unique(),
        }
    }

    /// A window of these samples; the buffer is shared.
    ///
    /// # Panics
    /// If `range` does not lie within the samples.
    #[must_use]
    pub fn window(&self, range: Range<usize>) -> Self {
        match self {
            Self::U8(samples) => Self::U8(samples.window(range)),
            Self::U16(samples) => Self::U16(samples.window(range)),
            Self::F32(samples) => Self::F32(samples.window(range)),
            Self::U32(samples) => Self::U32(samples.window(range)),
        }
    }

    /// The buffer behind the samples.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        match self {
            Self::U8(samples) => samples.allocation(),
            Self::U16(samples) => samples.allocation(),
            Self::F32(samples) => samples.allocation(),
            Self::U32(samples) => samples.allocation(),
        }
    }
}

impl<T: Sample> From<Vec<T>> for Buffer {
    fn from(vec: Vec<T>) -> Self {
        T::wrap(vec.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_owner_writes_in_place_and_others_copy() {
        let mut first = Samples::from(vec![1u8, 2, 3]);
        let address = first.as_ptr();
        first.make_mut()[0] = 9;
        assert_eq!(first.as_ptr(), address);

        let shared = first.clone();
        first.make_mut()[0] = 7;
        assert_eq!((&*first, &*shared), (&[7u8, 2, 3][..], &[9u8, 2, 3][..]));
    }

    #[test]
    fn a_buffer_that_cannot_be_had_is_an_error_not_an_abort() {
        assert_eq!(zeros::<f32>(3, String::new).unwrap(), [0.0; 3]);
        for len in [usize::MAX, usize::MAX / 4, 1 << 40] {
            let error = zeros::<f32>(len, || "a row".to_owned()).unwrap_err();
            assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        }
    }

    #[test]
    fn a_window_shares_the_allocation() {
        let whole = Buffer::from(vec![0u16, 1, 2, 3, 4, 5]);
        let window = whole.window(2..4);
        assert_eq!(window.samples::<u16>(), Some(&[2u16, 3][..]));
        assert_eq!(window.allocation(), whole.allocation());
    }

    #[test]
    fn a_foreign_owner_is_read_without_a_copy() {
        let owner: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(vec![5u8, 6]);
        let mut samples = Samples::foreign(Arc::clone(&owner));
        assert_eq!(samples.as_ptr(), (*owner).as_ref().as_ptr());
        samples.make_mut()[0] = 1;
        assert_eq!((*owner).as_ref(), [5, 6]);
    }
}
