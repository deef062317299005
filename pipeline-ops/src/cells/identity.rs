//! How well whole tracks are found, and their divisions.

use std::collections::BTreeMap;

use super::columns::number;
use super::tracking_scores::{Common, Tracks, Vertex};
use crate::kernel::assign;

/// How much an object has in common with one that is found, at the least.
const FOUND: f64 = 0.5;

/// The share of objects that are found on the track that stands for theirs, of all that are true
/// or found. Each true track stands for one that is found, so that they are as many as can be.
pub(super) fn idf1(truth: &Tracks, found: &Tracks, common: &[Common]) -> f64 {
    let mut counts: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for (first, second, pixels) in common {
        if pixels / (truth.areas[first] + found.areas[second] - pixels) >= FOUND {
            *counts.entry((first.1, second.1)).or_default() += 1;
        }
    }
    let tracks = |of: fn(&(u64, u64)) -> u64| {
        let mut tracks: Vec<u64> = counts.keys().map(of).collect();
        tracks.sort_unstable();
        tracks.dedup();
        tracks
    };
    let (rows, columns) = (tracks(|pair| pair.0), tracks(|pair| pair.1));
    let place = |tracks: &[u64], track: u64| tracks.partition_point(|&other| other < track);
    let pairs: Vec<(usize, usize, f64)> = counts
        .iter()
        .map(|(pair, &count)| (place(&rows, pair.0), place(&columns, pair.1), number(count)))
        .collect();
    let assigned = assign(rows.len(), columns.len(), &pairs);
    let held = pairs.iter().filter(|(row, column, _)| assigned[*row] == Some(*column));
    let held: f64 = held.map(|pair| pair.2).sum();
    2.0 * held / number(truth.areas.len() + found.areas.len())
}

/// The shares of divisions that are true of those that are found, that are found of those that
/// are true, and both: twice those that are true and found, of all of either kind.
///
/// A track stands for the true one that most of its objects are of. A division is found if that of
/// the mother is a true mother, those of two daughters are her daughters, and it is `tolerance`
/// frames early or late at the most.
pub(super) fn division_scores(
    truth: &Tracks,
    found: &Tracks,
    own: impl Iterator<Item = (Vertex, Vertex)>,
    tolerance: usize,
) -> [f64; 3] {
    let mut counts: BTreeMap<u64, BTreeMap<u64, usize>> = BTreeMap::new();
    for (first, second) in own {
        *counts.entry(second.1).or_default().entry(first.1).or_default() += 1;
    }
    let meant = |track: &u64| {
        let (&track, _) = counts.get(track)?.iter().rev().max_by_key(|(_, count)| **count)?;
        Some(track)
    };
    let (expected, seen) = (divisions(truth), divisions(found));
    let mut met: Vec<u64> = Vec::new();
    for (mother, division) in &seen {
        let Some(mother) = meant(mother) else { continue };
        let Some(other) = expected.get(&mother) else { continue };
        let mut daughters: Vec<u64> = division.daughters.iter().filter_map(meant).collect();
        daughters.sort_unstable();
        daughters.dedup();
        daughters.retain(|daughter| other.daughters.contains(daughter));
        let is_in_time = division.frame.abs_diff(other.frame) <= tolerance;
        if is_in_time && daughters.len() > 1 && !met.contains(&mother) {
            met.push(mother);
        }
    }
    let (met, seen, expected) = (number(met.len()), number(seen.len()), number(expected.len()));
    [met / seen, met / expected, 2.0 * met / (seen + expected)]
}

/// What a track divided into, and the first frame of that.
#[derive(Debug)]
struct Division {
    daughters: Vec<u64>,
    frame: usize,
}

/// The divisions by their mothers. One daughter alone is none.
fn divisions(tracks: &Tracks) -> BTreeMap<u64, Division> {
    let mut begins: BTreeMap<u64, usize> = BTreeMap::new();
    for &(frame, track) in tracks.areas.keys() {
        begins.entry(track).or_insert(frame);
    }
    let mut divisions: BTreeMap<u64, Division> = BTreeMap::new();
    for (&track, &begin) in &begins {
        let parent = tracks.parents.get(&track).filter(|parent| begins.contains_key(parent));
        let Some(&parent) = parent else { continue };
        let empty = Division { daughters: Vec::new(), frame: begin };
        let division = divisions.entry(parent).or_insert(empty);
        division.daughters.push(track);
        division.frame = division.frame.min(begin);
    }
    divisions.retain(|_, division| division.daughters.len() > 1);
    divisions
}
