//! Working memory that is kept from one tile to the next.

use std::cell::RefCell;

use bytemuck::Pod;

/// Vectors that kernels borrow for the time of one tile, so that a warm run allocates none.
///
/// Each worker thread has its own, reached by [`Scratch::with`].
#[derive(Debug, Default)]
pub struct Scratch {
    spare: Vec<Vec<u64>>,
}

/// What a thread keeps between tiles at the most, in bytes.
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
    pub fn samples<T: Pod, R>(
        &mut self,
        len: usize,
        f: impl FnOnce(&mut [T], &mut Self) -> R,
    ) -> R {
        let words = (len * size_of::<T>()).div_ceil(size_of::<u64>());
        let mut memory = self.spare.pop().unwrap_or_default();
        if memory.len() < words {
            memory.resize(words, 0);
        }
        let result = f(&mut bytemuck::cast_slice_mut(&mut memory)[..len], self);
        if memory.len() * size_of::<u64>() <= KEPT {
            self.spare.push(memory);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let mut scratch = Scratch::default();
        let first = scratch.samples::<f32, _>(100, |samples, _| samples.as_ptr().addr());
        let second = scratch.samples::<u8, _>(400, |samples, _| samples.as_ptr().addr());
        assert_eq!(first, second);
    }

    #[test]
    fn nested_loans_do_not_overlap() {
        let mut scratch = Scratch::default();
        scratch.samples::<u8, _>(10, |outer, scratch| {
            outer.fill(1);
            scratch.samples::<u8, _>(10, |inner, _| inner.fill(2));
            assert_eq!(outer, [1; 10]);
        });
    }
}
