//! Words on an image.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ink::{Ink, allow};
use crate::check::{self, SHARE};
use crate::kernel::{HEIGHT, inked};

/// Where a text may begin, in pixels.
const PLACE: RangeInclusive<i32> = -(1 << 20)..=1 << 20;

/// How many times a text is enlarged.
const SCALE: RangeInclusive<u32> = 1..=64;

/// Most characters of a text.
const LONGEST: usize = 4096;

/// Writes a text on the image, in a fixed font of 8 × 13 pixels.
///
/// `out = (1 - opacity) in + opacity color` where a glyph has a pixel. Character `i` of line `j`
/// begins at `(x + 8 scale i, y + 13 scale j)`; a line ends at a line feed.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 or 3, or 2 or 4 of which the last is alpha |
/// | `out` | image | Y X C | as `in` | those of `in`, and the colour | as `in` |
///
/// The font has the characters of Latin-1, `°`, `±`, `µ` and `×` among them; all others are a box.
/// Gray images take the colour's brightness (Rec. 601). What is transparent becomes visible where
/// it is written on.
///
/// **Border**: what lies outside the image is cut off. **NaN** stays where nothing is written, and
/// under a text that is not opaque.
/// **Cost**: a copy of the image and the pixels of the text; no memory where it works in place,
/// else that of the result; the footprint is the region itself.
/// **Errors**: other numbers of channels; colours in HSV or L\*a\*b\*; a parameter outside its
/// range; more than 4096 characters.
///
/// **Source**: Pillow 13 `ImageDraw.text` with the font `8x13` of the X Window System (misc-fixed,
/// public domain), equal. A bitmap of 2496 bytes looks the same on every machine and needs neither
/// a font file nor a rasteriser.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::draw::Text;
///
/// let image = Image::from_samples(5, 4, 1, vec![10u8; 20])?;
/// // The top of the stem and of the foot of an L, half covering.
/// let step = Text { text: "L".into(), y: -8, opacity: 0.5, ..Text::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     10, 132,  10,  10,  10,
///     10, 132,  10,  10,  10,
///     10, 132, 132, 132, 132,
///     10,  10,  10,  10,  10,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// What is written; must be given for anything to show. Up to 4096 characters.
    #[schemars(length(max = LONGEST))]
    pub text: String,
    /// First column of the first character. -1048576 to 1048576 px, default 0.
    #[schemars(range(min = *PLACE.start(), max = *PLACE.end()), extend("x-unit" = "px"))]
    pub x: i32,
    /// First row of the first line. -1048576 to 1048576 px, default 0.
    #[schemars(range(min = *PLACE.start(), max = *PLACE.end()), extend("x-unit" = "px"))]
    pub y: i32,
    /// Pixels of the image, along each axis, for a pixel of the font. 1 to 64 px, default 1.
    #[schemars(range(min = *SCALE.start(), max = *SCALE.end()), extend("x-unit" = "px"))]
    pub scale: u32,
    /// Red, green and blue, as shares of white. 0 to 1, default [1.0,1.0,1.0].
    #[schemars(inner(range(min = *SHARE.start(), max = *SHARE.end())))]
    pub color: [f32; 3],
    /// How much it covers; 0 changes nothing. 0 to 1, default 1.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "ratio"))]
    pub opacity: f32,
}

impl Default for Text {
    fn default() -> Self {
        Self { text: String::new(), x: 0, y: 0, scale: 1, color: [1.0; 3], opacity: 1.0 }
    }
}

impl Text {
    /// The text at this place, in white.
    #[must_use]
    pub fn at(x: i32, y: i32, text: impl Into<String>) -> Self {
        Self { text: text.into(), x, y, ..Self::default() }
    }

    /// The line whose glyphs cross row `y` of the image, and the row of the glyphs that does.
    fn line<'t>(&self, lines: &[&'t str], y: u32) -> Option<(&'t str, usize)> {
        let below = i64::from(y) - i64::from(self.y);
        let row = usize::try_from(below.div_euclid(i64::from(self.scale))).ok()?;
        let line = lines.get(row / HEIGHT)?;
        Some((line, row % HEIGHT))
    }

    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (image, region) = (input.image(), out.region());
        let channels = usize::from(image.channels);
        let input = input.crop(region).typed::<T>()?;
        let ink = Ink::<T>::new(self.color, self.opacity, image, self.scale as usize);
        let lines: Vec<&str> = self.text.split('\n').collect();
        let first = i64::from(self.x) - i64::from(region.x);
        for (y, out) in out.rows::<T>()? {
            ctx.check()?;
            let row = input.row(y);
            out.copy_from_slice(row);
            let Some((line, glyph_row)) = self.line(&lines, y) else { continue };
            for run in inked(line, glyph_row, self.scale, (first, region.width as usize)) {
                let part = run.start * channels..run.end * channels;
                ink.draw(&row[part.clone()], &mut out[part]);
            }
        }
        Ok(())
    }
}

impl Step for Text {
    const NAME: &'static str = "text";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Text {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let length = self.text.chars().count();
        if length > LONGEST {
            let found = format!("{length} characters long");
            return Err(Error::input("text", found, format!("up to {LONGEST} characters")));
        }
        check::within("x", self.x, &PLACE, "px")?;
        check::within("y", self.y, &PLACE, "px")?;
        check::within("scale", self.scale, &SCALE, "px")?;
        allow(inputs[0], self.color, self.opacity)?;
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
