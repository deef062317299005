//! Plain functions on slices: what the steps compute, without graphs, views or parameters.
//!
//! Rows are interleaved: the samples of one pixel stand next to each other. Of the engine the
//! functions know [`Sample`](pipeline_core::Sample) and how errors are told, and no image, view or
//! context. Each is written so that the order of its float operations depends on the place of a
//! pixel in the image and never on how the image was cut into tiles.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "kernels convert between places, counts and floats whose ranges their callers checked"
)]

// Rows, edges and vectors: what the others stand on.
mod alpha;
mod border;
mod masked;
mod parts;
mod vector;

// Pixels: each from the same pixel.
mod arithmetic;
mod blend;
mod color;
mod color_table;
mod curve;
mod depth;
mod device_link;
mod hsv;
mod lab;
mod light;
mod luma;
mod map;
mod merge;
mod power;
mod sharpen;
mod shuffle;
mod threshold;
mod tone;
mod value;

// Geometry: which pixel goes where, and what lies between pixels.
mod bilinear;
mod equal_taps;
mod halve;
mod nearest;
mod pick;
mod resample;
mod strides;
mod transform;
mod turn;
mod warp;
mod whole_weights;

// Linear filters: weighted sums of a window.
mod box_floats;
mod box_mean;
mod convolve;
mod derivatives;
mod gaussian;
mod log_std;
mod moments;
mod runs;
mod texture;

// Order: medians, ranks, extrema and likeness.
mod bilateral;
mod bisection;
mod extremum;
mod median;
mod order;
mod quantile;
mod rank;
mod selection;

// Histograms, and the levels found in them.
mod clahe;
mod even_bins;
mod histogram;
mod li;
mod otsu;
mod rounded_bins;
mod tally;
mod triangle;
mod yen;

// Masks and labels: which pixels belong to an object.
mod basins;
mod canny;
mod components;
mod connectivity;
mod cutout;
mod distance;
mod hysteresis;
mod outline;
mod region_moments;
mod regions;
mod ridges;
mod rims;
mod skeleton;
mod watershed;

// Backgrounds: levels of places, and the smoothest surface through them.
mod backdrop;
mod cubic;
mod level;
mod smooth;

// Objects: which is which, and how much of it there is.
mod assignment;
mod pairwise;
mod sorted;

// Images compared and drawn.
mod font;
mod hues;
mod palette;
mod similarity;
mod squares;

pub(crate) use alpha::{
    color_unseen, colors, complete_sums, copy_alpha, copy_unseen, is_seen, keep_seen, premultiply,
    premultiply_floats, unpremultiply,
};
pub use arithmetic::Operation;
pub(crate) use arithmetic::{Combine, combine};
pub(crate) use assignment::assign;
pub(crate) use backdrop::Backdrop;
pub(crate) use basins::{Outside, Relief};
pub(crate) use bilateral::LikenessSums;
pub(crate) use bisection::{Bisection, MOST, TALL};
pub use blend::BlendMode;
pub(crate) use blend::{Layer, blend_layers, blend_opaque};
pub use border::Border;
pub(crate) use border::{Span, pad_made, pad_row};
pub(crate) use box_floats::{SHARING, column_sums, row_means};
pub(crate) use box_mean::{AboveMean, BoxMean, NARROW};
pub(crate) use canny::{gradient, ridges};
pub(crate) use clahe::{Grid, Tabled, equalize_clipped};
pub(crate) use color::{ByteShares, OfWhite, Share, change_colors};
pub(crate) use color_table::Cube;
pub(crate) use components::{Band, Components};
pub use connectivity::Connectivity;
pub(crate) use convolve::{APART, horizontal, vertical, vertical_pair};
pub(crate) use cubic::{Blend, Ends, Knots};
pub(crate) use curve::Curve;
pub(crate) use cutout::Cutout;
pub(crate) use depth::{cast, change_depth};
pub(crate) use derivatives::{Smoothing, derivatives};
pub(crate) use device_link::{DeviceLink, Mix};
pub(crate) use distance::{Away, Envelope, FAR, LONGEST, down_and_up};
pub(crate) use even_bins::EvenBins;
pub(crate) use extremum::{
    Extremum, Least, Most, TOGETHER, along_row, down_columns, down_few, fold, keys, over_shape,
    samples,
};
pub(crate) use font::{HEIGHT, WIDTH, inked};
pub(crate) use gaussian::{gaussian, gaussian_second};
pub(crate) use halve::{Halve, halve};
pub(crate) use histogram::{Bins, Count, count_bytes};
pub(crate) use hsv::{hsv_of, rgb_of_hsv};
pub(crate) use hues::hue_of;
pub(crate) use hysteresis::{NOTHING, STRONG, WEAK};
pub(crate) use lab::{lab_of, light_of_lab};
pub(crate) use level::{Level, Levels, SPAN, count_kept, level_of_counts, widen_range};
pub(crate) use li::{li, means_of_counts, total_between};
pub(crate) use light::{Light, encode, encoded, light};
pub(crate) use log_std::{log_deviation, log_rounded, rounded_columns, rounded_windows};
pub(crate) use luma::weigh;
pub(crate) use map::{Map, Pixel, WORDS, WordTable};
pub(crate) use masked::keep_masked;
pub(crate) use median::{median_3x3, median_5x5};
pub(crate) use merge::merge;
pub(crate) use moments::{Moments, Sums, seen_columns, seen_deviations};
pub(crate) use nearest::{nearest_row, nearest_row_of};
pub(crate) use order::Order;
pub(crate) use otsu::otsu;
pub use outline::Side;
pub(crate) use outline::{Rows, is_near_another};
pub(crate) use pairwise::pairwise_sum;
pub(crate) use palette::Painting;
pub use palette::Palette;
pub(crate) use pick::pick;
pub(crate) use power::power;
pub(crate) use quantile::{Digits, between, median, place_of};
pub(crate) use rank::{Rank, RankHistogram, count_seen};
pub(crate) use region_moments::{Cubes, RegionMoments, add_cubes};
pub(crate) use regions::{Region, add_outline, add_row, outline};
pub use resample::Resampling;
pub(crate) use resample::{MixedRow, TapTable, all_finite};
pub(crate) use ridges::join_weak;
pub(crate) use rims::{Bounds, bounds, bright_rims, peel, rims};
pub(crate) use rounded_bins::{RoundedBins, sums_below};
pub(crate) use runs::Whole;
pub(crate) use selection::{Sought, selection};
pub(crate) use sharpen::{sharpen, sharpen_bytes};
pub(crate) use shuffle::shuffle;
pub(crate) use similarity::Similarity;
pub(crate) use skeleton::{Tile, Tiles};
pub(crate) use smooth::smooth;
pub(crate) use sorted::Sorted;
pub(crate) use squares::Squares;
pub(crate) use tally::{Tally, chosen, spread, tally, tally_counted};
pub(crate) use texture::{ALL_STEPS, STEPS, TextureLevel, deviations, logarithmic, without_specks};
pub(crate) use threshold::above;
pub(crate) use tone::{Power, Tone};
pub(crate) use transform::{Places, Transform};
pub(crate) use triangle::triangle;
pub use turn::QuarterTurns;
pub(crate) use turn::{reverse, turn};
pub(crate) use value::{Seen, value_range};
#[cfg(feature = "codecs")]
pub(crate) use vector::widest;
pub(crate) use vector::{Halves, nearest_bytes};
pub(crate) use warp::Field;
pub use warp::Sampling;
pub(crate) use watershed::flood;
pub(crate) use whole_weights::WholeWeights;
pub(crate) use yen::yen;
