//! Memory whose size comes from data: an error where it cannot be had, never an abort.

use std::collections::VecDeque;

pub(crate) use pipeline_core::data::leftovers;
use pipeline_core::{Error, Layout, Result};

/// `len` copies of a value; `what` names them in the error.
pub(crate) fn copies<T: Clone>(
    value: T,
    len: usize,
    what: impl FnOnce() -> String,
) -> Result<Vec<T>> {
    let mut copies = room(len, what)?;
    copies.resize(len, value);
    Ok(copies)
}

/// An empty list with room for `len` items; `what` names them in the error.
pub(crate) fn room<T>(len: usize, what: impl FnOnce() -> String) -> Result<Vec<T>> {
    let needed = (len as u64).saturating_mul(size_of::<T>() as u64);
    let mut room = Vec::new();
    if needed <= Layout::MAX_BYTES && room.try_reserve_exact(len).is_ok() {
        return Ok(room);
    }
    Err(Error::TooLarge { what: what(), needed, allowed: Layout::MAX_BYTES })
}

/// Adds an item to a list that grows with the content of an image; `what` names the list in the
/// error.
#[inline]
pub(crate) fn push<T>(items: &mut Vec<T>, item: T, what: &str) -> Result<()> {
    if items.len() == items.capacity() {
        grow(items, what)?;
    }
    items.push(item);
    Ok(())
}

/// The same for a queue.
#[inline]
pub(crate) fn push_back<T>(items: &mut VecDeque<T>, item: T, what: &str) -> Result<()> {
    if items.len() == items.capacity() {
        let needed = needed::<T>(items.len());
        if needed > Layout::MAX_BYTES || items.try_reserve(1).is_err() {
            return Err(too_large(what, needed));
        }
    }
    items.push_back(item);
    Ok(())
}

#[cold]
fn grow<T>(items: &mut Vec<T>, what: &str) -> Result<()> {
    let needed = needed::<T>(items.len());
    if needed <= Layout::MAX_BYTES && items.try_reserve(1).is_ok() {
        return Ok(());
    }
    Err(too_large(what, needed))
}

/// Bytes of one item more.
const fn needed<T>(len: usize) -> u64 {
    (len as u64 + 1).saturating_mul(size_of::<T>() as u64)
}

fn too_large(what: &str, needed: u64) -> Error {
    Error::TooLarge { what: what.to_owned(), needed, allowed: Layout::MAX_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_named_with_its_size() {
        assert_eq!(copies(7, 2, String::new).unwrap(), [7; 2]);
        let table = || "a table".to_owned();
        let mut list = vec![7];
        (0..100).for_each(|item| push(&mut list, item, "a list").unwrap());
        assert_eq!(list.len(), 101);
        let error = copies(1u64, usize::MAX, table).err();
        assert!(matches!(&error, Some(Error::TooLarge { what, .. }) if what == "a table"));
        let error = grow(&mut Vec::<[u8; 1 << 36]>::new(), "a list").err();
        assert!(matches!(&error, Some(Error::TooLarge { what, .. }) if what == "a list"));
    }
}
