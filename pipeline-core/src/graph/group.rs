//! What belongs together put side by side: a counting sort.

/// Puts every item into the group whose number comes with it, in the order in which they come.
///
/// Returns where each group starts, with one more entry than groups, and the items.
pub(crate) fn group<T: Copy + Default>(
    groups: usize,
    items: impl Iterator<Item = (u32, T)> + Clone,
) -> (Vec<u32>, Vec<T>) {
    // Counted one entry further on, so that filling in moves every start to where it belongs.
    let mut starts = vec![0u32; groups + 2];
    items.clone().for_each(|(group, _)| starts[group as usize + 2] += 1);
    for group in 2..groups + 2 {
        starts[group] += starts[group - 1];
    }
    let mut grouped = vec![T::default(); starts[groups + 1] as usize];
    items.for_each(|(group, item)| {
        let next = &mut starts[group as usize + 1];
        grouped[*next as usize] = item;
        *next += 1;
    });
    starts.truncate(groups + 1);
    (starts, grouped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_within_a_group() {
        let items = [(2, 'a'), (0, 'b'), (2, 'c'), (0, 'd')];
        let (starts, grouped) = group(4, items.into_iter());
        assert_eq!((starts, grouped), (vec![0, 2, 2, 4, 4], vec!['b', 'd', 'a', 'c']));
        assert_eq!(group(0, [(0, 'a'); 0].into_iter()), (vec![0], vec![]));
    }
}
