//! Images of tracks.

use pipeline_core::{Context, Image, In, Labels, Result, SampleType, Step};
use pipeline_ops::cells::TrackImage;
use pipeline_ops::measure::Table;

fn labels() -> Labels {
    Labels::new(3, 2, vec![0, 1, 1, 2, 0, 3]).unwrap()
}

fn run(step: &TrackImage, rows: &[[f64; 3]]) -> Result<Image> {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect();
    let columns = vec![("frame", column(0)), ("label", column(1)), ("track", column(2))];
    step.run((In::new(labels()), In::new(Table::new(columns)?)), &Context::default())
}

#[test]
fn an_object_has_the_number_of_its_track() {
    let rows = [[0.0, 2.0, 1.0], [1.0, 3.0, 200.0], [1.0, 1.0, 9.0], [2.0, 1.0, 4.0]];
    let of = |to| run(&TrackImage { frame: 1, to }, &rows).unwrap();
    assert_eq!(of(SampleType::U8).samples::<u8>(), Some(&[0, 9, 9, 0, 0, 200][..]));
    assert_eq!(of(SampleType::U16).samples::<u16>(), Some(&[0, 9, 9, 0, 0, 200][..]));
    assert_eq!(of(SampleType::F32).samples::<f32>(), Some(&[0.0, 9.0, 9.0, 0.0, 0.0, 200.0][..]));
    let none = run(&TrackImage { frame: 7, ..TrackImage::default() }, &rows).unwrap();
    assert_eq!(none.samples::<u16>(), Some(&[0; 6][..]));
}

#[test]
fn what_is_no_track_is_refused() {
    let refused = |to, row: [f64; 3]| {
        let step = TrackImage { frame: 1, to };
        run(&step, &[row]).unwrap_err().to_string()
    };
    for label in [0.0, 4.0, 1.5, -1.0, f64::NAN, f64::INFINITY] {
        let error = refused(SampleType::U16, [1.0, label, 1.0]);
        let expected =
            format!("a label of frame 1 is {label}, expected a whole number from 1 to 3");
        assert_eq!(error, expected);
    }
    for track in [0.0, 256.0, 1.5, f64::NAN] {
        let error = refused(SampleType::U8, [1.0, 2.0, track]);
        assert!(
            error.starts_with(&format!("the track of label 2 of frame 1 is {track}")),
            "{error}"
        );
    }
    assert!(refused(SampleType::U32, [1.0, 1.0, 1.0]).ends_with("expected u8, u16 or f32"));
    let table = Table::new(vec![("frame", vec![1.0]), ("label", vec![1.0])]).unwrap();
    let inputs = (In::new(labels()), In::new(table));
    let error = TrackImage::default().run(inputs, &Context::default()).unwrap_err().to_string();
    assert!(error.ends_with("expected `track` among them"), "{error}");
}
