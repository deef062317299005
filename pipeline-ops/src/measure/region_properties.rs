//! What objects are like: where they are, how large, of which shape and how bright.

use std::f64::consts::{FRAC_PI_4, PI};
use std::sync::{Mutex, PoisonError};

use pipeline_core::data::{Plane, Raster};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Labels, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Table;
use crate::check;
use crate::kernel::{Region, add_outline, add_row, outline};
use crate::memory::copies;

/// Measures each object of a label image.
///
/// | column | per object |
/// |---|---|
/// | `label` | its number |
/// | `area` | its pixels |
/// | `x`, `y`, `width`, `height` | the smallest box around it, in px |
/// | `centroid_x`, `centroid_y` | the means x̄ and ȳ of its pixels, in px; whole numbers are their middles |
/// | `mu20`, `mu11`, `mu02` | `Σ (x - x̄)²`, `Σ (x - x̄) (y - ȳ)`, `Σ (y - ȳ)²` |
/// | `diameter` | of the circle of the same area, in px |
/// | `major_axis`, `minor_axis` | of the ellipse of the same second moments, in px: `4 √λ` with the eigenvalues λ of the covariance |
/// | `eccentricity` | of that ellipse: `√(1 - λ₂ / λ₁)` |
/// | `orientation` | of its major axis against the y axis, in radians, -π/2 to π/2 |
/// | `perimeter` | the length of the outline through the middles of its pixels, in px |
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
/// **Cost**: one pass over the labels, and two over the image; memory for about 400 bytes per object.
/// An object may reach anywhere, so there are no tiles.
/// **Errors**: an image of more than one channel, or of another size.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.measure.regionprops` 0.26, within 1e-9, of numbers above 1 as a share; its
/// `perimeter` is that of 4 neighbours. Moments: Hu (1962); perimeter: Benkrid and Crookes (2000).
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::measure::RegionProperties;
///
/// let labels = Labels::new(6, 3, vec![
///     1, 1, 1, 1, 1, 0,
///     0, 0, 0, 0, 0, 2,
///     0, 0, 0, 0, 0, 2,
/// ])?;
/// let out = RegionProperties {}.run((In::new(labels), None), &Context::default())?;
/// assert_eq!(out.column("area"), Some(&[5.0, 2.0][..]));
/// assert_eq!(out.column("centroid_x"), Some(&[2.0, 5.0][..]));
/// assert_eq!(out.column("height"), Some(&[1.0, 2.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegionProperties {}

impl Step for RegionProperties {
    const NAME: &'static str = "region_properties";
    const INPUTS: &'static [&'static str] = &["labels", "in"];
    type Input = (In<Labels>, Option<In<Image>>);
    type Output = Table;

    fn run(&self, (labels, image): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        if let Some(image) = &image {
            check::single_channel(image.layout())?;
            let size = (labels.width(), labels.height());
            check::same_size(("`in`", (image.width(), image.height())), ("`labels`", size))?;
        }
        let regions = regions(&labels, ctx)?;
        let mut columns = shapes(&regions[1..]);
        if let Some(image) = image {
            let of_all: Vec<u64> = regions.iter().map(|region| region.area).collect();
            columns.extend(dispatch!(image.sample_type(), T => {
                brightness::<T>(image.view().typed()?, &labels, &of_all, ctx)?
            }));
        }
        Table::new(columns)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

type Columns = Vec<(&'static str, Vec<f64>)>;

/// Bands of rows at the most, of which each has sums of its own for all labels.
const BANDS: usize = 32;

/// The sums of each label, of which that of 0 is empty.
///
/// They are of integers, so bands may be added up in any order.
fn regions(labels: &Labels, ctx: &Context<'_>) -> Result<Vec<Region>> {
    let count = labels.count() as usize + 1;
    let none = || copies(Region::default(), count, || format!("sums of {count} objects"));
    let row_len = labels.width() as usize;
    let rows: Vec<&[u32]> = labels.labels().chunks_exact(row_len).collect();
    let outline_of = |y: Option<usize>, out: &mut [bool]| match y.filter(|&y| y < rows.len()) {
        Some(y) => {
            let above = y.checked_sub(1).map(|above| rows[above]);
            outline(above, rows[y], rows.get(y + 1).copied(), out);
        }
        None => out.fill(false),
    };

    // With many objects there are few bands, so that sums take less memory than labels.
    let bands = (labels.labels().len() / count.saturating_mul(64)).clamp(1, BANDS);
    let total = Mutex::new(none()?);
    ctx.rows(rows.len(), rows.len().div_ceil(bands), |band| {
        let mut regions = none()?;
        // Outlines of the row above, of the row itself and of the one below, which come to be in
        // turn.
        let mut outlines = [vec![false; row_len], vec![false; row_len], vec![false; row_len]];
        outline_of(band.start.checked_sub(1), &mut outlines[1]);
        outline_of(Some(band.start), &mut outlines[2]);
        for y in band {
            ctx.check()?;
            // Rows of an image fit in 32 bits.
            add_row(rows[y], u32::try_from(y).unwrap_or(u32::MAX), &mut regions);
            outlines.rotate_left(1);
            outline_of(Some(y + 1), &mut outlines[2]);
            let above = y.checked_sub(1).map_or(&[][..], |above| rows[above]);
            let near = [above, rows[y], rows.get(y + 1).copied().unwrap_or_default()];
            add_outline(near, outlines.each_ref().map(Vec::as_slice), &mut regions);
        }
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(&regions).for_each(|(total, region)| total.add(region));
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

/// What the samples of each object are like.
#[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
fn brightness<T: Sample>(
    image: Plane<'_, T>,
    labels: &Labels,
    areas: &[u64],
    ctx: &Context<'_>,
) -> Result<Columns> {
    let what = || format!("sums of {} objects", areas.len());
    let (mut least, mut most) =
        (copies(f64::INFINITY, areas.len(), what)?, copies(f64::NEG_INFINITY, areas.len(), what)?);
    let (mut mean, mut std) = (copies(0.0, areas.len(), what)?, copies(0.0, areas.len(), what)?);
    let each = |add: &mut dyn FnMut(usize, f64)| {
        let rows = labels.labels().chunks_exact(labels.width() as usize).zip(image.rows());
        for (labels, samples) in rows {
            ctx.check()?;
            for (&label, sample) in labels.iter().zip(samples) {
                add(label as usize, sample.to_f32().into());
            }
        }
        Ok(())
    };
    each(&mut |label, sample| {
        mean[label] += sample;
        // What is no number stays: nothing is below or above it.
        if sample < least[label] || sample.is_nan() {
            least[label] = sample;
        }
        if sample > most[label] || sample.is_nan() {
            most[label] = sample;
        }
    })?;
    mean.iter_mut().zip(areas).for_each(|(mean, &area)| *mean /= area as f64);
    each(&mut |label, sample| std[label] += (sample - mean[label]).powi(2))?;
    std.iter_mut().zip(areas).for_each(|(std, &area)| *std = (*std / area as f64).sqrt());
    // Label 0 is no object.
    let columns = [("min", least), ("max", most), ("mean", mean), ("std", std)];
    Ok(columns.map(|(name, numbers)| (name, numbers[1..].to_vec())).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_cross_bands_are_measured_as_from_the_side() {
        // Seven wide objects of many rows, enough pixels for all bands.
        let (width, height) = (160u32, 120u32);
        let label = |x: u32, y: u32| if (x + y / 3) % 23 < 4 { 0 } else { x / 23 + 1 };
        let table = |(width, height): (u32, u32), labels: Vec<u32>| {
            let labels = In::new(Labels::new(width, height, labels).unwrap());
            RegionProperties {}.run((labels, None), &Context::default()).unwrap()
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
