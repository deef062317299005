//! Ranks of windows of every size: whichever way is taken finds what sorting does.

use pipeline_core::{Context, Image, In, Sample, Step};
use pipeline_ops::rank::{Median, Percentile};

/// The sample that has a share of the others before it in each window, by selecting; what lies
/// beyond the edge is as the edge.
fn sorted<T: Sample>(image: &Image, radius: i64, percentile: f32) -> Vec<T> {
    let layout = image.layout();
    let (width, height) = (i64::from(layout.width), i64::from(layout.height));
    let channels = i64::from(layout.channels);
    let samples = image.samples::<T>().unwrap();
    let at = |x: i64, y: i64, channel: i64| {
        let (x, y) = (x.clamp(0, width - 1), y.clamp(0, height - 1));
        samples[((y * width + x) * channels + channel) as usize]
    };
    let mut window = Vec::new();
    let mut out = Vec::new();
    for (y, x, channel) in (0..height)
        .flat_map(|y| (0..width).map(move |x| (y, x)))
        .flat_map(|(y, x)| (0..channels).map(move |channel| (y, x, channel)))
    {
        window.clear();
        for y in y - radius..=y + radius {
            window.extend((x - radius..=x + radius).map(|x| at(x, y, channel)));
        }
        let place = (window.len() as f64 * f64::from(percentile) / 100.0) as usize;
        let place = place.min(window.len() - 1);
        let by = |a: &T, b: &T| a.to_f32().total_cmp(&b.to_f32());
        out.push(*window.select_nth_unstable_by(place, by).1);
    }
    out
}

#[track_caller]
fn check<T: Sample>((width, height, channels): (u32, u32, u16), radius: u32, percentiles: &[f32]) {
    let samples = (0..width * height * u32::from(channels)).map(|n| {
        T::from_f32(T::WHITE * ((n.wrapping_mul(2_654_435_761) >> 12) as f32 / 1e6).sin().abs())
    });
    let image = Image::from_samples(width, height, channels, samples.collect::<Vec<T>>()).unwrap();
    for &percentile in percentiles {
        let (image, ctx) = (In::new(image.clone()), Context::default());
        let expected = sorted::<T>(&image, radius.into(), percentile);
        #[expect(clippy::float_cmp, reason = "it was written as this number")]
        let found = if percentile == 50.0 {
            Median { radius, ..Median::default() }.run(image, &ctx)
        } else {
            Percentile { radius, percentile, ..Percentile::default() }.run(image, &ctx)
        };
        let found = found.unwrap();
        let is_equal = found.samples::<T>().unwrap() == &expected[..];
        assert!(is_equal, "{width} x {height} x {channels}, radius {radius}, {percentile} %");
    }
}

/// On both sides of each radius from which on another way is taken.
#[test]
fn windows_of_every_size_have_the_rank_that_sorting_finds() {
    let shares = [0.0, 20.0, 50.0, 100.0];
    for size in [(1100, 9, 1), (260, 1, 3), (1, 20, 5)] {
        for radius in [1, 2, 3, 7] {
            check::<u8>(size, radius, &shares);
            check::<u16>(size, radius, &shares);
            check::<f32>(size, radius, &shares);
        }
    }
    for radius in [15, 16, 20, 21, 25, 26, 127, 128] {
        let size = (if radius < 100 { 70 } else { 9 }, 5, 1);
        check::<u8>(size, radius, &[50.0, 90.0]);
        check::<u16>(size, radius, &[50.0, 90.0]);
        check::<f32>(size, radius, &[50.0, 90.0]);
    }
}
