//! Which object of a frame is which of the frame before.

use std::collections::HashMap;

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::number;
use super::divisions::{Divisions, Place, divisions};
use super::objects::{Object, by_overlap, by_shape, objects};
use crate::check;
use crate::kernel::assign;
use crate::measure::Table;

/// How much boxes may have to have in common.
const OVERLAP: std::ops::RangeInclusive<f32> = 0.0..=1.0;

/// How unlike objects may be that are one.
const REACH: std::ops::RangeInclusive<f32> = 0.0..=10.0;

/// For how many frames an object may be missing.
const GAP: std::ops::RangeInclusive<u32> = 0..=1000;

/// What objects of two frames are one by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Their distance and their areas.
    #[default]
    Shape,
    /// What their boxes have in common, as `pyama` does it.
    Overlap,
}

/// Follows objects from frame to frame, also where they are missing in between, and through their
/// divisions.
///
/// By `shape`, objects of areas *a* and *b* whose middles are *d* pixels apart are unlike by d /
/// √max(a, b) + w · |ln(a / b)|. The weight w is 0.5, and 0.25 if one of them may be cut off, by an
/// `edge` of 1 px or less. Of all pairs that are less unlike than `reach` those are chosen for
/// which the sum of what they are less is the largest. By `overlap`, of all pairs whose boxes have
/// at least `overlap` in common, as intersection over union, those are chosen that have the largest
/// sum of it.
///
/// A track divides if an object of it is followed by two that lie around it: 0.25 to 1.6 sizes from
/// it, and the middle between them 0.4 at the most. A size is the root of the largest of the three
/// areas, but of four times the first one at the most. One of the two begins a track; the other one
/// does as well, or goes on with this one. Together they have at least 0.6 of its area. Away from
/// the edge they have less than 2.8 of it, the smaller one at least half of the larger one, and
/// both are seen in two frames, or up to the end. Of divisions that exclude each other that is
/// chosen whose daughters are nearest and most alike. Both daughters have tracks of their own.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `0`, `1`, … | table | – | f64 | what `cell_features` says of frame after frame | – |
/// | `out` | table | – | f64 | one row per object: `frame`, `label`, `track`, and with `divisions` the `parent` that the track came from, 0 if from none | – |
///
/// Frames and labels are in ascending order; tracks are numbered from 1, by their first frames and
/// in them by their labels. An object without a track has no row, as all that come later if
/// `births` is false; then nothing divides. A track that finds no object within `gap` frames more
/// ends.
///
/// **Border**: objects at the edge are as all others by `overlap`. **NaN**, infinity and an area of
/// 0: the object is like no other one, and no part of a division.
/// **Cost**: of each frame the pairs near each other, by their columns, and little more than those
/// that are joined by `reach`; memory for the rows. There are no tiles.
/// **Errors**: a parameter outside its range; a table without the columns `label`, `x0`, `y0`, `x1`
/// and `y1`, and by `shape` or with `divisions` also `area`, `centroid_x`, `centroid_y` and `edge`.
///
/// Tracks that come out as before spare the steps below from running.
///
/// **Source**: the tracking of `pyama`, equal by `overlap` with neither births nor divisions.
/// Linear assignment of the ends of tracks, and divisions after it, follow Jaqaman et al. (2008),
/// *Robust single-particle tracking in live-cell time-lapse sequences*, but gaps are closed from
/// frame to frame and divisions chosen one after the other. The assignment is solved as by Jonker
/// and Volgenant (1987), and has the sum of `scipy.optimize.linear_sum_assignment` 1.17.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::cells::{CellFeatures, Link};
///
/// let frame = |labels: [u32; 6]| {
///     let labels = Labels::new(6, 1, labels.to_vec())?;
///     CellFeatures {}.run(In::new(labels), &Context::default()).map(In::new)
/// };
/// let frames = vec![frame([1, 1, 0, 2, 2, 0])?, frame([0, 1, 0, 0, 2, 2])?];
/// let out = Link::default().run(frames, &Context::default())?;
/// assert_eq!(out.to_csv(), "\
/// frame,label,track,parent
/// 0,1,1,0
/// 0,2,2,0
/// 1,1,1,0
/// 1,2,2,0
/// ");
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// What objects are one by; default `shape`.
    pub by: By,
    /// By `shape`, how unlike objects may be: how far apart, in roots of their area, if that stays
    /// the same. 0 to 10, a ratio without a unit, default 1.
    #[schemars(range(min = *REACH.start(), max = *REACH.end()))]
    pub reach: f32,
    /// By `overlap`, how much the boxes of an object have in common, as intersection over union.
    /// 0 to 1, a share without a unit, default 0.1.
    #[schemars(range(min = *OVERLAP.start(), max = *OVERLAP.end()))]
    pub overlap: f32,
    /// For how many frames an object may be missing. 0 to 1000, a count without a unit, default 2.
    #[schemars(range(min = *GAP.start(), max = *GAP.end()))]
    pub gap: u32,
    /// Whether objects that no track has found begin one; default true.
    pub births: bool,
    /// Whether tracks may divide; default true.
    pub divisions: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { by: By::Shape, reach: 1.0, overlap: 0.1, gap: 2, births: true, divisions: true }
    }
}

impl Link {
    /// As `pyama` does it.
    #[must_use]
    pub fn compatible() -> Self {
        Self { by: By::Overlap, gap: 0, births: false, divisions: false, ..Self::default() }
    }
}

impl Step for Link {
    const NAME: &'static str = "link";
    const VERSION: u32 = 2;
    type Input = Vec<In<Table>>;
    type Output = Table;

    fn run(&self, tables: Vec<In<Table>>, ctx: &Context<'_>) -> Result<Table> {
        check::within("reach", self.reach, &REACH, "")?;
        check::within("overlap", self.overlap, &OVERLAP, "")?;
        check::within("gap", self.gap, &GAP, "")?;
        let has_shapes = self.by == By::Shape || self.divisions;
        let frames = tables.iter().enumerate().map(|(t, table)| objects(table, t, has_shapes));
        let frames: Vec<Vec<Object>> = frames.collect::<Result<_>>()?;
        let tracks = self.tracks(&frames, ctx)?;
        let divisions = if self.divisions { Some(divisions(&tracks, &frames, ctx)?) } else { None };
        table(&tracks, &frames, divisions.as_ref())
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl Link {
    /// The objects of each track, of which there is one in each frame at the most.
    fn tracks(&self, frames: &[Vec<Object>], ctx: &Context<'_>) -> Result<Vec<Vec<Place>>> {
        let mut tracks: Vec<Vec<Place>> = Vec::new();
        // The tracks that may go on, with the last object of each.
        let mut open: Vec<(usize, Place)> = Vec::new();
        for (t, objects) in frames.iter().enumerate() {
            ctx.check()?;
            open.retain(|(_, (frame, _))| t - frame <= self.gap as usize + 1);
            let ends: Vec<Object> =
                open.iter().map(|&(_, (frame, place))| frames[frame][place]).collect();
            let pairs = match self.by {
                By::Shape => by_shape(&ends, objects, self.reach.into()),
                By::Overlap => by_overlap(&ends, objects, self.overlap.into()),
            };
            let mut is_free = vec![true; objects.len()];
            let found = assign(ends.len(), objects.len(), &pairs);
            for ((track, end), place) in open.iter_mut().zip(found) {
                if let Some(place) = place {
                    *end = (t, place);
                    tracks[*track].push(*end);
                    is_free[place] = false;
                }
            }
            if t == 0 || self.births {
                for (place, _) in is_free.iter().enumerate().filter(|(_, is_free)| **is_free) {
                    open.push((tracks.len(), (t, place)));
                    tracks.push(vec![(t, place)]);
                }
            }
        }
        Ok(tracks)
    }
}

/// The rows of all objects that have a track.
fn table(
    tracks: &[Vec<Place>],
    frames: &[Vec<Object>],
    divisions: Option<&Divisions>,
) -> Result<Table> {
    let (has_parents, none) = (divisions.is_some(), Divisions::default());
    let divisions = divisions.unwrap_or(&none);
    let of_tracks = tracks.iter().enumerate();
    let mut places: Vec<(Place, usize)> =
        of_tracks.flat_map(|(track, places)| places.iter().map(move |&at| (at, track))).collect();
    places.sort_unstable();
    let mut numbers = HashMap::new();
    let [mut of_frames, mut of_labels, mut of_tracks, mut of_parents] =
        [(); 4].map(|()| Vec::with_capacity(places.len()));
    for ((frame, place), track) in places {
        let part = divisions.part(track, frame);
        let next = number(numbers.len() + 1);
        of_frames.push(number(frame));
        of_labels.push(frames[frame][place].label);
        of_tracks.push(*numbers.entry(part).or_insert(next));
        // Parents are of an earlier frame.
        let parent = divisions.parent(part).and_then(|part| numbers.get(&part).copied());
        of_parents.push(parent.unwrap_or(0.0));
    }
    let mut columns = vec![("frame", of_frames), ("label", of_labels), ("track", of_tracks)];
    if has_parents {
        columns.push(("parent", of_parents));
    }
    Table::new(columns)
}
