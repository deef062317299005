//! Steps of `draw`.

use pipeline_core::In;
use pipeline_ops::draw::{ColorLabels, ColorMap, ContactSheet, DrawTracks, OutlineLabels, Text};
use pipeline_ops::measure::Table;
use serde_json::json;

use super::{Row, SIZE, TYPES, contract, images, labels, step};
use crate::support::filled;

fn contact_sheet() {
    let sheets = [json!({ "background": 0.5 }), json!({ "columns": 3, "width": 9, "gap": 0 })];
    for (sample, params) in TYPES.into_iter().flat_map(|t| sheets.each_ref().map(|p| (t, p))) {
        for channels in [1, 4] {
            let sizes = [SIZE, (5, 30), (31, 2), SIZE];
            let images = sizes.map(|size| In::new(filled(size, channels, sample, 4)));
            contract().run(&step::<ContactSheet>(params), images.into());
        }
    }
}

fn color_labels() {
    for transparent in [false, true] {
        contract().run(&ColorLabels { transparent }, In::new(labels()));
    }
}

fn outline_labels() {
    for (at, side) in (0..).zip(["inner", "outer", "thick"]) {
        let params = json!({ "side": side, "color": [1.0, 0.5, 0.0], "opacity": 0.7 });
        for (sample, channels) in TYPES.into_iter().flat_map(|t| [1, 2, 3, 4].map(|c| (t, c))) {
            let image = In::new(filled(SIZE, channels, sample, at));
            contract().run(&step::<OutlineLabels>(&params), (image, In::new(labels())));
        }
    }
}

fn draw_tracks() {
    let columns =
        [("frame", [2.0, 2.0, 1.0]), ("label", [1.0, 2.0, 7.0]), ("track", [5.0, 9.0, 1.0])];
    let tracks = Table::new(columns.map(|(name, numbers)| (name, numbers.to_vec())).to_vec());
    let tracks = In::new(tracks.unwrap());
    for channels in [1, 3] {
        let image = In::new(filled(SIZE, channels, TYPES[0], 3));
        let params = json!({ "frame": 2, "line": channels });
        contract().run(&step::<DrawTracks>(&params), (image, In::new(labels()), tracks.clone()));
    }
}

pub(super) const ROWS: &[Row] = &[
    ("color_labels", color_labels),
    ("color_map", || {
        let params = ["gray", "turbo"].map(|p| json!({ "palette": p, "low": 0.25, "high": 90.0 }));
        images::<ColorMap>(&[1, 2], &params);
    }),
    ("contact_sheet", contact_sheet),
    ("draw_tracks", draw_tracks),
    ("outline_labels", outline_labels),
    ("text", || {
        let params = json!({
            "text": "ab\nÅ°€", "x": -2, "y": 3, "scale": 2, "color": [1.0, 0.5, 0.0], "opacity": 0.7,
        });
        images::<Text>(&[1, 2, 3, 4], &[params]);
    }),
];
