//! How good tracks are beside the truth.

use std::collections::{BTreeMap, HashMap};

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Error, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::{column, number, of_frame};
use super::identity::{division_scores, idf1};
use crate::check;
use crate::measure::Table;

/// How early or late a division may be found, in frames.
const TOLERANCE: std::ops::RangeInclusive<u32> = 0..=1000;

/// Scores the objects and tracks of a movie by the measures of the Cell Tracking Challenge, and
/// whole tracks by their identity.
///
/// | column | meaning |
/// |---|---|
/// | `seg` | the mean of what objects have in common with theirs, as intersection over union; 0 where less than half of the true one is found |
/// | `det` | 1 for all objects found, 0 for none: of splits, missing and false objects, weighted 5, 10 and 1 |
/// | `tra` | the same with the links between them: false, missing and mistaken ones, weighted 1, 1.5 and 1 |
/// | `splits`, `missing`, `false` | objects to split, to add and to delete |
/// | `false_links`, `missing_links`, `mistaken_links` | links to delete, to add, and of another kind |
/// | `idf1` | twice the objects that are found on the right track, of the true and the found ones; each true track has one right one, so that these are as many as can be |
/// | `division_precision`, `division_recall`, `division_f1` | divisions that are found and true: of those found, of those true, and twice of both |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `0`, `1` | table | – | f64 | the true tracks and those that were found, as `link` gives them; a column `parent` names the parent of a track, 0 if it has none | – |
/// | `2`, `3`, … | table | – | f64 | what `label_overlaps` says of the true and the found objects of frame after frame | – |
/// | `out` | table | – | f64 | one row | – |
///
/// An object of a track is linked to the next one of it, and the first one of a track to the last
/// one of its parent. Objects without a track do not count.
///
/// For `idf1` an object is found with an intersection over union of 0.5. A track divides if it is
/// the parent of two or more. A found track means the true one of which more than half is found on
/// it in most frames. A division is true if its tracks, those of the mother and of two daughters,
/// mean a true mother and two of her daughters, and if it is `tolerance` frames early or late at
/// the most.
///
/// **Border**: objects at the edge are as all others. **NaN**: without a true object `seg`, `det`
/// and `tra` are NaN, without any also `idf1`; so are shares of divisions where there are none.
/// **Cost**: one pass over the rows of all tables, and memory for them. There are no tiles.
/// **Errors**: a parameter outside its range; fewer than two tables; a table without the columns
/// that are needed.
///
/// **Source**: Maška et al. (2014) for SEG, Matula et al. (2015) for DET and TRA; `py-ctcmetrics`
/// 1.3.3 on what `pyama` finds, equal to three digits. Ristani et al. (2016), *Performance measures
/// and a data set for multi-target, multi-camera tracking*, for IDF1; `motmetrics` 1.4.0 on the
/// same, equal. Divisions are counted much as by BC(*i*) of Ulman et al. (2017).
///
/// ```
/// use pipeline_core::{Context, In, Step};
/// use pipeline_ops::cells::TrackingScores;
/// use pipeline_ops::measure::Table;
///
/// let tracks = || {
///     Table::new(vec![
///         ("frame", vec![0.0, 1.0]), ("label", vec![1.0, 1.0]), ("track", vec![1.0, 1.0]),
///     ]).map(In::new)
/// };
/// let frame = |pixels| {
///     Table::new(vec![("first", vec![1.0]), ("second", vec![1.0]), ("pixels", vec![pixels])])
///         .map(In::new)
/// };
/// let tables = vec![tracks()?, tracks()?, frame(5.0)?, frame(6.0)?];
/// let out = TrackingScores::default().run(tables, &Context::default())?;
/// assert_eq!(out.column("tra"), Some(&[1.0][..]));
/// assert_eq!(out.column("idf1"), Some(&[1.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrackingScores {
    /// How many frames early or late a division may be found. 0 to 1000, a count without a unit,
    /// default 1.
    #[schemars(range(min = *TOLERANCE.start(), max = *TOLERANCE.end()))]
    pub tolerance: u32,
}

impl Default for TrackingScores {
    fn default() -> Self {
        Self { tolerance: 1 }
    }
}

/// An object: its frame and the bits of its track.
pub(super) type Vertex = (usize, u64);

/// A true object, one that was found, and the pixels that they have in common.
pub(super) type Common = (Vertex, Vertex, f64);

/// Objects, and what they are linked to.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    /// The track of each object, by the bits of its frame and of its label.
    of_labels: HashMap<(u64, u64), u64>,
    pub(super) parents: BTreeMap<u64, u64>,
    /// The pixels of objects.
    pub(super) areas: BTreeMap<Vertex, f64>,
    /// Whether a link is to a child.
    links: HashMap<(Vertex, Vertex), bool>,
}

impl Tracks {
    fn of(table: &Table) -> Result<Self> {
        let bits = |name: &str| Ok(column(table, name)?.iter().map(|number| number.to_bits()));
        let labels = bits("frame")?.zip(bits("label")?);
        let of_labels = labels.zip(bits("track")?).collect();
        let parents = match table.column("parent") {
            Some(_) => bits("track")?.zip(bits("parent")?).collect(),
            None => BTreeMap::new(),
        };
        Ok(Self { of_labels, parents, ..Self::default() })
    }

    /// Takes note of pixels of an object, and says which it is.
    fn see(&mut self, frame: usize, label: f64, pixels: f64) -> Option<Vertex> {
        let track = *self.of_labels.get(&(number(frame).to_bits(), label.to_bits()))?;
        *self.areas.entry((frame, track)).or_default() += pixels;
        Some((frame, track))
    }

    /// Links objects to those that follow.
    fn link(&mut self) {
        let mut of_tracks: HashMap<u64, Vec<usize>> = HashMap::new();
        for &(frame, track) in self.areas.keys() {
            of_tracks.entry(track).or_default().push(frame);
        }
        for (&track, frames) in &of_tracks {
            for pair in frames.windows(2) {
                self.links.insert(((pair[0], track), (pair[1], track)), false);
            }
            let parent = self.parents.get(&track);
            let ends = parent.and_then(|parent| Some((*parent, *of_tracks.get(parent)?.last()?)));
            if let (Some((parent, end)), Some(&begin)) = (ends, frames.first()) {
                self.links.insert(((end, parent), (begin, track)), true);
            }
        }
    }
}

/// What there is to do to make the truth of what was found.
#[derive(Debug, Default)]
struct Faults {
    splits: f64,
    missing: f64,
    wrong: f64,
    false_links: f64,
    missing_links: f64,
    mistaken_links: f64,
}

impl Faults {
    fn of_objects(&self) -> f64 {
        5.0 * self.splits + 10.0 * self.missing + self.wrong
    }

    fn of_all(&self) -> f64 {
        self.of_objects() + self.false_links + 1.5 * self.missing_links + self.mistaken_links
    }
}

impl Step for TrackingScores {
    const NAME: &'static str = "tracking_scores";
    const VERSION: u32 = 2;
    type Input = Vec<In<Table>>;
    type Output = Table;

    fn run(&self, tables: Vec<In<Table>>, ctx: &Context<'_>) -> Result<Table> {
        check::within("tolerance", self.tolerance, &TOLERANCE, "")?;
        let [truth, found, frames @ ..] = &tables[..] else {
            let expected = "the true tracks, those that were found, and a table for each frame";
            return Err(Error::input("the tables", tables.len(), expected));
        };
        let (mut truth, mut found) = (Tracks::of(truth)?, Tracks::of(found)?);
        let mut common: Vec<Common> = Vec::new();
        for (frame, table) in frames.iter().enumerate() {
            ctx.check()?;
            let [first, second, pixels] =
                ["first", "second", "pixels"].map(|name| of_frame(table, frame, name));
            let rows = first?.iter().zip(second?).zip(pixels?);
            for ((&first, &second), &pixels) in rows {
                let both = (truth.see(frame, first, pixels), found.see(frame, second, pixels));
                if let (Some(first), Some(second)) = both {
                    common.push((first, second, pixels));
                }
            }
        }
        truth.link();
        found.link();
        score(&truth, &found, &common, self.tolerance as usize)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

fn score(truth: &Tracks, found: &Tracks, common: &[Common], tolerance: usize) -> Result<Table> {
    // More than half of an object is in one that was found, or in none.
    let matches = common.iter().filter(|(first, _, pixels)| *pixels > truth.areas[first] / 2.0);
    let mut own: HashMap<Vertex, Vertex> = HashMap::new();
    let mut held: HashMap<Vertex, Vec<Vertex>> = HashMap::new();
    let mut likeness = 0.0;
    for &(first, second, pixels) in matches {
        own.insert(first, second);
        held.entry(second).or_default().push(first);
        likeness += pixels / (truth.areas[&first] + found.areas[&second] - pixels);
    }
    let mut faults = Faults {
        splits: held.values().map(|held| number(held.len()) - 1.0).sum(),
        missing: number(truth.areas.len() - own.len()),
        wrong: number(found.areas.len() - held.len()),
        ..Faults::default()
    };
    // Links count where each object is one.
    let alone = |vertex: &Vertex| match &held.get(vertex)?[..] {
        [first] => Some(*first),
        _ => None,
    };
    let mut met = 0;
    for (&(from, to), &is_child) in &found.links {
        let Some(link) = alone(&from).zip(alone(&to)) else { continue };
        match truth.links.get(&link) {
            Some(&expected) => {
                met += 1;
                faults.mistaken_links += f64::from(u8::from(expected != is_child));
            }
            None => faults.false_links += 1.0,
        }
    }
    faults.missing_links = number(truth.links.len() - met);
    let objects = number(truth.areas.len());
    let nothing = [10.0 * objects, 10.0 * objects + 1.5 * number(truth.links.len())];
    let scores = [faults.of_objects(), faults.of_all()];
    let [det, tra] = [0, 1].map(|at| 1.0 - scores[at].min(nothing[at]) / nothing[at]);
    let own = own.into_iter();
    let [precision, recall, both] = division_scores(truth, found, own, tolerance);
    let row = [
        ("seg", likeness / objects),
        ("det", det),
        ("tra", tra),
        ("splits", faults.splits),
        ("missing", faults.missing),
        ("false", faults.wrong),
        ("false_links", faults.false_links),
        ("missing_links", faults.missing_links),
        ("mistaken_links", faults.mistaken_links),
        ("idf1", idf1(truth, found, common)),
        ("division_precision", precision),
        ("division_recall", recall),
        ("division_f1", both),
    ];
    Table::new(row.map(|(name, number)| (name, vec![number])).to_vec())
}
