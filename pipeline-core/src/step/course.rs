//! Which passes of a fused group are made band by band, and what each band needs.
//!
//! A pass that reads from sources of rows, or whose result a sink takes, need not have those images
//! as a whole. It makes one band of its result after the other. For each band there is a window on
//! every source, which holds the rows that the footprints ask for; it moves from top to bottom and
//! never back.
//!
//! All of it is decided from layouts and footprints before the first row is read. Where the windows
//! would be no smaller than the image, as when it is flipped top to bottom, it is made as a whole.

use std::ops::Range;

use super::fused::Fused;
use super::passes::{Pass, saturate};
use crate::data::{Layout, Region};
use crate::error::Result;

/// Chunks of one band, which threads share. More would take more memory; and where one thread reads
/// and another one writes, many threads in between have nothing to do.
const CHUNKS: u32 = 6;

/// Rows of a chunk. In lower ones neighbourhoods make too much of their margin again.
const USUAL: u32 = 16;

/// Rows of a chunk of an image that is so wide that a band would take more than [`BAND`] bytes.
const LOWEST: u32 = 8;

/// Bytes of a band, as long as its chunks can be made lower.
const BAND: u64 = 16 << 20;

/// The rows of a band that needs none: they begin behind all others and end before.
const NOTHING: Range<u32> = Range { start: u32::MAX, end: 0 };

/// How a pass is made band by band.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// Rows of one band; the last one may have less.
    pub(super) rows: u32,
    /// The sources that are read on the way.
    pub(super) readings: Vec<Reading>,
    /// Whether a sink takes the bands; otherwise they are put together.
    pub(super) is_taken: bool,
}

/// What is read of one source on the way.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) source: usize,
    /// The rows that each band needs, and then none at the end of the image. Neither their start
    /// nor their end ever goes back.
    pub(super) spans: Vec<Range<u32>>,
}

impl Course {
    /// Whether a source is read on the way.
    pub(super) fn reads(&self, source: usize) -> bool {
        self.readings.iter().any(|reading| reading.source == source)
    }
}

impl Reading {
    fn new(source: usize, mut spans: Vec<Range<u32>>, height: u32) -> Self {
        let mut start = height;
        for span in spans.iter_mut().rev() {
            start = start.min(span.start);
            span.start = start;
        }
        let mut end = 0;
        for span in &mut spans {
            end = end.max(span.end);
            *span = span.start.min(end)..end;
        }
        spans.push(height..height);
        Self { source, spans }
    }

    /// The rows of a window that has room for what any band needs.
    pub(super) fn most(&self) -> u32 {
        let most = self.spans.iter().map(ExactSizeIterator::len).max();
        most.map_or(1, saturate).max(1)
    }
}

impl Fused<'_> {
    /// A pass as it is made band by band; `None` if it is better made at once.
    pub(super) fn by_bands(&self, at: usize) -> Result<Option<Pass>> {
        let (pass, is_result) = self.pass_at(at);
        let is_taken = is_result && self.sink.is_some();
        let sources: Vec<usize> = self.own_sources(at).collect();
        if sources.is_empty() && !is_taken {
            return Ok(None);
        }
        let mut pass = pass.clone();
        self.lower(&mut pass)?;
        let layout = self.layouts.makes[pass.root()];
        let rows = pass.height.saturating_mul(CHUNKS);
        if rows >= layout.height {
            return Ok(None);
        }
        let mut readings = Vec::new();
        if !sources.is_empty() {
            let mut spans = vec![Vec::new(); self.sources.len()];
            for first in (0..layout.height).step_by(rows as usize) {
                let band = first..layout.height.min(first + rows);
                for (spans, span) in spans.iter_mut().zip(self.spans(&pass, band)?) {
                    spans.push(span);
                }
            }
            for source in sources {
                let (layout, aside) = self.sources[source];
                let spans = std::mem::take(&mut spans[source]);
                let reading = Reading::new(source, spans, layout.height);
                if self.window_bytes(&reading).saturating_add(aside) < layout.size_bytes() {
                    readings.push(reading);
                }
            }
        }
        let course = Course { rows, readings, is_taken };
        if self.course_bytes(&pass, &course) >= self.spared_bytes(&pass, &course) {
            return Ok(None);
        }
        pass.course = Some(course);
        Ok(Some(pass))
    }

    /// The bytes of the images that are not made as a whole.
    fn spared_bytes(&self, pass: &Pass, course: &Course) -> u64 {
        let sources = course.readings.iter().map(|reading| self.sources[reading.source].0);
        let result = course.is_taken.then(|| self.layouts.makes[pass.root()]);
        sources.chain(result).map(|layout| layout.size_bytes()).sum()
    }

    /// The most bytes of the windows and bands that there are at once.
    pub(super) fn course_bytes(&self, pass: &Pass, course: &Course) -> u64 {
        let windows: u64 = course.readings.iter().map(|reading| self.window_bytes(reading)).sum();
        let band = row_bytes(&self.layouts.makes[pass.root()]) as u64 * u64::from(course.rows);
        windows + if course.is_taken { 2 * band } else { 0 }
    }

    /// The bytes of two windows: one that is worked on, and one that is being filled.
    fn window_bytes(&self, reading: &Reading) -> u64 {
        let (layout, _) = self.sources[reading.source];
        2 * u64::from(reading.most()) * row_bytes(&layout) as u64
    }

    /// Makes the tiles of a pass lower and wider, so that a band has some of them.
    fn lower(&self, pass: &mut Pass) -> Result<()> {
        let layout = self.layouts.makes[pass.root()];
        let (width, height) = (pass.width, pass.height);
        let rows = BAND / (u64::from(CHUNKS) * row_bytes(&layout) as u64).max(1);
        let mut lower = u32::try_from(rows).unwrap_or(u32::MAX).clamp(LOWEST, USUAL);
        while lower < height {
            pass.height = lower;
            pass.width = (width.saturating_mul(height) / lower).min(layout.width);
            if !self.is_excessive(pass)? {
                return Ok(());
            }
            lower *= 2;
        }
        (pass.width, pass.height) = (width, height);
        Ok(())
    }

    /// The rows of each source that the tiles of a band read.
    fn spans(&self, pass: &Pass, band: Range<u32>) -> Result<Vec<Range<u32>>> {
        let mut spans = vec![NOTHING; self.sources.len()];
        let across = self.layouts.makes[pass.root()].width;
        for y in band.clone().step_by(pass.height as usize) {
            for x in (0..across).step_by(pass.width as usize) {
                let (width, height) = (pass.width.min(across - x), pass.height.min(band.end - y));
                self.sources_read(pass, Region::new(x, y, width, height), |source, needed| {
                    let span: &mut Range<u32> = &mut spans[source];
                    span.start = span.start.min(needed.y);
                    span.end = span.end.max(needed.y + needed.height);
                })?;
            }
        }
        Ok(spans)
    }
}

/// Bytes of one row.
pub(super) fn row_bytes(layout: &Layout) -> usize {
    layout.row_len() * layout.sample.size()
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spans: &[Range<u32>], expected: &[Range<u32>], most: u32) {
        let reading = Reading::new(0, spans.to_vec(), 100);
        assert_eq!(reading.spans, expected);
        assert_eq!(reading.most(), most);
    }

    #[test]
    fn windows_never_go_back() {
        check(&[0..12, 8..22, 18..30], &[0..12, 8..22, 18..30, 100..100], 14);
        // The last band wants what the first one had, so it stays in between.
        check(&[0..10, 10..20, 5..8], &[0..10, 5..20, 5..20, 100..100], 15);
        // From bottom to top.
        check(&[90..100, 80..90, 0..5], &[0..100, 0..100, 0..100, 100..100], 100);
    }

    #[test]
    fn bands_that_need_nothing_have_empty_windows() {
        check(&[NOTHING, 5..9, NOTHING], &[0..0, 5..9, 9..9, 100..100], 4);
        check(&[NOTHING], &[0..0, 100..100], 1);
    }
}
