//! Which pixels of a label image lie where labels meet.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// On which side of the border between labels its pixels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The outermost pixels of each object.
    #[default]
    Inner,
    /// The pixels around each object, and where objects touch, those of both.
    Outer,
    /// Both sides of every border.
    Thick,
}

/// Three rows of labels; at the edge of the image the nearest stands for the one beyond it. Where
/// they begin or end but the image does not, nothing can be said of their first or last column.
pub(crate) struct Rows<'a> {
    pub(crate) above: &'a [u32],
    pub(crate) here: &'a [u32],
    pub(crate) below: &'a [u32],
}

impl Rows<'_> {
    /// The runs of pixels of the middle row, in these columns, that belong to an outline.
    pub(crate) fn runs(
        &self,
        columns: Range<usize>,
        side: Side,
    ) -> impl Iterator<Item = Range<usize>> {
        let mut at = columns.start;
        std::iter::from_fn(move || {
            while at < columns.end && !self.is_outline(at, side) {
                at += 1;
            }
            let start = at;
            while at < columns.end && self.is_outline(at, side) {
                at += 1;
            }
            (start < at).then_some(start..at)
        })
    }

    fn is_outline(&self, x: usize, side: Side) -> bool {
        let own = self.here[x];
        let span = self.around(x);
        let is_border = self.above[x] != own
            || self.below[x] != own
            || self.here[span.clone()].iter().any(|&label| label != own);
        is_border
            && match side {
                Side::Thick => true,
                Side::Inner => own != 0,
                Side::Outer => own == 0 || self.has_another_object(own, span),
            }
    }

    /// A column and those beside it.
    fn around(&self, x: usize) -> Range<usize> {
        x.saturating_sub(1)..(x + 2).min(self.here.len())
    }

    /// Whether one of the eight neighbours belongs to another object.
    fn has_another_object(&self, own: u32, span: Range<usize>) -> bool {
        let mut rows = [self.above, self.here, self.below].into_iter();
        rows.any(|row| row[span.clone()].iter().any(|&label| label != 0 && label != own))
    }
}

/// Whether one of the pixels that are up to `len` from column `x`, along the row `rows[at]` or
/// the column, has another label. Rows and columns beyond the image are not there.
pub(crate) fn is_near_another(rows: &[&[u32]], at: usize, x: usize, len: usize) -> bool {
    let own = rows[at][x];
    let (across, down) =
        (x.saturating_sub(len)..(x + len + 1), at.saturating_sub(len)..at + len + 1);
    let row = &rows[at][across.start..across.end.min(rows[at].len())];
    row.iter().any(|&label| label != own)
        || rows[down.start..down.end.min(rows.len())].iter().any(|row| row[x] != own)
}
