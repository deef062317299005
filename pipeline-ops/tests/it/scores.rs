//! How tracks are scored beside the truth.

use pipeline_core::{Context, In, Labels, Step};
use pipeline_ops::cells::{LabelOverlaps, TrackingScores};
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
    let table = TrackingScores {}.run(both.into_iter().chain(overlaps).collect(), &ctx).unwrap();
    let row: Vec<f64> = table.columns().map(|(_, numbers)| numbers[0]).collect();
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
    let error = TrackingScores {}.run(vec![tracks(&[])], &ctx).unwrap_err().to_string();
    assert!(error.contains("the tables is 1, expected the true tracks"), "{error}");
    let tables = vec![tracks(&[]), tracks(&[]), tracks(&[])];
    let error = TrackingScores {}.run(tables, &ctx).unwrap_err().to_string();
    assert_eq!(
        error,
        "the columns of frame 0 is frame, label, track, parent, expected `first` among them"
    );
    let labels = |len: u32| In::new(Labels::new(len, 1, vec![0; len as usize]).unwrap());
    let error = LabelOverlaps {}.run((labels(2), labels(3)), &ctx).unwrap_err().to_string();
    assert_eq!(error, "`second` is 3×1, expected 2×1 as `first`");
}

/// What `py-ctcmetrics` says of the tracks that the original finds.
const ORIGINAL: [(&str, usize, [f64; 3]); 3] = [
    ("synth-a", 0, [0.413, 0.772, 0.764]),
    ("synth-a", 1, [0.251, 0.557, 0.530]),
    ("synth-b", 0, [0.112, 0.282, 0.259]),
];

#[test]
fn the_original_has_the_scores_that_are_known_of_it() {
    let Some(all) = data("microscopy") else { return };
    let ctx = Context::default();
    for (movie, field, expected) in ORIGINAL {
        let path = all.join(format!("{movie}/{movie}.ome.tiff"));
        let stack = SeriesFile::open(path).unwrap().stack(field, 0, 0).unwrap();
        let (labels, found) = tracked(&stack);
        let name = format!("truth-{movie}-{field}");
        let truth = SeriesFile::open(shipped("cells").join(format!("{name}.tif"))).unwrap();
        let truth = truth.stack(0, 0, 0).unwrap();
        let text = std::fs::read_to_string(shipped("cells").join(format!("{name}.csv"))).unwrap();
        let number = |text: &str| text.parse::<u32>().unwrap();
        let rows = text.lines().skip(1).map(|line| line.split(',').map(number).collect());
        let parents: Vec<(u32, u32)> = rows.map(|row: Vec<u32>| (row[0], row[3])).collect();
        let (mut of_truth, mut overlaps) = (Vec::new(), Vec::new());
        for (labels, t) in labels.into_iter().zip(0..) {
            let frame = truth.frame(t as usize).unwrap();
            let row: Vec<u32> =
                frame.samples::<u16>().unwrap().iter().map(|&label| label.into()).collect();
            let (all, rows) = numbered(t, &row, &parents);
            of_truth.extend(rows);
            let all = Labels::new(labels.width(), labels.height(), all.labels().to_vec()).unwrap();
            let inputs = (In::new(all), In::new(labels));
            overlaps.push(In::new(LabelOverlaps {}.run(inputs, &ctx).unwrap()));
        }
        let both = [tracks(&of_truth), In::new(found)];
        let scores = TrackingScores {}.run(both.into_iter().chain(overlaps).collect(), &ctx);
        let scores = scores.unwrap();
        let found = ["seg", "det", "tra"].map(|name| scores.column(name).unwrap()[0]);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 6e-4, "{movie} {field}: {found} for {expected}");
        }
    }
}
