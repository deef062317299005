//! Which object of a frame is which of the frame before.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::{number, of_frame};
use crate::check;
use crate::kernel::assign;
use crate::measure::Table;

/// How much boxes may have to have in common.
const OVERLAP: std::ops::RangeInclusive<f32> = 0.0..=1.0;

/// For how many frames an object may be missing.
const GAP: std::ops::RangeInclusive<u32> = 0..=1000;

/// Follows objects from frame to frame by their boxes.
///
/// Of all pairs of objects whose boxes have at least `overlap` in common, as intersection over
/// union, those are chosen that have the largest sum of it.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `0`, `1`, … | table | – | f64 | what `cell_features` says of frame after frame | – |
/// | `out` | table | – | f64 | one row per object: `frame`, `label`, `track` | – |
///
/// Frames and labels are in ascending order; tracks are numbered from 1, those of the first frame
/// by their labels. An object without a track has no row, as all that come later if `births` is
/// false. A track that finds no object within `gap` frames more ends.
///
/// **Border**: objects at the edge are as all others. **NaN**: boxes have none.
/// **Cost**: of each frame the pairs that overlap, and the third power of those that overlap each
/// other; memory for the rows. There are no tiles.
/// **Errors**: a parameter outside its range; a table without the columns `label`, `x0`, `y0`, `x1`
/// and `y1`.
///
/// Tracks that come out as before spare the steps below from running.
///
/// **Source**: the tracking of `pyama`, equal with `births` false; the assignment of Jonker and
/// Volgenant (1987), as `scipy.optimize.linear_sum_assignment` 1.17.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::cells::{CellFeatures, Link};
///
/// let frame = |labels: [u32; 6]| {
///     let labels = Labels::new(6, 1, labels.to_vec())?;
///     CellFeatures {}.run((In::new(labels), None), &Context::default()).map(In::new)
/// };
/// let frames = vec![frame([1, 1, 0, 2, 2, 0])?, frame([0, 1, 0, 0, 2, 2])?];
/// let out = Link::default().run(frames, &Context::default())?;
/// assert_eq!(out.to_csv(), "frame,label,track\n0,1,1\n0,2,2\n1,1,1\n1,2,2\n");
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// How much the boxes of an object have in common, as intersection over union. 0 to 1, a share
    /// without a unit, default 0.1.
    #[schemars(range(min = *OVERLAP.start(), max = *OVERLAP.end()))]
    pub overlap: f32,
    /// For how many frames an object may be missing. 0 to 1000, a count without a unit, default 0.
    #[schemars(range(min = *GAP.start(), max = *GAP.end()))]
    pub gap: u32,
    /// Whether objects that no track has found begin one; default true.
    pub births: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { overlap: 0.1, gap: 0, births: true }
    }
}

impl Link {
    /// As `pyama` does it.
    #[must_use]
    pub fn compatible() -> Self {
        Self { births: false, ..Self::default() }
    }
}

/// The first and the last column and row of an object.
type Extent = [f64; 4];

/// What two boxes have in common, of all that they have.
fn overlap(a: &Extent, b: &Extent) -> f64 {
    let side = |axis: usize| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis]) + 1.0).max(0.0);
    let area = |of: &Extent| (of[2] - of[0] + 1.0) * (of[3] - of[1] + 1.0);
    let common = side(0) * side(1);
    common / (area(a) + area(b) - common)
}

#[derive(Debug)]
struct Track {
    number: f64,
    extent: Extent,
    seen: usize,
}

impl Step for Link {
    const NAME: &'static str = "link";
    type Input = Vec<In<Table>>;
    type Output = Table;

    fn run(&self, frames: Vec<In<Table>>, ctx: &Context<'_>) -> Result<Table> {
        check::within("overlap", self.overlap, &OVERLAP, "")?;
        check::within("gap", self.gap, &GAP, "")?;
        let [mut of_frames, mut of_labels, mut of_tracks] = [(); 3].map(|()| Vec::new());
        let mut tracks: Vec<Track> = Vec::new();
        let mut next = 1.0;
        for (t, frame) in frames.iter().enumerate() {
            ctx.check()?;
            let ((labels, extents), time) = (objects(frame, t)?, number(t));
            tracks.retain(|track| t - track.seen <= self.gap as usize + 1);
            let found = self.find(&tracks, &extents);
            let mut numbers = vec![None; labels.len()];
            for (track, place) in tracks.iter_mut().zip(found) {
                if let Some(place) = place {
                    (track.extent, track.seen) = (extents[place], t);
                    numbers[place] = Some(track.number);
                }
            }
            for ((&label, extent), number) in labels.iter().zip(&extents).zip(numbers) {
                let number = match number {
                    Some(number) => number,
                    None if t == 0 || self.births => {
                        tracks.push(Track { number: next, extent: *extent, seen: t });
                        next += 1.0;
                        next - 1.0
                    }
                    None => continue,
                };
                of_frames.push(time);
                of_labels.push(label);
                of_tracks.push(number);
            }
        }
        Table::new(vec![("frame", of_frames), ("label", of_labels), ("track", of_tracks)])
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl Link {
    /// The place of the object of each track.
    fn find(&self, tracks: &[Track], extents: &[Extent]) -> Vec<Option<usize>> {
        // From left to right, so that few are looked at.
        let mut order: Vec<usize> = (0..extents.len()).collect();
        order.sort_by(|&a, &b| extents[a][0].total_cmp(&extents[b][0]));
        let widest = extents.iter().map(|extent| extent[2] - extent[0]).fold(0.0, f64::max);
        let mut pairs = Vec::new();
        for (row, track) in tracks.iter().enumerate() {
            let from = track.extent[0] - widest;
            let first = order.partition_point(|&at| extents[at][0] < from);
            for &column in
                order[first..].iter().take_while(|&&at| extents[at][0] <= track.extent[2])
            {
                let common = overlap(&track.extent, &extents[column]);
                if common > 0.0 && common >= f64::from(self.overlap) {
                    pairs.push((row, column, common));
                }
            }
        }
        assign(tracks.len(), extents.len(), &pairs)
    }
}

/// The labels and boxes of the objects of a frame.
fn objects(frame: &Table, t: usize) -> Result<(&[f64], Vec<Extent>)> {
    let [x0, y0, x1, y1] = ["x0", "y0", "x1", "y1"].map(|name| of_frame(frame, t, name));
    let (x0, y0, x1, y1) = (x0?, y0?, x1?, y1?);
    let extents = (0..frame.rows()).map(|row| [x0[row], y0[row], x1[row], y1[row]]);
    Ok((of_frame(frame, t, "label")?, extents.collect()))
}
