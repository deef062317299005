//! How tracks are scored beside the truth.

use pipeline_core::{Context, In, Labels, Stack, Step};
use pipeline_ops::cells::{CellFeatures, LabelOverlaps, Link, SegmentCells, TrackingScores};
use pipeline_ops::io::SeriesFile;
use pipeline_ops::measure::Table;

use crate::cells::tracked;
use crate::io::data;
use crate::support::shipped;

/// Objects of one track each: the frame, the label, the track and its parent.
fn tracks(rows: &[[u32; 4]]) -> In<Table> {
    let of = |at: usize| rows.iter().map(|row| f64::from(row[at])).collect::<Vec<f64>>();
    let names = ["frame", "label", "track", "parent"];
    let columns = names.iter().enumerate().map(|(at, &name)| (name, of(at))).collect();
    In::new(Table::new(columns).unwrap())
}

/// The objects of a row of tracks in a frame, numbered without gaps, and which is which.
fn numbered(frame: u32, row: &[u32], parents: &[(u32, u32)]) -> (Labels, Vec<[u32; 4]>) {
    let mut known: Vec<u32> = row.iter().copied().filter(|&track| track > 0).collect();
    known.sort_unstable();
    known.dedup();
    let number = |track: u32| known.iter().position(|&other| other == track).map_or(0, |at| at + 1);
    let labels: Vec<u32> = row.iter().map(|&track| u32::try_from(number(track)).unwrap()).collect();
    let parent = |track: u32| parents.iter().find(|row| row.0 == track).map_or(0, |row| row.1);
    let rows = known.iter().zip(1..).map(|(&track, label)| [frame, label, track, parent(track)]);
    let width = u32::try_from(row.len()).unwrap();
    (Labels::new(width, 1, labels).unwrap(), rows.collect())
}

/// The scores of frames of true and found tracks in one row.
fn scores(
    truth: &[(u32, u32)],
    found: &[(u32, u32)],
    frames: &[(&[u32], &[u32])],
) -> (Table, [f64; 9]) {
    let ctx = Context::default();
    let (mut of_truth, mut of_found, mut overlaps) = (Vec::new(), Vec::new(), Vec::new());
    for ((truth_row, found_row), frame) in frames.iter().zip(0..) {
        let (first, rows) = numbered(frame, truth_row, truth);
        of_truth.extend(rows);
        let (second, rows) = numbered(frame, found_row, found);
        of_found.extend(rows);
        let inputs = (In::new(first), In::new(second));
        overlaps.push(In::new(LabelOverlaps {}.run(inputs, &ctx).unwrap()));
    }
    let both = [tracks(&of_truth), tracks(&of_found)];
    let table =
        TrackingScores::default().run(both.into_iter().chain(overlaps).collect(), &ctx).unwrap();
    let row: Vec<f64> = table.columns().take(9).map(|(_, numbers)| numbers[0]).collect();
    (table, row.try_into().unwrap())
}

#[test]
fn each_fault_is_counted_once() {
    // Two tracks over three frames: the second is the child of the first.
    let truth = [(1, 0), (2, 1)];
    let all: [(&[u32], &[u32]); 3] = [
        (&[1, 1, 0, 0], &[7, 7, 0, 0]),
        (&[1, 1, 0, 0], &[7, 7, 0, 0]),
        (&[0, 2, 2, 2], &[0, 8, 8, 8]),
    ];
    let found = [(7, 0), (8, 7)];
    assert_eq!(scores(&truth, &found, &all).1, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // No parent: one link is missing, of 3 x 10 + 2 x 1.5.
    let alone = scores(&truth, &[(7, 0), (8, 0)], &all).1;
    assert_eq!(alone[3..], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert!((alone[2] - (1.0 - 1.5 / 33.0)).abs() < 1e-12);
    // One track instead of two: a link of another kind.
    let one: Vec<(&[u32], &[u32])> = vec![all[0], all[1], (&[0, 2, 2, 2], &[0, 7, 7, 7])];
    assert_eq!(scores(&truth, &[(7, 0)], &one).1[3..], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    // Half of an object is none of it, and what is found of it is false.
    let half: Vec<(&[u32], &[u32])> = vec![all[0], (&[1, 1, 0, 0], &[7, 0, 0, 0]), all[2]];
    let half = scores(&truth, &found, &half).1;
    assert_eq!(half[3..], [0.0, 1.0, 1.0, 0.0, 2.0, 0.0]);
    assert!((half[0] - 2.0 / 3.0).abs() < 1e-12 && (half[1] - (1.0 - 11.0 / 30.0)).abs() < 1e-12);
    // One object in place of two.
    let joined = scores(&[(1, 0), (2, 0)], &[(5, 0)], &[(&[1, 1, 2, 2], &[5, 5, 5, 5])]).1;
    assert_eq!(joined[..6], [0.5, 0.75, 0.75, 1.0, 0.0, 0.0]);
    // Two that change places, and nothing at all.
    let [a, b]: [&[u32]; 2] = [&[1, 1, 2, 2], &[2, 2, 1, 1]];
    let crossed = scores(&[(1, 0), (2, 0)], &[(1, 0), (2, 0)], &[(a, a), (a, b)]).1;
    assert_eq!(crossed[6..], [2.0, 2.0, 0.0]);
    let none = scores(&truth, &[], &[(&[1, 1], &[0, 0])]).1;
    assert_eq!(none[..3], [0.0; 3]);
}

#[test]
fn a_track_goes_on_over_a_frame_in_which_it_is_missing() {
    let one: &[u32] = &[1, 1];
    let frames: [(&[u32], &[u32]); 3] = [(one, one), (&[0, 0], &[0, 0]), (one, one)];
    assert_eq!(scores(&[(1, 0)], &[(1, 0)], &frames).1[..3], [1.0; 3]);
}

#[test]
fn tables_that_do_not_fit_are_named() {
    let ctx = Context::default();
    let error = TrackingScores::default().run(vec![tracks(&[])], &ctx).unwrap_err().to_string();
    assert!(error.contains("the tables is 1, expected the true tracks"), "{error}");
    let tables = vec![tracks(&[]), tracks(&[]), tracks(&[])];
    let error = TrackingScores::default().run(tables, &ctx).unwrap_err().to_string();
    assert_eq!(
        error,
        "the columns of frame 0 is frame, label, track, parent, expected `first` among them"
    );
    let labels = |len: u32| In::new(Labels::new(len, 1, vec![0; len as usize]).unwrap());
    let error = LabelOverlaps {}.run((labels(2), labels(3)), &ctx).unwrap_err().to_string();
    assert_eq!(error, "`second` is 3×1, expected 2×1 as `first`");
}

#[test]
fn identity_is_that_of_whole_tracks() {
    let idf1 = |found: &[&[u32]]| {
        let truth: [&[u32]; 4] = [&[1, 1, 2, 2]; 4];
        let frames: Vec<(&[u32], &[u32])> =
            truth.iter().zip(found).map(|(a, b)| (*a, *b)).collect();
        scores(&[(1, 0), (2, 0)], &[], &frames).0.column("idf1").unwrap()[0]
    };
    let [both, swapped]: [&[u32]; 2] = [&[5, 5, 6, 6], &[6, 6, 5, 5]];
    let [joined, nothing]: [&[u32]; 2] = [&[5; 4], &[0; 4]];
    assert_eq!(idf1(&[both; 4]), 1.0);
    assert_eq!(idf1(&[both, both, both, swapped]), 2.0 * 6.0 / 16.0);
    // A track that goes on as another one; half of an object is enough of it, less is not.
    assert_eq!(idf1(&[both, both, both, &[7, 7, 6, 6]]), 2.0 * 7.0 / 16.0);
    assert_eq!(idf1(&[both, both, both, &[5, 0, 6, 6]]), 1.0);
    assert_eq!(idf1(&[both, both, both, &[5, 6, 6, 6]]), 1.0);
    assert_eq!(idf1(&[joined; 4]), 2.0 * 4.0 / 12.0);
    assert_eq!(idf1(&[nothing; 4]), 0.0);
}

#[test]
fn divisions_are_found_a_frame_early_or_late() {
    let truth = [(1, 0), (2, 1), (3, 1)];
    let [before, after]: [&[u32]; 2] = [&[1, 1, 1, 1], &[2, 2, 3, 3]];
    let truth_rows = [before, before, before, after, after, after];
    let division = |found: &[(u32, u32)], rows: [&[u32]; 6]| {
        let frames: Vec<(&[u32], &[u32])> = truth_rows.into_iter().zip(rows).collect();
        let table = scores(&truth, found, &frames).0;
        ["precision", "recall", "f1"]
            .map(|name| table.column(&format!("division_{name}")).unwrap()[0])
    };
    let family = [(7, 0), (8, 7), (9, 7)];
    let [one, two]: [&[u32]; 2] = [&[7, 7, 7, 7], &[8, 8, 9, 9]];
    assert_eq!(division(&family, [one, one, one, two, two, two]), [1.0; 3]);
    assert_eq!(division(&family, [one, one, two, two, two, two]), [1.0; 3], "early");
    let late: &[u32] = &[7, 7, 7, 7];
    assert_eq!(division(&family, [one, one, one, late, two, two]), [1.0; 3], "late");
    assert_eq!(division(&family, [one, two, two, two, two, two]), [0.0; 3], "too early");
    // One daughter is the mother, or of another cell.
    let stays = division(&[(7, 0), (9, 7)], [one, one, one, &[7, 7, 9, 9], two, two]);
    assert!(stays[0].is_nan() && stays[1..] == [0.0, 0.0], "{stays:?}");
    let other = [(7, 0), (8, 7), (9, 0), (5, 7)];
    let wrong: &[u32] = &[8, 8, 9, 5];
    assert_eq!(division(&other, [one, one, one, wrong, wrong, two]), [0.0; 3]);
}

/// The true objects of the first frames of a movie, and their tracks.
fn truth(movie: &str, frames: usize) -> (Vec<Labels>, In<Table>) {
    let stack = SeriesFile::open(shipped("cells").join(format!("truth-{movie}.tif"))).unwrap();
    let stack = stack.stack(0, 0, 0).unwrap();
    let text = std::fs::read_to_string(shipped("cells").join(format!("truth-{movie}.csv")));
    let text = text.unwrap();
    let number = |text: &str| text.parse::<u32>().unwrap();
    let rows = text.lines().skip(1).map(|line| line.split(',').map(number).collect());
    let parents: Vec<(u32, u32)> = rows.map(|row: Vec<u32>| (row[0], row[3])).collect();
    let (mut all, mut of_truth) = (Vec::new(), Vec::new());
    for t in 0..frames.min(stack.frames()) {
        let frame = stack.frame(t).unwrap();
        let row: Vec<u32> =
            frame.samples::<u16>().unwrap().iter().map(|&label| label.into()).collect();
        let (labels, rows) = numbered(t as u32, &row, &parents);
        of_truth.extend(rows);
        let labels = labels.labels().to_vec();
        all.push(Labels::new(frame.width(), frame.height(), labels).unwrap());
    }
    (all, tracks(&of_truth))
}

/// The scores of objects and tracks beside the truth.
fn beside(truth: &(Vec<Labels>, In<Table>), labels: Vec<Labels>, found: Table) -> Table {
    let ctx = Context::default();
    let overlaps = truth.0.iter().zip(labels).map(|(first, second)| {
        let inputs = (In::new(first.clone()), In::new(second));
        In::new(LabelOverlaps {}.run(inputs, &ctx).unwrap())
    });
    let both = [truth.1.clone(), In::new(found)];
    TrackingScores::default().run(both.into_iter().chain(overlaps).collect(), &ctx).unwrap()
}

/// Scores of a table by their names.
fn named<const N: usize>(scores: &Table, names: [&str; N]) -> [f64; N] {
    names.map(|name| scores.column(name).unwrap()[0])
}

#[test]
fn true_objects_are_followed_as_they_are() {
    for movie in ["synth-a-0", "synth-a-1", "synth-b-0"] {
        let truth = truth(movie, usize::MAX);
        let ctx = Context::default();
        let measure =
            |labels: &Labels| In::new(CellFeatures {}.run(In::new(labels.clone()), &ctx).unwrap());
        let frames = truth.0.iter().map(measure).collect();
        let found = Link::default().run(frames, &ctx).unwrap();
        let labels = truth.0.clone();
        let scores = beside(&truth, labels, found);
        let [tra, idf1, divisions] = named(&scores, ["tra", "idf1", "division_f1"]);
        println!("{movie}: TRA {tra:.4}, IDF1 {idf1:.4}, division F1 {divisions:.2}");
        assert!(tra > 0.999 && idf1 > 0.997 && divisions == 1.0, "{movie}: {tra}, {idf1}");
    }
}

/// The cells of a movie of which nothing is known, and their tracks.
fn found(stack: &Stack, frames: usize) -> (Vec<Labels>, Table) {
    let ctx = Context::default();
    let find = |t| SegmentCells::default().run(In::new(stack.frame(t).unwrap()), &ctx).unwrap();
    let labels: Vec<Labels> = (0..frames).map(find).collect();
    let measure =
        |labels: &Labels| In::new(CellFeatures {}.run(In::new(labels.clone()), &ctx).unwrap());
    let tracks = Link::default().run(labels.iter().map(measure).collect(), &ctx).unwrap();
    (labels, tracks)
}

#[test]
fn cells_of_the_shipped_series_are_found_and_followed() {
    let file = SeriesFile::open(shipped("cells/synth-b.ome.tif")).unwrap();
    let stack = file.stack(0, 0, 0).unwrap();
    let (labels, tracks) = found(&stack, stack.frames());
    let scores = beside(&truth("synth-b-0", stack.frames()), labels, tracks);
    let [seg, tra, idf1] = named(&scores, ["seg", "tra", "idf1"]);
    println!("shipped: SEG {seg:.3}, TRA {tra:.3}, IDF1 {idf1:.3}");
    assert!(seg > 0.9 && tra > 0.95 && idf1 > 0.92, "{seg}, {tra}, {idf1}");
}

#[test]
fn cells_of_all_movies_are_found_and_followed() {
    let Some(all) = data("microscopy") else { return };
    for (movie, field, least) in [
        ("synth-a", 0, [0.95, 0.98, 0.98]),
        ("synth-a", 1, [0.95, 0.98, 0.98]),
        ("synth-b", 0, [0.92, 0.96, 0.95]),
    ] {
        let path = all.join(format!("{movie}/{movie}.ome.tiff"));
        let stack = SeriesFile::open(path).unwrap().stack(field, 0, 0).unwrap();
        let (labels, tracks) = found(&stack, stack.frames());
        let truth = truth(&format!("{movie}-{field}"), usize::MAX);
        let scores = beside(&truth, labels, tracks);
        let [seg, tra, idf1, divisions] = named(&scores, ["seg", "tra", "idf1", "division_f1"]);
        println!("{movie} {field}: SEG {seg:.3}, TRA {tra:.3}, IDF1 {idf1:.3}, F1 {divisions:.2}");
        let is_met = [seg, tra, idf1].iter().zip(least).all(|(score, least)| *score >= least);
        assert!(is_met && divisions >= 0.9, "{movie} {field}: {seg}, {tra}, {idf1}, {divisions}");
    }
}

/// What `py-ctcmetrics` says of the tracks that the original finds, and what `motmetrics` says.
const ORIGINAL: [(&str, usize, [f64; 3], f64); 3] = [
    ("synth-a", 0, [0.413, 0.772, 0.764], 0.650_970),
    ("synth-a", 1, [0.251, 0.557, 0.530], 0.298_201),
    ("synth-b", 0, [0.112, 0.282, 0.259], 0.162_562),
];

#[test]
fn the_original_has_the_scores_that_are_known_of_it() {
    let Some(all) = data("microscopy") else { return };
    for (movie, field, expected, identity) in ORIGINAL {
        let path = all.join(format!("{movie}/{movie}.ome.tiff"));
        let stack = SeriesFile::open(path).unwrap().stack(field, 0, 0).unwrap();
        let (labels, found) = tracked(&stack);
        let scores = beside(&truth(&format!("{movie}-{field}"), usize::MAX), labels, found);
        for (found, expected) in named(&scores, ["seg", "det", "tra"]).iter().zip(expected) {
            assert!((found - expected).abs() < 6e-4, "{movie} {field}: {found} for {expected}");
        }
        let [found] = named(&scores, ["idf1"]);
        assert!((found - identity).abs() < 1e-6, "{movie} {field}: {found} for {identity}");
    }
}

#[test]
fn the_identity_of_the_shipped_series_is_that_of_motmetrics() {
    let stack = SeriesFile::open(shipped("cells/synth-b.ome.tif")).unwrap();
    let (labels, found) = tracked(&stack.stack(0, 0, 0).unwrap());
    let scores = beside(&truth("synth-b-0", labels.len()), labels, found);
    // `motmetrics` 1.4.0: 16 of 43 true and of 30 found objects.
    assert_eq!(named(&scores, ["idf1"]), [2.0 * 16.0 / (43.0 + 30.0)]);
}
