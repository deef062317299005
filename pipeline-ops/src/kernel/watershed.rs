//! Watersheds: labels that flood an image, lowest first.

use pipeline_core::Result;

use super::Connectivity;
use crate::memory::push;

/// Pixels that are flooded between two looks for a cancel.
const STRETCH: usize = 1 << 12;

/// A pixel to flood from.
#[derive(Debug, Clone, Copy, Default)]
struct Front {
    /// The level at which water reached it, and below that when: lower ones first, then earlier.
    order: u64,
    at: u32,
}

/// Pixels to flood from, the first in order on top.
///
/// Markers of one height are all reached at once, so between them the shape of the heap decides. It
/// is that of the reference, which is why the standard library's does not do.
#[derive(Debug, Default)]
struct Heap(Vec<Front>);

impl Heap {
    fn push(&mut self, front: Front) -> Result<()> {
        let mut child = self.0.len();
        push(&mut self.0, front, "the front of a flood")?;
        while child > 0 {
            let parent = (child - 1) / 2;
            if self.0[child].order >= self.0[parent].order {
                break;
            }
            self.0.swap(child, parent);
            child = parent;
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<Front> {
        let last = self.0.len().checked_sub(1)?;
        self.0.swap(0, last);
        let top = self.0.pop();
        let order = |heap: &Self, at: usize| heap.0.get(at).map(|front| front.order);
        let mut parent = 0;
        loop {
            let mut first = parent;
            for child in [2 * parent + 1, 2 * parent + 2] {
                if order(self, child).is_some_and(|child| Some(child) < order(self, first)) {
                    first = child;
                }
            }
            if first == parent {
                return top;
            }
            self.0.swap(parent, first);
            parent = first;
        }
    }
}

/// Floods an image from the labels that are not 0 into those that are.
///
/// A pixel goes to the label that reaches it first. `height` is a number that orders as the samples
/// do, `open` whether a pixel may be flooded.
///
/// # Errors
/// What `check` returns, which is asked now and then, and
/// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the front.
pub(crate) fn flood(
    labels: &mut [u32],
    width: usize,
    connectivity: Connectivity,
    height: impl Fn(usize) -> i32,
    open: impl Fn(usize) -> bool,
    check: impl Fn() -> Result<()>,
) -> Result<()> {
    // The order in which neighbours are reached: near ones first, then row by row.
    let near = [(0, -1), (-1, 0), (1, 0), (0, 1)];
    let corners = [(-1, -1), (1, -1), (-1, 1), (1, 1)];
    let corners = if connectivity == Connectivity::Eight { &corners[..] } else { &[] };
    let rows = labels.len() / width;

    // Heights of both signs, as numbers without one that order alike.
    let height = |at: usize| u64::from(height(at).cast_unsigned() ^ 1 << 31);
    let mut heap = Heap::default();
    for (row, labels) in labels.chunks(width).enumerate() {
        check()?;
        for x in (0..width).filter(|&x| labels[x] != 0) {
            let at = row * width + x;
            heap.push(Front { order: height(at) << 32, at: at as u32 })?;
        }
    }
    let (mut reached, mut flooded) = (0u64, 0usize);
    while let Some(Front { order, at }) = heap.pop() {
        if flooded.is_multiple_of(STRETCH) {
            check()?;
        }
        flooded += 1;
        let at = at as usize;
        let (x, y) = (at % width, at / width);
        for &(dx, dy) in near.iter().chain(corners) {
            let (Some(x), Some(y)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else {
                continue;
            };
            let beside = y * width + x;
            if x >= width || y >= rows || labels[beside] != 0 || !open(beside) {
                continue;
            }
            labels[beside] = labels[at];
            reached += 1;
            // Water that runs down has still come over the height it came from.
            let level = (order >> 32).max(height(beside));
            let order = level << 32 | reached;
            heap.push(Front { order, at: beside as u32 })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_gives_the_lowest_first() {
        let mut heap = Heap::default();
        for n in 0..200u64 {
            heap.push(Front { order: n * 7919 % 211, at: 0 }).unwrap();
        }
        let mut orders: Vec<u64> = Vec::new();
        while let Some(front) = heap.pop() {
            orders.push(front.order);
        }
        assert!(orders.is_sorted() && orders.len() == 200);
    }

    #[test]
    fn labels_meet_on_the_ridge() {
        let heights = [-1, 1, 5, 1, 1, -1];
        let mut labels = [1, 0, 0, 0, 0, 2];
        flood(&mut labels, 6, Connectivity::Four, |at| heights[at], |at| at != 1, || Ok(()))
            .unwrap();
        assert_eq!(labels, [1, 0, 2, 2, 2, 2], "a closed pixel stays");
    }
}
