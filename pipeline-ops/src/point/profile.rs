//! What an ICC profile says of samples: read, checked, and made for the named ones.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use moxcms::{
    CmsError, ColorProfile, DataColorSpace, LutWarehouse, Matrix3d, ParsingOptions, ProfileClass,
    RenderingIntent, ToneReprCurve, TransformOptions, Xyzd,
};
use pipeline_core::{ColorSpace, Error, Layout, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Cube, Power, Tone};

/// Bytes that a profile may have: those of printing presses have up to three million.
const MOST_BYTES: usize = 10 << 20;

/// Tags that a profile may have: each may point to all of its bytes. Usual are 10 to 30.
const MOST_TAGS: u32 = 100;

/// Entries along each axis of the cube that stands for the tables of a profile.
const SIDE: usize = 33;

/// Where a profile says when it was made: year, month, day, hour, minute, second.
const DATE: Range<usize> = 24..36;

/// The date of all profiles that are made here: equal profiles are equal bytes.
const YEAR_2000: [u8; 12] = [0x07, 0xd0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];

/// The profiles that an image can be converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// sRGB, what is assumed where nothing is said.
    #[default]
    Srgb,
    /// The wider colours of present screens, with the tone curve of sRGB.
    DisplayP3,
    /// Adobe RGB (1998): the wider greens of cameras and prints, with a gamma of 2.2.
    AdobeRgb,
    /// The colours of sRGB, proportional to light.
    LinearSrgb,
    /// One channel of brightness, with the tone curve of sRGB.
    Gray,
}

/// Which tables of a profile are used, if it has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Those for photographs: colours are moved together so that they stay apart.
    #[default]
    Perceptual,
    /// Those that keep colours relative to white.
    RelativeColorimetric,
    /// Those for charts: colours stay strong.
    Saturation,
}

impl Profile {
    /// How light is encoded.
    pub(super) const fn curve(self) -> Power {
        match self {
            Self::Srgb | Self::DisplayP3 | Self::Gray => Power::SRGB,
            // What 16 bits of a profile hold of 2.2.
            Self::AdobeRgb => Power::gamma(563.0 / 256.0),
            Self::LinearSrgb => Power::gamma(1.0),
        }
    }

    /// The light of red, green and blue, as columns of X, Y and Z.
    pub(super) fn colorants(self) -> Matrix3d {
        self.described().colorant_matrix()
    }

    /// X, Y and Z of red, green and blue, seen under D50 (by Bradford), in parts of 65536 as
    /// profiles hold them: together they are white to the last part.
    const fn parts(self) -> [[i32; 3]; 3] {
        match self {
            Self::Srgb | Self::LinearSrgb | Self::Gray => {
                [[28576, 14581, 912], [25239, 46983, 6361], [9375, 3972, 46788]]
            }
            Self::DisplayP3 => [[33759, 15807, -69], [19135, 45367, 2745], [10296, 4362, 51385]],
            Self::AdobeRgb => [[39960, 20389, 1276], [13453, 41004, 3989], [9777, 4143, 48796]],
        }
    }

    /// The colour space of an image with this profile.
    pub(super) const fn color(self) -> ColorSpace {
        match self {
            Self::LinearSrgb => ColorSpace::LinearSrgb,
            Self::Srgb | Self::DisplayP3 | Self::AdobeRgb | Self::Gray => ColorSpace::Srgb,
        }
    }

    /// The bytes of the profile, the same each time.
    pub(super) fn icc(self) -> Result<Vec<u8>> {
        encode(&self.described())
    }

    fn described(self) -> ColorProfile {
        let mut profile = match self {
            Self::Srgb | Self::LinearSrgb => ColorProfile::new_srgb(),
            Self::DisplayP3 => ColorProfile::new_display_p3(),
            Self::AdobeRgb => ColorProfile::new_adobe_rgb(),
            Self::Gray => {
                return gray(ColorProfile::new_srgb().red_trc, "Gray, tone curve of sRGB");
            }
        };
        seen_under_d50(&mut profile);
        [profile.red_colorant, profile.green_colorant, profile.blue_colorant] =
            self.parts().map(color);
        // It would say the same in another way, for Display P3 with a white that is not its own.
        profile.cicp = None;
        if self == Self::LinearSrgb {
            (profile.red_trc, profile.green_trc, profile.blue_trc) =
                (straight(), straight(), straight());
            profile.description = named("sRGB, linear");
        }
        profile
    }
}

/// The profile that says of samples without one what their colour space does, for gray or RGB.
#[cfg(feature = "codecs")]
pub(crate) fn declaring(color: ColorSpace, is_gray: bool) -> Result<Vec<u8>> {
    match (color, is_gray) {
        (ColorSpace::LinearSrgb, true) => encode(&gray(straight(), "Gray, linear")),
        (ColorSpace::LinearSrgb, false) => Profile::LinearSrgb.icc(),
        (_, true) => Profile::Gray.icc(),
        (_, false) => Profile::Srgb.icc(),
    }
}

/// Whether samples with this profile are light or encoded; none where it cannot be read.
#[cfg(feature = "codecs")]
pub(crate) fn declared(icc: &[u8]) -> Option<ColorSpace> {
    let profile = parse(icc).ok()?;
    if tables(&profile, Intent::Perceptual).is_some() {
        return Some(ColorSpace::Srgb);
    }
    let curves = match profile.color_space {
        DataColorSpace::Gray => vec![&profile.gray_trc],
        _ => vec![&profile.red_trc, &profile.green_trc, &profile.blue_trc],
    };
    let tones = curves.into_iter().map(|curve| tone(curve.as_ref()?).ok());
    let tones: Vec<Tone> = tones.collect::<Option<_>>()?;
    let is_straight = |tone: &Tone| {
        (0..=u8::MAX).all(|share| {
            let share = f32::from(share) / 255.0;
            (tone.light(share) - share).abs() < 1e-4
        })
    };
    let is_light = tones.iter().all(is_straight);
    Some(if is_light { ColorSpace::LinearSrgb } else { ColorSpace::Srgb })
}

fn encode(profile: &ColorProfile) -> Result<Vec<u8>> {
    let encoded = profile.encode();
    let mut icc = encoded.map_err(|error| Error::failed(error.to_string()))?;
    // The crate writes the time of day.
    if let Some(date) = icc.get_mut(DATE) {
        date.copy_from_slice(&YEAR_2000);
    }
    Ok(icc)
}

fn gray(curve: Option<ToneReprCurve>, name: &str) -> ColorProfile {
    let mut gray = ColorProfile::new_gray_with_gamma(1.0);
    gray.gray_trc = curve;
    gray.cicp = None;
    gray.description = named(name);
    seen_under_d50(&mut gray);
    gray
}

/// Samples are light.
fn straight() -> Option<ToneReprCurve> {
    Some(ToneReprCurve::Lut(Vec::new()))
}

/// Colours are given as seen under D50, white among them; that of the crate is less exact.
fn seen_under_d50(profile: &mut ColorProfile) {
    profile.white_point = color([63190, 65536, 54061]);
    profile.media_white_point = Some(profile.white_point);
}

fn color(parts: [i32; 3]) -> Xyzd {
    let [x, y, z] = parts.map(|part| f64::from(part) / 65536.0);
    Xyzd { x, y, z }
}

fn named(name: &str) -> Option<moxcms::ProfileText> {
    let (language, country) = ("en".to_owned(), "US".to_owned());
    let text = moxcms::LocalizableString::new(language, country, name.to_owned());
    Some(moxcms::ProfileText::Localizable(vec![text]))
}

/// What the samples of an image stand for.
#[derive(Debug)]
pub(super) struct Meaning {
    /// Where it stands for tables: the way to the colours that the rest is about.
    pub(super) cube: Option<Cube>,
    /// One curve for all colours, or one for each.
    pub(super) tones: Vec<Tone>,
    /// The light of red, green and blue, as columns of X, Y and Z; none for gray.
    pub(super) colorants: Option<Matrix3d>,
}

impl Meaning {
    /// That of an image without a profile.
    pub(super) fn assumed(layout: Layout) -> Self {
        let profile = match layout.color {
            ColorSpace::LinearSrgb => Profile::LinearSrgb,
            _ => Profile::Srgb,
        };
        let colorants = (layout.channels > 2).then(|| profile.colorants());
        Self { cube: None, tones: vec![Tone::Power(profile.curve())], colorants }
    }

    /// That of an image with a profile.
    ///
    /// # Errors
    /// A profile that cannot be read, or is not for such an image.
    pub(super) fn read(icc: &[u8], intent: Intent, layout: Layout) -> Result<Self> {
        let profile = parse(icc)?;
        let signature = |at: usize| match icc.get(at..at + 4) {
            Some(name) => String::from_utf8_lossy(name).trim_end().to_owned(),
            None => String::new(),
        };
        let needed = match (profile.color_space, layout.channels) {
            (DataColorSpace::Gray, 1 | 2) | (DataColorSpace::Rgb, 3 | 4) => None,
            (_, 1 | 2) => Some("GRAY"),
            _ => Some("RGB"),
        };
        if let Some(needed) = needed {
            let expected = format!("one for {needed}, as the image is {layout}");
            return Err(refused(format_args!("for {}", signature(16)), expected));
        }
        let is_of_a_device = match profile.profile_class {
            ProfileClass::InputDevice
            | ProfileClass::DisplayDevice
            | ProfileClass::OutputDevice
            | ProfileClass::ColorSpace => true,
            ProfileClass::DeviceLink | ProfileClass::Abstract | ProfileClass::Named => false,
        };
        if !is_of_a_device {
            let found = format_args!("of the class `{}`", signature(12));
            return Err(refused(found, "one of a device or a colour space"));
        }
        if profile.color_space == DataColorSpace::Gray {
            return Self::of_gray(&profile);
        }
        match tables(&profile, intent) {
            Some(tables) => Self::of_tables(&profile, tables),
            None => Self::of_colors(&profile),
        }
    }

    fn of_gray(profile: &ColorProfile) -> Result<Self> {
        match &profile.gray_trc {
            Some(curve) if profile.pcs == DataColorSpace::Xyz => {
                Ok(Self { cube: None, tones: vec![tone(curve)?], colorants: None })
            }
            _ => Err(refused("without a curve of light", "one that has it")),
        }
    }

    fn of_colors(profile: &ColorProfile) -> Result<Self> {
        let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc];
        let [Some(red), Some(green), Some(blue)] = curves else {
            return Err(refused("without tone curves and tables", "one that has either"));
        };
        let colorants = profile.colorant_matrix();
        // Of the narrowest colours in use it is 0.05.
        let is_spread = colorants.determinant().is_some_and(|size| size.abs() > 1e-4);
        if profile.pcs != DataColorSpace::Xyz || !is_spread {
            return Err(refused("without three colours", "one that has them"));
        }
        let mut tones = vec![tone(red)?];
        if red != green || red != blue {
            tones.extend([tone(green)?, tone(blue)?]);
        }
        Ok(Self { cube: None, tones, colorants: Some(colorants) })
    }

    /// The tables are followed once for each entry of a cube, to colours that hold nearly all that
    /// can be seen. Entries of 16 bits, so that they do not depend on the machine.
    fn of_tables(profile: &ColorProfile, tables: &LutWarehouse) -> Result<Self> {
        let (inputs, outputs) = match tables {
            LutWarehouse::Lut(lut) => (lut.num_input_channels, lut.num_output_channels),
            LutWarehouse::Multidimensional(lut) => {
                (lut.num_input_channels, lut.num_output_channels)
            }
        };
        if (inputs, outputs) != (3, 3) {
            return Err(refused(format_args!("with tables from {inputs} to {outputs}"), "3 to 3"));
        }
        let (wide, pcs) = (ColorProfile::new_pro_photo_rgb(), profile.pcs);
        if pcs != DataColorSpace::Xyz && pcs != DataColorSpace::Lab {
            return Err(refused("with tables to other colours", "tables to XYZ or Lab"));
        }
        let mut only = profile.clone();
        only.lut_a_to_b_perceptual = Some(tables.clone());
        (only.lut_a_to_b_colorimetric, only.lut_a_to_b_saturation) = (None, None);
        let share = |place: usize| place as f32 / (SIDE - 1) as f32;
        let places =
            (0..SIDE.pow(3)).flat_map(|at| [at / SIDE / SIDE, at / SIDE % SIDE, at % SIDE]);
        let places: Vec<f32> = places.map(share).collect();
        let mut colors = vec![0.0; places.len()];
        guarded(|| {
            let options = TransformOptions {
                rendering_intent: RenderingIntent::Perceptual,
                allow_use_cicp_transfer: false,
                ..TransformOptions::default()
            };
            let rgb = moxcms::Layout::Rgb;
            let transform = only.create_transform_f32(rgb, &wide, rgb, options)?;
            transform.transform(&places, &mut colors)
        })?;
        let entry = |share: &f32| (share.clamp(0.0, 1.0) * 65535.0).round() / 65535.0;
        let colors: Vec<f32> = colors.iter().map(entry).collect();
        let cube = Cube::new(SIDE, colors.as_chunks::<3>().0.to_vec());
        let Some(cube) = cube.filter(|_| colors.iter().all(|share| share.is_finite())) else {
            return Err(refused("with tables that hold no colours", "numbers"));
        };
        let tones = vec![Tone::Power(Power::gamma(1.8))];
        Ok(Self { cube: Some(cube), tones, colorants: Some(wide.colorant_matrix()) })
    }
}

fn parse(icc: &[u8]) -> Result<ColorProfile> {
    if icc.len() > MOST_BYTES {
        return Err(Error::TooLarge {
            what: "the ICC profile".to_owned(),
            needed: icc.len() as u64,
            allowed: MOST_BYTES as u64,
        });
    }
    if let Some(&tags) = icc.get(128..).and_then(|rest| rest.first_chunk::<4>()) {
        let tags = u32::from_be_bytes(tags);
        if tags > MOST_TAGS {
            let expected = format!("{MOST_TAGS} at most");
            return Err(refused(format_args!("of {tags} tags"), expected));
        }
    }
    let options = ParsingOptions { max_profile_size: MOST_BYTES + 1, ..ParsingOptions::default() };
    guarded(|| ColorProfile::new_from_slice_with_options(icc, options))
}

/// What the crate makes of bytes from anywhere; a panic in it is a fault of the profile too.
fn guarded<T>(f: impl FnOnce() -> Result<T, CmsError>) -> Result<T> {
    let made = catch_unwind(AssertUnwindSafe(f)).unwrap_or(Err(CmsError::InvalidProfile));
    made.map_err(|error| refused(format_args!("damaged ({error})"), "one of ICC version 2 or 4"))
}

fn refused(found: impl std::fmt::Display, expected: impl Into<String>) -> Error {
    Error::input("the ICC profile", found, expected)
}

/// The tables for an intent, or those for all.
fn tables(profile: &ColorProfile, intent: Intent) -> Option<&LutWarehouse> {
    let wanted = match intent {
        Intent::Perceptual => &profile.lut_a_to_b_perceptual,
        Intent::RelativeColorimetric => &profile.lut_a_to_b_colorimetric,
        Intent::Saturation => &profile.lut_a_to_b_saturation,
    };
    wanted.as_ref().or(profile.lut_a_to_b_perceptual.as_ref())
}

fn tone(curve: &ToneReprCurve) -> Result<Tone> {
    let tone = match curve {
        ToneReprCurve::Lut(table) => match table.as_slice() {
            [] => Tone::Power(Power::gamma(1.0)),
            // A number with 8 bits behind the point.
            &[gamma] => Tone::Power(Power::gamma(f32::from(gamma) / 256.0)),
            table => Tone::Table(table.iter().map(|&light| f32::from(light) / 65535.0).collect()),
        },
        ToneReprCurve::Parametric(numbers) => {
            let [mut a, mut b, mut c, mut d, mut e, mut f] = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            match numbers[..] {
                [_] => {}
                [_, x, y] => (a, b, d) = (x, y, -y / x),
                [_, x, y, z] => (a, b, d, e, f) = (x, y, -y / x, z, z),
                [_, x, y, z, w] => (a, b, c, d) = (x, y, z, w),
                [_, x, y, z, w, v, u] => (a, b, c, d, e, f) = (x, y, z, w, v, u),
                _ => return Err(refused("with a curve of unknown form", "one of five")),
            }
            Tone::Power(Power { g: numbers[0], a, b, c, d, e, f })
        }
    };
    let is_finite = (0..=255u8).all(|share| tone.light(f32::from(share) / 255.0).is_finite());
    if is_finite { Ok(tone) } else { Err(refused("with a curve of no numbers", "numbers")) }
}

#[cfg(test)]
mod tests {
    use pipeline_core::SampleType;

    use super::*;

    #[cfg(feature = "codecs")]
    #[test]
    fn a_profile_says_whether_samples_are_light() {
        for is_gray in [true, false] {
            for color in [ColorSpace::Srgb, ColorSpace::LinearSrgb] {
                let icc = declaring(color, is_gray).unwrap();
                assert_eq!(declared(&icc), Some(color), "gray {is_gray}");
                assert_eq!(declared(&without_curves(&icc)), None, "gray {is_gray}");
                let layout = Layout::new(1, 1, if is_gray { 1 } else { 3 }, SampleType::U8);
                assert!(Meaning::read(&icc, Intent::Perceptual, layout).is_ok());
            }
        }
        let wide = [Profile::DisplayP3, Profile::AdobeRgb].map(|profile| profile.icc().unwrap());
        assert_eq!(wide.map(|icc| declared(&icc)), [Some(ColorSpace::Srgb); 2]);
        assert_eq!(declared(b"no profile"), None);
    }

    /// The profile with curves of a kind that nobody knows.
    #[cfg(feature = "codecs")]
    fn without_curves(icc: &[u8]) -> Vec<u8> {
        let mut icc = icc.to_vec();
        for at in 0..icc.len() - 4 {
            if matches!(&icc[at..at + 4], b"curv" | b"para") {
                icc[at..at + 4].copy_from_slice(b"what");
            }
        }
        icc
    }

    #[test]
    fn what_is_written_says_what_is_meant() {
        for profile in [
            Profile::Srgb,
            Profile::DisplayP3,
            Profile::AdobeRgb,
            Profile::LinearSrgb,
            Profile::Gray,
        ] {
            let icc = profile.icc().unwrap();
            assert_eq!(icc[DATE], YEAR_2000, "{profile:?}");
            assert_eq!(
                icc[68..80],
                [0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d],
                "{profile:?}"
            );
            let gray = profile == Profile::Gray;
            let layout = Layout::new(1, 1, if gray { 1 } else { 3 }, SampleType::U8);
            let meaning = Meaning::read(&icc, Intent::Perceptual, layout).unwrap();
            assert_eq!(meaning.tones.len(), 1);
            for share in 0..=100u8 {
                let share = f32::from(share) / 100.0;
                let back = profile.curve().share(meaning.tones[0].light(share));
                assert!((back - share).abs() < 5e-5, "{profile:?}: {share} is {back}");
            }
            let Some(colorants) = meaning.colorants else {
                assert!(gray);
                continue;
            };
            assert_eq!(colorants, profile.colorants(), "{profile:?}");
            let white = colorants.v.map(|row| row.iter().sum::<f64>() * 65536.0);
            assert_eq!(white, [63190.0, 65536.0, 54061.0], "{profile:?}");
        }
    }
}
