//! Working memory that is kept from one tile to the next.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use bytemuck::Pod;

use crate::data::zeros;
use crate::error::Result;

/// Vectors that kernels borrow for the time of one tile, so that a warm run allocates none, and
/// tables that many tiles share.
///
/// Each worker thread has its own, reached by [`Scratch::with`].
#[derive(Debug, Default)]
pub struct Scratch {
    spare: Vec<Vec<u64>>,
    /// Keys and tables, the one of the last use last.
    tables: Vec<(Box<dyn Any>, Rc<dyn Any>)>,
}

/// Tables that a thread keeps: those of some steps, each of which has one per column of tiles.
const TABLES: usize = 32;

/// Bytes of spare memory that a thread keeps between tiles at the most.
const KEPT: usize = 16 << 20;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Scratch {
    /// Lends this thread's scratch memory to `f`.
    pub fn with<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => f(&mut scratch),
            // A kernel inside a kernel gets fresh memory rather than a panic.
            Err(_) => f(&mut Self::default()),
        })
    }

    /// Lends `len` samples to `f`. What they hold is left over from earlier use.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if there is no memory for them, and what `f`
    /// returns.
    pub fn samples<T: Pod, R>(
        &mut self,
        len: usize,
        f: impl FnOnce(&mut [T], &mut Self) -> Result<R>,
    ) -> Result<R> {
        let words = len.saturating_mul(size_of::<T>()).div_ceil(size_of::<u64>());
        let mut memory = self.take(words)?;
        let result = f(&mut bytemuck::cast_slice_mut(&mut memory[..words])[..len], self);
        self.put_back(memory);
        result
    }

    /// What `make` makes, or what it made for an equal key if this thread still has that.
    ///
    /// For small tables that are made of parameters and layouts, which the key must hold whole, and
    /// that take as long as a good part of a tile. Types of their own keep the keys of steps apart.
    pub fn table<K: PartialEq + Clone + 'static, V: 'static>(
        &mut self,
        key: &K,
        make: impl FnOnce() -> V,
    ) -> Rc<V> {
        for at in 0..self.tables.len() {
            let (known, table) = &self.tables[at];
            if known.downcast_ref() == Some(key)
                && let Ok(table) = Rc::clone(table).downcast()
            {
                self.tables[at..].rotate_left(1);
                return table;
            }
        }
        if self.tables.len() == TABLES {
            self.tables.remove(0);
        }
        let table = Rc::new(make());
        self.tables.push((Box::new(key.clone()), Rc::<V>::clone(&table)));
        table
    }

    /// At least `words` words, for as long as the caller wants them.
    pub(crate) fn take(&mut self, words: usize) -> Result<Vec<u64>> {
        let memory = self.spare.pop().unwrap_or_default();
        if memory.len() >= words {
            return Ok(memory);
        }
        // Its content is of no use, so nothing is copied as growing it would.
        drop(memory);
        zeros(words, || "the working memory of a step".to_owned())
    }

    /// Keeps memory for later use.
    pub(crate) fn put_back(&mut self, memory: Vec<u64>) {
        let kept: usize = self.spare.iter().map(Vec::len).sum();
        if (kept + memory.len()) * size_of::<u64>() <= KEPT {
            self.spare.push(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let mut scratch = Scratch::default();
        let first = scratch.samples::<f32, _>(100, |samples, _| Ok(samples.as_ptr().addr()));
        let second = scratch.samples::<u8, _>(400, |samples, _| Ok(samples.as_ptr().addr()));
        assert_eq!(first.unwrap(), second.unwrap());
    }

    #[test]
    fn tables_are_made_once_as_long_as_they_are_used() {
        let mut scratch = Scratch::default();
        assert_eq!(*scratch.table(&1u8, || "one"), "one");
        assert_eq!(*scratch.table(&1u16, || "another"), "another", "of another type");
        for number in 2..=100u8 {
            assert_eq!(*scratch.table(&number, || "new"), "new");
            assert_eq!(*scratch.table(&1u8, || "made again"), "one");
        }
        assert_eq!(*scratch.table(&2u8, || "again"), "again", "others took its place");
    }

    #[test]
    fn nested_loans_do_not_overlap() {
        let mut scratch = Scratch::default();
        let lent = scratch.samples::<u8, _>(10, |outer, scratch| {
            outer.fill(1);
            scratch.samples::<u8, _>(10, |inner, _| {
                inner.fill(2);
                Ok(())
            })?;
            assert_eq!(outer, [1; 10]);
            Ok(())
        });
        lent.unwrap();
    }

    #[test]
    fn large_samples_fit_into_memory_of_any_length() {
        let mut scratch = Scratch::default();
        scratch.samples::<u8, _>(24, |_, _| Ok(())).unwrap();
        let lent = scratch.samples::<[u64; 2], _>(1, |samples, _| Ok(samples.len()));
        assert_eq!(lent.unwrap(), 1);
    }

    #[test]
    fn more_than_there_can_be_is_refused() {
        let refused = Scratch::default().samples::<f32, _>(usize::MAX, |_, _| Ok(()));
        assert!(matches!(refused, Err(crate::error::Error::TooLarge { .. })));
    }
}
