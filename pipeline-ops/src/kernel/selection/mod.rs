//! The samples of a given place in the order of square windows, by networks of comparisons that are
//! made for the size of the window.
//!
//! Windows of neighbouring pixels share most of their samples. What the windows of a part of the
//! image, of 2 to 8 pixels along each side, have in common is sorted once, and of that only what
//! may still be the sample sought is kept; then the part is halved again and again, and to each
//! half is added what its windows see beside that. Of 3 × 3 windows, four at a time: all see four
//! samples, which are sorted. Two windows above each other see two more, sorted on the way, and of
//! the six the first and the last cannot be in the middle of nine. Each alone sees three more, and
//! one of the seven samples that are left is its median.
//!
//! All of it is comparisons of samples at known places, the same for any picture, so vectors go
//! through it, with a part of the image in each lane.
//!
//! After Adams, "Fast median filters using separable sorting networks" (2021).

use std::sync::{Arc, Mutex, PoisonError};

mod network;
mod program;

pub(crate) use program::{Selection, Sought};

/// Programs that are kept, for all threads: they take up to two megabytes and ten milliseconds.
const KEPT: usize = 4;

/// The program that finds what is sought among samples of type `T`.
pub(crate) fn selection<T>(sought: Sought) -> Arc<Selection> {
    type Made = ((Sought, usize), Arc<Selection>);
    static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
    let key = (sought, size_of::<T>());
    // Whoever needs the same one waits, and does not make it too.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = made.iter().position(|(known, _)| *known == key);
    let last =
        found.map_or_else(|| (key, Arc::new(Selection::new::<T>(sought))), |at| made.remove(at));
    let selection = Arc::clone(&last.1);
    made.push(last);
    if made.len() > KEPT {
        made.remove(0);
    }
    selection
}
