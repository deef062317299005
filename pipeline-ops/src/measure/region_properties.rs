//! What objects are like: where they are, how large, of which shape and how bright.

use std::collections::BTreeSet;
use std::f64::consts::{FRAC_PI_4, PI};
use std::sync::{Mutex, PoisonError};

use pipeline_core::data::{Plane, Raster};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Labels, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Table;
use super::region_moments::{MomentKind, columns};
use crate::check;
use crate::kernel::{Cubes, Region, add_cubes, add_outline, add_row, outline};
use crate::memory::copies;

/// Measures each object of a label image.
///
/// | column | per object |
/// |---|---|
/// | `label` | its number |
/// | `area` | its pixels |
/// | `x`, `y`, `width`, `height` | the smallest box around it, in px |
/// | `centroid_x`, `centroid_y` | the means x̄ and ȳ of its pixels, in px; whole numbers are their middles, so a place as the steps of geometry take it is ½ more |
/// | `mu20`, `mu11`, `mu02` | `Σ (x - x̄)²`, `Σ (x - x̄) (y - ȳ)`, `Σ (y - ȳ)²` |
/// | `diameter` | of the circle of the same area, in px |
/// | `major_axis`, `minor_axis` | of the ellipse of the same second moments, in px: `4 √λ` with the eigenvalues λ of the covariance |
/// | `eccentricity` | of that ellipse: `√(1 - λ₂ / λ₁)` |
/// | `orientation` | of its major axis against the y axis, in radians, -π/2 to π/2 |
/// | `perimeter` | the length of the outline through the middles of its pixels, in px |
/// | `m00` to `m03` | with `raw`: `mpq` is `Σ xᵖ yᵠ`, for p + q from 0 to 3, x and y in px from the corner of the image |
/// | `mu30`, `mu21`, `mu12`, `mu03` | with `central`: `Σ (x - x̄)ᵖ (y - ȳ)ᵠ`; `mu00` is the area, `mu10` and `mu01` are 0 |
/// | `nu20` to `nu03` | with `normalized`: `nupq` is `mupq / area ^ (1 + (p + q) / 2)`, for p + q of 2 and 3; of one pixel 0 |
/// | `hu1` to `hu7` | with `hu`: what turning, moving and scaling do not change; a mirror changes the sign of `hu7` |
/// | `min`, `max`, `mean`, `std` | of the samples of `in` there, if it is wired |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `labels` | labels | Y X | u32 | any | – |
/// | `in` | image, may be left out | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | table | – | f64 | one row per object | – |
///
/// **Border**: what lies beyond the edge belongs to no object. **NaN** in an object makes its four
/// brightnesses NaN.
/// **Cost**: one pass over the labels, and two over both; memory for about 400 bytes per object,
/// and half a byte per pixel for sums of floats; with moments 64 bytes more per object and thread,
/// and 8 per column. An object may reach anywhere, so there are no tiles.
/// **Errors**: an image of more than one channel, or of another size.
///
/// Raw moments are exact sums, rounded once, and central ones have the same digits wherever the
/// object lies. A table that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.measure.regionprops` 0.26, within 1e-9, of numbers above 1 as a share; its
/// `perimeter` is that of 4 neighbours. With moments within 1e-12, or 1e-9 as a share: raw ones as
/// `moments_coords`, and `hu7` with the other sign, because there rows come first; OpenCV 5
/// `HuMoments` has this one. Moments: Hu (1962); perimeter: Benkrid and Crookes (2000).
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::measure::{MomentKind, RegionProperties};
///
/// let labels = Labels::new(6, 3, vec![
///     1, 1, 1, 1, 1, 0,
///     0, 0, 0, 0, 0, 2,
///     0, 0, 0, 0, 0, 2,
/// ])?;
/// let step = RegionProperties { moments: [MomentKind::Hu].into() };
/// let out = step.run((In::new(labels), None), &Context::default())?;
/// assert_eq!(out.column("area"), Some(&[5.0, 2.0][..]));
/// assert_eq!(out.column("centroid_x"), Some(&[2.0, 5.0][..]));
/// assert_eq!(out.column("height"), Some(&[1.0, 2.0][..]));
/// assert_eq!(out.column("hu1"), Some(&[0.4, 0.125][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegionProperties {
    /// Which moments the table has besides: any of `raw`, `central`, `normalized` and `hu`, default
    /// [].
    pub moments: BTreeSet<MomentKind>,
}

impl Step for RegionProperties {
    const NAME: &'static str = "region_properties";
    const VERSION: u32 = 2;
    const INPUTS: &'static [&'static str] = &["labels", "in"];
    type Input = (In<Labels>, Option<In<Image>>);
    type Output = Table;

    fn run(&self, (labels, image): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        if let Some(image) = &image {
            check::image_in(&labels, image)?;
        }
        let Sums { regions, cubes } = sums(&labels, &self.moments, ctx)?;
        let mut table = shapes(&regions[1..]);
        table.extend(columns(&self.moments, &regions[1..], cubes.get(1..).unwrap_or_default()));
        if let Some(image) = image {
            let of_all: Vec<u64> = regions.iter().map(|region| region.area).collect();
            table.extend(dispatch!(image.sample_type(), T => {
                brightness::<T>(image.view().typed()?, &labels, &of_all, ctx)?
            }));
        }
        Table::new(table)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

pub(super) type Columns = Vec<(&'static str, Vec<f64>)>;

/// Bands of rows at the most, of which each has sums of its own for all labels.
const BANDS: usize = 32;

/// Labels whose sums are added up in one go.
const LABELS: usize = 1 << 12;

/// The rows of a band, which depend on nothing but the labels. With many objects there are few
/// bands, so that sums take less memory than labels.
fn band_rows(labels: &Labels) -> usize {
    let count = labels.count() as usize + 1;
    let bands = (labels.labels().len() / count.saturating_mul(64)).clamp(1, BANDS);
    (labels.height() as usize).div_ceil(bands).max(1)
}

/// The sums of each label, of which those of 0 are empty.
struct Sums {
    regions: Vec<Region>,
    /// None where no moments are asked for.
    cubes: Vec<Cubes>,
}

impl Sums {
    fn none(labels: &Labels, moments: &BTreeSet<MomentKind>) -> Result<Self> {
        let count = labels.count() as usize + 1;
        let what = || format!("sums of {count} objects");
        let regions = copies(Region::default(), count, what)?;
        let count_of_cubes = if moments.is_empty() { 0 } else { count };
        Ok(Self { regions, cubes: copies(Cubes::default(), count_of_cubes, what)? })
    }

    fn add(&mut self, other: &Self) {
        let regions = self.regions.iter_mut().zip(&other.regions);
        let regions = regions.filter(|(_, other)| other.area > 0);
        regions.for_each(|(region, other)| region.add(other));
        self.cubes.iter_mut().zip(&other.cubes).for_each(|(cubes, other)| cubes.add(other));
    }
}

/// They are of integers, so bands may be added up in any order.
fn sums(labels: &Labels, moments: &BTreeSet<MomentKind>, ctx: &Context<'_>) -> Result<Sums> {
    let row_len = labels.width() as usize;
    let rows: Vec<&[u32]> = labels.labels().chunks_exact(row_len).collect();
    let outline_of = |y: Option<usize>, out: &mut [bool]| match y.filter(|&y| y < rows.len()) {
        Some(y) => {
            let above = y.checked_sub(1).map(|above| rows[above]);
            outline(above, rows[y], rows.get(y + 1).copied(), out);
        }
        None => out.fill(false),
    };

    let total = Mutex::new(Sums::none(labels, moments)?);
    ctx.rows(rows.len(), band_rows(labels), |band| {
        let mut sums = Sums::none(labels, moments)?;
        // Outlines of the row above, of the row itself and of the one below, which come to be in
        // turn.
        let mut outlines = [vec![false; row_len], vec![false; row_len], vec![false; row_len]];
        outline_of(band.start.checked_sub(1), &mut outlines[1]);
        outline_of(Some(band.start), &mut outlines[2]);
        for y in band {
            ctx.check()?;
            // Rows of an image fit in 32 bits.
            let row = u32::try_from(y).unwrap_or(u32::MAX);
            add_row(rows[y], row, &mut sums.regions);
            if !sums.cubes.is_empty() {
                add_cubes(rows[y], row, &mut sums.cubes);
            }
            outlines.rotate_left(1);
            outline_of(Some(y + 1), &mut outlines[2]);
            let above = y.checked_sub(1).map_or(&[][..], |above| rows[above]);
            let near = [above, rows[y], rows.get(y + 1).copied().unwrap_or_default()];
            add_outline(near, outlines.each_ref().map(Vec::as_slice), &mut sums.regions);
        }
        total.lock().unwrap_or_else(PoisonError::into_inner).add(&sums);
        Ok(())
    })?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
fn shapes(regions: &[Region]) -> Columns {
    let column = |measure: fn(&Region) -> f64| regions.iter().map(measure).collect();
    vec![
        ("label", (1..=regions.len()).map(|label| label as f64).collect()),
        ("area", column(|region| region.area as f64)),
        ("x", column(|region| region.left.into())),
        ("y", column(|region| region.top.into())),
        ("width", column(|region| f64::from(region.right) - f64::from(region.left) + 1.0)),
        ("height", column(|region| f64::from(region.bottom) - f64::from(region.top) + 1.0)),
        ("centroid_x", column(|region| region.centroid().0)),
        ("centroid_y", column(|region| region.centroid().1)),
        ("mu20", column(|region| region.central_moments().0)),
        ("mu11", column(|region| region.central_moments().1)),
        ("mu02", column(|region| region.central_moments().2)),
        ("diameter", column(|region| (4.0 * region.area as f64 / PI).sqrt())),
        ("major_axis", column(|region| 4.0 * Ellipse::of(region).larger.sqrt())),
        ("minor_axis", column(|region| 4.0 * Ellipse::of(region).smaller.sqrt())),
        ("eccentricity", column(|region| Ellipse::of(region).eccentricity())),
        ("orientation", column(|region| Ellipse::of(region).orientation)),
        ("perimeter", column(Region::perimeter)),
    ]
}

/// The ellipse of the same second moments.
struct Ellipse {
    /// The eigenvalues of the covariance.
    larger: f64,
    smaller: f64,
    orientation: f64,
}

impl Ellipse {
    #[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
    fn of(region: &Region) -> Self {
        let (xx, xy, yy) = region.central_moments();
        let [xx, xy, yy] = [xx, xy, yy].map(|moment| moment / region.area as f64);
        let (middle, half) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
        let orientation = if xx == yy {
            if xy > 0.0 { FRAC_PI_4 } else { -FRAC_PI_4 }
        } else {
            0.5 * (2.0 * xy).atan2(yy - xx)
        };
        Self { larger: middle + half, smaller: (middle - half).max(0.0), orientation }
    }

    fn eccentricity(&self) -> f64 {
        if self.larger > 0.0 { (1.0 - self.smaller / self.larger).sqrt() } else { 0.0 }
    }
}

/// What the samples of one object in one band are like.
#[derive(Debug, Clone, Copy)]
struct Intensities {
    sum: f64,
    least: f64,
    most: f64,
}

impl Default for Intensities {
    fn default() -> Self {
        Self { sum: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Intensities {
    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        // What is no number stays: nothing is below or above it.
        if other.least < self.least || other.least.is_nan() {
            self.least = other.least;
        }
        if other.most > self.most || other.most.is_nan() {
            self.most = other.most;
        }
    }
}

/// What the samples of each object are like.
#[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
fn brightness<T: Sample>(
    image: Plane<'_, T>,
    labels: &Labels,
    areas: &[u64],
    ctx: &Context<'_>,
) -> Result<Columns> {
    let lights =
        by_bands(image, labels, areas.len(), ctx, |light: &mut Intensities, _, samples| {
            let mut own = Intensities::default();
            for sample in samples.iter().map(|sample| f64::from(sample.to_f32())) {
                own.add(Intensities { sum: sample, least: sample, most: sample });
            }
            light.add(own);
        })?;
    let lights = in_order(&lights, ctx, Intensities::add)?;
    let means = lights.iter().zip(areas).map(|(light, &area)| light.sum / area as f64);
    let means: Vec<f64> = means.collect();
    let squares = by_bands(image, labels, areas.len(), ctx, |sum: &mut f64, label, samples| {
        let mean = means[label];
        let away = samples.iter().map(|sample| f64::from(sample.to_f32()) - mean);
        *sum += away.map(|away| away * away).sum::<f64>();
    })?;
    let squares = in_order(&squares, ctx, |sum, other| *sum += other)?;
    let std = squares.iter().zip(areas).map(|(sum, &area)| (sum / area as f64).sqrt());
    // Label 0 is no object.
    let column = |of: fn(&Intensities) -> f64| lights[1..].iter().map(of).collect();
    Ok(vec![
        ("min", column(|light| light.least)),
        ("max", column(|light| light.most)),
        ("mean", means[1..].to_vec()),
        ("std", std.skip(1).collect()),
    ])
}

/// What `add` sums for each of `count` labels in each band, from runs of samples of one label;
/// there is nothing for label 0.
fn by_bands<T: Sample, S: Clone + Default + Send>(
    image: Plane<'_, T>,
    labels: &Labels,
    count: usize,
    ctx: &Context<'_>,
    add: impl Fn(&mut S, usize, &[T]) + Sync,
) -> Result<Vec<Vec<S>>> {
    let row_len = labels.width() as usize;
    let (height, band_rows) = (labels.height() as usize, band_rows(labels));
    let mut bands = vec![Vec::new(); height.div_ceil(band_rows)];
    let each: Vec<_> = bands.iter_mut().map(Mutex::new).collect();
    ctx.rows(height, band_rows, |band| {
        let mut sums = copies(S::default(), count, || format!("sums of {count} objects"))?;
        let at = band.start / band_rows;
        for y in band {
            ctx.check()?;
            let labels = &labels.labels()[y * row_len..][..row_len];
            // Rows of an image fit in 32 bits.
            let mut samples = image.row(u32::try_from(y).unwrap_or(u32::MAX));
            for run in labels.chunk_by(|a, b| a == b) {
                let own;
                (own, samples) = samples.split_at(run.len());
                if run[0] != 0 {
                    add(&mut sums[run[0] as usize], run[0] as usize, own);
                }
            }
        }
        **each[at].lock().unwrap_or_else(PoisonError::into_inner) = sums;
        Ok(())
    })?;
    Ok(bands)
}

/// The sums of all bands for each label, added in the order of the bands: sums of floats depend on
/// it.
fn in_order<S: Copy + Default + Send + Sync>(
    bands: &[Vec<S>],
    ctx: &Context<'_>,
    add: impl Fn(&mut S, S) + Sync,
) -> Result<Vec<S>> {
    let count = bands.first().map_or(0, Vec::len);
    let mut total = copies(S::default(), count, || format!("sums of {count} objects"))?;
    ctx.fill_rows(&mut total, 1, LABELS, |first, total| {
        for band in bands {
            total.iter_mut().zip(&band[first..]).for_each(|(total, &sum)| add(total, sum));
        }
        Ok(())
    })?;
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_of_an_object_in_several_bands_is_that_of_all_its_samples() {
        let (width, height) = (16u32, 200u32);
        let labels = In::new(Labels::new(width, height, vec![1; 3200]).unwrap());
        assert!(band_rows(&labels) < 10);
        let table = |samples: Vec<f32>| {
            let image = Image::from_samples(width, height, 1, samples).unwrap();
            let inputs = (labels.clone(), Some(In::new(image)));
            let table = RegionProperties::default().run(inputs, &Context::default()).unwrap();
            ["min", "max", "mean", "std"].map(|name| table.column(name).unwrap()[0])
        };
        let mut samples: Vec<f32> = (0..3200u16).map(f32::from).collect();
        let std = ((3200f64.powi(2) - 1.0) / 12.0).sqrt();
        let found = table(samples.clone());
        assert_eq!(found[..3], [0.0, 3199.0, 1599.5]);
        assert!((found[3] - std).abs() < 1e-9 * std);
        samples[77] = f32::NAN;
        assert!(table(samples).iter().all(|number| number.is_nan()));
    }

    #[test]
    fn objects_that_cross_bands_are_measured_as_from_the_side() {
        // Seven wide objects of many rows, enough pixels for all bands.
        let (width, height) = (160u32, 120u32);
        let label = |x: u32, y: u32| if (x + y / 3) % 23 < 4 { 0 } else { x / 23 + 1 };
        let table = |(width, height): (u32, u32), labels: Vec<u32>| {
            let labels = In::new(Labels::new(width, height, labels).unwrap());
            RegionProperties::default().run((labels, None), &Context::default()).unwrap()
        };
        let rows = (0..height).flat_map(|y| (0..width).map(move |x| label(x, y)));
        let columns = (0..width).flat_map(|x| (0..height).map(move |y| label(x, y)));
        let upright = table((width, height), rows.collect());
        let turned = table((height, width), columns.collect());
        let pairs = [("x", "y"), ("width", "height"), ("mu20", "mu02"), ("mu11", "mu11")];
        let same = ["area", "perimeter", "major_axis"].map(|name| (name, name));
        for (own, other) in pairs.into_iter().chain(same) {
            assert_eq!(upright.column(own), turned.column(other), "{own}");
        }
    }
}
