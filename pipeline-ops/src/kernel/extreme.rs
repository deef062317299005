//! Least and greatest keys of square windows, in passes over whole rows that vectorise.
//!
//! A minimum may be taken of parts that overlap or in any order. So down the columns windows are
//! put together from running extremes (van Herk 1992, Gil and Werman 1993), and along a row from
//! extremes of 1, 2, 4, … pixels, of which the last two overlap. `pick` chooses of two keys.

use super::rank::Rank;

/// Starts running extremes with a row.
pub(crate) fn first_row<T: Rank>(extremes: &mut [T::Key], row: &[T]) {
    extremes.iter_mut().zip(row).for_each(|(extreme, sample)| *extreme = sample.key());
}

/// Takes a row into running extremes.
pub(crate) fn with_row<T: Rank>(
    extremes: &mut [T::Key],
    row: &[T],
    pick: impl Fn(T::Key, T::Key) -> T::Key,
) {
    for (extreme, sample) in extremes.iter_mut().zip(row) {
        *extreme = pick(*extreme, sample.key());
    }
}

/// Fills `out` with the extremes of `size` pixels each, from a padded row that is overwritten.
///
/// `spare` is working memory of the same length.
///
/// # Panics
/// If `padded` or `spare` is shorter than `out` and `size - 1` pixels.
pub(crate) fn extremes_along<T: Rank>(
    padded: &mut [T::Key],
    spare: &mut [T::Key],
    (size, channels): (usize, usize),
    out: &mut [T],
    pick: impl Fn(T::Key, T::Key) -> T::Key,
) {
    let (mut seen, mut wider) = (padded, spare);
    // Each place of `seen` holds the extreme of the `reach` pixels from there on.
    let mut reach = 1;
    while 2 * reach <= size {
        let len = out.len() + (size - 2 * reach) * channels;
        let (near, far) = (&seen[..len], &seen[reach * channels..][..len]);
        for (wider, (&near, &far)) in wider.iter_mut().zip(near.iter().zip(far)) {
            *wider = pick(near, far);
        }
        (seen, wider) = (wider, seen);
        reach *= 2;
    }
    let len = out.len();
    let (near, far) = (&seen[..len], &seen[(size - reach) * channels..][..len]);
    for (out, (&near, &far)) in out.iter_mut().zip(near.iter().zip(far)) {
        *out = T::from_key(pick(near, far));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_any_size_are_seen_whole() {
        let row: Vec<u16> = (0..40u32).map(|n| (n * 7919 % 251) as u16).collect();
        for size in 1..=19 {
            let mut out = [0u16; 4];
            let expected = std::array::from_fn(|at| {
                row[at..].iter().step_by(2).take(size).copied().min().unwrap()
            });
            let sides = (size, 2);
            extremes_along(&mut row.clone(), &mut [0; 40], sides, &mut out, u16::min);
            assert_eq!(out, expected, "{size}");
        }
    }

    #[test]
    fn rows_are_taken_in_by_their_order() {
        let mut greatest = [0; 3];
        first_row(&mut greatest, &[-0.0f32, 1.0, f32::NAN]);
        with_row(&mut greatest, &[0.0, -1.0, 5.0], Ord::max);
        let greatest = greatest.map(f32::from_key);
        assert!(greatest[0].is_sign_positive() && greatest[1] == 1.0 && greatest[2].is_nan());
    }
}
