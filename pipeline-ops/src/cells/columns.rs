//! Numbers of tables, as the steps on cells read and write them.

use pipeline_core::Result;

use crate::measure::Table;

/// A column that the tracks must have.
pub(super) fn column<'a>(tracks: &'a Table, name: &str) -> Result<&'a [f64]> {
    tracks.named(name, || "the columns of the tracks".to_owned())
}

/// A column that the table of a frame must have.
pub(super) fn of_frame<'a>(table: &'a Table, frame: usize, name: &str) -> Result<&'a [f64]> {
    table.named(name, || format!("the columns of frame {frame}"))
}

/// A count of frames or pixels.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}
