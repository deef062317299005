//! Memory whose size comes from data: an error where it cannot be had, never an abort.

use pipeline_core::{Error, Layout, Result};

/// `len` copies of a value; `what` names them in the error.
pub(crate) fn copies<T: Clone>(
    value: T,
    len: usize,
    what: impl FnOnce() -> String,
) -> Result<Vec<T>> {
    let needed = (len as u64).saturating_mul(size_of::<T>() as u64);
    let mut copies = Vec::new();
    if needed <= Layout::MAX_BYTES && copies.try_reserve_exact(len).is_ok() {
        copies.resize(len, value);
        return Ok(copies);
    }
    Err(Error::TooLarge { what: what(), needed, allowed: Layout::MAX_BYTES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_named_with_its_size() {
        assert_eq!(copies(7, 2, String::new).unwrap(), [7; 2]);
        let table = || "a table".to_owned();
        let error = copies(1u64, usize::MAX, table).err();
        assert!(matches!(&error, Some(Error::TooLarge { what, .. }) if what == "a table"));
    }
}
