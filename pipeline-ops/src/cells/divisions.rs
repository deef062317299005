//! Which tracks are the daughters of which.

use std::collections::{HashMap, HashSet};

use pipeline_core::{Context, Result};

use super::objects::{Object, offset};
use crate::kernel::Sorted;

/// An object: its frame, and its place among the objects of that.
pub(super) type Place = (usize, usize);

/// How near to the mother a daughter may be, in sizes: nearer it is the mother.
const NEAREST: f64 = 0.25;

/// How far from her a daughter may be.
const FARTHEST: f64 = 1.6;

/// How far from her the middle between the daughters may be.
const OFF_MIDDLE: f64 = 0.4;

/// How large the daughters are together, in areas of the mother, who is small and round before.
const TOGETHER: std::ops::Range<f64> = 0.6..2.8;

/// How much smaller than the other one a daughter may be.
const EVEN: f64 = 0.5;

/// How often a daughter is seen, unless the movie ends.
const SEEN: usize = 2;

/// How many areas of the mother a daughter counts for at the most.
const LARGEST: f64 = 4.0;

/// What divided into what.
#[derive(Debug, Default)]
pub(super) struct Divisions {
    /// The frames in which a track that goes on begins to be a daughter of what it was.
    cuts: HashMap<usize, Vec<usize>>,
    /// The track that the first object of a track came from, and the frame it divided in.
    mothers: HashMap<usize, (usize, usize)>,
}

/// A part of a track: the track, and how many parts of it come before.
pub(super) type Part = (usize, usize);

impl Divisions {
    /// The part of a track that has the object of a frame.
    pub(super) fn part(&self, track: usize, frame: usize) -> Part {
        let cuts = self.cuts.get(&track).map_or(&[][..], Vec::as_slice);
        (track, cuts.iter().filter(|&&cut| cut <= frame).count())
    }

    /// What a part came from, if it is a daughter.
    pub(super) fn parent(&self, (track, before): Part) -> Option<Part> {
        match before.checked_sub(1) {
            Some(before) => Some((track, before)),
            None => self.mothers.get(&track).map(|&(mother, frame)| self.part(mother, frame)),
        }
    }
}

/// A division that may have been.
#[derive(Debug)]
struct Candidate {
    /// How little speaks for it.
    cost: f64,
    /// The first frame of the daughters.
    frame: usize,
    mother: usize,
    daughters: [usize; 2],
}

/// Finds the divisions of tracks, which are lists of objects by frame. A daughter begins a track,
/// and the other one does too or goes on with that of the mother.
pub(super) fn divisions(
    tracks: &[Vec<Place>],
    frames: &[Vec<Object>],
    ctx: &Context<'_>,
) -> Result<Divisions> {
    let mut present: Vec<Vec<Seen>> = vec![Vec::new(); frames.len()];
    let mut born: Vec<Vec<Seen>> = vec![Vec::new(); frames.len()];
    for (track, places) in tracks.iter().enumerate() {
        for (at, &(frame, _)) in places.iter().enumerate() {
            present[frame].push((track, at));
            if at == 0 {
                born[frame].push((track, at));
            }
        }
    }
    let movie = Movie { tracks, frames };
    let mut candidates = Vec::new();
    for frame in (1..frames.len()).filter(|&frame| !born[frame].is_empty()) {
        ctx.check()?;
        movie.see(frame, &present[frame - 1], &born[frame], &mut candidates);
    }
    Ok(chosen(candidates))
}

/// An object of a track: the track, and its place among the objects of that.
type Seen = (usize, usize);

#[derive(Debug)]
struct Movie<'a> {
    tracks: &'a [Vec<Place>],
    frames: &'a [Vec<Object>],
}

impl Movie<'_> {
    fn object(&self, (track, at): Seen) -> &Object {
        let (frame, place) = self.tracks[track][at];
        &self.frames[frame][place]
    }

    /// Adds what may have divided into objects of a frame, of which `born` begin a track.
    fn see(&self, frame: usize, mothers: &[Seen], born: &[Seen], found: &mut Vec<Candidate>) {
        let sorted = Sorted::new(born.iter().map(|&seen| self.object(seen).centroid[0]));
        for &(mother, at) in mothers {
            let before = self.object((mother, at));
            let (x, far) = (before.centroid[0], FARTHEST * (LARGEST * before.area).sqrt());
            let mut near: Vec<Seen> = sorted.within(x - far, x + far).map(|at| born[at]).collect();
            near.sort_unstable();
            let candidate = |pair| self.candidate(frame, mother, before, pair);
            match self.tracks[mother].get(at + 1) {
                Some(&(next, _)) if next == frame => {
                    let pairs = near.iter().map(|&first| [first, (mother, at + 1)]);
                    found.extend(pairs.filter_map(candidate));
                }
                // She is seen later, as one.
                Some(_) => {}
                None => {
                    let pairs = near.iter().enumerate().flat_map(|(count, &first)| {
                        near[count + 1..].iter().map(move |&second| [first, second])
                    });
                    found.extend(pairs.filter_map(candidate));
                }
            }
        }
    }

    fn candidate(
        &self,
        frame: usize,
        mother: usize,
        before: &Object,
        daughters: [Seen; 2],
    ) -> Option<Candidate> {
        let seen = daughters.map(|(track, at)| self.tracks[track].len() - at);
        let is_seen = seen[0].min(seen[1]) >= SEEN.min(self.frames.len() - frame);
        let cost = cost(before, daughters.map(|seen| self.object(seen)), is_seen)?;
        Some(Candidate { cost, frame, mother, daughters: daughters.map(|seen| seen.0) })
    }
}

/// How little speaks for a division, of those that may be one. What the edge may have cut off may
/// be larger or less even, and is not asked for how often it is seen.
fn cost(mother: &Object, daughters: [&Object; 2], is_seen: bool) -> Option<f64> {
    let areas = daughters.map(|daughter| daughter.area);
    let (less, more) = (areas[0].min(areas[1]), areas[0].max(areas[1]));
    let together = (less + more) / mother.area;
    let is_cut_off = mother.is_at_edge || daughters.iter().any(|daughter| daughter.is_at_edge);
    let is_whole = is_seen && together < TOGETHER.end && less >= EVEN * more;
    if !(together >= TOGETHER.start && (is_cut_off || is_whole)) {
        return None;
    }
    let size = more.max(mother.area).min(LARGEST * mother.area).sqrt();
    let [first, second] = daughters.map(|daughter| offset(mother, daughter));
    let far = [first, second].map(|[x, y]| x.hypot(y) / size);
    let middle = (first[0] + second[0]).hypot(first[1] + second[1]) / (2.0 * size);
    let is_apart = far.iter().all(|far| (NEAREST..=FARTHEST).contains(far));
    let uneven = if is_cut_off { 0.5 } else { (more / less).ln() };
    (is_apart && middle <= OFF_MIDDLE).then_some(far[0] + far[1] + middle + uneven)
}

/// The divisions for which most speaks: of those that share a daughter, or a mother in one frame,
/// the one that costs least.
fn chosen(mut candidates: Vec<Candidate>) -> Divisions {
    candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let (mut divisions, mut divided) = (Divisions::default(), HashSet::new());
    for Candidate { frame, mother, daughters, .. } in candidates {
        let born = daughters.iter().filter(|&&daughter| daughter != mother);
        let is_taken = born.clone().any(|daughter| divisions.mothers.contains_key(daughter));
        if is_taken || !divided.insert((mother, frame)) {
            continue;
        }
        for &daughter in born {
            divisions.mothers.insert(daughter, (mother, frame - 1));
        }
        if daughters.contains(&mother) {
            divisions.cuts.entry(mother).or_default().push(frame);
        }
    }
    divisions
}
