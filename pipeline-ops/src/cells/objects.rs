//! Objects of frames, and how alike two of them are.

use pipeline_core::{In, Result};

use super::columns::of_frame;
use crate::kernel::Sorted;
use crate::measure::Table;

/// How much a factor of *e* between two areas counts, beside a distance of one size.
const AREA_WEIGHT: f64 = 0.5;

/// The same at the edge, where an object may be cut off.
const EDGE_WEIGHT: f64 = 0.25;

/// How near the edge an object is cut off, perhaps, in px.
const EDGE: f64 = 1.0;

/// What is known of an object.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Object {
    pub(super) label: f64,
    /// The first and the last column and row.
    extent: [f64; 4],
    pub(super) area: f64,
    pub(super) centroid: [f64; 2],
    pub(super) is_at_edge: bool,
}

/// The objects of frame `t`, by their labels. Those that are only compared by their boxes need no
/// other columns.
pub(super) fn objects(frame: &In<Table>, t: usize, has_shapes: bool) -> Result<Vec<Object>> {
    let of = |name| of_frame(frame, t, name);
    let labels = of("label")?.iter();
    let mut objects: Vec<Object> =
        labels.map(|&label| Object { label, ..Object::default() }).collect();
    for (at, name) in ["x0", "y0", "x1", "y1"].into_iter().enumerate() {
        for (object, &number) in objects.iter_mut().zip(of(name)?) {
            object.extent[at] = number;
        }
    }
    if has_shapes {
        let (x, y) = (of("centroid_x")?, of("centroid_y")?);
        let (area, edge) = (of("area")?, of("edge")?);
        for (row, object) in objects.iter_mut().enumerate() {
            (object.area, object.centroid) = (area[row], [x[row], y[row]]);
            object.is_at_edge = edge[row] <= EDGE;
        }
    }
    objects.sort_by(|a, b| a.label.total_cmp(&b.label));
    Ok(objects)
}

/// What two boxes have in common, of all that they have.
fn overlap(a: &Object, b: &Object) -> f64 {
    let (a, b) = (&a.extent, &b.extent);
    let side = |axis: usize| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis]) + 1.0).max(0.0);
    let area = |of: &[f64; 4]| (of[2] - of[0] + 1.0) * (of[3] - of[1] + 1.0);
    let common = side(0) * side(1);
    common / (area(a) + area(b) - common)
}

/// The pairs of the ends of tracks and of objects whose boxes have at least this much in common,
/// with what they have.
pub(super) fn by_overlap(ends: &[Object], objects: &[Object], least: f64) -> Vec<Pair> {
    let sorted = Sorted::new(objects.iter().map(|object| object.extent[0]));
    let widths = objects.iter().map(|object| object.extent[2] - object.extent[0]);
    let widest = widths.fold(0.0, f64::max);
    let mut pairs = Vec::new();
    for (row, end) in ends.iter().enumerate() {
        for column in sorted.within(end.extent[0] - widest, end.extent[2]) {
            let common = overlap(end, &objects[column]);
            if common > 0.0 && common >= least {
                pairs.push((row, column, common));
            }
        }
    }
    pairs
}

/// A track, an object, and how much speaks for it that they are one.
pub(super) type Pair = (usize, usize, f64);

/// How far one object is from another.
pub(super) fn offset(from: &Object, to: &Object) -> [f64; 2] {
    [0, 1].map(|axis| to.centroid[axis] - from.centroid[axis])
}

/// How little two objects are alike: their distance in sizes, and how much their areas differ.
fn unlikeness(a: &Object, b: &Object) -> f64 {
    let [x, y] = offset(a, b);
    let is_cut_off = a.is_at_edge || b.is_at_edge;
    let weight = if is_cut_off { EDGE_WEIGHT } else { AREA_WEIGHT };
    x.hypot(y) / a.area.max(b.area).sqrt() + weight * (a.area / b.area).ln().abs()
}

/// The pairs of the ends of tracks and of objects that are less unlike than `reach`, with what
/// they are less.
pub(super) fn by_shape(ends: &[Object], objects: &[Object], reach: f64) -> Vec<Pair> {
    let sorted = Sorted::new(objects.iter().map(|object| object.centroid[0]));
    let largest = objects.iter().map(|object| object.area).fold(0.0, f64::max);
    // Areas that differ by more than this are out of reach, however near they are.
    let most = (reach / EDGE_WEIGHT).exp();
    let mut pairs = Vec::new();
    for (row, end) in ends.iter().enumerate() {
        let far = reach * end.area.max(largest.min(end.area * most)).sqrt();
        let x = end.centroid[0];
        for column in sorted.within(x - far, x + far) {
            let unlikeness = unlikeness(end, &objects[column]);
            if unlikeness < reach {
                pairs.push((row, column, reach - unlikeness));
            }
        }
    }
    pairs
}
