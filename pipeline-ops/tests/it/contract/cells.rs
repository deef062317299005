//! Steps of `cells`.

use pipeline_core::{Context, In, Step};
use pipeline_ops::cells::{
    Background, CellFeatures, CellSums, LabelOverlaps, Link, SegmentCells, Traces, TrackImage,
    TrackingScores,
};
use pipeline_ops::measure::Table;
use serde_json::json;

use super::{Row, SIZE, TYPES, contract, labels, mask, step};
use crate::support::filled;

fn background() {
    for surface in ["smooth", "spline"] {
        let params = json!({ "surface": surface, "tile": 8, "grow": 0 });
        for sample in TYPES {
            for mask in [None, Some(In::new(mask()))] {
                contract()
                    .run(&step::<Background>(&params), (In::new(filled(SIZE, 1, sample, 4)), mask));
            }
        }
    }
}

/// The same objects three times.
fn frames() -> Vec<In<Table>> {
    let run = |_| CellFeatures {}.run(In::new(labels()), &Context::default()).unwrap();
    (0..3).map(run).map(In::new).collect()
}

fn cell_features() {
    contract().run(&CellFeatures {}, In::new(labels()));
}

fn cell_sums() {
    for sample in TYPES {
        contract().run(&CellSums {}, (In::new(labels()), In::new(filled(SIZE, 1, sample, 4))));
    }
}

fn link() {
    for by in ["shape", "overlap"] {
        contract().run(&step::<Link>(&json!({ "by": by })), frames());
    }
}

fn segment_cells() {
    for sample in TYPES {
        let params = json!({ "min_area": 1, "contrast": 0.0 });
        contract().run(&step::<SegmentCells>(&params), In::new(filled(SIZE, 1, sample, 4)));
    }
}

fn traces() {
    let mut tables = vec![In::new(Link::default().run(frames(), &Context::default()).unwrap())];
    tables.extend(frames());
    let image = In::new(filled(SIZE, 1, TYPES[1], 4));
    let sums = CellSums {}.run((In::new(labels()), image), &Context::default()).unwrap();
    tables.extend((0..3).map(|_| In::new(sums.clone())));
    let params = json!({
        "channels": ["signal"], "min_frames": 2, "margin": 1, "max_missing": 0.5, "max_change": 2,
        "max_speed": 9, "poor": "mark",
    });
    contract().run(&step::<Traces>(&params), tables);
}

fn tracking_scores() {
    let tracks = || {
        let ones = vec![1.0; 3];
        let columns =
            vec![("frame", vec![0.0, 1.0, 2.0]), ("label", ones.clone()), ("track", ones)];
        In::new(Table::new(columns).unwrap())
    };
    let run = |inputs| LabelOverlaps {}.run(inputs, &Context::default()).unwrap();
    let frame = |_| In::new(run((In::new(labels()), In::new(labels()))));
    let tables = [tracks(), tracks()].into_iter().chain((0..3).map(frame)).collect();
    contract().run(&TrackingScores::default(), tables);
}

pub(super) const ROWS: &[Row] = &[
    ("background", background),
    ("cell_features", cell_features),
    ("cell_sums", cell_sums),
    ("label_overlaps", || {
        contract().run(&LabelOverlaps {}, (In::new(labels()), In::new(labels())));
    }),
    ("link", link),
    ("track_image", || {
        let tracks = Link::default().run(frames(), &Context::default()).unwrap();
        let step = TrackImage { frame: 1, ..TrackImage::default() };
        contract().run(&step, (In::new(labels()), In::new(tracks)));
    }),
    ("segment_cells", segment_cells),
    ("traces", traces),
    ("tracking_scores", tracking_scores),
];
