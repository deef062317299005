//! Memory of large buffers that nobody holds any more, kept for the next ones.
//!
//! Fresh memory comes from the system page by page, and for a large picture that takes several
//! times as long as a simple operation on it. What is kept never makes the program larger than it
//! was: it was in use before, and as much of it goes as new memory is asked for.

use std::any::Any;

use bytemuck::Pod;
use parking_lot::Mutex;

/// Bytes of a buffer that is kept: the allocator keeps smaller ones by itself.
const SMALLEST: usize = 1 << 20;

/// Bytes that are kept at the most.
const MOST: usize = 512 << 20;

/// Buffers that are kept at the most. What is not asked for again goes when so many have come after
/// it: otherwise those of steps that take their memory elsewhere would pile up.
const COUNT: usize = 16;

/// A buffer is used for one of at least seven eighths of its size.
const WASTE: usize = 8;

/// The buffers that are kept, the oldest first.
static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

struct Kept {
    buffer: Box<dyn Any + Send>,
    bytes: usize,
}

/// Keeps the memory of a vector, if it is worth keeping.
pub(super) fn keep<T: Pod + Send>(buffer: Vec<T>) {
    let bytes = buffer.capacity().saturating_mul(size_of::<T>());
    if !(SMALLEST..=MOST).contains(&bytes) {
        return;
    }
    let buffer = Box::new(buffer);
    let mut kept = KEPT.lock();
    let mut gone = oldest(&mut kept, |left| left + bytes <= MOST);
    if kept.len() >= COUNT {
        gone.push(kept.remove(0));
    }
    kept.push(Kept { buffer, bytes });
    drop(kept);
    // The system takes its time for large ones, and nobody waits for the lock meanwhile.
    drop(gone);
}

/// `len` samples of any value in memory that was used before; `None` if there is none that fits,
/// and then as much as will be asked of the system goes back to it.
pub(super) fn reuse<T: Pod + Send>(len: usize) -> Option<Vec<T>> {
    let bytes = len.saturating_mul(size_of::<T>());
    if bytes < SMALLEST {
        return None;
    }
    let mut kept = KEPT.lock();
    let fits = |kept: &Kept| {
        let is_large = kept.bytes >= bytes && kept.bytes - bytes <= kept.bytes / WASTE;
        is_large && kept.buffer.is::<Vec<T>>()
    };
    if let Some(at) = kept.iter().rposition(fits) {
        let buffer = kept.remove(at).buffer.downcast::<Vec<T>>().ok();
        drop(kept);
        return buffer.map(|mut buffer| {
            buffer.resize(len, T::zeroed());
            *buffer
        });
    }
    let all: usize = kept.iter().map(|kept| kept.bytes).sum();
    let gone = oldest(&mut kept, |left| all - left >= bytes);
    drop(kept);
    drop(gone);
    None
}

/// Gives all memory that is kept back to the system.
pub(crate) fn release() {
    let all = std::mem::take(&mut *KEPT.lock());
    drop(all);
}

/// Takes out the oldest buffers until what is left is `enough`, in bytes.
fn oldest(kept: &mut Vec<Kept>, enough: impl Fn(usize) -> bool) -> Vec<Kept> {
    let mut left = kept.iter().map(|kept| kept.bytes).sum();
    let mut count = 0;
    while count < kept.len() && !enough(left) {
        left -= kept[count].bytes;
        count += 1;
    }
    kept.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Large enough to be kept, and of a type that no other test uses.
    const LEN: usize = SMALLEST / size_of::<i128>();

    #[test]
    fn memory_is_used_again_for_about_the_same_size() {
        let buffer = vec![7i128; LEN + 20];
        let address = buffer.as_ptr();
        keep(buffer);
        assert!(reuse::<i64>(2 * LEN).is_none(), "another type");
        let mut again = reuse::<i128>(LEN);
        // Other tests ask for memory meanwhile, and what was kept longest goes first.
        if let Some(again) = again.take() {
            assert_eq!((again.as_ptr(), again.len()), (address, LEN));
        }
        assert!(reuse::<i128>(LEN).is_none(), "it was given out twice");
    }

    #[test]
    fn small_and_huge_buffers_are_not_kept() {
        keep(vec![1i16; 8]);
        assert!(reuse::<i16>(8).is_none());
        let kept = |bytes| Kept { buffer: Box::new(()), bytes };
        let mut all = vec![kept(5), kept(6), kept(7)];
        let gone = oldest(&mut all, |left| left <= 7);
        assert_eq!(gone.iter().map(|kept| kept.bytes).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(all.len(), 1);
    }
}
