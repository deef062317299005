//! One object of an image on its own: its largest part, its holes, and where it is narrow.

use pipeline_core::Result;

use super::basins::{Outside, Relief};
use super::components::{Band, Components};
use super::connectivity::Connectivity;
use super::distance::{Envelope, FAR, down_and_up};
use crate::memory::copies;

/// The heights that a pixel of distance makes.
const SHARE: f64 = 32.0;

/// The pixels of one object within a rectangle, with one pixel around it that is none.
#[derive(Debug)]
pub(crate) struct Cutout {
    /// 1 where the object is.
    bytes: Vec<u8>,
    /// Of a row, with both pixels around it.
    width: usize,
}

impl Cutout {
    /// A rectangle of `width` × `height` pixels, of which `is_own` says by `(x, y)` which are the
    /// object's.
    ///
    /// # Errors
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for them.
    pub(crate) fn new(
        (width, height): (usize, usize),
        is_own: impl Fn(usize, usize) -> bool,
    ) -> Result<Self> {
        let pixels = (width + 2) * (height + 2);
        let mut bytes = copies(0, pixels, || format!("an object of {width}×{height} pixels"))?;
        for (y, row) in bytes.chunks_exact_mut(width + 2).skip(1).take(height).enumerate() {
            row.iter_mut().skip(1).take(width).enumerate().for_each(|(x, byte)| {
                *byte = u8::from(is_own(x, y));
            });
        }
        Ok(Self { bytes, width: width + 2 })
    }

    /// Leaves only the largest part, of equal ones the first.
    ///
    /// # Errors
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the parts.
    pub(crate) fn keep_largest(&mut self) -> Result<()> {
        let parts = self.parts(1)?;
        if parts.count() < 2 {
            return Ok(());
        }
        let mut areas = vec![0; parts.count() as usize + 1];
        parts.areas(0)?.for_each(|(number, area)| areas[number as usize] += area);
        let largest = (0..areas.len()).rev().max_by_key(|&number| areas[number]);
        self.set(&parts, 0, |number| Some(number as usize) != largest);
        Ok(())
    }

    /// Fills what is enclosed.
    ///
    /// # Errors
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the holes.
    pub(crate) fn fill_holes(&mut self) -> Result<()> {
        let parts = self.parts(0)?;
        // The first is what is around the object.
        self.set(&parts, 1, |number| number > 1);
        Ok(())
    }

    /// Leaves out the pixels that are not `kept`.
    pub(crate) fn keep(&mut self, kept: impl Fn(usize, usize) -> bool) {
        let width = self.width;
        for (y, row) in self.bytes.chunks_exact_mut(width).skip(1).enumerate() {
            for (x, byte) in row.iter_mut().skip(1).enumerate() {
                *byte &= u8::from(*byte != 0 && kept(x, y));
            }
        }
    }

    /// The number of pixels of the object.
    pub(crate) fn area(&self) -> usize {
        self.bytes.iter().map(|&byte| usize::from(byte)).sum()
    }

    /// The pixels of the object, `(x, y)`.
    pub(crate) fn pixels(&self) -> impl Iterator<Item = (usize, usize)> {
        let inside = self.bytes.iter().enumerate().filter(|&(_, &byte)| byte != 0);
        inside.map(|(at, _)| (at % self.width - 1, at / self.width - 1))
    }

    /// Cuts the object where it is narrower than `waist` of the narrower of two bulges, each with
    /// at least `bulge` pixels around its middle. Answers the number of the bulge of each of its
    /// pixels, from 1 on, in the order of [`pixels`](Self::pixels).
    ///
    /// # Errors
    /// What `check` returns.
    pub(crate) fn bulges(
        &self,
        waist: f64,
        bulge: f64,
        check: impl Fn() -> Result<()>,
    ) -> Result<impl Iterator<Item = u32>> {
        let distance = |height: u16| f64::from(u16::MAX - height);
        let heights = self.depths();
        let relief = Relief { heights: &heights, mask: &self.bytes, width: self.width };
        let join = |height: u16, floor: u16| {
            let (narrow, wide) = (distance(height), distance(floor));
            narrow > waist * wide || wide < bulge * SHARE
        };
        let (bulges, _) = relief.basins(Outside::Nothing, join, check)?;
        let of = self.bytes.iter().zip(bulges).filter(|(byte, _)| **byte != 0);
        Ok(of.map(|(_, bulge)| bulge))
    }

    /// Less the farther a pixel is from what is not the object.
    fn depths(&self) -> Vec<u16> {
        let mut distances: Vec<u32> =
            self.bytes.iter().map(|&byte| u32::from(byte) * FAR).collect();
        down_and_up(&mut distances, self.width);
        let mut heights = vec![u16::MAX; distances.len()];
        let mut envelope = Envelope::default();
        let rows = distances.chunks_exact(self.width).zip(heights.chunks_exact_mut(self.width));
        for (row, heights) in rows {
            envelope.row(row.iter().copied(), |x, squared, _| {
                heights[x] -= (SHARE * (squared as f64).sqrt() + 0.5) as u16;
            });
        }
        heights
    }

    fn parts(&self, wanted: u8) -> Result<Components> {
        let rows = self.bytes.chunks_exact(self.width);
        let band = Band::find(rows, wanted, Connectivity::Four)?;
        Components::join(vec![band], Connectivity::Four, || Ok(()))
    }

    /// Sets the pixels of parts of some numbers.
    fn set(&mut self, parts: &Components, byte: u8, changes: impl Fn(u32) -> bool) {
        for (y, row) in self.bytes.chunks_exact_mut(self.width).enumerate() {
            for (run, _) in parts.row(y).filter(|&(_, number)| changes(number)) {
                row[run].fill(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cutout(rows: &[&str]) -> Cutout {
        let is_own = |x: usize, y: usize| rows[y].as_bytes()[x] == b'#';
        Cutout::new((rows[0].len(), rows.len()), is_own).unwrap()
    }

    #[test]
    fn the_largest_part_is_kept_and_its_holes_are_filled() {
        let mut object = cutout(&["##.###", "##.#.#", "...###"]);
        object.keep_largest().unwrap();
        assert_eq!(object.area(), 8);
        object.fill_holes().unwrap();
        assert_eq!(object.area(), 9);
        assert!(object.pixels().all(|(x, y)| x > 2 && y < 3));
        object.keep(|x, _| x > 4);
        assert_eq!(object.pixels().collect::<Vec<_>>(), [(5, 0), (5, 1), (5, 2)]);
    }

    #[test]
    fn an_object_is_cut_at_its_waist() {
        let rows = ["#####..#####", "############", "#####..#####", "#####..#####"];
        let bulges = |waist: f64, bulge: f64| {
            let object = cutout(&rows);
            let bulges = object.bulges(waist, bulge, || Ok(())).unwrap();
            bulges.collect::<Vec<_>>()
        };
        let cut = bulges(0.7, 2.0);
        let expected = "111112222211111122222211111222221111122222";
        assert_eq!(cut.iter().map(u32::to_string).collect::<String>(), expected);
        assert!(bulges(0.7, 3.0).iter().all(|&bulge| bulge == 1));
        assert!(bulges(0.3, 2.0).iter().all(|&bulge| bulge == 1));
    }
}
