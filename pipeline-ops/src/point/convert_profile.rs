//! From the colours of one ICC profile to those of another.

use std::sync::Arc;

use pipeline_core::step::Profiled;
use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::profile::{Intent, Meaning, Profile};
use crate::check;
use crate::kernel::{DeviceLink, Mix, Pixel};

/// Converts the colours of an image from its own ICC profile to a named one, so that they look the
/// same there.
///
/// `out = encode(M · light(in))`: the tone curves of the profile of `in` make light of the samples,
/// `M` is the inverse of the colorants of `to` times those of `in`, and the curve of `to` encodes.
/// Where the profile of `in` has tables, they stand before that, as a cube of 33 colours along each
/// side.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 or 3, or 2 or 4 of which the last is alpha |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | 3, for `gray` 1, and alpha if `in` has it |
///
/// An image without a profile is in sRGB, or in linear light if it is marked so. The result carries
/// the profile that it is in, and `save` writes it. Gray becomes a gray of three colours; for
/// `gray`, colours become their brightness. Alpha is copied; colours are not multiplied by it.
/// Colours that `to` does not have are cut off in integers, and lie beyond 0 and 1 in f32, where
/// light below black goes through the curves turned around; so nothing is lost on the way back. An
/// image that is in `to` already only gets its profile.
///
/// `intent` chooses between tables; profiles without tables have none to choose from. Proofs on
/// paper of another white (absolute intent) are not made.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in any colour gives NaN in all; a table of
/// tones or colours ends at 0 and 1.
/// **Cost**: a look-up and nine products per pixel for integers, one or two powers per sample for
/// f32 and behind tables; the memory of the result, for u16 up to 768 KiB of tables, and 420 KiB
/// for the cube; the footprint is the region itself.
/// **Errors**: other numbers of channels; an image of data, HSV or L\*a\*b\*; a profile that is
/// damaged, longer than 10 MiB, for other colours than the image has, CMYK among them, or without
/// curves and tables.
///
/// **Source**: ICC.1:2022; profiles are read and written by the crate `moxcms`, arithmetic is done
/// here, so that no bit depends on the machine. `Pillow` 13 `ImageCms` (Little CMS 2), within 1 for
/// u8, within 3 for profiles with tables; the formula in NumPy, within 1 for u16 and 1e-4 for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::{ConvertProfile, Profile};
///
/// let image = Image::from_samples(3, 1, 3, vec![
///     255u8, 0, 0,   0, 255, 0,   119, 119, 119,
/// ])?;
/// let step = ConvertProfile { to: Profile::DisplayP3, ..ConvertProfile::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     234, 51, 35,   117, 251, 76,   119, 119, 119,
/// ][..]));
/// assert!(out.icc().is_some());
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConvertProfile {
    /// The profile to convert to; default `srgb`.
    pub to: Profile,
    /// Which tables of the image's own profile are used; default `perceptual`.
    pub intent: Intent,
}

impl ConvertProfile {
    /// What the result looks like.
    fn made_of(&self, layout: Layout) -> Layout {
        let colors = if self.to == Profile::Gray { 1 } else { 3 };
        let channels = colors + u16::from(layout.has_alpha());
        Layout { channels, color: self.to.color(), ..layout }
    }

    fn check(layout: Layout) -> Result<()> {
        if !layout.color.is_rgb() {
            let found = format_args!("{:?}", layout.color);
            let before = check::step_before(layout.color, ColorSpace::Srgb);
            let expected = format!("Srgb or LinearSrgb{before}");
            return Err(Error::input("the colour space", found, expected));
        }
        if !matches!(layout.channels, 1..=4) {
            return Err(Error::input("the image", layout, "1 to 4 channels"));
        }
        Ok(())
    }

    /// The step once it has seen the profile, and the profile that it gives.
    fn converted(
        &self,
        layout: Layout,
        from: Option<&Arc<[u8]>>,
    ) -> Result<(Converted, Arc<[u8]>)> {
        Self::check(layout)?;
        let icc: Arc<[u8]> = self.to.icc()?.into();
        let is_named = match from {
            Some(found) => *found == icc,
            None => matches!(self.to, Profile::Srgb | Profile::LinearSrgb | Profile::Gray),
        };
        let is_in_it = is_named && self.made_of(layout) == layout;
        let link = if is_in_it { None } else { Some(self.link(layout, from)?) };
        Ok((Converted { step: self.clone(), link }, icc))
    }

    fn link(&self, layout: Layout, icc: Option<&Arc<[u8]>>) -> Result<DeviceLink> {
        let meaning = match icc {
            Some(icc) => Meaning::read(icc, self.intent, layout)?,
            None => Meaning::assumed(layout),
        };
        let mix = match (meaning.colorants, self.to) {
            (None, Profile::Gray) => Mix::Same,
            (None, _) => Mix::Spread,
            (Some(colorants), Profile::Gray) => Mix::Weigh(narrow(colorants.v[1])),
            (Some(colorants), to) => {
                let matrix = to.colorants().inverse().mat_mul(colorants);
                Mix::Matrix(matrix.v.map(narrow))
            }
        };
        let (cube, tones, curve) = (meaning.cube, meaning.tones, self.to.curve());
        Ok(dispatch!(layout.sample, T => DeviceLink::new::<T>(cube, tones, mix, curve)))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights of samples")]
fn narrow(row: [f64; 3]) -> [f32; 3] {
    row.map(|weight| weight as f32)
}

impl Step for ConvertProfile {
    const NAME: &'static str = "convert_profile";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        let (converted, icc) = self.converted(image.layout(), image.icc())?;
        let image = match converted.link {
            None => image.into_owned(),
            Some(_) => tile(&converted, image, &[], ctx)?,
        };
        Ok(image.with_icc(Some(icc)))
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ConvertProfile {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Self::check(inputs[0])?;
        Ok(self.made_of(inputs[0]))
    }

    fn for_profile(&self, input: Layout, icc: Option<&Arc<[u8]>>) -> Result<Option<Profiled>> {
        let (converted, icc) = self.converted(input, icc)?;
        Ok(Some(Profiled { tile: Box::new(converted), icc: Some(icc) }))
    }

    /// As of an image without a profile.
    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.converted(inputs[0].image(), None)?.0.render(inputs, out, ctx)
    }
}

/// The step once it has seen the profile.
struct Converted {
    step: ConvertProfile,
    /// None where the image is in the profile already.
    link: Option<DeviceLink>,
}

impl Tile for Converted {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(self.step.made_of(inputs[0]))
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let pixel = |layout: Layout| Pixel {
            channels: usize::from(layout.channels),
            alpha: layout.has_alpha(),
        };
        let (from, to) = (pixel(inputs[0].image()), pixel(out.image()));
        dispatch!(out.sample_type(), T => {
            let input = inputs[0].crop(out.region()).typed::<T>()?;
            for (y, row) in out.rows::<T>()? {
                ctx.check()?;
                match &self.link {
                    Some(link) => link.row((input.row(y), from), (row, to)),
                    None => row.copy_from_slice(input.row(y)),
                }
            }
            Ok(())
        })
    }
}
