//! Weak pixels that hang together with strong ones.

use pipeline_core::Result;

use super::connectivity::Connectivity;

/// What a pixel is that is not kept.
pub(crate) const NOTHING: u8 = 0;

/// A pixel that is kept if it hangs together with a strong one.
pub(crate) const WEAK: u8 = 1;

/// A pixel that is kept.
pub(crate) const STRONG: u8 = 2;

/// Pixels that are looked at between two looks for a cancel.
const STRETCH: usize = 1 << 14;

/// Makes strong what hangs together with strong pixels by weak ones; then leaves 1 there and 0
/// elsewhere.
///
/// `check` is asked now and then whether to go on.
pub(crate) fn follow(
    marks: &mut [u8],
    width: usize,
    connectivity: Connectivity,
    mut check: impl FnMut() -> Result<()>,
) -> Result<()> {
    let height = marks.len() / width;
    let mut open = Vec::new();
    let mut followed = 0usize;
    for start in 0..marks.len() {
        if start.is_multiple_of(STRETCH) {
            check()?;
        }
        if marks[start] != STRONG {
            continue;
        }
        open.push(start);
        while let Some(place) = open.pop() {
            followed += 1;
            if followed.is_multiple_of(STRETCH) {
                check()?;
            }
            let (x, y) = (place % width, place / width);
            for row in y.saturating_sub(1)..(y + 2).min(height) {
                for column in x.saturating_sub(1)..(x + 2).min(width) {
                    let is_corner = row != y && column != x;
                    let neighbor = row * width + column;
                    if marks[neighbor] == WEAK
                        && (!is_corner || connectivity == Connectivity::Eight)
                    {
                        // Marked before it is looked at, so that no pixel is open twice.
                        marks[neighbor] = STRONG;
                        open.push(neighbor);
                    }
                }
            }
        }
    }
    marks.iter_mut().for_each(|mark| *mark = u8::from(*mark == STRONG));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(connectivity: Connectivity, marks: &[u8], expected: &[u8]) {
        let mut found = marks.to_vec();
        follow(&mut found, 4, connectivity, || Ok(())).unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn weak_pixels_follow_strong_ones_along_their_sides_or_corners() {
        let marks = [1, 1, 0, 1, 0, 2, 0, 0, 0, 0, 1, 1];
        check(Connectivity::Four, &marks, &[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        check(Connectivity::Eight, &marks, &[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn rows_do_not_hang_together_around_the_edge() {
        check(Connectivity::Eight, &[0, 0, 0, 2, 1, 0, 0, 0], &[0, 0, 0, 1, 0, 0, 0, 0]);
    }
}
