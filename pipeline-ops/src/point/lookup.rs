//! Samples looked up in a table.

use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Sample, Spec, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each_by_table;
use crate::check::{self, SHARE};
use crate::kernel::Curve;

/// The most entries of a table: one for each sample of 16 bits.
const ENTRIES: usize = 1 << 16;

/// Replaces every sample by what a table says: any curve of brightness.
///
/// The entries of `table` stand at even steps from black to white, with straight lines between
/// them: `out = white · table[(n - 1) · in / white]`, white being 255, 65535 or 1.0. A table of 256
/// entries has one for each sample of u8, one of 65536 one for each of u16.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `table` | as `in` |
///
/// Floats below 0 and above 1 get the first and the last entry.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one interpolation per sample; a table of 256 entries for u8, and of 65 536 per thread
/// for large images of u16; no memory where it works in place, else that of the result; the
/// footprint is the region itself.
/// **Errors**: less than 2 entries or more than 65536; an entry outside its range.
///
/// **Source**: OpenCV 5 `LUT` and libvips 8.18 `maplut` for u8, equal; `numpy.interp` 2.4 within 1
/// for u16, 1e-6 for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Lookup;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 51, 102,
///     153, 204, 255,
/// ])?;
/// let step = Lookup { table: vec![0.0, 1.0, 0.0] };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 102, 204,
///     204, 102, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lookup {
    /// The outputs at even steps from black to white, as shares of white: 2 to 65536 entries of 0
    /// to 1, default [0.0,1.0], which changes nothing.
    #[schemars(
        length(min = 2, max = ENTRIES),
        inner(range(min = *SHARE.start(), max = *SHARE.end())),
        extend("x-unit" = "white")
    )]
    pub table: Vec<f32>,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { table: vec![0.0, 1.0] }
    }
}

impl Step for Lookup {
    const NAME: &'static str = "lookup";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().by_sample()
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Lookup {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let entries = self.table.len();
        if !(2..=ENTRIES).contains(&entries) {
            let found = format_args!("{entries} entries long");
            return Err(Error::input("table", found, format!("2 to {ENTRIES} entries")));
        }
        for (at, &entry) in self.table.iter().enumerate() {
            check::within(&format!("table[{at}]"), entry, &SHARE, "of white")?;
        }
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let white = dispatch!(out.sample_type(), T => T::WHITE);
        let step = f64::from(white) / (self.table.len() - 1) as f64;
        let curve = Curve { first: 0.0, step, values: self.table.as_slice() };
        each_by_table(self, &inputs[0], out, ctx, |sample, white| curve.at(sample) * white)
    }
}
