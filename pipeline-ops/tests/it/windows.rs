//! Windows of an image as lists of samples, and what filters make of them, in 64 bits.

use std::iter;

use pipeline_core::Image;
use serde_json::{Value as Json, json};

use crate::support::floats;

/// What lies beyond the edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Edge {
    Replicate,
    Reflect,
    Mirror,
    Wrap,
    Constant(f32),
}

impl Edge {
    pub(crate) fn json(self) -> Json {
        match self {
            Self::Replicate => json!("replicate"),
            Self::Reflect => json!("reflect"),
            Self::Mirror => json!("mirror"),
            Self::Wrap => json!("wrap"),
            Self::Constant(value) => json!({ "constant": value }),
        }
    }

    /// The place for any place, by walking back into `0..len`; none for a constant.
    pub(crate) fn walk(self, mut place: i64, len: i64) -> Option<i64> {
        while !(0..len).contains(&place) {
            place = match self {
                Self::Constant(_) => return None,
                Self::Replicate => place.clamp(0, len - 1),
                Self::Wrap if place < 0 => place + len,
                Self::Wrap => place - len,
                Self::Reflect if place < 0 => -1 - place,
                Self::Reflect => 2 * len - 1 - place,
                Self::Mirror if len == 1 => 0,
                Self::Mirror if place < 0 => -place,
                Self::Mirror => 2 * len - 2 - place,
            };
        }
        Some(place)
    }
}

/// The windows of radius `radius` around every sample in turn, row by row, in 64 bits.
pub(crate) fn windows(image: &Image, radius: u32, edge: Edge) -> Vec<Vec<f64>> {
    let samples = floats(image);
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let (channels, reach) = (i64::from(image.channels()), i64::from(radius));
    let sample = |x: i64, y: i64, channel: i64| match (edge.walk(x, width), edge.walk(y, height)) {
        (Some(x), Some(y)) => f64::from(samples[((y * width + x) * channels + channel) as usize]),
        _ => match edge {
            Edge::Constant(value) => f64::from(value),
            _ => unreachable!("only a constant has no place"),
        },
    };
    let mut windows = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                let rows = y - reach..=y + reach;
                let window = rows
                    .flat_map(|y| (x - reach..=x + reach).map(move |x| (x, y)))
                    .map(|(x, y)| sample(x, y, channel));
                windows.push(window.collect());
            }
        }
    }
    windows
}

/// The weights of a Gaussian over a square window.
pub(crate) fn bell(radius: u32, sigma: f64) -> Vec<f64> {
    let reach = i64::from(radius);
    let weight =
        |place: i64| if place == 0 { 1.0 } else { (-0.5 * (place as f64 / sigma).powi(2)).exp() };
    let all: Vec<f64> = (-reach..=reach)
        .flat_map(|y| (-reach..=reach).map(move |x| weight(x) * weight(y)))
        .collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|weight| weight / sum).collect()
}

pub(crate) fn weighted(window: &[f64], weights: &[f64]) -> f64 {
    window.iter().zip(weights).map(|(sample, weight)| sample * weight).sum()
}

/// The alphas of the window of sample `at`, if there are any.
fn alphas(at: usize, channels: u16, windows: &[Vec<f64>]) -> Option<&Vec<f64>> {
    let channels_of = usize::from(channels);
    let alpha = at - at % channels_of + channels_of - 1;
    channels.is_multiple_of(2).then(|| &windows[alpha])
}

/// The window of sample `at` with the pixel in the middle in place of what is not seen of others.
pub(crate) fn completed(at: usize, channels: u16, windows: &[Vec<f64>], white: f64) -> Vec<f64> {
    let window = &windows[at];
    let (own, alphas) = (window[window.len() / 2], alphas(at, channels, windows));
    let shares = alphas.into_iter().flatten().map(|alpha| alpha / white).chain(iter::repeat(1.0));
    window.iter().zip(shares).map(|(sample, share)| sample * share + own * (1.0 - share)).collect()
}

/// The deviation of the window of sample `at`, weighted by the alpha of its pixels.
pub(crate) fn deviation(at: usize, channels: u16, windows: &[Vec<f64>]) -> f64 {
    let (window, alphas) = (&windows[at], alphas(at, channels, windows));
    let weights = alphas.map_or_else(|| vec![1.0; window.len()], Vec::clone);
    if !is_seen(at, channels, windows) {
        return 0.0;
    }
    let total: f64 = weights.iter().map(|weight| weight.max(0.0)).sum();
    let weights: Vec<f64> = weights.iter().map(|weight| weight.max(0.0) / total).collect();
    let mean = weighted(window, &weights);
    let squares: Vec<f64> = window.iter().map(|sample| (sample - mean).powi(2)).collect();
    weighted(&squares, &weights).sqrt()
}

/// Whether anything is seen of the pixel of sample `at`.
pub(crate) fn is_seen(at: usize, channels: u16, windows: &[Vec<f64>]) -> bool {
    alphas(at, channels, windows).is_none_or(|alphas| alphas[alphas.len() / 2] > 0.0)
}

/// The percentile of each window, of the pixels that are seen; alpha stays, and so do pixels that
/// are not.
pub(crate) fn percentiles(channels: u16, windows: &[Vec<f64>], percentile: usize) -> Vec<f32> {
    let of = |(at, window): (usize, &Vec<f64>)| {
        let (middle, alphas) = (window.len() / 2, alphas(at, channels, windows));
        let is_seen = |place: usize| alphas.is_none_or(|alphas| alphas[place] > 0.0);
        if is_alpha(at, channels) || !is_seen(middle) {
            return window[middle] as f32;
        }
        let seen = window.iter().copied().enumerate().filter(|&(place, _)| is_seen(place));
        let mut seen: Vec<f64> = seen.map(|(_, sample)| sample).collect();
        seen.sort_by(f64::total_cmp);
        seen[(seen.len() * percentile / 100).min(seen.len() - 1)] as f32
    };
    windows.iter().enumerate().map(of).collect()
}

/// The mean of a window of sample `at`, weighted by the alpha of its pixels unless it is alpha, and
/// what that may lose: more the less is seen, and anything where next to nothing is. Where nothing
/// is seen it is 0.
pub(crate) fn seen(
    at: usize,
    (channels, white): (u16, f64),
    windows: &[Vec<f64>],
    weights: &[f64],
) -> (f64, f64) {
    let (window, alphas) = (&windows[at], alphas(at, channels, windows));
    let Some(alphas) = alphas.filter(|_| !is_alpha(at, channels) && window.len() > 1) else {
        return (weighted(window, weights), 0.0);
    };
    let parts: Vec<f64> =
        alphas.iter().zip(weights).map(|(alpha, weight)| alpha * weight).collect();
    let whole: f64 = parts.iter().sum();
    if parts.iter().all(|&part| part == 0.0) {
        return (0.0, 0.0);
    }
    let sizes: Vec<f64> = window.iter().map(|sample| sample.abs()).collect();
    let strength = weighted(&sizes, &parts.iter().map(|part| part.abs()).collect::<Vec<_>>());
    let lost = if whole < white / 2500.0 { f64::INFINITY } else { 4e-6 * strength / whole };
    (weighted(window, &parts) / whole, lost)
}

/// What is opacity is not filtered.
pub(crate) fn is_alpha(at: usize, channels: u16) -> bool {
    channels.is_multiple_of(2) && (at + 1).is_multiple_of(channels.into())
}
